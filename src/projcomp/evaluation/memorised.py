"""Are samples copies of training images? Their nearest one, against that of held-out renders.

A distance alone says nothing: dull pictures lie near each other. So samples are held against
renders of the same requests that no model has learned from. ``nearer`` is the probability that of a
sample and such a render the sample lies nearer to its nearest training image (the area under the
ROC curve, Mann and Whitney's statistic): 1/2 where the model made new pictures, 1 where it copied.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projcomp.evaluation.two_sample import (
    FEWEST,
    PERMUTATIONS,
    Compared,
    jackknife_interval,
    null,
)

SIDE = 32
"""Pictures are averaged over blocks of pixels as long as they stay at least this large."""


def shrunk(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """``images`` ``(N, H, W, 3)`` averaged to at least SIDE pixels, less than twice as many."""
    n, h, w, c = images.shape
    block = max(1, min(h, w) // SIDE)
    rows, columns = h // block, w // block
    kept = images[:, : rows * block, : columns * block].astype(np.float32)
    return kept.reshape(n, rows, block, columns, block, c).mean((2, 4))


class Nearest:
    """The distance of points to the nearest of others, which come in pieces.

    Args:
        points: ``(N, D)``.
    """

    def __init__(self, points: NDArray[Any]) -> None:
        # around their mean, so that rounding stays small beside a copy's distance
        self._mean = points.mean(0) if len(points) else 0.0
        self._points = (points - self._mean).astype(np.float32)
        self._norms = (self._points**2).sum(1)
        self._least = np.full(len(points), np.inf, np.float32)

    def see(self, others: NDArray[Any]) -> None:
        """Take in some of the others, ``(M, D)``."""
        if not len(others):
            return
        others = (others - self._mean).astype(np.float32)
        squares = (others**2).sum(1) - 2 * self._points @ others.T
        self._least = np.minimum(self._least, squares.min(1) + self._norms)

    @property
    def distances(self) -> NDArray[np.float32]:
        """Distances ``(N,)`` to the nearest point seen; infinite before."""
        return np.sqrt(self._least.clip(0))


def nearer(
    samples: NDArray[Any],
    held_out: NDArray[Any],
    confidence: float,
    *,
    rng: np.random.Generator,
    permutations: int = PERMUTATIONS,
) -> Compared:
    """The probability that a sample is nearer to the training images than a held-out render.

    Ties count half. Of several columns the mean is taken, and permuted are whole rows.

    Args:
        samples: nearest distances ``(n, P)``, a column for each part of the picture.
        held_out: nearest distances ``(m, P)``.
        confidence: level of the interval, in (0, 1).
        rng: the stream that permutations come from.
        permutations: how many.

    Returns:
        NaN throughout where a set has fewer rows than FEWEST.
    """
    n, m = len(samples), len(held_out)
    if min(n, m) < FEWEST:
        return Compared()
    pooled = np.concatenate([samples, held_out])
    # row a, column b: 1/2 where a is nearer, -1/2 where b is
    wins = np.mean([_wins(column) for column in pooled.T], axis=0)
    across = wins[:n, n:]
    value = float(across.mean() + 0.5)
    left_x = (across.sum() - across.sum(1)) / ((n - 1) * m)
    left_y = (across.sum() - across.sum(0)) / (n * (m - 1))
    # wins within a set add up to nothing, so that row sums are enough
    chosen = rng.permuted(np.tile(np.arange(n + m) < n, (permutations, 1)), axis=1)
    drawn = chosen @ wins.sum(1) / (n * m) + 0.5
    low, high = jackknife_interval(value, left_x, left_y, confidence)
    return Compared(value, low, high, *null(value, drawn, confidence))


def nearest_distances(
    points: Iterable[NDArray[Any]], learned: Iterable[Iterable[NDArray[Any]]]
) -> list[NDArray[np.float32]]:
    """Distances of several sets of points, each in a space of its own.

    Args:
        points: the sets, ``(N_s, D_s)``.
        learned: pieces of the others, each as seen in all of these spaces, ``(M, D_s)``.
    """
    found = [Nearest(some) for some in points]
    for piece in learned:
        for one, others in zip(found, piece, strict=True):
            one.see(others)
    return [one.distances for one in found]


def _wins(distances: NDArray[Any]) -> NDArray[np.float64]:
    return np.sign(distances[None, :] - distances[:, None]) / 2
