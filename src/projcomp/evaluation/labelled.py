"""Rendered images with what stands in them, as the detector learns from and is checked on."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from projcomp.data.hdf5 import dataset
from projcomp.data.index import open_index, read_parts, shards_behind
from projcomp.data.shards import read_objects
from projcomp.errors import FileFormatError


@dataclass(frozen=True)
class LabelledImages:
    """Images and their objects; the rows of an image past its ``num_objects`` are unused."""

    images: np.ndarray
    """uint8 ``(N, H, W, 3)``"""
    num_objects: np.ndarray
    """int64 ``(N,)``"""
    pixel: np.ndarray
    """float32 ``(N, K, 2)``: centres in [0, 1], x right and y down"""
    color: np.ndarray
    """int64 ``(N, K)``: colour indices"""

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    def part(self, start: int, stop: int) -> "LabelledImages":
        """Images ``start`` to ``stop`` (exclusive), without copying."""
        cut = slice(start, stop)
        return LabelledImages(
            self.images[cut], self.num_objects[cut], self.pixel[cut], self.color[cut]
        )


def read_labelled(path: Path, resolution: int) -> LabelledImages:
    """All images of a rendered dataset (the index over its shards) and their objects.

    Raises:
        FileFormatError: the file is missing, damaged, or of another resolution.
    """
    with open_index(path) as index:
        shards = shards_behind(index)
    size = list(shards.shape[1:])
    if size != [resolution, resolution, 3]:
        raise FileFormatError(
            f"{path}: expected images of {resolution} x {resolution} x 3, got {tuple(size)}; "
            "render the dataset again at this resolution"
        )
    images = np.empty(shards.shape, dtype=np.uint8)
    tables: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def read(file: h5py.File, rows: slice) -> None:
        dataset(file, "images").read_direct(images, dest_sel=rows)
        number, objects = read_objects(file, file.filename)
        tables.append((number, objects["pixel"], objects["color"]))

    read_parts(shards, read)
    num_objects, pixel, color = (np.concatenate(parts) for parts in zip(*tables, strict=True))
    return LabelledImages(
        images, num_objects.astype(np.int64), pixel.astype(np.float32), color.astype(np.int64)
    )
