"""The images that a model has learned from, shard by shard."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from projcomp.data.hdf5 import dataset, reading, wrong
from projcomp.data.held_out import rows_held_out
from projcomp.data.index import find_shards


def read_learned(
    paths: Iterable[Path], shape: tuple[int, ...], most: int
) -> Iterator[NDArray[np.uint8]]:
    """Images ``(N, H, W, 3)`` of datasets without those that are held out from training.

    Args:
        paths: the datasets' indices.
        shape: of an image, (H, W, 3).
        most: images looked at in each of them, at most, the first ones.

    Yields:
        those of a shard, one shard after the other.

    Raises:
        FileFormatError: a file is missing or damaged, or its images have another shape.
    """
    for path in paths:
        shards = find_shards(path)
        if shards.shape[1:] != shape:
            raise wrong(path, f"images {shape}", f"{shards.shape[1:]}")
        learned = ~rows_held_out(shards.shape[0])
        for number, part in enumerate(shards.parts):
            rows = slice(part.rows.start, min(part.rows.stop, most))
            if rows.start >= rows.stop:
                break
            with shards.open(number) as file, reading(part.path, "readable images"):
                images = dataset(file, "images")[: rows.stop - rows.start]
            yield images[learned[rows]]
