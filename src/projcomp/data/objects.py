"""What stands in the first pictures of rendered datasets, without the pictures."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from projcomp.conditions.table import Table, of_shard
from projcomp.data.hdf5 import dataset, reading
from projcomp.data.index import open_index, shards_behind
from projcomp.data.shards import read_objects


class Objects(NamedTuple):
    """The objects of some pictures; rows past a picture's ``num_objects`` are unused."""

    num_objects: NDArray[np.int64]
    """``(N,)``"""
    pixel: NDArray[np.float64]
    """``(N, K, 2)``: centres in [0, 1], x right and y down"""
    color: NDArray[np.int64]
    """``(N, K)``: colour indices"""
    covered: NDArray[np.bool_]
    """``(N, H, W)``: where an object is seen; ``(N, 0, 0)`` where it was not asked for"""
    table: Table
    """everything that conditions ask of them (``conditions/table.py``)"""


def read_shares(
    paths: Mapping[Path, float], most: int, *, covered: bool = False
) -> Iterator[Objects]:
    """Pictures of several datasets, of each as many as its share of a model's training is.

    Args:
        paths: the datasets' indices, and their shares, which need not add up to 1.
        most: pictures of all of them together, at most.
        covered: whether the masks are read too.

    Yields:
        the first pictures of a shard, one shard after the other.

    Raises:
        FileFormatError: a file is missing or damaged.
    """
    if not paths:
        return
    whole = sum(paths.values())
    found = {}
    for path in paths:
        with open_index(path) as index:
            found[path] = shards_behind(index)
    total = min(most, *(found[path].shape[0] * whole / share for path, share in paths.items()))
    for path, share in paths.items():
        left = round(total * share / whole)
        for number in range(len(found[path].parts)):
            if left <= 0:
                break
            with found[path].open(number) as file:
                objects = _first(file, left, covered)
            left -= len(objects.num_objects)
            yield objects


def _first(file: h5py.File, count: int, covered: bool) -> Objects:
    number, rows = read_objects(file, file.filename)
    number, rows = number[:count].astype(np.int64), rows[:count]
    seen = np.zeros((len(number), 0, 0), bool)
    if covered:
        with reading(file.filename, "readable masks"):
            seen = dataset(file, "masks")[:count] > 0
    colors = rows["color"].astype(np.int64)
    return Objects(number, rows["pixel"], colors, seen, of_shard(rows, number))
