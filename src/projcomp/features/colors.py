"""CLEVR's eight colours as the pictures show them, and the ground's."""

import torch
from torch import Tensor

from projcomp.scenes.vocabulary import COLORS

LIGHT = 0.25
"""Light that falls on the typical pixel of an object, 1 for white at full brightness."""

GROUND = (0.0, 0.0, 0.0)
"""Colour of the typical pixel of the ground, each channel in [-1, 1]."""


def clevr_colors(light: float = LIGHT) -> Tensor:
    """Colours ``(8, 3)`` of dull surfaces under white ``light``, in [-1, 1], float64.

    The vocabulary's c/255 are linear; pictures are sRGB (IEC 61966-2-1), as ``render/exr.py``
    writes them.
    """
    linear = light * torch.tensor(list(COLORS.values()), dtype=torch.float64) / 255
    toe, power = 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    return 2 * torch.where(linear <= 0.0031308, toe, power) - 1
