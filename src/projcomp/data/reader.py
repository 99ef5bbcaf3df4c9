"""Images of a dataset in any order, at the price of reading its shards."""

from collections import OrderedDict

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from projcomp.data.hdf5 import dataset, reading
from projcomp.data.index import Shards

try:
    import resource
except ImportError:  # not on Windows
    resource = None

MAX_OPEN = 4096
"""Shards kept open at once, where the system lets a process open twice as many files."""


class ImageReader:
    """Reads images by their number in the dataset, straight from the shards.

    HDF5 compares a selection in a virtual dataset with every one of its sources; with many shards
    that costs far more than the reading (benchmarks/storage.py). The index still says which
    shards there are, and in which order.

    Args:
        shards: the dataset's. They are opened at the first reading, so that each worker process
            has files of its own.
    """

    def __init__(self, shards: Shards):
        self._shards = shards
        self._starts = np.array([part.rows.start for part in self._shards.parts])
        self._open: OrderedDict[int, h5py.Dataset] = OrderedDict()
        self._may_open = min(_files_allowed() // 2, MAX_OPEN)  # worker processes inherit it

    def read(self, index: ArrayLike) -> NDArray[np.uint8]:
        """The images ``index`` (B,), in that order: uint8 (B, H, W, 3).

        Raises:
            FileFormatError: a shard went away, is damaged, or is another one by now.
        """
        index = np.asarray(index)
        images = np.empty((len(index), *self._shards.shape[1:]), dtype=np.uint8)
        shards = np.searchsorted(self._starts, index, side="right") - 1
        for row in np.argsort(index, kind="stable"):
            shard = int(shards[row])
            stored = self._images(shard)
            with reading(self._shards.parts[shard].path, "a whole shard"):
                # not read_direct: its selections cost more than a copy of one image
                images[row] = stored[int(index[row] - self._starts[shard])]
        return images

    def _images(self, shard: int) -> h5py.Dataset:
        if shard in self._open:
            self._open.move_to_end(shard)
            return self._open[shard]
        if len(self._open) >= self._may_open:
            self._open.popitem(last=False)[1].file.close()
        # no chunk cache: an image is one chunk, and hardly ever read twice in a while
        self._open[shard] = dataset(self._shards.reopen(shard, rdcc_nbytes=0), "images")
        return self._open[shard]


def _files_allowed() -> int:
    """How many files this process may open, after asking for as many as it can need.

    A shuffled batch touches most shards of a large dataset; opening them anew every time would
    cost several times the reading.
    """
    if resource is None:
        return 512
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MAX_OPEN if hard == resource.RLIM_INFINITY else min(2 * MAX_OPEN, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return 2 * MAX_OPEN if soft == resource.RLIM_INFINITY else soft
