"""CIFAR-10 as its authors give it away: ``cifar-10-python.tar.gz`` (Krizhevsky 2009).

Its check sum is held against the known one before anything in it is read, and its batches, which
are pickles, are read without running them (``plain_pickle.py``).
"""

import hashlib
import tarfile
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projcomp.data.arrays import IMAGES, Stored
from projcomp.data.idx import LABEL
from projcomp.data.plain_pickle import bytes_of, read_plain
from projcomp.errors import FileFormatError
from projcomp.words import first_line

SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
"""Of the archive."""

CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
"""In the order of their numbers, as its ``batches.meta`` has them."""

BATCH = "batch"
"""The column that tells training pictures from the test pictures."""

_BATCHES = {f"cifar-10-batches-py/data_batch_{number}": "train" for number in range(1, 6)}
_BATCHES |= {"cifar-10-batches-py/test_batch": "test"}
_EXPECTED = "cifar-10-python.tar.gz"


def is_tar(head: bytes) -> bool:
    """Whether decompressed bytes begin a tar archive."""
    return head[257:262] == b"ustar"


def open_cifar(path: Path) -> Stored:
    """The 50,000 training images, then the 10,000 test images: their labels by name, and which.

    Raises:
        FileFormatError: on reading: it is another archive, or damaged.
    """

    def read(name: str) -> NDArray[Any]:
        return _batches(path)[name]

    return Stored(path, [LABEL, BATCH], read)


@cache
def _batches(path: Path) -> dict[str, NDArray[Any]]:
    """Images uint8 ``(N, 32, 32, 3)`` and both columns, each ``(N,)``."""
    _check_sum(path)
    try:
        with tarfile.open(path, "r:gz") as archive:
            found = [(*_batch(archive, name), which) for name, which in _BATCHES.items()]
    except (tarfile.TarError, KeyError, OSError, EOFError, ValueError, zlib.error) as error:
        raise FileFormatError(
            f"{path}: {_EXPECTED} expected, got damaged data ({first_line(error)}): take a whole "
            "copy of it"
        ) from None
    images, labels, which = zip(*found, strict=True)
    return {
        IMAGES: np.concatenate(images),
        LABEL: np.concatenate(labels),
        BATCH: np.repeat(which, [len(some) for some in labels]),
    }


def _check_sum(path: Path) -> None:
    total = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(2**20):
            total.update(piece)
    if total.hexdigest() != SHA256:
        raise FileFormatError(
            f"{path}: {_EXPECTED} of sha256 {SHA256[:12]}... expected, got {total.hexdigest()[:12]}"
            "...: take a whole copy of it; of pictures of your own store an .npz file"
        )


def _batch(archive: tarfile.TarFile, name: str) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    member = archive.extractfile(name)
    if member is None:
        raise ValueError(f"no file {name}")
    batch = read_plain(member.read())
    rows = bytes_of(batch[b"data"])
    images = rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    labels = np.array(CLASSES)[np.array(batch[b"labels"], dtype=int)]
    if len(labels) != len(images):
        raise ValueError(f"{len(labels)} labels of {len(images)} images in {name}")
    return images, labels
