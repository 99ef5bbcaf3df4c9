"""Anybody's arrays: ``images`` and what stands beside them, in an .npz or HDF5 file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from projcomp.data.column import not_utf8
from projcomp.data.hdf5 import is_unwritten, open_hdf5, reading
from projcomp.data.image_source import ImageSource
from projcomp.data.unit import is_unit, mend_pixels, span
from projcomp.errors import FileFormatError
from projcomp.files.npz import names_in, read_array

IMAGES = "images"
_SHAPES = "(N, H, W), (N, H, W, 1) or (N, H, W, 3)"
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
            if found.shape is None:
                raise FileFormatError(
                    f"{path}: an array {name} expected, got an HDF5 dataset that is empty (without "
                    "a shape): store its values, or leave it out"
                )
            if is_unwritten(found):
                raise FileFormatError(
                    f"{path}: {name} written in full expected, got some that were never written: "
                    "write them"
                )
            names = h5py.check_enum_dtype(found.dtype)
            if names is not None:
                words = {number: word for word, number in names.items()}
                numbers = np.asarray(found[()])
                told = [words.get(int(number), str(number)) for number in numbers.flat]
                return np.array(told).reshape(numbers.shape)
            if h5py.check_string_dtype(found.dtype) is not None:
                return _texts(path, name, found)
            return np.asarray(found[()])  # a scalar, too, is refused by its shape

    with open_hdf5(path, _EXPECTED) as file, reading(path, _EXPECTED):
        names = [name for name, item in file.items() if isinstance(item, h5py.Dataset)]
    return _stored(path, names, read)


def _texts(path: Path, name: str, found: h5py.Dataset) -> NDArray[np.str_]:
    try:
        return np.asarray(found.asstr("utf-8")[()]).astype(str)
    except UnicodeDecodeError:
        raise not_utf8(path, name) from None


@dataclass(frozen=True)
class ArrayImages(ImageSource):
    """The images of an ``.npz`` file, which are all in memory: it cannot be read in parts."""

    images: NDArray[np.uint8]

    def read(self, rows: slice) -> NDArray[np.uint8]:
        """Some of the images, uint8 (n, H, W, 3)."""
        return self.images[rows]


def open_arrays(path: Path) -> ArrayImages:
    """The images of an ``.npz`` file as a source.

    Raises:
        FileFormatError: as of :func:`open_npz` and :func:`read_images`.
    """
    images = read_images(open_npz(path))
    count, height, width, _ = images.shape
    return ArrayImages(path, (height, width), count, images)


def read_images(stored: Stored) -> NDArray[np.uint8]:
    """The images, uint8 ``(N, H, W, 3)``; floats are rounded to 255 steps, gray becomes RGB.

    Raises:
        FileFormatError: they are of another type, shape or range.
    """
    images = stored.read(IMAGES)
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise _wrong(stored.path, f"{images.dtype} {images.shape}", "convert them")
    if images.ndim == 3 and images.shape[2] in (1, 3):
        got = f"shape {images.shape}, which one picture has"
        narrow = "pictures so narrow as (N, H, W, 1)"
        raise _wrong(stored.path, got, f"store it as images[None], or gray {narrow}")
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] != 3):
        first = images.ndim == 4 and images.shape[1] in (1, 3)
        mend = "move the channels last" if first else "reshape them"
        raise _wrong(stored.path, f"shape {images.shape}", mend)
    if 0 in images.shape:
        raise _wrong(stored.path, f"none (shape {images.shape})", "store some")
    if images.dtype.kind == "f":
        if not np.isfinite(images).all():
            raise _wrong(stored.path, span(images), "mend them")
        if not is_unit(images):
            raise _wrong(stored.path, span(images), mend_pixels(images))
        images = np.rint(images * 255).astype(np.uint8)
    return images if images.ndim == 4 else images[..., None].repeat(3, -1)


def check_bright(path: Path, images: NDArray[np.uint8]) -> None:
    """Refuse images whose whole numbers go from 0 to 1, which uint8 reads as nearly black.

    Raises:
        FileFormatError: they do, or all of them are black.
    """
    if not images.any():
        raise FileFormatError(
            f"{path}: {IMAGES} that show something expected, got none that is not all black: see "
            "how they were stored"
        )
    check_scale(path, int(images.max()))


def check_scale(path: Path, greatest: int) -> None:
    """Refuse images of which nothing is brighter than 1 of 255, but is not all black either.

    Args:
        path: the file, or the first of several.
        greatest: of all their numbers.

    Raises:
        FileFormatError: they are so.
    """
    if greatest == 1:
        raise FileFormatError(
            f"{path}: uint8 {IMAGES} from 0 to 255 expected, got none above 1: multiply them by 255"
        )


def _stored(path: Path, names: Sequence[str], read: Callable[[str], NDArray[Any]]) -> Stored:
    if IMAGES not in names:
        told = ", ".join(names[:12]) or "nothing"
        raise FileFormatError(f"{path}: an array {IMAGES} expected, got {told}: store them as such")
    return Stored(path, [name for name in names if name != IMAGES], read)


def _wrong(path: Path, got: str, mend: str) -> FileFormatError:
    return FileFormatError(f"{path}: {_EXPECTED} expected, got {got}: {mend}")
