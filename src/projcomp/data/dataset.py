"""A rendered dataset as tensors for training: pixels in memory as bytes, and conditions drawn."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from projcomp.data.hdf5 import dataset
from projcomp.data.index import open_dataset
from projcomp.networks import conditioning


class RenderedImages:
    """All images of a dataset, and what each may be labelled with.

    Pixels stay uint8 until the last moment. Attributes: ``images`` ``(N, H, W, 3)`` uint8.

    Args:
        path: the dataset's index, ``data/<dataset>.h5``.
        condition: "none", "position" or "color".

    Raises:
        FileFormatError: the index or a shard is missing or damaged.
    """

    def __init__(self, path: Path, condition: str):
        with open_dataset(path) as file:
            self.images = torch.from_numpy(dataset(file, "images")[:])
            self.num_objects = torch.from_numpy(dataset(file, "num_objects")[:].astype(np.int64))
            objects = dataset(file, "objects")[:]
        self.condition = condition
        # (N, max_objects, values): what each object would be asked for by.
        if condition == "position":
            self.labels = torch.from_numpy(objects["pixel"].astype(np.float32))
        elif condition == "color":
            self.labels = torch.from_numpy(objects["color"].astype(np.float32))[..., None]
        else:
            self.labels = torch.zeros(*objects.shape, 0)

    def __len__(self) -> int:
        return len(self.images)

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
