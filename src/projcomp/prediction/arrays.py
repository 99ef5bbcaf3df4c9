"""Anybody's arrays: ``images`` and a column of labels beside them, in an .npz or HDF5 file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from projcomp.data.hdf5 import is_unwritten, open_hdf5, reading
from projcomp.errors import FileFormatError
from projcomp.files.npz import names_in, read_array
from projcomp.prediction.places import Division

IMAGES = "images"
_SHAPES = "(N, H, W) or (N, H, W, 3)"
_EXPECTED = f"images as uint8, or as floats in [0, 1], of shape {_SHAPES}"


@dataclass(frozen=True)
class Stored:
    """The arrays of one file.

    Attributes:
        path: the file.
        columns: what stands beside the images.
        read: one of them as a numpy array, ``images`` among them.
    """

    path: Path
    columns: Sequence[str]
    read: Callable[[str], NDArray[Any]]


def open_npz(path: Path) -> Stored:
    """The arrays of an ``.npz`` file; nothing is ever unpickled.

    Raises:
        FileFormatError: it is damaged, or has no images.
    """
    return _stored(path, names_in(path), partial(read_array, path))


def open_h5(path: Path) -> Stored:
    """The datasets of an HDF5 file of anybody's.

    Raises:
        FileFormatError: it is damaged, or has no images.
    """

    def read(name: str) -> NDArray[Any]:
        with open_hdf5(path, _EXPECTED) as file, reading(path, _EXPECTED):
            found: Any = file[name]
            if is_unwritten(found):
                raise FileFormatError(
                    f"{path}: {name} written in full expected, got some that were never written: "
                    "write them"
                )
            names = h5py.check_enum_dtype(found.dtype)
            if names is not None:
                words = {number: word for word, number in names.items()}
                return np.array([words.get(int(number), str(number)) for number in found[:]])
            if h5py.check_string_dtype(found.dtype) is not None:
                return np.asarray(found.asstr()[:]).astype(str)
            return found[:]

    with open_hdf5(path, _EXPECTED) as file, reading(path, _EXPECTED):
        names = [name for name, item in file.items() if isinstance(item, h5py.Dataset)]
    return _stored(path, names, read)


def read_images(stored: Stored) -> NDArray[np.uint8]:
    """The images, uint8 ``(N, H, W, 3)``; floats are rounded to 255 steps, gray becomes RGB.

    Raises:
        FileFormatError: they are of another type, shape or range.
    """
    images = stored.read(IMAGES)
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise _wrong(stored.path, f"{images.dtype} {images.shape}", "convert them")
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] != 3):
        first = images.ndim == 4 and images.shape[1] in (1, 3)
        mend = "move the channels last" if first else "reshape them"
        raise _wrong(stored.path, f"shape {images.shape}", mend)
    if 0 in images.shape:
        raise _wrong(stored.path, f"none (shape {images.shape})", "store some")
    if images.dtype.kind == "f":
        low, high = float(images.min()), float(images.max())
        if np.isnan(low):
            raise _wrong(stored.path, "floats that are no numbers (NaN)", "mend them")
        if low < 0 or high > 1:
            mend = "divide them by 255" if low >= 0 and high <= 255 else "scale them"
            raise _wrong(stored.path, f"floats from {low:g} to {high:g}", mend)
        images = np.rint(images * 255).astype(np.uint8)
    return images if images.ndim == 4 else images[..., None].repeat(3, -1)


def read_labels(stored: Stored, by: str, division: Division, count: int) -> NDArray[np.str_]:
    """The labels of ``count`` images in the column ``by`` as texts; empty where one has none.

    A column ``position`` of points ``(N, 2)`` in [0, 1] is divided as a dataset's positions are.

    Raises:
        FileFormatError: it is of another length, or holds what is no label.
    """
    column = stored.read(by)
    if column.ndim and len(column) != count:
        raise _column(stored.path, by, f"a label for each of {count} images", str(len(column)))
    if by == "position" and column.shape == (count, 2) and column.dtype.kind == "f":
        if not ((column >= 0) & (column <= 1)).all():
            raise _column(stored.path, by, "points in [0, 1]", "others")
        return division.labels(column)
    if column.ndim != 1:
        raise _column(stored.path, by, f"one label an image, ({count},)", f"shape {column.shape}")
    if column.dtype.kind not in "biufUS":
        raise _column(stored.path, by, "numbers or texts", str(column.dtype))
    if column.dtype.kind == "f":
        if not np.isfinite(column).all():
            raise _column(stored.path, by, "labels", "numbers that are not finite")
        return np.array([f"{value:g}" for value in column.tolist()])
    if column.dtype.kind == "S":
        column = np.char.decode(column, "utf-8", "replace")
    return column.astype(str)


def _stored(path: Path, names: Sequence[str], read: Callable[[str], NDArray[Any]]) -> Stored:
    if IMAGES not in names:
        told = ", ".join(names[:12]) or "nothing"
        raise FileFormatError(f"{path}: an array {IMAGES} expected, got {told}: store them as such")
    return Stored(path, [name for name in names if name != IMAGES], read)


def _wrong(path: Path, got: str, mend: str) -> FileFormatError:
    return FileFormatError(f"{path}: {_EXPECTED} expected, got {got}: {mend}")


def _column(path: Path, by: str, expected: str, got: str) -> FileFormatError:
    return FileFormatError(f"{path}: {expected} expected in {by}, got {got}: correct the column")
