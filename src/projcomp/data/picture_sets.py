"""Datasets of pictures that were not rendered: images and what each is labelled with, in one file.

Labels are HDF5's enumerations beside ``images``, so that other readers see their names, ours of
anybody's files among them (``arrays.py``).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

import projcomp
from projcomp.conditions.position import POSITION
from projcomp.data.arrays import IMAGES
from projcomp.data.hdf5 import (
    FORMAT,
    IMAGE_STORAGE,
    TABLE_STORAGE,
    PathLike,
    checking,
    dataset,
    open_checked,
    open_hdf5,
    reading,
    text,
    write_hdf5,
    wrong,
)
from projcomp.data.shard_format import canonical_json
from projcomp.errors import FileFormatError

PICTURES_KIND = "projcomp pictures"
_AT_ONCE = 64
"""Images of a chunk: they are read all together."""


@dataclass(frozen=True)
class PictureSet:
    """Pictures and their labels.

    Attributes:
        images: uint8 ``(N, H, W, 3)``.
        labels: by name, all values in the order of their numbers, and the number of each picture's,
            ``(N,)``.
        points: a point of every picture, ``(N, 2)`` in [0, 1], x right and y down; None without.
    """

    images: NDArray[np.uint8]
    labels: Mapping[str, tuple[list[str], NDArray[np.int64]]]
    points: NDArray[np.float64] | None = None

    @property
    def content(self) -> str:
        """A check sum of everything in it."""
        total = hashlib.sha256(np.ascontiguousarray(self.images).data)
        for name, (values, numbers) in sorted(self.labels.items()):
            total.update(canonical_json([name, values]).encode())
            total.update(numbers.astype("<i8").tobytes())
        if self.points is not None:
            total.update(self.points.astype("<f8").tobytes())
        return total.hexdigest()[:16]


def write_picture_set(path: PathLike, pictures: PictureSet, settings: dict[str, Any]) -> None:
    """Write them atomically, with the ``settings`` that they were read by."""
    images = pictures.images
    with write_hdf5(path) as file:
        chunks = (min(_AT_ONCE, len(images)), *images.shape[1:])
        file.create_dataset(IMAGES, data=images, chunks=chunks, **IMAGE_STORAGE)
        for name, (values, numbers) in pictures.labels.items():
            kind = h5py.enum_dtype({value: n for n, value in enumerate(values)}, "u2")
            file.create_dataset(name, data=numbers.astype("u2"), dtype=kind, **TABLE_STORAGE)
        if pictures.points is not None:
            file.create_dataset(POSITION, data=pictures.points, **TABLE_STORAGE)
        file.attrs.update(
            {
                "kind": PICTURES_KIND,
                "format": FORMAT,
                "settings": canonical_json(settings),
                "labels": json.dumps(list(pictures.labels)),
                "content": pictures.content,
                "projcomp_version": projcomp.__version__,
            }
        )


def is_picture_set(path: PathLike) -> bool:
    """Whether the file is such a dataset; False for whatever cannot be opened."""
    try:
        with open_hdf5(path, "a file") as file, reading(path, "a file"):
            return text(file, "kind") == PICTURES_KIND
    except FileFormatError:
        return False


def read_picture_set(path: PathLike) -> tuple[PictureSet, str]:
    """The pictures, and what identifies them: settings and content.

    Raises:
        FileFormatError: the file is missing, damaged, foreign, or of another format.
    """
    expected = f"a {PICTURES_KIND} file"
    file = open_checked(path, PICTURES_KIND, (IMAGES,))
    with checking(file, path, expected), file:
        images = dataset(file, IMAGES)
        if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] != 3 or not len(images):
            raise wrong(
                path, f"the layout of {expected}", f"images of {images.dtype} {images.shape}"
            )
        labels = {name: _label(file, path, name) for name in json.loads(text(file, "labels"))}
        points = dataset(file, POSITION)[:] if POSITION in file else None
        found = PictureSet(images[:], labels, points)
        identity = f"{len(images)} images of {text(file, 'settings')} {text(file, 'content')}"
    if found.content != identity.rsplit(" ", 1)[1]:
        raise wrong(path, f"the content of {expected}", "another one than was written")
    return found, identity


def _label(file: h5py.File, path: PathLike, name: str) -> tuple[list[str], NDArray[np.int64]]:
    stored = dataset(file, name)
    names = h5py.check_enum_dtype(stored.dtype)
    if names is None or stored.shape != (len(dataset(file, IMAGES)),):
        raise wrong(path, f"labels of {name}", f"{stored.dtype} {stored.shape}")
    values = sorted(names, key=lambda value: names[value])
    numbers = stored[:].astype(np.int64)
    if int(numbers.max(initial=0)) >= len(values):
        raise wrong(path, f"labels of {name}", f"the number {numbers.max()} of {len(values)}")
    return values, numbers
