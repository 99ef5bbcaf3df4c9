"""Numbers that should lie in [0, 1], and what to say of those that do not."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

MEND_POINTS = (
    "divide pixels by the picture's side, take (c + 1) / 2 of what goes from -1 to 1, and leave "
    "out what is no place"
)
"""How to mend coordinates that are no shares of the side."""

_BYTES = 10
"""Greatest number from which floats up to 255 are taken for bytes: below it something overshot."""


def is_unit(values: NDArray[Any]) -> bool:
    """Whether all lie in [0, 1]; what is no number does not."""
    return bool(((values >= 0) & (values <= 1)).all())


def span(values: NDArray[Any]) -> str:
    """Of numbers the least and the greatest, with enough digits to see which is outside."""
    if np.isnan(values).any():
        return "some that are no numbers (NaN)"
    if not np.isfinite(values).all():
        return "some infinite"
    return f"numbers from {_told(values.min())} to {_told(values.max())}"


def mend_pixels(values: NDArray[Any]) -> str:
    """How to mend finite pixels outside [0, 1]: division by 255 would blacken what overshot 1."""
    low, high = values.min(), values.max()
    if low >= 0 and _BYTES <= high <= 255:
        return "divide them by 255"
    return "scale or clip them into [0, 1]"


def _told(value: np.number[Any]) -> str:
    """Short, but never rounded to a number inside where it lies outside."""
    short = f"{value:g}"
    return str(value) if 0 <= float(short) <= 1 and not 0 <= value <= 1 else short
