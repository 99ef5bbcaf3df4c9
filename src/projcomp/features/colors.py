"""CLEVR's eight colours as the pictures show them, and the ground's, as tensors."""

import torch
from torch import Tensor

from projcomp.scenes.shown_colors import GROUND, shown_colors

__all__ = ["GROUND", "clevr_colors"]


def clevr_colors() -> Tensor:
    """Colours ``(8, 3)`` as of :func:`~projcomp.scenes.shown_colors.shown_colors`, float64."""
    return torch.from_numpy(shown_colors())
