"""From the detector's grid back to objects: the peaks of its heatmap, and whether it doubts.

The middle of cell ``i`` is at ``(i + 0.5) / grid`` of the image side.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from projcomp.evaluation.grid import DOUBT, HEAT, LOGITS, OFFSET

_NONE = np.empty(0, dtype=np.int64)


class Detections(NamedTuple):
    """The objects found in one image, best first."""

    xy: np.ndarray
    """float64 ``(n, 2)``: centres in [0, 1], x right and y down."""
    score: np.ndarray
    """float64 ``(n,)``: heights of the heatmap in [0, 1]."""
    color: np.ndarray
    """int64 ``(n,)``: colour indices; the next three likewise, empty where nobody asked."""
    shape: np.ndarray = _NONE
    material: np.ndarray = _NONE
    size: np.ndarray = _NONE
    doubt: float = 0.0
    """Greatest height of the doubt in the image, in [0, 1]."""
    unsure: bool = False
    """Whether that is more than what was allowed."""

    def above(self, threshold: float) -> "Detections":
        """Those objects alone whose peaks are higher than ``threshold``."""
        count = int((self.score > threshold).sum())
        cut = {name: getattr(self, name)[:count] for name in ("xy", "score", *LOGITS)}
        return self._replace(**cut)


def find_peaks(
    outputs: NDArray[np.float32], threshold: float, most_doubt: float = 1.0
) -> list[Detections]:
    """Objects of a batch: the heatmap's local maxima in 3 x 3 cells that are above ``threshold``.

    Neighbouring objects may be 2.75 cells apart at 32 pixels, so a wider window would lose some. Of
    equal neighbours only one counts, the first.

    Args:
        outputs: ``(B, OUTPUTS, G, G)`` of a detector.
        threshold: least height of a peak, in [0, 1].
        most_doubt: an image in which the doubt is somewhere higher than this is one to be unsure
            of; of none, if it is 1.

    Returns:
        one entry per image, best object first.
    """
    batch, _, grid, _ = outputs.shape
    heat = outputs[:, HEAT]
    height = _height(heat)
    image, row, column = np.nonzero(_is_peak(heat) & (height > threshold))
    middles = np.stack([column, row], axis=1).astype(np.float32) + np.float32(0.5)
    cells = middles + outputs[image, OFFSET, row, column]
    xy = (cells / grid).clip(0.0, 1.0).astype(float)
    scores = height[image, row, column].astype(float)
    kinds = {name: outputs[image, one, row, column].argmax(axis=1) for name, one in LOGITS.items()}
    doubts = _height(outputs[:, DOUBT]).max(axis=(1, 2), initial=0.0).tolist()
    order = np.lexsort((-scores, image))
    ends = np.searchsorted(image[order], np.arange(batch), side="right")
    parts = np.split(order, ends)[:batch]
    return [
        Detections(
            xy=xy[part],
            score=scores[part],
            **{name: kind[part] for name, kind in kinds.items()},
            doubt=most,
            unsure=most > most_doubt,
        )
        for part, most in zip(parts, doubts, strict=True)
    ]


def allowed_doubt(found: Sequence[Detections], share: float) -> float:
    """The doubt that at most a ``share`` of the images has more of; there must be some images."""
    doubts = np.array([one.doubt for one in found])
    return float(np.quantile(doubts, 1 - share, method="higher"))


def _height(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # of e^-x, where the height is 0
        return 1 / (1 + np.exp(-logits))


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
