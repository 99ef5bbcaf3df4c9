"""What became of attributes that were asked for, on pictures of known objects."""

import numpy as np
import pytest

from projcomp.evaluation.binding import outcome
from projcomp.scenes.vocabulary import COLORS, SHAPES
from projcomp.settings.case import Wanted


def picture(*described: str) -> dict[str, np.ndarray]:
    """The objects of one picture, each told as "red cube"."""
    words = [one.split() for one in described]
    return {
        "color": np.array([[list(COLORS).index(color) for color, _ in words]]).reshape(1, -1),
        "shape": np.array([[SHAPES.index(shape) for _, shape in words]]).reshape(1, -1),
        "pixel": np.linspace([0.1, 0.5], [0.9, 0.5], len(words))[None],
        "there": np.ones((1, len(words)), dtype=bool),
    }


RED_CUBE = [Wanted(told={"color": "red", "shape": "cube"})]
TWO = [*RED_CUBE, Wanted(told={"color": "blue", "shape": "sphere"})]
NOT_RED = [Wanted(told={"shape": "cube"}, avoided={"color": "red"})]
NOTHING_RED = [Wanted(told={}, avoided={"color": "red"})]
PLACED = [Wanted(told={"position": (0.1, 0.5), "color": "red"})]


@pytest.mark.parametrize(
    ("asked", "shown", "expected"),
    [
        (RED_CUBE, ["red cube"], "right"),
        (RED_CUBE, ["red cube", "gray sphere"], "right"),
        (RED_CUBE, ["red sphere", "blue cube"], "unbound"),
        (RED_CUBE, ["red sphere"], "partial"),
        (RED_CUBE, ["blue cube", "gray cube"], "partial"),
        (RED_CUBE, ["blue sphere"], "neither"),
        (RED_CUBE, [], "neither"),
        (TWO, ["red cube", "blue sphere"], "right"),
        (TWO, ["red sphere", "blue cube"], "unbound"),
        (TWO, ["red cube"], "lost"),
        (TWO, ["red sphere"], "lost"),
        (TWO, ["gray cylinder"], "neither"),
        (TWO, ["red cube", "gray cylinder"], "partial"),
        (TWO, ["red cube", "blue cube"], "partial"),
        (NOT_RED, ["blue cube", "red sphere"], "right"),
        (NOT_RED, ["red cube"], "partial"),
        (NOT_RED, [], "neither"),
        (NOTHING_RED, ["blue cube", "red sphere"], "right"),
        (NOTHING_RED, ["red sphere"], "neither"),
        (NOTHING_RED, [], "neither"),
        ([*NOT_RED, *NOTHING_RED], ["blue cube"], "lost"),
        (NOT_RED, ["blue sphere"], "neither"),
        (PLACED, ["red cube", "blue cube"], "right"),
        (PLACED, ["blue cube", "red cube"], "unbound"),
        (PLACED, ["blue cube"], "partial"),
    ],
)
def test_each_outcome_on_a_known_picture(
    asked: list[Wanted], shown: list[str], expected: str
) -> None:
    assert outcome(picture(*shown), asked, 0.09) == expected
