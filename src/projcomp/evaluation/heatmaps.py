"""Between objects and the detector's grid: targets to learn from, and peaks back to objects.

The middle of cell ``i`` is at ``(i + 0.5) / grid`` of the image side.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

SIGMA = 1.0
"""Standard deviation of an object's bump in the heatmap, cells."""

_REACH = 1.5
_SUPPRESSION = 3


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


class Detections(NamedTuple):
    """The objects found in one image, best first."""

    xy: np.ndarray
    """float64 ``(n, 2)``: centres in [0, 1], x right and y down."""
    score: np.ndarray
    """float64 ``(n,)``: heights of the heatmap in [0, 1]."""
    color: np.ndarray
    """int64 ``(n,)``: colour indices."""


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


def find_peaks(outputs: Tensor, threshold: float) -> list[Detections]:
    """Objects of a batch: the heatmap's local maxima in 3 x 3 cells that are above ``threshold``.

    Neighbouring objects may be 2.75 cells apart at 32 pixels, so a wider window would lose some. Of
    equal neighbours only one counts.

    Args:
        outputs: ``(B, 11, G, G)`` of :class:`~projcomp.evaluation.detector.Detector`.
        threshold: least height of a peak, in [0, 1].

    Returns:
        one entry per image, best object first.
    """
    outputs = outputs.detach().float()
    batch, _, grid, _ = outputs.shape
    heat = outputs[:, :1]
    _, winner = functional.max_pool2d(
        heat, _SUPPRESSION, stride=1, padding=_SUPPRESSION // 2, return_indices=True
    )
    own = torch.arange(grid * grid, device=outputs.device).view(grid, grid)
    score = heat[:, 0].sigmoid()
    image, row, column = ((winner[:, 0] == own) & (score > threshold)).nonzero(as_tuple=True)
    cells = torch.stack([column, row], dim=1) + 0.5 + outputs[image, 1:3, row, column]
    xy = (cells / grid).clamp(0.0, 1.0).double().cpu().numpy()
    scores = score[image, row, column].double().cpu().numpy()
    colors = outputs[image, 3:, row, column].argmax(dim=1).cpu().numpy()
    owner = image.cpu().numpy()
    order = np.lexsort((-scores, owner))
    ends = np.searchsorted(owner[order], np.arange(batch), side="right")
    starts = np.concatenate([[0], ends[:-1]])
    parts = [order[start:end] for start, end in zip(starts, ends, strict=True)]
    return [Detections(xy[part], scores[part], colors[part]) for part in parts]
