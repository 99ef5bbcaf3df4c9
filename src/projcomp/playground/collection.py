"""The pictures that a page carries, with what their objects are asked for by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from projcomp import seeds
from projcomp.data.shard_format import VOCABULARY
from projcomp.errors import ConfigError, FileFormatError
from projcomp.prediction.places import Division
from projcomp.prediction.rendered import COLUMNS, read_single
from projcomp.prediction.sources import Labelled, is_rendered, read_labelled, read_pictures
from projcomp.words import quoted

MOST_BACKGROUNDS = 64
"""Pictures of the background; of more, so many are drawn."""

Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Collection:
    """Pictures of single objects, and of the ground without any.

    Attributes:
        images: uint8 ``(N, H, W, 3)``.
        labels: attribute to its names, all of which occur, and the number of each image's, uint16
            ``(N,)``; of our own datasets those of which several occur.
        points: where the objects are, ``(N, 2)`` in [0, 1] from the top left; None where unknown.
        backgrounds: uint8 ``(B, H, W, 3)``, B 0 where none are given.
    """

    images: Images
    labels: Mapping[str, tuple[list[str], NDArray[np.uint16]]]
    points: NDArray[np.float64] | None
    backgrounds: Images


def collect(
    datasets: Sequence[Path], by: str, background: str | None, *, most: int, seed: int
) -> Collection:
    """Read the pictures of ``datasets``: our own with all that is known of their objects.

    Args:
        datasets: several datasets of ours, or one of whatever ``projcomp predict`` reads.
        by: the column of the conditions of the latter; "position" or an attribute of ours.
        background: a label of that column, or a file of pictures; None for none.
        most: pictures of every dataset; of more, so many are drawn.
        seed: root of the random streams.

    Raises:
        ConfigError: the datasets do not go together.
        FileFormatError: they hold no such pictures, or are damaged.
    """
    ours = [is_rendered(path) for path in datasets]
    if len(datasets) > 1 and not all(ours):
        other = datasets[ours.index(False)]
        raise ConfigError(
            f"{other}: projcomp datasets, or one dataset of another kind, expected, got several: "
            "name one"
        )
    if not ours[0]:
        return _foreign(datasets[0], by, background, most, seed)
    if by not in COLUMNS:
        raise ConfigError(
            f"--by: one of {', '.join(COLUMNS)} expected, got {quoted(by)}: correct it"
        )
    read = [_drawn(*read_single(path), path.stem, most, seed) for path in datasets]
    images = _together(datasets, [images for images, _ in read])
    table = np.concatenate([table for _, table in read])
    labels = {
        name: found
        for name, names in VOCABULARY.items()
        if len((found := _occurring(names, table[name]))[0]) > 1
    }
    ground = _ground(datasets[0], images, background, seed)
    return Collection(images, labels, table["pixel"].clip(0, 1), ground)


def _occurring(names: list[str], numbers: NDArray) -> tuple[list[str], NDArray[np.uint16]]:
    """The names that occur, in their order, and the new number of each image's."""
    there, again = np.unique(numbers, return_inverse=True)
    return [names[number] for number in there], again.astype(np.uint16)


def _foreign(path: Path, by: str, background: str | None, most: int, seed: int) -> Collection:
    found = read_labelled(path, by, Division())
    conditions = {name: some for name, some in found.images.items() if name != background}
    if not conditions:
        raise FileFormatError(
            f"{path}: a condition beside the background expected, got none: take another column"
        )
    images = np.concatenate(list(conditions.values()))
    sizes = [len(some) for some in conditions.values()]
    numbers = np.repeat(np.arange(len(sizes), dtype=np.uint16), sizes)
    images, numbers = _drawn(images, numbers, path.stem, most, seed)
    ground = _ground(path, images, background, seed, found)
    return Collection(images, {by: (list(conditions), numbers)}, None, ground)


def _ground(
    path: Path, images: Images, background: str | None, seed: int, found: Labelled | None = None
) -> Images:
    """The pictures of the background, at most so many."""
    if background is None:
        return images[:0]
    if found is not None and background in found.images:
        ground = found.images[background]
    elif Path(background).exists():
        ground = read_pictures(Path(background))
    else:
        known = f"a label among {', '.join(list(found.images)[:12])} or " if found else ""
        raise FileFormatError(
            f"--background: {known}a file of images expected, got {quoted(background)}: name one"
        )
    _together([path, Path(background)], [images, ground])
    return _drawn(ground, np.zeros(len(ground)), "background", MOST_BACKGROUNDS, seed)[0]


def _drawn(
    images: Images, table: NDArray, name: str, most: int, seed: int
) -> tuple[Images, NDArray]:
    """At most so many, in their order, drawn without replacement."""
    if len(images) <= most:
        return images, table
    rng = seeds.generator(seed, "playground", name)
    chosen = np.sort(rng.choice(len(images), most, replace=False))
    return images[chosen], table[chosen]


def _together(paths: Sequence[Path], images: Sequence[Images]) -> Images:
    first = images[0].shape[1:3]
    for path, some in zip(paths, images, strict=True):
        if some.shape[1:3] != first:
            raise FileFormatError(
                f"{path}: {first[1]} x {first[0]} pixels expected, as in {paths[0]}, got "
                f"{some.shape[2]} x {some.shape[1]}: give images of one size"
            )
    return np.concatenate(images)
