"""A user's own pictures, whatever they lie in: picture files, folders of them, .npz or HDF5.

What they are is found out from their headers, before any pixel is decoded; images are decoded as
they are asked for, so that a large file never lies in memory whole.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from projcomp.data.arrays import open_arrays
from projcomp.data.hdf5 import PathLike
from projcomp.data.image_source import ACCEPTED, ImageSource
from projcomp.data.picture_file import open_picture
from projcomp.data.stored_images import open_stored
from projcomp.errors import FileFormatError
from projcomp.files.contents import HDF5, ZIP, what_is
from projcomp.files.inputs import check_input

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
"""By these a folder's pictures are known."""


@dataclass(frozen=True)
class Pictures:
    """Images of one size, not decoded yet.

    Attributes:
        sources: the files, in order.
    """

    sources: Sequence[ImageSource]

    def __len__(self) -> int:
        """How many images there are."""
        return sum(source.count for source in self.sources)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of every image, pixels."""
        return self.sources[0].size

    def batches(self, most: int = 64) -> Iterator[tuple[list[str], NDArray[np.uint8]]]:
        """Names and images, uint8 (n, H, W, 3), at most ``most`` at once, in order.

        The name of a picture is its path; an image of another file is ``path[number]``.

        Raises:
            FileFormatError: a file went away, or its data are damaged.
        """
        names: list[str] = []
        images: list[NDArray[np.uint8]] = []
        for source in self.sources:
            start = 0
            while start < source.count:
                stop = min(source.count, start + most - len(names))
                images.append(source.read(slice(start, stop)))
                names += map(source.name, range(start, stop))
                start = stop
                if len(names) == most:
                    yield names, np.concatenate(images)
                    names, images = [], []
        if names:
            yield names, np.concatenate(images)


def open_pictures(paths: Sequence[PathLike]) -> Pictures:
    """Find out what ``paths`` hold: each a picture, a folder of them, or an .npz or HDF5 file.

    HDF5 files are samples, shards, indices, or foreign files with a dataset ``images``; an ``.npz``
    has an array of that name, which may be of floats in [0, 1], or grey. The files
    of a folder are taken in natural order (2 before 10), hidden ones left out; anything in it that
    is no picture by its suffix is an error, so that none is passed over in silence.

    Args:
        paths: files and folders.

    Raises:
        FileFormatError: there is nothing, or something that is no such file; images are of
            different sizes, of another type than 8-bit RGB or gray, or were never written.
    """
    if not paths:
        raise FileFormatError(f"pictures: {ACCEPTED} expected, got none: name some")
    files = [file for path in paths for file in _files(Path(path))]
    sources = [_source(file) for file in files]
    first = sources[0]
    for source in sources:
        if source.size != first.size:
            raise FileFormatError(
                f"{source.path}: {first.size[1]} x {first.size[0]} pixels expected, as in "
                f"{first.path}, got {source.size[1]} x {source.size[0]}: give images of one size"
            )
    return Pictures(sources)


def natural_order(name: str) -> tuple[list[tuple[int, str]], str]:
    """A key that sorts numbers in names by their value."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], name


def _files(path: Path) -> list[Path]:
    """The file itself, or the pictures of a folder."""
    if not path.is_dir():
        check_input(
            path, "a picture, a folder of pictures, an .npz or an HDF5 file", "check its name"
        )
        return [path]
    try:
        names = sorted((n for n in os.listdir(path) if n[0] != "."), key=natural_order)
    except OSError as error:
        raise FileFormatError(
            f"{path}: a folder of pictures expected, got one that cannot be read "
            f"({error.strerror}): ask its owner for permission"
        ) from None
    if not names:
        raise FileFormatError(
            f"{path}: a folder of pictures expected, got an empty one: name another"
        )
    for name in names:
        if (path / name).is_dir() or Path(name).suffix.lower() not in SUFFIXES:
            kind = "folder" if (path / name).is_dir() else "file"
            raise FileFormatError(
                f"{path}: a folder of nothing but pictures ({', '.join(SUFFIXES)}) expected, got "
                f"the {kind} {name} in it: move it away, or name the pictures one by one"
            )
    return [path / name for name in names]


def _source(path: Path) -> ImageSource:
    check_input(path, ACCEPTED, "check its name")
    try:
        looks = what_is(path)
    except OSError as error:
        raise FileFormatError(
            f"{path}: {ACCEPTED} expected, got a file that cannot be read ({error.strerror}): "
            "look after the disk that it lies on"
        ) from None
    if looks == ZIP:
        return open_arrays(path)
    return open_stored(path) if looks == HDF5 else open_picture(path)
