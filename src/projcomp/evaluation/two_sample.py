"""Do two sets of points come from one law? Discrepancies that need no densities.

All of them are made of three means of a matrix over pairs of points, ``xx``, ``yy`` and ``xy``,
each over pairs of different points:

- the *kernel discrepancy* ``xx + yy - 2 xy`` of a kernel's values, the unbiased estimate of the
  squared maximum mean discrepancy (Gretton et al. 2012, JMLR 13, 723, Lemma 6); with the polynomial
  kernel it is the kernel distance of Binkowski et al. 2018 (arXiv 1801.01401);
- the *energy coefficient* ``(2 xy - xx - yy) / (2 xy)`` of distances, the energy distance as a
  share: 0 for equal laws alone, 1 for two different points (Szekely and Rizzo 2013, J. Stat. Plan.
  Inference 143, 1249).

P-values are of permutations, exact at any number of points; intervals are the jackknife's (Arvesen
1969), which are too wide where the laws are equal: the statistic is degenerate there. Where a point
has a coordinate that is no number, no number comes out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Array = NDArray[np.float64]
Statistic = Callable[[Any, Any, Any], Any]
"""A value of the means ``xx``, ``yy``, ``xy``, of arrays of them element by element."""

FEWEST = 3
"""Points that a set needs: the jackknife leaves one out, and a pair must stay."""

PERMUTATIONS = 999


@dataclass(frozen=True)
class Compared:
    """How far apart two sets are.

    Attributes:
        value: the statistic.
        low: lower end of its interval.
        high: upper end.
        p_value: share of permutations, this one included, that are at least as great.
        floor: mean over permutations: what equal laws have at these numbers of points.
        critical: the value that permutations exceed with the probability 1 - confidence.
    """

    value: float = np.nan
    low: float = np.nan
    high: float = np.nan
    p_value: float = np.nan
    floor: float = np.nan
    critical: float = np.nan


def distances(points: NDArray[Any]) -> Array:
    """Euclidean distances between ``points`` ``(N, D)``: ``(N, N)``, zero on the diagonal."""
    return np.sqrt(_squares(np.asarray(points, float)))


def gaussian_kernel(points: NDArray[Any]) -> Array:
    """``exp(-d^2 / (2 h^2))``, h the median distance of different points (Gretton et al. 2012)."""
    squares = _squares(np.asarray(points, float))
    some = squares[squares > 0]
    return np.exp(-squares / (2 * np.median(some) if len(some) else 1.0))


def polynomial_kernel(points: NDArray[Any]) -> Array:
    """``(x . y / D + 1)^3`` (Binkowski et al. 2018)."""
    points = np.asarray(points, float)
    return (points @ points.T / points.shape[1] + 1) ** 3


def kernel_discrepancy(xx: Any, yy: Any, xy: Any) -> Any:
    """Squared maximum mean discrepancy, unbiased: negative half of the time where laws are equal.

    Its matrix has a kernel's values.
    """
    return xx + yy - 2 * xy


def energy_coefficient(xx: Any, yy: Any, xy: Any) -> Any:
    """Energy distance over twice the mean distance between the sets; 0 where all points are one.

    Its matrix has distances.
    """
    xy = np.asarray(xy, float)
    apart = np.asarray(2 * xy - xx - yy)
    # what is no number is not found equal
    nowhere = np.where(np.isnan(apart), np.nan, 0.0)
    return np.divide(apart, 2 * xy, out=nowhere, where=xy > 0)[()]


def compare(
    matrix: Array,
    first: int,
    statistic: Statistic,
    confidence: float,
    *,
    rng: np.random.Generator,
    permutations: int = PERMUTATIONS,
) -> Compared:
    """The statistic of the first ``first`` points against the others, and how sure it is.

    Args:
        matrix: symmetric, over all pairs of the points of both sets.
        first: how many of them are of the first set.
        statistic: of the three means.
        confidence: level of the interval, in (0, 1).
        rng: the stream that permutations come from.
        permutations: how many.

    Returns:
        NaN throughout where a set has fewer points than FEWEST, or the matrix what is no number.
    """
    number = len(matrix)
    if min(first, number - first) < FEWEST:
        return Compared()
    matrix = np.array(matrix, float)
    np.fill_diagonal(matrix, 0.0)
    chosen = np.arange(number) < first
    value = float(statistic(*_means(matrix, chosen[None])[:, 0]))
    drawn = statistic(*_means(matrix, rng.permuted(np.tile(chosen, (permutations, 1)), axis=1)))
    left = statistic(*_left_out(matrix, first))
    low, high = jackknife_interval(value, left[:first], left[first:], confidence)
    return Compared(value, low, high, *null(value, drawn, confidence))


def null(value: float, drawn: NDArray[Any], confidence: float) -> tuple[float, float, float]:
    """P-value, mean and critical value of what permutations have ``drawn``.

    Differences of rounding count as ties. NaN throughout where a value is none.
    """
    if np.isnan(value) or np.isnan(drawn).any():
        return np.nan, np.nan, np.nan
    slack = 1e-12 * (1 + abs(value))
    p_value = (1 + np.count_nonzero(drawn >= value - slack)) / (1 + len(drawn))
    return float(p_value), float(np.mean(drawn)), float(np.quantile(drawn, confidence))


def jackknife_interval(
    value: float, without_x: NDArray[Any], without_y: NDArray[Any], confidence: float
) -> tuple[float, float]:
    """Normal interval of a two-sample statistic from its values with each point left out."""
    variance = sum(
        (len(left) - 1) * np.mean((left - left.mean()) ** 2) for left in (without_x, without_y)
    )
    half = float(ndtri(0.5 + confidence / 2)) * float(np.sqrt(variance))
    return value - half, value + half


def detectable(
    right: NDArray[Any],
    spoilt: NDArray[Any],
    first: int,
    second: int,
    confidence: float,
    *,
    rng: np.random.Generator,
    power: float = 0.8,
    draws: int = 200,
) -> float:
    """The least share of spoilt points that the energy coefficient tells from none.

    Both sets are drawn from ``right``; in the first, every point is one of ``spoilt`` with the
    probability of the share, which is 5 %, 10 %, ... 100 %.

    Args:
        right: points ``(N, D)`` of the law.
        spoilt: points ``(M, D)`` of a known other one.
        first: points of the first set.
        second: of the second.
        confidence: 1 - level of the test.
        rng: the stream that draws come from.
        power: how often it must be told.
        draws: repetitions that this is counted in.

    Returns:
        the share; infinite where even all of them are not told so often, NaN where a set has fewer
        points than FEWEST, or a point what is no number.
    """
    if min(first, second) < FEWEST or not len(spoilt):
        return np.nan
    matrix = distances(np.concatenate([right, spoilt]))
    law, other = np.zeros((2, len(matrix)))
    law[: len(right)], other[len(right) :] = 1 / len(right), 1 / len(spoilt)

    def drawn(share: float) -> NDArray[Any]:
        x = rng.multinomial(first, (1 - share) * law + share * other, draws).astype(float)
        y = rng.multinomial(second, law, draws).astype(float)
        # a point drawn twice is two points at the distance 0
        xx, yy = (((z @ matrix) * z).sum(1) / (n * (n - 1)) for z, n in ((x, first), (y, second)))
        return energy_coefficient(xx, yy, ((x @ matrix) * y).sum(1) / (first * second))

    critical = np.quantile(drawn(0.0), confidence)
    if np.isnan(critical):
        return np.nan
    for share in np.arange(1, 21) / 20:
        if (drawn(share) > critical).mean() >= power:
            return float(share)
    return np.inf


def _squares(points: Array) -> Array:
    """Squared distances, around the mean so that rounding stays small."""
    points = points - points.mean(0)
    norms = (points**2).sum(1)
    squares = np.maximum(norms[:, None] + norms - 2 * points @ points.T, 0.0)
    # what differs by rounding alone is one point
    squares[squares < 1e-12 * (norms[:, None] + norms)] = 0.0
    np.fill_diagonal(squares, 0.0)
    return squares


def _means(matrix: Array, chosen: NDArray[np.bool_]) -> Array:
    """Means over pairs, ``(3, B)``, where ``chosen`` ``(B, N)`` says who is in the first set."""
    x = chosen.astype(float)
    n, m = x[0].sum(), len(matrix) - x[0].sum()
    inside, row = ((x @ matrix) * x).sum(1), x @ matrix.sum(1)
    outside = matrix.sum() - 2 * row + inside
    return np.stack([inside / (n * (n - 1)), outside / (m * (m - 1)), (row - inside) / (n * m)])


def _left_out(matrix: Array, n: int) -> Array:
    """The same with each point left out, ``(3, N)``."""
    m = len(matrix) - n
    xx, yy, xy = matrix[:n, :n], matrix[n:, n:], matrix[:n, n:]
    whole = np.ones(len(matrix))
    means = [xx.sum() / (n * (n - 1)) * whole, yy.sum() / (m * (m - 1)) * whole, whole]
    means[0][:n] = (xx.sum() - 2 * xx.sum(1)) / ((n - 1) * (n - 2))
    means[1][n:] = (yy.sum() - 2 * yy.sum(1)) / ((m - 1) * (m - 2))
    means[2][:n] = (xy.sum() - xy.sum(1)) / ((n - 1) * m)
    means[2][n:] = (xy.sum() - xy.sum(0)) / (n * (m - 1))
    return np.stack(means)
