"""IDX files, as MNIST and its relatives have them, plain or compressed by gzip.

Two zero bytes, one for the type, one for the number of sizes; the sizes as big-endian 32-bit
numbers; then the values (LeCun, Cortes and Burges, "The MNIST database").
"""

import gzip
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projcomp.data.arrays import IMAGES, Stored
from projcomp.errors import FileFormatError
from projcomp.files.contents import GZIP, what_is
from projcomp.files.idx_names import is_idx_images, labels_beside
from projcomp.files.inputs import check_input
from projcomp.words import first_line

LABEL = "label"
"""The column of the labels, of whatever has one and no name for it."""

_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def is_idx(head: bytes) -> bool:
    """Whether a file that begins so is one of images or labels in this format."""
    return head[:2] == b"\0\0" and len(head) > 3 and head[2] in _TYPES and head[3] in (1, 3, 4)


def open_idx(path: Path) -> Stored:
    """The images of an IDX file, and their labels where the file of them lies beside it.

    Raises:
        FileFormatError: it is damaged, or holds no images.
    """
    labels = Path(labels_beside(path))
    has_labels = is_idx_images(path) and labels.is_file()

    def read(name: str) -> NDArray[Any]:
        return _read(path if name == IMAGES else labels, 3 if name == IMAGES else 1)

    return Stored(path, [LABEL] if has_labels else [], read)


def _read(path: Path, sizes: int) -> NDArray[Any]:
    """The values of a file with so many sizes, or of images with one for their channels."""
    expected = "images" if sizes > 1 else "labels"
    check_input(path, f"an IDX file of {expected}", "check its name")
    content = _content(path, expected)
    if not is_idx(content[:4]):
        raise _wrong(path, expected, "a file of another kind", "name another file")
    number = content[3]
    if number != sizes and not (sizes == number - 1 == 3):
        raise _wrong(path, expected, f"values with {number} sizes", "name another file")
    kind, start = np.dtype(_TYPES[content[2]]), 4 + 4 * number
    shape = [int.from_bytes(content[place : place + 4], "big") for place in range(4, start, 4)]
    wanted = math.prod(shape) * kind.itemsize
    if len(content) - start != wanted:
        got = f"{len(content):,} bytes where {start + wanted:,} belong"
        raise _wrong(path, expected, got, "take a whole copy of it")
    values = np.frombuffer(content, kind, offset=start).reshape(shape)
    return values.astype(kind.newbyteorder("="))


def _content(path: Path, expected: str) -> bytes:
    """The bytes of a file, decompressed where it is a gzip file."""
    try:
        if what_is(path) != GZIP:
            return path.read_bytes()
        with gzip.open(path) as file:
            return file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise _wrong(
            path, expected, f"damaged data ({first_line(error)})", "take a whole copy of it"
        ) from None


def _wrong(path: Path, expected: str, got: str, mend: str) -> FileFormatError:
    return FileFormatError(f"{path}: an IDX file of {expected} expected, got {got}: {mend}")
