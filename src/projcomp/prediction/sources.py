"""Pictures with a label each, from whatever they lie in: our datasets, arrays, folders by class."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from projcomp.data import collection
from projcomp.data.arrays import check_bright, open_h5, open_npz, read_images
from projcomp.data.class_folders import decoded
from projcomp.data.collection import open_collection
from projcomp.data.hdf5 import open_hdf5, reading, text
from projcomp.data.pictures import natural_order, open_pictures
from projcomp.data.shard_format import INDEX_KIND, SHARD_KIND
from projcomp.errors import ConfigError, FileFormatError
from projcomp.files.contents import HDF5, ZIP, what_is
from projcomp.files.inputs import check_input
from projcomp.prediction.arrays import read_labels
from projcomp.prediction.places import Division
from projcomp.prediction.rendered import COLUMNS, read_rendered
from projcomp.words import brief, quoted

ACCEPTED = f"a projcomp dataset, {collection.ACCEPTED}"
"""What can be predicted from, in words."""

MOST_CONDITIONS = 100
"""Conditions of which all pairs are taken; a column of more is a number or a name of each image."""

Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Labelled:
    """Pictures by the name of their condition.

    Attributes:
        path: what they were read from.
        images: uint8 ``(n, H, W, 3)`` each.
    """

    path: Path
    images: dict[str, Images]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of every picture, pixels."""
        height, width = next(iter(self.images.values())).shape[1:3]
        return height, width


def read_labelled(path: Path, by: str, division: Division) -> Labelled:
    """The pictures that lie at ``path``, by their labels in natural order.

    Args:
        path: an index or a shard, or what ``data/collection.py`` opens.
        by: the column of the labels; of a folder, whatever its folders are called by.
        division: how positions become conditions, where ``by`` is ``position``.

    Raises:
        FileFormatError: it holds no pictures with such labels, or is damaged.
    """
    images, labels, order = _column(path, by, division)
    groups = {name: images[labels == name] for name in order}
    return Labelled(path, {name: group for name, group in groups.items() if name and len(group)})


def read_columns(
    path: Path, columns: Sequence[str], division: Division
) -> tuple[Images, dict[str, NDArray[np.str_]]]:
    """All pictures that lie at ``path``, and the labels of each in some columns.

    Raises:
        FileFormatError: it holds no pictures with such labels, or is damaged.
    """
    if path.is_dir():
        raise FileFormatError(
            f"{path}: a file with columns of labels expected, got a folder, which has one label a "
            "picture: leave out --with"
        )
    images, found = np.empty(0, np.uint8), {}
    for by in columns:
        images, found[by], _ = _column(path, by, division)
    return images, found


def _column(path: Path, by: str, division: Division) -> tuple[Images, NDArray[np.str_], list[str]]:
    """The pictures of a file, the label of each in one column, and the labels in order."""
    kind = _kind(path)
    if kind in (SHARD_KIND, INDEX_KIND):
        if by not in COLUMNS:
            raise _no_column(path, by, COLUMNS)
        return read_rendered(path, by, division)
    stored = open_collection(path, ACCEPTED)
    if path.is_dir():
        by = stored.columns[0]  # whatever the folders are called by
    if by not in stored.columns:
        raise _no_column(path, by, stored.columns)
    images = read_images(stored)
    labels = read_labels(stored, by, division, len(images))
    check_bright(path, images)
    return images, labels, sorted(set(labels.tolist()), key=natural_order)


def split_background(source: Labelled, background: str) -> tuple[Labelled, Images]:
    """The conditions, and the background: one of the labels, or else the pictures of a file.

    Raises:
        FileFormatError: it is neither; its pictures have another size; too few conditions are left.
    """
    if not source.images:
        raise FileFormatError(
            f"{source.path}: pictures with a condition expected, got none with one: take another "
            "column; of positions other --places, or a greater --bandwidth"
        )
    if background in source.images:
        rest = {name: images for name, images in source.images.items() if name != background}
        found = Labelled(source.path, rest), source.images[background]
    elif Path(background).exists():
        found = source, read_pictures(Path(background))
        size = found[1].shape[1:3]
        if size != source.size:
            raise FileFormatError(
                f"{background}: {source.size[1]} x {source.size[0]} pixels expected, as in "
                f"{source.path}, got {size[1]} x {size[0]}: give a background of that size"
            )
    else:
        raise FileFormatError(
            f"--background: a label among {_listed(list(source.images))} or a file of images "
            f"expected, got {quoted(background)}: name one"
        )
    if len(found[0].images) < 2:
        told = _listed(list(found[0].images)) if found[0].images else "none"
        raise FileFormatError(
            f"{source.path}: at least two conditions beside the background expected, got {told}: "
            "take another column, or other data"
        )
    return found


def choose_pairs(names: Sequence[str], asked: str | None) -> list[tuple[str, str]]:
    """All pairs of conditions, or those that are asked for as ``red-blue,red-cyan``.

    The names of each stand in their own order: blue with red is red with blue, on the same noise.

    Raises:
        ConfigError: one is no pair of two known conditions, or can be read as several; there are
            too many conditions to take all pairs.
    """
    if asked is None:
        if len(names) > MOST_CONDITIONS:
            raise ConfigError(
                f"--by: a column of at most {MOST_CONDITIONS} labels expected, got {len(names)}: "
                "take another one, or name some by --pairs"
            )
        return [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    pairs: list[tuple[str, str]] = []
    for word in asked.split(","):
        parts = word.strip().split("-")
        splits = [("-".join(parts[:i]), "-".join(parts[i:])) for i in range(1, len(parts))]
        found = [(a, b) for a, b in splits if a in names and b in names and a != b]
        if len(found) != 1:
            ways = ", or ".join(f"{brief(a)} with {brief(b)}" for a, b in found)
            wrong = f", which is {ways}: rename a label" if ways else ": correct it"
            example = "-".join(brief(name) for name in names[:2])
            raise ConfigError(
                f"--pairs: pairs such as {example} of {_listed(names)} expected, got "
                f"{quoted(word)}{wrong}"
            )
        first, second = sorted(found[0], key=names.index)
        if (first, second) not in pairs:
            pairs.append((first, second))
    return pairs


def is_rendered(path: Path) -> bool:
    """Whether it is a dataset of ours, an index or a shard.

    Raises:
        FileFormatError: it is nothing that can be read.
    """
    return _kind(path) in (SHARD_KIND, INDEX_KIND)


def _kind(path: Path) -> str:
    """The kind of a file of ours; of anything else nothing."""
    if path.is_dir():
        return ""
    check_input(path, ACCEPTED, "check its name")
    if what_is(path) != HDF5:
        return ""
    with open_hdf5(path, ACCEPTED) as file, reading(path, ACCEPTED):
        return text(file, "kind")


def read_pictures(path: Path) -> Images:
    """All pictures of a background's file or folder, uint8 ``(N, H, W, 3)``.

    Raises:
        FileFormatError: it holds none, or is damaged.
    """
    if path.is_dir():
        return decoded(open_pictures([path]))
    check_input(path, "a background's images", "check its name")
    looks = what_is(path)
    if looks == ZIP:
        return read_images(open_npz(path))
    if looks == HDF5 and not _kind(path):
        return read_images(open_h5(path))
    return decoded(open_pictures([path]))


def _no_column(path: Path, by: str, known: Sequence[str]) -> FileFormatError:
    told = f"a column among {_listed(known)}" if known else "a column of labels beside images"
    return FileFormatError(f"{path}: {told} expected, got {quoted(by)}: correct --by")


def _listed(names: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(brief(name) for name in names[:most])
    return f"{shown}, and {len(names) - most} more" if len(names) > most else shown
