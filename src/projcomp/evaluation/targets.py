"""What the detector should say of an image whose objects are known: what it learns from.

The middle of cell ``i`` is at ``(i + 0.5) / grid`` of the image side.
"""

from typing import NamedTuple

import torch
from torch import Tensor

SIGMA = 0.8
"""Standard deviation of an object's bump in the heatmap, cells."""

_REACH = 1.5
_UNTAUGHT = 0.09
"""Around a doubtful object the heatmap may say anything; a share of the image side."""


class Labels(NamedTuple):
    """The objects of a batch; those at ``num_objects`` and beyond are unused."""

    pixel: Tensor
    """float ``(B, K, 2)``: centres in [0, 1]"""
    attributes: Tensor
    """int64 ``(B, K, A)``: index of each of ``grid.ATTRIBUTES``"""
    num_objects: Tensor
    """int ``(B,)``"""
    doubtful: Tensor
    """bool ``(B, K)``: what is seen there is no whole object"""
    ruined: Tensor
    """bool ``(B,)``: nothing can be seen anywhere"""


class Targets(NamedTuple):
    """What the detector should say: the best any output can be is exactly this."""

    heat: Tensor
    """``(B, G, G)``: exp(-d^2 / 2 SIGMA^2), d the distance to the nearest whole object's cell, in
    cells: 1 in the cell that a centre lies in, so that heights are probabilities"""
    heat_weight: Tensor
    """``(B, G, G)``: 0 where the heatmap is not taught, around what is doubtful; else 1"""
    doubt: Tensor
    """``(B, G, G)``: the same bumps around doubtful objects; 1 everywhere in ruined images"""
    doubt_weight: Tensor
    """``(B, G, G)``: 1, and 1/G in ruined images, whose cells all say the same"""
    offset: Tensor
    """``(B, 2, G, G)``: from the cell's middle to the nearest centre, x then y, in cells"""
    attributes: Tensor
    """``(B, A, G, G)`` int64: those of the nearest object"""
    near: Tensor
    """``(B, G, G)`` bool: offset and attributes count here (a whole object's centre is within 1.5
    cells)"""


def draw_targets(labels: Labels, grid: int) -> Targets:
    """Targets of a batch on a grid of ``grid`` cells a side."""
    pixel = labels.pixel.float()
    device, used = pixel.device, torch.arange(pixel.shape[1], device=pixel.device)
    used = used < labels.num_objects[:, None]
    middles = torch.arange(grid, device=device, dtype=torch.float32) + 0.5
    dx, dy = ((pixel * grid)[..., None] - middles).unbind(2)
    squared = _squared(dx, dy).masked_fill(~used[:, :, None, None], torch.inf)
    least, nearest = squared.min(dim=1)
    rows = torch.arange(grid, device=device)
    batch = torch.arange(len(pixel), device=device)[:, None, None]
    offset = torch.stack(
        [dx[batch, nearest, rows[None, None, :]], dy[batch, nearest, rows[None, :, None]]], dim=1
    )
    doubtful = labels.doubtful[batch, nearest]
    ruined = labels.ruined[:, None, None].expand_as(least)
    cells = (pixel * grid).floor().clamp(0, grid - 1) + 0.5
    whole = _bumps(cells, middles, used & ~labels.doubtful)
    odd = _bumps(cells, middles, used & labels.doubtful)
    taught = ~ruined & ~(doubtful & (least <= (_UNTAUGHT * grid) ** 2))
    return Targets(
        heat=whole,
        heat_weight=taught.float(),
        doubt=torch.where(ruined, 1.0, odd),
        doubt_weight=torch.where(ruined, 1.0 / grid, 1.0),
        offset=offset,
        attributes=labels.attributes[batch, nearest].movedim(-1, 1),
        near=(least <= _REACH**2) & ~doubtful & ~ruined,
    )


def _squared(dx: Tensor, dy: Tensor) -> Tensor:
    """Squared distances ``(B, K, G, G)`` from ``(B, K, G)`` along each axis."""
    return dx[:, :, None, :] ** 2 + dy[:, :, :, None] ** 2


def _bumps(cells: Tensor, middles: Tensor, shown: Tensor) -> Tensor:
    """The greatest bump of those objects that are ``shown`` ``(B, K)``, ``(B, G, G)``."""
    dx, dy = (cells[..., None] - middles).unbind(2)
    bumps = torch.exp(-_squared(dx, dy) / (2 * SIGMA**2)) * shown[:, :, None, None]
    return bumps.amax(dim=1)
