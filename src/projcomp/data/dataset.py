"""A dataset as tensors for training, rendered or not: pixels as bytes, and conditions drawn."""

import math
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from projcomp.conditions.joint import UNTOLD
from projcomp.conditions.kind import Kind
from projcomp.conditions.kinds import NONE, kind_of, width_of
from projcomp.conditions.table import of_pictures, of_shard
from projcomp.data.hdf5 import dataset, text, wrong
from projcomp.data.held_out import rows_held_out
from projcomp.data.index import open_index, read_parts, shards_behind
from projcomp.data.picture_sets import PictureSet, is_picture_set, read_picture_set
from projcomp.data.reader import ImageReader
from projcomp.data.shards import read_objects
from projcomp.networks import conditioning
from projcomp.words import short

MEMORY_BYTES = 4 * 2**30
"""Images of a dataset up to this size are kept in memory; larger ones stay on disk."""


class RenderedImages:
    """The images of a dataset to train on, or those held out, and what each may be labelled with.

    Pixels stay uint8 until the last moment. A picture that was not rendered is one object with its
    labels, and always in memory.

    Args:
        path: the dataset's index, or its pictures where they were not rendered:
            ``data/<dataset>.h5``.
        condition: its kind (``conditions/kinds.py``), or "none".
        held_out: whether to take the images held out from training; the others otherwise.
        memory_bytes: the most that the dataset's images may take in memory.

    Attributes:
        identity: how many images there are, and the settings that they were rendered with.
        rendered_as: the name that the dataset was rendered under; None where it tells none.
        shape: of an image, ``(H, W, 3)``.
        requested: the place that each image was rendered for, ``(N, 2)``; None where for none.

    Raises:
        FileFormatError: the index or a shard is missing or damaged.
    """

    rendered_as: str | None = None

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
        self.requested = None
        if is_picture_set(path):
            self._take_pictures(path, held_out)
        else:
            self._take_renders(path, held_out, memory_bytes)

    def _take_pictures(self, path: Path, held_out: bool) -> None:
        found, self.identity = read_picture_set(path)
        self._images = torch.from_numpy(found.images)
        self.shape = tuple(found.images.shape[1:])
        count = len(found.images)
        labels = np.empty((count, 1, 0), dtype=np.float32)
        if self.condition != NONE:
            kind = kind_of(self.condition)
            labels = kind.labels(of_pictures(_known(found, kind, path), found.points))
        self._rows = rows_of(count, held_out)
        self.num_objects = torch.ones(len(self._rows), dtype=torch.int64)
        self.labels = torch.from_numpy(labels)[self._rows]

    def _take_renders(self, path: Path, held_out: bool, memory_bytes: int) -> None:
        condition = self.condition
        with open_index(path) as file:
            self.identity = f"{len(dataset(file, 'images'))} images of {text(file, 'settings')}"
            most = dataset(file, "objects").shape[1]
            shards = shards_behind(file)
        self._reader = ImageReader(shards)
        count = shards.shape[0]
        self.rendered_as = shards.settings.get("dataset")
        self.shape = tuple(shards.shape[1:])
        if math.prod(shards.shape) <= memory_bytes:
            self._images = torch.empty(shards.shape, dtype=torch.uint8)
        counts = np.empty(count, dtype=np.int64)
        labels = np.empty((count, most, width_of(condition)), dtype=np.float32)

        def read(file: h5py.File, rows: slice) -> None:
            if self._images is not None:
                dataset(file, "images").read_direct(self._images.numpy(), dest_sel=rows)
            counts[rows], objects = read_objects(file, file.filename)
            if condition != NONE:
                labels[rows] = kind_of(condition).labels(of_shard(objects, counts[rows]))

        read_parts(shards, read)
        self._rows = rows_of(count, held_out)
        self.num_objects = torch.from_numpy(counts)[self._rows]
        self.labels = torch.from_numpy(labels)[self._rows]
        points = shards.settings.get("points")
        if points:  # image i is at place i modulo their number
            self.requested = torch.tensor(points, dtype=torch.float32)[self._rows % len(points)]

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
        al. 2025); a picture without objects gets the condition 'empty'. Of a joint kind, all parts
        are told in half of the draws; in the others each smaller number of them is as likely as any
        other, and each set of so many.
        """
        rows = conditioning.empty(self.condition).repeat(len(index), 1)
        number = self.num_objects[index]
        some = number > 0
        if self.condition == NONE:
            return conditioning.unconditional(NONE).repeat(len(index), 1)
        # The draw is made for every row, so that the stream does not depend on the contents.
        chosen = (torch.rand(len(index), generator=rng) * number).long()
        rows[some, 0] = conditioning.GIVEN
        rows[some, 1:] = self.labels[index[some], chosen[some]]
        sets, chances = told_sets(self.condition)
        if len(sets) > 1:
            which = torch.multinomial(chances, len(index), replacement=True, generator=rng)
            untold = some[:, None] & ~sets[which]
            rows[:, 1:] = torch.where(untold, torch.full_like(rows[:, 1:], UNTOLD), rows[:, 1:])
        return rows


def _known(pictures: PictureSet, kind: Kind, path: Path) -> dict[str, NDArray[np.int64]]:
    """The numbers of the labels that a kind is made of, ``(N,)`` each."""
    found = {}
    for part in kind.parts:
        if not part.values:
            if pictures.points is None:
                raise wrong(path, "a place for every picture", "none")
            continue
        values, numbers = pictures.labels.get(part.name, ([], np.empty(0, np.int64)))
        if tuple(values) != part.values:
            expected = f"a label {part.name} of {', '.join(part.values)}"
            raise wrong(path, short(expected), short(", ".join(values)) or "none")
        found[part.name] = numbers
    return found


@cache
def told_sets(condition: str) -> tuple[Tensor, Tensor]:
    """Which numbers of a condition are told: every set of its parts, and how often.

    Returns:
        truth values, one row for each set that is not empty, ``(2^parts - 1, width)``; and the
        sets' shares of the draws, :meth:`RenderedImages.draw_conditions`.
    """
    widths = torch.tensor([part.width for part in kind_of(condition).parts])
    count = len(widths)
    parts = (torch.arange(1, 2**count)[:, None] >> torch.arange(count)) % 2 == 1
    chances = [
        0.5 if size == count else 0.5 / (count - 1) / math.comb(count, size)
        for size in parts.sum(1).tolist()
    ]
    return parts.repeat_interleave(widths, dim=1), torch.tensor(chances)


def rows_of(count: int, held_out: bool) -> Tensor:
    """Rows of a dataset of ``count`` images (at least 2) that are held out, or that are not."""
    return torch.from_numpy(np.flatnonzero(rows_held_out(count) == held_out))
