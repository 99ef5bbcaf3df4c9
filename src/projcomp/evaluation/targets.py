"""What the detector should say of an image whose objects are known: what it learns from.

The middle of cell ``i`` is at ``(i + 0.5) / grid`` of the image side.
"""

from typing import NamedTuple

import torch
from torch import Tensor

SIGMA = 1.0
"""Standard deviation of an object's bump in the heatmap, cells."""

_REACH = 1.5


class Targets(NamedTuple):
    """What the detector should say: the best any output can be is exactly this."""

    heat: Tensor
    """``(B, G, G)``: exp(-d^2 / 2 SIGMA^2), d the distance to the nearest centre in cells."""
    offset: Tensor
    """``(B, 2, G, G)``: from the cell's middle to the nearest centre, x then y, in cells."""
    color: Tensor
    """``(B, G, G)`` int64: colour index of the nearest object."""
    near: Tensor
    """``(B, G, G)`` bool: offset and colour count here (an object's centre is within 1.5 cells)."""


def draw_targets(pixel: Tensor, color: Tensor, num_objects: Tensor, grid: int) -> Targets:
    """Targets of a batch.

    Args:
        pixel: float ``(B, K, 2)`` centres in [0, 1]; rows at ``num_objects`` and beyond are unused.
        color: int64 ``(B, K)``.
        num_objects: int ``(B,)``.
        grid: side of the grid, cells.
    """
    device = pixel.device
    middles = torch.arange(grid, device=device, dtype=torch.float32) + 0.5
    dx, dy = ((pixel.float() * grid)[..., None] - middles).unbind(2)
    squared = dx[:, :, None, :] ** 2 + dy[:, :, :, None] ** 2
    used = torch.arange(pixel.shape[1], device=device) < num_objects[:, None]
    squared = squared.masked_fill(~used[:, :, None, None], torch.inf)
    least, nearest = squared.min(dim=1)
    rows = torch.arange(grid, device=device)
    batch = torch.arange(pixel.shape[0], device=device)[:, None, None]
    offset = torch.stack(
        [dx[batch, nearest, rows[None, None, :]], dy[batch, nearest, rows[None, :, None]]], dim=1
    )
    return Targets(
        heat=torch.exp(-least / (2 * SIGMA**2)),
        offset=offset,
        color=color[batch, nearest],
        near=least <= _REACH**2,
    )
