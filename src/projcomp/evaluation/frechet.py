"""The Frechet distance between Gaussians fitted to two sets of points, and its bias.

``d^2 = |m_x - m_y|^2 + tr(S_x + S_y - 2 (S_x S_y)^(1/2))`` (Dowson and Landau 1982, J. Multivariate
Anal. 12, 450). From finite sets it is too large by about 1/N. The jackknife takes that away
(Quenouille 1956, Biometrika 43, 353), as the extrapolation to infinitely many points does (Chong
and Forsyth 2020, arXiv 1911.07023), with no draw of subsets and with an interval.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projcomp.evaluation.two_sample import Compared, jackknife_interval, null

Array = NDArray[np.float64]

NUM_AXES = 8
PERMUTATIONS = 199


@dataclass(frozen=True)
class Axes:
    """The greatest principal axes of a set of points, and one for all that is beside them.

    Attributes:
        mean: ``(D,)``.
        axes: orthonormal ``(D, A)``, A at most NUM_AXES.
    """

    mean: Array
    axes: Array

    @classmethod
    def of(cls, points: NDArray[Any], number: int = NUM_AXES) -> "Axes":
        """The axes of ``points`` ``(N, D)``."""
        mean = points.mean(0)
        _, _, axes = np.linalg.svd(points - mean, full_matrices=False)
        return cls(mean, axes[:number].T)

    def along(self, points: NDArray[Any]) -> Array:
        """Coordinates ``(N, A + 1)``; the last is the length of what no axis has.

        Without it, what the first set never does would not be seen in the second.
        """
        points = points - self.mean
        found = points @ self.axes
        beside = np.linalg.norm(points - found @ self.axes.T, axis=1)
        return np.column_stack([found, beside])


def gaussian_distance(mean_x: Array, cov_x: Array, mean_y: Array, cov_y: Array) -> Array:
    """``d^2`` of Gaussians with means ``(..., A)`` and covariances ``(..., A, A)``."""
    # S_x S_y has the eigenvalues of the symmetric R S_y R, R the root of S_x
    values, vectors = np.linalg.eigh(cov_x)
    root = (vectors * np.sqrt(values.clip(0))[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    both = np.sqrt(np.linalg.eigvalsh(root @ cov_y @ root).clip(0)).sum(-1)
    widths = (np.trace(cov, axis1=-2, axis2=-1) for cov in (cov_x, cov_y))
    return ((mean_x - mean_y) ** 2).sum(-1) + sum(widths) - 2 * both


def fitted_distance(x: NDArray[Any], y: NDArray[Any]) -> float:
    """``d^2`` of Gaussians fitted to points ``(n, A)`` and ``(m, A)``, too large by its bias."""
    return float(gaussian_distance(*_fitted(x), *_fitted(y)))


def frechet(
    x: NDArray[Any],
    y: NDArray[Any],
    confidence: float,
    *,
    rng: np.random.Generator,
    permutations: int = PERMUTATIONS,
) -> tuple[Compared, Compared]:
    """The fitted distance, and the distance without its bias, of points ``(n, A)`` and ``(m, A)``.

    Args:
        x: the first set.
        y: the second set.
        confidence: level of the jackknife's interval, which the latter has, and it may be negative.
        rng: the stream of the permutations that the former's p-value and floor are of.
        permutations: how many.

    Returns:
        NaN throughout where a set has fewer points than twice the coordinates.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if min(len(x), len(y)) < 2 * x.shape[1]:
        return Compared(), Compared()
    raw = fitted_distance(x, y)
    pooled = np.concatenate([x, y])
    orders = [rng.permutation(len(pooled)) for _ in range(permutations)]
    drawn = [fitted_distance(pooled[some[: len(x)]], pooled[some[len(x) :]]) for some in orders]
    without_x = gaussian_distance(*_left_out(x), *_fitted(y))
    without_y = gaussian_distance(*_fitted(x), *_left_out(y))
    bias = sum((len(left) - 1) * (left.mean() - raw) for left in (without_x, without_y))
    value = float(raw - bias)
    low, high = jackknife_interval(value, without_x, without_y, confidence)
    told = null(raw, np.array(drawn), confidence)
    return Compared(raw, np.nan, np.nan, *told), Compared(value, low, high)


def _fitted(points: Array) -> tuple[Array, Array]:
    return points.mean(0), np.cov(points, rowvar=False)


def _left_out(points: Array) -> tuple[Array, Array]:
    """Means ``(N, A)`` and covariances ``(N, A, A)`` without each of the points."""
    n, (mean, cov) = len(points), _fitted(points)
    away = points - mean
    taken = n / (n - 1) * away[:, :, None] * away[:, None, :]
    return mean - away / (n - 1), ((n - 1) * cov - taken) / (n - 2)
