"""Rendered images with what stands in them, as the detector learns from and is checked on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from projcomp.data.index import open_dataset
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
    with open_dataset(path) as file:
        images = np.asarray(file["images"][...])  # pyright: ignore[reportIndexIssue]
        objects = np.asarray(file["objects"][...])  # pyright: ignore[reportIndexIssue]
        num_objects = np.asarray(file["num_objects"][...])  # pyright: ignore[reportIndexIssue]
    if images.shape[1:] != (resolution, resolution, 3):
        raise FileFormatError(
            f"{path}: expected images of {resolution} x {resolution} x 3, got {images.shape[1:]}; "
            "render the dataset again at this resolution"
        )
    return LabelledImages(
        images,
        num_objects.astype(np.int64),
        objects["pixel"].astype(np.float32),
        objects["color"].astype(np.int64),
    )
