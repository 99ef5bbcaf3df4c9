"""Can a simple classifier tell two sets of points apart that it has not seen?

The classifier two-sample test (Lopez-Paz and Oquab 2017, arXiv 1610.06545) with ridge regression of
the label, cross-validated. Its predictions are linear in the labels, so that permutations of these
cost a product each, and the p-value is exact although the folds share their training points.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from projcomp.evaluation.intervals import wilson
from projcomp.evaluation.two_sample import FEWEST, Compared, null

FOLDS = 5
PERMUTATIONS = 199


def held_out_accuracy(
    first: NDArray[Any],
    second: NDArray[Any],
    confidence: float,
    *,
    rng: np.random.Generator,
    permutations: int = PERMUTATIONS,
) -> Compared:
    """Share of held-out points whose set is told right: 1/2 or so for equal laws, 1 for distant.

    As many points of either set are taken as the smaller one has, the first ones. Of equal laws it
    is a little less than 1/2 with few points: where a fold holds more points of one set, the others
    that it is judged by hold fewer of it. The floor has that share.

    Args:
        first: points ``(n, D)``.
        second: points ``(m, D)``.
        confidence: level of the interval, Wilson's over points; folds share training points, so
            that it is an approximation, and the p-value is not.
        rng: the stream that folds and permutations come from.
        permutations: how many.

    Returns:
        NaN throughout where a set has fewer points than FEWEST, or a point what is no number.
    """
    size = min(len(first), len(second))
    if size < FEWEST:
        return Compared()
    points = np.concatenate([first[:size], second[:size]]).astype(float)
    if not np.isfinite(points).all():
        return Compared()
    labels = np.repeat([1.0, -1.0], size)
    fold = rng.permutation(2 * size) % FOLDS  # without a look at the labels, or it were not exact
    drawn = rng.permuted(np.tile(labels, (permutations, 1)), axis=1)
    told = _predicted(points, fold, np.vstack([labels, drawn]).T)
    right = (told == np.vstack([labels, drawn]).T).mean(0)
    value = float(right[0])
    low, high = wilson(round(value * 2 * size), 2 * size, confidence)
    return Compared(value, low, high, *null(value, right[1:], confidence))


def _predicted(points: NDArray[Any], fold: NDArray[Any], labels: NDArray[Any]) -> NDArray[Any]:
    """Labels 1 or -1 ``(N, B)`` of every point by the points of the other folds."""
    points = points - points.mean(0)
    products = points @ points.T
    penalty = max(float(np.trace(products)) / len(points), 1e-12)
    told = np.empty_like(labels)
    for number in range(FOLDS):
        test, rest = fold == number, fold != number
        middle = labels[rest].mean(0)
        inner = products[np.ix_(rest, rest)] + penalty * np.eye(int(rest.sum()))
        slope = np.linalg.solve(inner, labels[rest] - middle)
        told[test] = np.where(middle + products[np.ix_(test, rest)] @ slope > 0, 1.0, -1.0)
    return told
