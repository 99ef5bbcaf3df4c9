"""What will compose, from pictures alone: every pair of conditions measured, in a table and words.

For conditions i and j over a background b:

- ``cosine``: ``<m_i - m_b, m_j - m_b> / (|m_i - m_b| |m_j - m_b|)`` of the mean pictures, to which
  the cosine of the score deltas tends at great noise;
- ``interaction``: the cosine of the exact score deltas along the path of the composition, their
  inner products summed over a window of noise levels (docs/method.md, section 5);
- ``absolute``: the sum of the sizes of these inner products in the window, in nats, as the table
  ``interaction`` of a run has it: parts of either sign do not cancel;
- ``success`` and the other outcomes of the exact composition, as the strict reader of pixels sees
  them (``strict_reader.py``); ``ceiling`` is the share of independent pairs of pictures that lie
  apart, which is what success would be if places were independent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from projcomp import seeds
from projcomp.config.evaluation import CONFIDENCE
from projcomp.diffusion.pixels import decode
from projcomp.errors import ConfigError, FileFormatError
from projcomp.evaluation.intervals import wilson
from projcomp.exact.featured import points_in
from projcomp.features.feature_map import RGB, Features
from projcomp.prediction.composing import (
    LEVELS,
    NUM_EVALUATIONS,
    Composed,
    Pair,
    compose,
    rounds,
)
from projcomp.prediction.strict_reader import DIFFERS, OUTCOMES, Shown, StrictReader, apart
from projcomp.words import brief

COLUMNS = ["first", "second", "cosine", "interaction", "absolute", "num_samples"]
COLUMNS += ["success", "success_low", "success_high", *OUTCOMES[1:], "ceiling"]
PICTURES = 8
"""Samples of a pair that are kept to be looked at."""


@dataclass(frozen=True)
class Recipe:
    """How it is measured.

    Attributes:
        num_samples: exact compositions of every pair.
        seed: root of the random streams.
        window: least and greatest noise level of the interaction.
        most: pictures of a condition; of more, so many are drawn.
        device: where it is computed.
        features: map in front of the pictures; what is composed are their features.
    """

    num_samples: int = 32
    seed: int = 0
    window: tuple[float, float] = (0.0, float("inf"))
    most: int = 1000
    device: torch.device | str = "cpu"
    features: Features = RGB

    def __post_init__(self) -> None:
        if not self.inside.any():
            raise ConfigError(
                f"--sigma-min: a window that holds one of the noise levels "
                f"{', '.join(f'{level:.3g}' for level in LEVELS.tolist())} expected, got "
                f"{self.window[0]:g} to {self.window[1]:g}: widen it"
            )

    @property
    def inside(self) -> Tensor:
        """Which of the noise levels lie in the window."""
        least, greatest = self.window
        return LEVELS.ge(least) & LEVELS.le(greatest)


@dataclass(frozen=True)
class Prediction:
    """What was found.

    Attributes:
        table: one row a pair, the columns :data:`COLUMNS`.
        pictures: the first samples of every pair, uint8 ``(n, H, W, 3)``.
        brightness: how much brighter each condition's mean picture is than the background's, by
            name, in steps of 255.
    """

    table: pd.DataFrame
    pictures: dict[Pair, NDArray[np.uint8]]
    brightness: dict[str, float]


class Judge(Protocol):
    """Says what became of a pair."""

    def outcomes(self, x: Tensor, pair: Pair) -> Tensor:
        """Numbers of :data:`~projcomp.prediction.strict_reader.OUTCOMES`, ``(S,)``.

        Args:
            x: samples of the pair, ``(S, 3, H, W)`` in [-1, 1] or beyond.
            pair: the names of its conditions.
        """
        ...

    def ceiling(self, pair: Pair) -> float:
        """The success that the pictures allow."""
        ...


class _Apart:
    """Each condition on an object of its own: the strict reader of pixels."""

    def __init__(self, ground: Tensor, pictures: Mapping[str, Tensor], device: Any) -> None:
        self._reader = StrictReader(ground, device)
        self._shown = {name: _learn(self._reader, name, some) for name, some in pictures.items()}

    def outcomes(self, x: Tensor, pair: Pair) -> Tensor:
        return self._reader.read(x, self._shown[pair[0]], self._shown[pair[1]])

    def ceiling(self, pair: Pair) -> float:
        return float(apart(self._shown[pair[0]], self._shown[pair[1]]).double().mean())


def predict(
    images: Mapping[str, NDArray[np.uint8]],
    background: NDArray[np.uint8],
    pairs: Sequence[Pair],
    recipe: Recipe,
    judge: Judge | None = None,
) -> Prediction:
    """Measure every pair, with a progress bar.

    Args:
        images: pictures of the conditions by name, uint8 ``(n, H, W, 3)``.
        background: those of the background.
        pairs: two names each.
        recipe: how.
        judge: who says what became of a pair; without one the strict reader, which looks for an
            object of each condition.

    Raises:
        FileFormatError: a condition has a single picture, or none that differs from the background.
    """
    asked = dict.fromkeys(name for pair in pairs for name in pair)
    for name in asked:
        if len(images[name]) < 2:
            raise FileFormatError(
                f"{brief(name)}: at least two pictures of a condition expected, got "
                f"{len(images[name])}: give more, or leave the condition out by --pairs"
            )
    some = {name: _some(images[name], name, recipe) for name in asked}
    ground = _some(background, "background", recipe)
    judge = judge or _Apart(ground, some, recipe.device)
    points = {name: points_in(recipe.features, pictures) for name, pictures in some.items()}
    empty = points_in(recipe.features, ground)
    deltas = {name: (p.center - empty.center).double() for name, p in points.items()}
    rows, pictures = [], {}
    todo = rounds(pairs, recipe.num_samples, empty.center.numel())
    with tqdm(total=len(todo) * NUM_EVALUATIONS, desc="exact compositions", disable=None) as bar:
        for some_pairs in todo:
            samples = compose(
                empty, points, some_pairs, recipe.num_samples, recipe.seed, lambda: bar.update()
            )
            for pair, composed in zip(some_pairs, samples, strict=True):
                first, second = pair
                seen = recipe.features.decode(composed.x)
                rows.append(
                    {
                        "first": first,
                        "second": second,
                        "cosine": _cosine(deltas[first], deltas[second]),
                        **_interaction(composed, recipe),
                        **_outcomes(judge, seen, pair),
                    }
                )
                pictures[pair] = decode(seen[:PICTURES])
    brightness = {
        name: float(pictures.float().mean() - ground.float().mean())
        for name, pictures in some.items()
    }
    return Prediction(pd.DataFrame(rows, columns=pd.Index(COLUMNS)), pictures, brightness)


def _some(images: NDArray[np.uint8], name: str, recipe: Recipe) -> Tensor:
    """At most so many of the pictures, drawn without replacement."""
    if len(images) > recipe.most:
        rng = seeds.generator(recipe.seed, "predict", "pictures", name)
        images = images[np.sort(rng.choice(len(images), recipe.most, replace=False))]
    return torch.from_numpy(np.ascontiguousarray(images)).to(recipe.device)


def _learn(reader: StrictReader, name: str, pictures: Tensor) -> Shown:
    shown = reader.learn(pictures)
    if not len(shown.energy):
        raise FileFormatError(
            f"{brief(name)}: pictures that differ from the background somewhere by more than "
            f"{127.5 * DIFFERS:.0f} of 255 steps expected, got none: name another background, or "
            "leave the condition out by --pairs"
        )
    return shown


def _cosine(a: Tensor, b: Tensor) -> float:
    """NaN where one of them is zero."""
    return float(a @ b / (a.norm() * b.norm()))


def _interaction(composed: Composed, recipe: Recipe) -> dict[str, float]:
    """Means over samples, in the window: the deltas' cosine, NaN where one is zero, and nats."""
    inside = composed.interaction[:, recipe.inside.to(composed.interaction.device)]
    total = inside.sum(1)
    cosine = total[:, 0, 1] / (total[:, 0, 0] * total[:, 1, 1]).sqrt()
    nats = inside[:, :, 0, 1].abs().sum(1)
    return {"interaction": float(cosine.mean()), "absolute": float(nats.mean())}


def _outcomes(judge: Judge, x: Tensor, pair: Pair) -> dict[str, Any]:
    found = judge.outcomes(x, pair)
    shares = {name: float((found == n).double().mean()) for n, name in enumerate(OUTCOMES)}
    low, high = wilson(round(shares["success"] * len(x)), len(x), CONFIDENCE)
    interval = {"success_low": low, "success_high": high}
    return {"num_samples": len(x), **shares, **interval, "ceiling": judge.ceiling(pair)}
