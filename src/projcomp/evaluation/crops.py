"""What a picture shows at a place, of a colour, and elsewhere: projections of Definition 4.1 [B].

The window of a place is a square whose half side is REACH times the radius within which an object's
centre counts as there: about as large as CLEVR's large objects are seen. Windows end at the
picture's border. Of a colour the projection is what is like it in the picture, wherever that is.
"""

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projcomp.config.features import Palette
from projcomp.scenes.shown_colors import GROUND, shown_colors
from projcomp.scenes.vocabulary import COLORS

REACH = 1.5
FIELDS = 4

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


def color_fields(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How much of CLEVR's eight colours is where in ``images``: ``(N, FIELDS, FIELDS, 8)``.

    Every pixel is shared among the eight colours and the ground by how like it is to them, as in
    the features ``palette``; the shares are averaged over fields of the picture.
    """
    known = np.vstack([shown_colors(), GROUND]).astype(np.float32)
    sharpness = Palette.model_fields["sharpness"].default
    found = np.empty((len(images), FIELDS, FIELDS, len(COLORS)), np.float32)
    for image, fields in zip(images, found, strict=True):
        pixels = image[:, :, None].astype(np.float32) / 127.5 - 1
        squares = ((pixels - known) ** 2).sum(-1)
        weights = np.exp(-sharpness * (squares - squares.min(-1, keepdims=True)))
        shares = (weights / weights.sum(-1, keepdims=True))[:, :, :-1]
        for row, band in enumerate(np.array_split(shares, FIELDS, axis=0)):
            for column, field in enumerate(np.array_split(band, FIELDS, axis=1)):
                fields[row, column] = field.mean((0, 1))
    return found


def of_colors(fields: NDArray[Any], colors: Sequence[str]) -> NDArray[np.float32]:
    """What of :func:`color_fields` is of ``colors``: ``(N, D)``."""
    chosen = fields[..., [list(COLORS).index(color) for color in colors]]
    return chosen.reshape(len(chosen), prod(chosen.shape[1:])).astype(np.float32)


def _points(pixels: NDArray[Any]) -> NDArray[np.float32]:
    return pixels.reshape(len(pixels), prod(pixels.shape[1:])).astype(np.float32) / 255
