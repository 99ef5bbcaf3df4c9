"""A rendered dataset as tensors for training: pixels as bytes, and conditions drawn."""

from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor

from projcomp.data.hdf5 import dataset, text
from projcomp.data.index import open_dataset
from projcomp.data.reader import ImageReader
from projcomp.networks import conditioning

MEMORY_BYTES = 4 * 2**30
"""Images of a dataset up to this size are kept in memory; larger ones stay on disk."""

HELD_OUT_EVERY = 50
"""Every image of this number is never trained on; enlarging a dataset keeps it so."""


class RenderedImages:
    """The images of a dataset to train on, or those held out, and what each may be labelled with.

    Pixels stay uint8 until the last moment.

    Args:
        path: the dataset's index, ``data/<dataset>.h5``.
        condition: "none", "position" or "color".
        held_out: whether to take the images held out from training; the others otherwise.
        memory_bytes: the most that the dataset's images may take in memory.

    Attributes:
        identity: how many images there are, and the settings that they were rendered with.
        shape: of an image, ``(H, W, 3)``.

    Raises:
        FileFormatError: the index or a shard is missing or damaged.
    """

    def __init__(
        self,
        path: Path,
        condition: str,
        *,
        held_out: bool = False,
        memory_bytes: int = MEMORY_BYTES,
    ):
        self.condition = condition
        self._images: Tensor | None = None
        with open_dataset(path) as file:
            images = dataset(file, "images")
            self.identity = f"{len(images)} images of {text(file, 'settings')}"
            self.shape = tuple(images.shape[1:])
            self._reader = ImageReader(file)
            if images.nbytes <= memory_bytes:
                self._images = torch.from_numpy(images[:])
            self._rows = rows_of(len(images), held_out)
            counts = torch.from_numpy(dataset(file, "num_objects")[:].astype(np.int64))
            self.num_objects = counts[self._rows]
            self.labels = _labels(dataset(file, "objects"), condition)[self._rows]

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def in_memory(self) -> bool:
        """Whether reading an image costs no access to the disk."""
        return self._images is not None

    def read(self, index: Tensor) -> Tensor:
        """The images ``index`` ``(B,)``, in that order: uint8 ``(B, H, W, 3)``."""
        rows = self._rows[index]
        if self._images is not None:
            return self._images[rows]
        return torch.from_numpy(self._reader.read(rows.numpy()))

    def draw_conditions(self, index: Tensor, rng: torch.Generator) -> Tensor:
        """Conditions ``(B, C)`` of the images ``index`` ``(B,)``.

        The label is that of one object chosen at random (the cluttered dataset's rule, Bradley et
        al. 2025); a picture without objects gets the condition 'empty'.
        """
        rows = conditioning.empty(self.condition).repeat(len(index), 1)
        number = self.num_objects[index]
        some = number > 0
        if self.condition == "none":
            return conditioning.unconditional("none").repeat(len(index), 1)
        # The draw is made for every row, so that the stream does not depend on the contents.
        chosen = (torch.rand(len(index), generator=rng) * number).long()
        rows[some, 0] = conditioning.GIVEN
        rows[some, 1:] = self.labels[index[some], chosen[some]]
        return rows


def rows_of(count: int, held_out: bool) -> Tensor:
    """Rows of a dataset of ``count`` images (at least 2) that are held out, or that are not.

    A dataset too small for one in ``HELD_OUT_EVERY`` holds out its last image.
    """
    rows = torch.arange(count)
    every = min(HELD_OUT_EVERY, count)
    return rows[(rows % every == every - 1) == held_out]


def _labels(objects: h5py.Dataset, condition: str) -> Tensor:
    """What each object would be asked for by: ``(N, max_objects, values)``."""
    if condition == "position":
        return torch.from_numpy(objects.fields("pixel")[:].astype(np.float32))
    if condition == "color":
        return torch.from_numpy(objects.fields("color")[:].astype(np.float32))[..., None]
    return torch.zeros(*objects.shape, 0)
