"""From the detector's grid back to objects: the peaks of its heatmap.

The middle of cell ``i`` is at ``(i + 0.5) / grid`` of the image side.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Detections(NamedTuple):
    """The objects found in one image, best first."""

    xy: np.ndarray
    """float64 ``(n, 2)``: centres in [0, 1], x right and y down."""
    score: np.ndarray
    """float64 ``(n,)``: heights of the heatmap in [0, 1]."""
    color: np.ndarray
    """int64 ``(n,)``: colour indices."""


def find_peaks(outputs: NDArray[np.float32], threshold: float) -> list[Detections]:
    """Objects of a batch: the heatmap's local maxima in 3 x 3 cells that are above ``threshold``.

    Neighbouring objects may be 2.75 cells apart at 32 pixels, so a wider window would lose some. Of
    equal neighbours only one counts, the first.

    Args:
        outputs: ``(B, 11, G, G)`` of a detector.
        threshold: least height of a peak, in [0, 1].

    Returns:
        one entry per image, best object first.
    """
    batch, _, grid, _ = outputs.shape
    heat = outputs[:, 0]
    with np.errstate(over="ignore"):  # of e^-x, where the height is 0
        height = 1 / (1 + np.exp(-heat))
    image, row, column = np.nonzero(_is_peak(heat) & (height > threshold))
    middles = np.stack([column, row], axis=1).astype(np.float32) + np.float32(0.5)
    cells = middles + outputs[image, 1:3, row, column]
    xy = (cells / grid).clip(0.0, 1.0).astype(float)
    scores = height[image, row, column].astype(float)
    colors = outputs[image, 3:, row, column].argmax(axis=1)
    order = np.lexsort((-scores, image))
    ends = np.searchsorted(image[order], np.arange(batch), side="right")
    parts = np.split(order, ends)[:batch]
    return [Detections(xy[part], scores[part], colors[part]) for part in parts]


def _is_peak(heat: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where a cell of ``heat`` ``(B, G, G)`` is the first greatest of its 3 x 3."""
    grid = heat.shape[1]
    around = np.pad(heat, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    peak = np.ones(heat.shape, bool)
    for place in range(9):
        row, column = divmod(place, 3)
        other = around[:, row : row + grid, column : column + grid]
        if place < 4:
            peak &= heat > other
        elif place > 4:
            peak &= heat >= other
    return peak
