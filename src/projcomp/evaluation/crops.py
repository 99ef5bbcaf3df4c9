"""What a picture shows at a place, and everywhere else: the projections of Definition 4.1 [B].

The window of a place is a square whose half side is REACH times the radius within which an object's
centre counts as there: about as large as CLEVR's large objects are seen. Windows end at the
picture's border.
"""

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

REACH = 1.5

Place = Sequence[float]


def window(place: Place, radius: float, shape: Sequence[int]) -> tuple[slice, slice]:
    """Rows and columns of the window of a place.

    Args:
        place: x right and y down, as shares of the image side.
        radius: as ``evaluation.radius``, a share of the image side.
        shape: of the picture, (H, W).
    """
    half = max(1, round(REACH * radius * shape[1]))
    column, row = (
        min(int(share * side), side - 1) for share, side in zip(place, shape[::-1], strict=True)
    )
    rows = slice(max(row - half, 0), row + half + 1)
    return rows, slice(max(column - half, 0), column + half + 1)


def at_place(images: NDArray[Any], place: Place, radius: float) -> NDArray[np.float32]:
    """Pixels of ``images`` ``(N, H, W, 3)`` in the window of ``place``: ``(N, D)`` in [0, 1].

    The images have bytes, or the same range.
    """
    rows, columns = window(place, radius, images.shape[1:3])
    return _points(images[:, rows, columns])


def elsewhere(images: NDArray[Any], places: Iterable[Place], radius: float) -> NDArray[np.float32]:
    """Pixels that are in no window of ``places``: ``(N, D)`` in [0, 1]; D may be 0."""
    away = np.ones(images.shape[1:3], bool)
    for place in places:
        away[window(place, radius, images.shape[1:3])] = False
    return _points(images[:, away])


def _points(pixels: NDArray[Any]) -> NDArray[np.float32]:
    return pixels.reshape(len(pixels), prod(pixels.shape[1:])).astype(np.float32) / 255
