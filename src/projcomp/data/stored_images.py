"""The images of an HDF5 file, ours or foreign, as a source."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from projcomp.data.hdf5 import dataset, is_unwritten, open_hdf5, reading, text
from projcomp.data.image_source import ACCEPTED, ImageSource
from projcomp.data.images import SAMPLES_KIND, open_samples
from projcomp.data.index import Shards, find_shards
from projcomp.data.shard_format import INDEX_KIND, SHARD_KIND
from projcomp.errors import FileFormatError


def open_stored(path: Path) -> ImageSource:
    """The images of an HDF5 file: samples, a shard, an index, or a foreign file's ``images``.

    Raises:
        FileFormatError: it is no HDF5, damaged, or has no images as they are accepted.
    """
    with open_hdf5(path, ACCEPTED) as file, reading(path, ACCEPTED):
        kind = text(file, "kind")
    if kind in (SHARD_KIND, INDEX_KIND):
        shards = find_shards(path)
        for number in range(len(shards.parts)):
            shards.open(number).close()
        count, height, width, _ = shards.shape
        return _Rendered(path, (height, width), count, shards)
    opened = open_samples(path) if kind == SAMPLES_KIND else open_hdf5(path, ACCEPTED)
    with opened as file, reading(path, ACCEPTED):
        stored = file.get("images")
        problem = _foreign_problem(stored)
        if problem or not isinstance(stored, h5py.Dataset):
            raise FileFormatError(
                f"{path}: {ACCEPTED} expected, got {problem}: store its images so"
            )
        count, height, width = stored.shape[:3]
    return _Stored(path, (height, width), count)


@dataclass(frozen=True)
class _Stored(ImageSource):
    """The dataset ``images`` of an HDF5 file; opened for every read, but summed once."""

    def read(self, rows: slice) -> NDArray[np.uint8]:
        opened = open_hdf5(self.path, ACCEPTED, check_seal=False)
        with opened as file, reading(self.path, "readable images"):
            found = dataset(file, "images")[rows]
        gray = found.ndim == 3 or found.shape[3] == 1
        return found.reshape(*found.shape[:3], 1).repeat(3, -1) if gray else found


@dataclass(frozen=True)
class _Rendered(ImageSource):
    """The images of our own shards, each held against its index when it is opened."""

    shards: Shards

    def read(self, rows: slice) -> NDArray[np.uint8]:
        pieces = []
        for number, part in enumerate(self.shards.parts):
            start, stop = max(rows.start, part.rows.start), min(rows.stop, part.rows.stop)
            if start < stop:
                own = slice(start - part.rows.start, stop - part.rows.start)
                with self.shards.reopen(number) as file, reading(part.path, "readable images"):
                    pieces.append(dataset(file, "images")[own])
        return np.concatenate(pieces)


def _foreign_problem(stored: object) -> str | None:
    """Why a dataset of a foreign file is no images; None if it is."""
    if not isinstance(stored, h5py.Dataset):
        return "no dataset images"
    shape, told = stored.shape, f"images of {stored.dtype} {stored.shape}"
    if stored.dtype != np.uint8:
        return f"{told}, not uint8"
    if shape is None or len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (1, 3)):
        first = shape is not None and len(shape) == 4 and shape[1] in (1, 3)
        return f"{told}, channels first" if first else told
    if len(shape) == 3 and shape[2] in (1, 3):
        return f"{told}, which is one picture without an axis N (images[None] has it)"
    if 0 in shape:
        return f"{told}, which are none"
    if stored.is_virtual:
        return "images that lie in other files (a virtual dataset)"
    if is_unwritten(stored):
        return "images some of which were never written"
    return None
