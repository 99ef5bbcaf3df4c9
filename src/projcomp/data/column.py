"""A column of labels as texts, whatever its type."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projcomp.data.unit import MEND_POINTS, is_unit, span
from projcomp.errors import FileFormatError


def texts_of(path: Path, name: str, column: NDArray[Any], count: int) -> NDArray[np.str_]:
    """The labels of ``count`` images as texts, ``(count,)``; empty where one has none.

    Args:
        path: the file that they are of, for messages.
        name: the column.
        column: numbers or texts.
        count: how many images there are.

    Raises:
        FileFormatError: it is of another length, or holds what is no label.
    """
    check_length(path, name, column, count)
    if column.ndim != 1:
        raise wrong_column(path, name, f"one label an image, ({count},)", f"shape {column.shape}")
    if column.dtype.kind not in "biufUS":
        raise wrong_column(path, name, "numbers or texts", str(column.dtype))
    if column.dtype.kind == "f":
        if not np.isfinite(column).all():
            raise wrong_column(path, name, "labels", "numbers that are not finite")
        return np.array([_short(value) for value in column])
    try:
        if column.dtype.kind == "S":
            column = np.char.decode(column, "utf-8")
        texts = column.astype(str)
        np.char.encode(texts, "utf-8")
    except UnicodeError:
        raise not_utf8(path, name) from None
    return texts


def not_utf8(path: Path, name: str) -> FileFormatError:
    """The line about texts in another encoding, of which several would be read as the same."""
    mend = "rename them" if path.is_dir() else "decode them, and store them again"
    return FileFormatError(
        f"{path}: texts in UTF-8 expected in {name}, got others (in Latin-1, perhaps): {mend}"
    )


def _short(value: np.floating) -> str:
    """A number without needless digits, and with all that part it from its neighbours."""
    short = f"{value:g}"
    return short if value.dtype.type(short) == value else str(value)


def points_of(path: Path, name: str, column: NDArray[Any], count: int) -> NDArray[np.float64]:
    """The points ``(count, 2)`` of as many images, x right and y down, in [0, 1].

    Raises:
        FileFormatError: it is of another length, or holds what is no point of the image.
    """
    check_length(path, name, column, count)
    if column.shape != (count, 2) or column.dtype.kind != "f":
        got = f"{column.dtype} {column.shape}"
        mend = "store them as floats, shares of the picture's side"
        raise wrong_column(path, name, f"points as floats ({count}, 2)", got, mend)
    if not is_unit(column):
        raise wrong_column(path, name, "points in [0, 1]", span(column), MEND_POINTS)
    return column.astype(np.float64)


def check_length(path: Path, name: str, column: NDArray[Any], count: int) -> None:
    """Refuse a column of another length than there are images.

    Raises:
        FileFormatError: it is one.
    """
    if column.ndim and len(column) != count:
        raise wrong_column(path, name, f"a label for each of {count} images", str(len(column)))


def wrong_column(
    path: Path, name: str, expected: str, got: str, mend: str = "correct the column"
) -> FileFormatError:
    """The line about a column that does not hold what it should."""
    return FileFormatError(f"{path}: {expected} expected in {name}, got {got}: {mend}")
