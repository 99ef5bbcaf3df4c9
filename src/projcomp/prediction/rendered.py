"""Our own datasets of single objects: images, and an attribute or the place of each object."""

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from projcomp.data.hdf5 import dataset
from projcomp.data.index import find_shards, read_parts
from projcomp.data.pictures import natural_order
from projcomp.data.shard_format import VOCABULARY
from projcomp.data.shards import read_objects
from projcomp.errors import FileFormatError
from projcomp.prediction.places import Division

COLUMNS = ("position", *VOCABULARY)
"""What the object of an image can be asked for by."""


def read_rendered(
    path: Path, by: str, division: Division
) -> tuple[NDArray[np.uint8], NDArray[np.str_], list[str]]:
    """The images of an index or a shard, uint8 ``(N, H, W, 3)``, their labels, and these in order.

    Raises:
        FileFormatError: an image shows another number of objects than one; a shard is missing or
            damaged.
    """
    images, table = read_single(path)
    if by == "position":
        labels = division.labels(table["pixel"].clip(0, 1))
        return images, labels, sorted(set(labels.tolist()), key=natural_order)
    names = VOCABULARY[by]
    return images, np.array(names)[table[by]], names


def read_single(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.void]]:
    """The images of an index or a shard, uint8 ``(N, H, W, 3)``, and the object of each, ``(N,)``.

    Raises:
        FileFormatError: an image shows another number of objects than one; a shard is missing or
            damaged.
    """
    shards = find_shards(path)
    images = np.empty(shards.shape, np.uint8)
    objects: list[NDArray[np.void]] = []

    def read(file: h5py.File, rows: slice) -> None:
        number, table = read_objects(file, file.filename)
        if (number != 1).any():
            raise FileFormatError(
                f"{path}: a dataset of one object an image expected, got one with "
                f"{int(number[number != 1][0])}: name one with min_objects = max_objects = 1"
            )
        objects.append(table[:, 0])
        dataset(file, "images").read_direct(images, dest_sel=rows)

    read_parts(shards, read)
    return images, np.concatenate(objects)
