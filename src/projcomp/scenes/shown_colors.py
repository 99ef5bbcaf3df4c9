"""CLEVR's eight colours as the pictures show them, and the ground's."""

import numpy as np
from numpy.typing import NDArray

from projcomp.scenes.vocabulary import COLORS

LIGHT = 0.25
"""Light that falls on the typical pixel of an object, 1 for white at full brightness."""

GROUND = (0.0, 0.0, 0.0)
"""Colour of the typical pixel of the ground, each channel in [-1, 1]."""


def shown_colors(light: float = LIGHT) -> NDArray[np.float64]:
    """Colours ``(8, 3)`` of dull surfaces under white ``light``, in [-1, 1].

    The vocabulary's c/255 are linear; pictures are sRGB (IEC 61966-2-1), as ``render/exr.py``
    writes them.
    """
    linear = light * np.array(list(COLORS.values()), float) / 255
    toe, power = 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    encoded: NDArray[np.float64] = np.where(linear <= 0.0031308, toe, power)
    return 2 * encoded - 1
