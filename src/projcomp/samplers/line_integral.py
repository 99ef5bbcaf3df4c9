"""Differences of log-density where only a score is known: integrals along straight lines."""

from collections.abc import Callable

from projcomp.diffusion.inner import dot
from projcomp.diffusion.shapes import Precise, Samples

_NODES = (0.5 - (3 / 7) ** 0.5 / 2, 0.5, 0.5 + (3 / 7) ** 0.5 / 2)
_WEIGHTS = (49 / 180, 16 / 45, 49 / 180)
_END_WEIGHT = 1 / 20
NUM_EVALUATIONS = len(_NODES)

Score = Callable[[Samples], Samples]
"""The score at one noise level: ``x (batch, *dims) -> (batch, *dims)``."""


def log_density_change(
    score: Score, x: Samples, y: Samples, score_x: Samples, score_y: Samples
) -> Precise:
    """``log p(y) - log p(x)``, shape ``(batch,)``, float64, as the integral of ``<s, dx>``.

    Five Gauss-Lobatto points: the ends, whose scores a proposal has already cost, and three more;
    exact for polynomials of degree 7 along the line, as four Gauss points would be.

    Args:
        score: the score at any points, ``(batch, *dims) -> (batch, *dims)``.
        x: where from, shape ``(batch, *dims)``.
        y: where to.
        score_x: the score at ``x``.
        score_y: the score at ``y``.
    """
    along = y - x
    total = _END_WEIGHT * (dot(score_x, along) + dot(score_y, along))
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        total = total + weight * dot(score(x + node * along), along)
    return total
