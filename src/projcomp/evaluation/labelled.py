"""Rendered images with what stands in them, as the detector learns from and is checked on."""

from dataclasses import dataclass, fields
from pathlib import Path

import h5py
import numpy as np

from projcomp.data.hdf5 import dataset
from projcomp.data.index import open_index, read_parts, shards_behind
from projcomp.data.shards import read_objects
from projcomp.errors import FileFormatError
from projcomp.evaluation.grid import ATTRIBUTES


@dataclass(frozen=True)
class LabelledImages:
    """Images and their objects; the rows of an image past its ``num_objects`` are unused."""

    images: np.ndarray
    """uint8 ``(N, H, W, 3)``"""
    masks: np.ndarray
    """uint8 ``(N, H, W)``: 0 the ground, i object i, counted from 1"""
    num_objects: np.ndarray
    """int64 ``(N,)``"""
    pixel: np.ndarray
    """float32 ``(N, K, 2)``: centres in [0, 1], x right and y down"""
    attributes: np.ndarray
    """int64 ``(N, K, A)``: index of each of ``grid.ATTRIBUTES``"""

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    def __getitem__(self, rows: slice | np.ndarray) -> "LabelledImages":
        """Some of the images, by a slice or by an array of numbers or truth values."""
        return LabelledImages(*(getattr(self, field.name)[rows] for field in fields(self)))


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
    masks = np.empty(shards.shape[:3], dtype=np.uint8)
    tables: list[tuple[np.ndarray, np.ndarray]] = []

    def read(file: h5py.File, rows: slice) -> None:
        dataset(file, "images").read_direct(images, dest_sel=rows)
        dataset(file, "masks").read_direct(masks, dest_sel=rows)
        tables.append(read_objects(file, file.filename))

    read_parts(shards, read)
    num_objects, objects = (np.concatenate(parts) for parts in zip(*tables, strict=True))
    return LabelledImages(
        images,
        masks,
        num_objects.astype(np.int64),
        objects["pixel"].astype(np.float32),
        np.stack([objects[name] for name in ATTRIBUTES], axis=-1).astype(np.int64),
    )
