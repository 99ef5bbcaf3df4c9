"""The stage: from a file or a folder of the user's to a dataset that models learn from."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from projcomp import seeds
from projcomp.conditions.position import POSITION
from projcomp.config.conditions import LABEL_VALUE
from projcomp.config.pictures import VALUE_LETTERS
from projcomp.data.arrays import Stored, check_bright, read_images
from projcomp.data.collection import ACCEPTED, open_collection
from projcomp.data.column import points_of, texts_of
from projcomp.data.picture_sets import PictureSet, write_picture_set
from projcomp.errors import FileFormatError
from projcomp.files.idx_names import is_idx_images, labels_beside
from projcomp.words import short

if TYPE_CHECKING:
    from projcomp.settings.stages import LabelSettings, ReadSettings

Images = NDArray[np.uint8]


def read_dataset(settings: "ReadSettings", out: Path) -> None:
    """Read a dataset and write it to ``out``.

    Raises:
        FileFormatError: the file is missing, damaged or of another kind; its pictures or labels
            are not what the settings say.
    """
    write_picture_set(out, pictures_of(settings), settings.model_dump(mode="json"))


def look(settings: "ReadSettings", mend: str = "check its name") -> None:
    """See that the file is there, of a known kind, and has the columns; nothing more is read.

    Args:
        settings: what is to be read.
        mend: how to get the file where there is none.

    Raises:
        FileFormatError: it is not, or has not.
    """
    _opened(settings, mend)


def pictures_of(settings: "ReadSettings") -> PictureSet:
    """The pictures and labels that the settings describe.

    Raises:
        FileFormatError: as of :func:`read_dataset`.
    """
    stored = _opened(settings)
    images = read_images(stored)
    check_bright(stored.path, images)
    labels = {
        name: _numbers(stored, name, asked, len(images))
        for name, asked in settings.labels.items()
        if name != POSITION
    }
    points = None
    if POSITION in settings.labels:
        column = settings.labels[POSITION].column
        points = points_of(stored.path, column, stored.read(column), len(images))
    kept = np.ones(len(images), dtype=bool)
    for name, wanted in settings.only.items():
        numbers = [settings.labels[name].values.index(value) for value in wanted]
        kept &= np.isin(labels[name], numbers)
    rows = np.flatnonzero(kept)
    if settings.part is not None:
        number, parts = settings.part
        rng = seeds.generator(settings.seed or 0, "read", "parts")
        rows = np.sort(rng.permutation(rows)[number - 1 :: parts])
    labels = {name: numbers[rows] for name, numbers in labels.items()}
    _check_all_there(stored.path, settings, labels)
    if len(rows) < 2:
        raise FileFormatError(
            f"{stored.path}: at least 2 pictures expected, of which one is held out, got "
            f"{len(rows)}: choose more by datasets.{settings.dataset}.only"
        )
    return PictureSet(
        fitted(images[rows], settings.resolution, settings.fit, stored.path, settings.dataset),
        {name: (settings.labels[name].values, numbers) for name, numbers in labels.items()},
        None if points is None else points[rows],
    )


def fitted(images: Images, side: int, how: str | None, path: Path, dataset: str) -> Images:
    """Images ``(N, H, W, 3)`` as ``(N, side, side, 3)``.

    Args:
        images: uint8.
        side: pixels.
        how: ``pad`` repeats the border on all sides, ``resize`` takes means of pixels (a triangle
            filter as wide as a new pixel); None takes images of that size alone.
        path: where they come from, for messages.
        dataset: its name, for messages.

    Raises:
        FileFormatError: they are of another size, or too large to be padded.
    """
    height, width = images.shape[1:3]
    if (height, width) == (side, side):
        return images
    if how == "pad" and max(height, width) <= side:
        down, right = side - height, side - width
        around = ((0, 0), (down // 2, down - down // 2), (right // 2, right - right // 2), (0, 0))
        return np.pad(images, around, mode="edge")
    if how == "resize":
        size, triangle = (side, side), Image.Resampling.BILINEAR
        return np.stack([np.asarray(Image.fromarray(one).resize(size, triangle)) for one in images])
    fit = "resize" if max(height, width) > side else "pad or resize"
    raise FileFormatError(
        f"{path}: {side} x {side} pixels expected, which is resolution, got {width} x {height}: "
        f"set datasets.{dataset}.fit to {fit}, or another resolution"
    )


def _opened(settings: "ReadSettings", mend: str = "check its name") -> Stored:
    """The file, seen to have the columns of the labels."""
    path = Path(settings.file)
    stored = open_collection(path, ACCEPTED, mend)
    for name, asked in settings.labels.items():
        if asked.column not in stored.columns:
            known = ", ".join(stored.columns[:12]) or "none"
            where = f"datasets.{settings.dataset}.labels.{name}"
            if is_idx_images(path) and not stored.columns:
                raise FileFormatError(
                    f"{path}: its labels beside it expected for {where}, got no file "
                    f"{labels_beside(path)}: put it there"
                )
            raise FileFormatError(
                f"{path}: a column {short(asked.column)} expected for {where}, got {known}: "
                "correct it"
            )
    return stored


def _numbers(stored: Stored, name: str, asked: "LabelSettings", count: int) -> NDArray[np.int64]:
    """The number of each picture's value, ``(count,)``.

    Whole numbers of the file are names where all names are numbers, and else places in their list.
    """
    column = stored.read(asked.column)
    texts = texts_of(stored.path, asked.column, column, count)
    values = asked.values
    if column.dtype.kind in "iu" and not all(value.isdecimal() for value in values):
        names = {str(number): number for number in range(len(values))}
    else:
        names = {value: number for number, value in enumerate(values)}
    found, which = np.unique(texts, return_inverse=True)
    unknown = [one for one in found.tolist() if one not in names]
    if unknown:
        number = int((texts == unknown[0]).sum())
        got = f"{short(unknown[0])} in {number:,} pictures" if unknown[0] else f"none in {number:,}"
        mend = f"correct the file, or labels.{name}"
        if unknown[0] and not re.fullmatch(LABEL_VALUE, unknown[0]):  # which no label can name
            change = "rename the folder" if stored.path.is_dir() else "map that value"
            mend = f"{change} to a name of {VALUE_LETTERS}, and write this under labels.{name}"
        raise FileFormatError(
            f"{stored.path}: values among {short(', '.join(names))} expected in {asked.column}, "
            f"got {got}: {mend}"
        )
    return np.array([names[one] for one in found.tolist()], dtype=np.int64)[which]


def _check_all_there(
    path: Path, settings: "ReadSettings", labels: dict[str, NDArray[np.int64]]
) -> None:
    """Refuse values that no picture has: a model would be asked for what it never saw."""
    for name, numbers in labels.items():
        values = settings.labels[name].values
        wanted = settings.only.get(name, values)
        there = {values[number] for number in np.unique(numbers).tolist()}
        missing = [value for value in wanted if value not in there]
        if missing:
            raise FileFormatError(
                f"{path}: pictures of every value of {name} expected, got none of {missing[0]}: "
                f"leave it out by datasets.{settings.dataset}.only"
            )
