"""The page's reader of pixels and its words against those of `projcomp predict`."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from in_node import in_node, needs_node
from numpy.typing import NDArray

from projcomp.diffusion.pixels import encode
from projcomp.evaluation.intervals import wilson
from projcomp.prediction import sentences, strict_reader
from projcomp.prediction.strict_reader import OUTCOMES, StrictReader, apart

pytestmark = needs_node

SIDE = 12

READ = """(() => {
  const pixels = given.side ** 2;
  const bytes = Uint8Array.from(given.pictures.flat());
  const picture = (id) => Pool.picture(bytes, id, pixels);
  const ground = Float32Array.from(given.ground.flatMap((id) => [...picture(id)]));
  const reader = Reader.makeReader(given.rules, picture, ground, given.ground.length, pixels);
  const found = given.samples.map((x) => reader.read(Float32Array.from(x), given.asked));
  const ceiling = given.asked.length === 2 ? reader.ceiling(...given.asked) : null;
  return { found, outcomes: found.map(Reader.outcome), ceiling };
})()"""

RULES = {
    "differs": strict_reader.DIFFERS,
    "explained": strict_reader.EXPLAINED,
    "overlap": strict_reader.OVERLAP,
    "leftover": strict_reader.LEFTOVER,
    "width": SIDE,
}
GROUND = 3
RED, BLUE, GREEN = (200, 60, 60), (60, 60, 220), (60, 200, 60)


def with_square(picture: NDArray, color: tuple[int, int, int], row: int, column: int) -> NDArray:
    found = picture.copy()
    found[row : row + 3, column : column + 3] = color
    return found


def ground() -> NDArray[np.uint8]:
    rng = np.random.default_rng(1)
    return rng.integers(118, 124, (GROUND, SIDE, SIDE, 3)).astype(np.uint8)


def squares(color: tuple[int, int, int], columns: range) -> NDArray[np.uint8]:
    return np.stack([with_square(ground()[0], color, 1, column) for column in columns])


def read(samples: NDArray[np.uint8], *sets: NDArray[np.uint8]):
    """What the page reads of ``samples (n, H, W, 3)``; sets of renders, each ``(n, H, W, 3)``."""
    x = encode(torch.from_numpy(samples)).flatten(1)
    starts = np.cumsum([0, *(len(some) for some in sets)])
    every = np.concatenate([*sets, ground()])
    return in_node(
        READ,
        side=SIDE,
        pictures=[one.flatten().tolist() for one in every],
        ground=[int(starts[-1]) + k for k in range(GROUND)],
        asked=[[*range(a, b)] for a, b in pairwise(starts)],
        samples=x.tolist(),
        rules=RULES,
    )


@pytest.mark.parametrize(
    ("color", "outcomes"),
    [(BLUE, {*OUTCOMES} - {"together"}), (RED, {"together", "neither"})],
)
def test_pairs_are_read_as_predict_reads_them(color, outcomes: set[str]) -> None:
    red, blue = squares(RED, range(0, 9, 2)), squares(color, range(1 if color == BLUE else 0, 9, 3))
    rng = np.random.default_rng(2)
    samples = []
    for _ in range(60):
        picture = ground()[rng.integers(GROUND)].astype(float)
        for color in (RED, BLUE, GREEN):
            share = rng.choice([0.0, 0.4, 1.0])
            with_it = with_square(picture, color, 1, int(rng.integers(9)))
            picture += share * (with_it - picture)
        samples.append(picture.clip(0, 255).astype(np.uint8))
    pair = with_square(red[0], BLUE, 1, 7)
    samples += [*red[:2], pair, with_square(red[0], BLUE, 7, 7), with_square(pair, GREEN, 7, 3)]
    reader = StrictReader(torch.from_numpy(ground()))
    first, second = (reader.learn(torch.from_numpy(some)) for some in (red, blue))
    x = encode(torch.from_numpy(np.stack(samples)))
    wanted = [OUTCOMES[int(number)] for number in reader.read(x, first, second)]
    found = read(np.stack(samples), red, blue)
    assert found["outcomes"] == wanted
    assert outcomes <= set(wanted)
    assert found["ceiling"] == pytest.approx(float(apart(first, second).double().mean()))


def test_three_objects_and_a_stranger_are_counted() -> None:
    sets = [squares(RED, range(0, 2)), squares(BLUE, range(4, 6)), squares(GREEN, range(8, 10))]
    three = with_square(with_square(sets[0][0], BLUE, 1, 4), GREEN, 1, 8)
    stranger = with_square(three, RED, 8, 5)
    two = with_square(sets[0][0], BLUE, 1, 4)
    moved = with_square(two, GREEN, 7, 8)
    found = read(np.stack([three, stranger, two, moved]), *sets)["found"]
    assert [one["met"] for one in found] == [
        [True] * 3,
        [True] * 3,
        [True, True, False],
        [True, True, False],
    ]
    assert [one["others"] for one in found] == [0, 1, 0, 1]
    assert [one["apart"] for one in found] == [True, True, False, False]


def test_one_object_meets_one_of_two_requests_for_it() -> None:
    red = squares(RED, range(0, 2))
    found = read(red[:1], red, red)["found"][0]
    assert found["shows"] == [True, True]
    assert sorted(found["met"]) == [False, True]
    assert not found["apart"]


def test_pairs_are_told_in_the_words_of_predict() -> None:
    rows = [
        ("red", "blue", 0.9, 0.8),
        ("red", "cyan", 0.7, 0.7),
        ("blue", "cyan", 0.3, 0.9),
        ("red", "gray", 0.0, 0.6),
    ]
    table = pd.DataFrame(rows, columns=["first", "second", "success", "ceiling"])
    assert in_node(
        "Words.partners(given.rows, given.composes)",
        rows=table.to_dict("records"),
        composes=sentences.COMPOSES,
    ) == sentences._partners(table)


def test_rates_have_wilsons_interval() -> None:
    for good, count in ((0, 8), (5, 8), (8, 8)):
        found = in_node("Words.wilson(given.good, given.count)", good=good, count=count)
        assert found == pytest.approx(wilson(good, count, 0.95))
