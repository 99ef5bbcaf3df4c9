"""A column of labels beside anybody's images, in an .npz or HDF5 file."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from projcomp.data.arrays import Stored
from projcomp.errors import FileFormatError
from projcomp.prediction.places import Division


def read_labels(stored: Stored, by: str, division: Division, count: int) -> NDArray[np.str_]:
    """The labels of ``count`` images in the column ``by`` as texts; empty where one has none.

    A column ``position`` of points ``(N, 2)`` in [0, 1] is divided as a dataset's positions are.

    Raises:
        FileFormatError: it is of another length, or holds what is no label.
    """
    column = stored.read(by)
    if column.ndim and len(column) != count:
        raise _column(stored.path, by, f"a label for each of {count} images", str(len(column)))
    if by == "position" and column.shape == (count, 2) and column.dtype.kind == "f":
        if not ((column >= 0) & (column <= 1)).all():
            raise _column(stored.path, by, "points in [0, 1]", "others")
        return division.labels(column)
    if column.ndim != 1:
        raise _column(stored.path, by, f"one label an image, ({count},)", f"shape {column.shape}")
    if column.dtype.kind not in "biufUS":
        raise _column(stored.path, by, "numbers or texts", str(column.dtype))
    if column.dtype.kind == "f":
        if not np.isfinite(column).all():
            raise _column(stored.path, by, "labels", "numbers that are not finite")
        return np.array([f"{value:g}" for value in column.tolist()])
    if column.dtype.kind == "S":
        column = np.char.decode(column, "utf-8", "replace")
    return column.astype(str)


def _column(path: Path, by: str, expected: str, got: str) -> FileFormatError:
    return FileFormatError(f"{path}: {expected} expected in {by}, got {got}: correct the column")
