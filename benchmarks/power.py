"""How often the tests of Definition 4.1 tell real renders that are wrong in a known way.

python benchmarks/power.py --root .

From the demo's dataset ``placed`` (a render's one object stands at one of nine places) two sets of
renders with an object at the same place are drawn; in the first, every render or a share of them is
spoilt. Printed is the share of repetitions, over places and draws, in which a permutation test of
the window around the place has p at most 0.05. Where nothing is spoilt that is the level.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from projcomp.data.index import find_shards, read_first
from projcomp.evaluation.classifier import held_out_accuracy
from projcomp.evaluation.crops import at_place, elsewhere, window
from projcomp.evaluation.two_sample import (
    compare,
    distances,
    energy_coefficient,
    gaussian_kernel,
    kernel_discrepancy,
)
from projcomp.folder import Folder

RADIUS = 0.09
LEVEL = 0.05
PERMUTATIONS = 199

Images = NDArray[np.uint8]


class Renders:
    """Renders with an object at one place, where it is seen in them, and empty ones."""

    def __init__(self, images: Images, masks: Images, place: tuple[float, float], empty: Images):
        self.images, self.place, self.empty = images, place, empty
        self.seen = masks[..., None] > 0

    def spoilt(self, kind: str, chosen: NDArray[np.intp], rng: np.random.Generator) -> Images:
        """The renders ``chosen``, spoilt."""
        images, seen = self.images[chosen], self.seen[chosen]
        ground = self.empty[rng.integers(len(self.empty), size=len(images))]
        turn = np.arange(len(images))[:, None, None, None]
        match kind:
            case "shifted by a pixel":
                left = np.where(seen, ground, images)
                return np.where(np.roll(seen, 1, axis=2), np.roll(images, 1, axis=2), left)
            case "duplicated":
                moved = np.roll(images, images.shape[2] // 2, axis=2)
                return np.where(np.roll(seen, images.shape[2] // 2, axis=2), moved, images)
            case "dropped in 1 of 4":
                return np.where(turn % 4 == 0, ground, images)
            case "dropped in 1 of 8":
                return np.where(turn % 8 == 0, ground, images)
            case "gray":
                return np.where(seen, images.mean(3, keepdims=True).astype(np.uint8), images)
            case "gray in 1 of 2":
                gray = images.mean(3, keepdims=True).astype(np.uint8)
                return np.where(seen & (turn % 2 == 0), gray, images)
            case "faded by a third":
                return (images - (images.astype(float) - ground) / 3).round().astype(np.uint8)
            case "merged with another":
                other = self.images[rng.permutation(len(self.images))[: len(images)]]
                return ((images.astype(int) + other) // 2).astype(np.uint8)
        return images


KINDS = (
    "nothing",
    "shifted by a pixel",
    "duplicated",
    "dropped in 1 of 4",
    "dropped in 1 of 8",
    "gray",
    "gray in 1 of 2",
    "faded by a third",
    "merged with another",
)


def read(folder: Folder) -> list[Renders]:
    """The renders of every place."""
    shards = find_shards(folder.index("placed"))
    images, masks, objects = read_first(shards, ["images", "masks", "objects"], 10**6)
    (empty,) = read_first(find_shards(folder.index("empty")), ["images"], 500)
    points = objects["pixel"][:, 0]
    number = len(shards.settings["points"])
    groups = [np.flatnonzero(np.arange(len(images)) % number == place) for place in range(number)]
    return [
        Renders(images[rows], masks[rows], tuple(points[rows].mean(0)), empty) for rows in groups
    ]


def told(x: NDArray[np.float32], y: NDArray[np.float32], rng: np.random.Generator) -> list[bool]:
    """Whether each test tells two sets of points apart."""
    both = np.concatenate([x, y])
    how = {"rng": rng, "permutations": PERMUTATIONS}
    tests: list[Callable] = [
        lambda: compare(distances(both), len(x), energy_coefficient, 0.95, **how),
        lambda: compare(gaussian_kernel(both), len(x), kernel_discrepancy, 0.95, **how),
        lambda: held_out_accuracy(x, y, 0.95, **how),
    ]
    return [test().p_value <= LEVEL for test in tests]


def power(renders: list[Renders], kind: str, number: int, draws: int) -> NDArray[np.float64]:
    """Share told by each of the tests, in the window and then in the rest."""
    rng = np.random.default_rng(number)
    found = []
    for some in renders:
        for _ in range(draws):
            order = rng.permutation(len(some.images))[: 2 * number]
            first = some.spoilt(kind, order[:number], rng)
            second = some.images[order[number:]]
            parts = [at_place(images, some.place, RADIUS) for images in (first, second)]
            rest = [elsewhere(images, [some.place], RADIUS) for images in (first, second)]
            found.append([*told(*parts, rng), told(*rest, rng)[0]])
    return np.mean(found, axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path("."))
    parser.add_argument("--draws", type=int, default=4, help="repetitions per place")
    parser.add_argument("--numbers", type=int, nargs="+", default=[16, 32, 50])
    arguments = parser.parse_args()
    renders = read(Folder(str(arguments.root)))
    side = renders[0].images.shape[1]
    rows, _ = window(renders[0].place, RADIUS, (side, side))
    print(f"{len(renders)} places, {len(renders) * arguments.draws} repetitions each,")
    print(f"{side} x {side} pixels, windows of {rows.stop - rows.start} rows\n")
    print("| spoilt | images of either set | energy | mmd | classifier | energy of the rest |")
    print("| --- | --- | --- | --- | --- | --- |")
    for kind in KINDS:
        for number in arguments.numbers:
            shares = power(renders, kind, number, arguments.draws)
            print(f"| {kind} | {number} | " + " | ".join(f"{share:.2f}" for share in shares) + " |")


if __name__ == "__main__":
    main()
