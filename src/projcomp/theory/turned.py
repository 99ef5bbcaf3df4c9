"""Two two-cluster mixtures in four dimensions, turned by a linear map ([B], Figs. 12 and 14).

Before the map, ``p_b = N(0, tau^2)``, ``p_1`` has clusters at ``e_0, e_2`` and ``p_2`` at ``e_1,
e_3``: Factorized Conditionals ([B], Definition 5.2). The map ``A`` turns all three, covariances
included, so that the composition without noise is the map of four equal clusters ([B], Theorem
6.1). Under noise that holds for orthogonal maps only (Lemmas 7.1, 7.2).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from projcomp.composition.mixtures import (
    GaussianMixture,
    product_over_gaussian,
    stacked_scores,
)
from projcomp.diffusion.field import ScoreStack

FIRST, SECOND = (0, 2), (1, 3)


@dataclass(frozen=True)
class Turned:
    """The background and the two conditionals under a map.

    Attributes:
        matrix: ``A``, shape ``(4, 4)``, float64, invertible.
        tau: standard deviation of a cluster before the map.
    """

    matrix: Tensor
    tau: float

    @property
    def mixtures(self) -> list[GaussianMixture]:
        """``[p_b, p_1, p_2]``."""
        return [self._clusters(()), self._clusters(FIRST), self._clusters(SECOND)]

    @property
    def scores(self) -> ScoreStack:
        """The stacked scores of ``mixtures``."""
        return stacked_scores(self.mixtures)

    def composed(self, sigma: float = 0.0) -> GaussianMixture:
        """The product ``p_1 p_2 / p_b`` of the distributions noised by ``sigma``, exactly.

        Its four components are the pairs (first, second) = (0, 1), (0, 3), (2, 1), (2, 3), that is
        ``[M, 1, 1, M]``'s order of [B, Lemma 7.2].
        """
        background, *conditionals = (mixture.noised(sigma) for mixture in self.mixtures)
        return product_over_gaussian(conditionals, background)

    def plane(self, x: Tensor) -> Tensor:
        """Points ``(n, 4)`` to be drawn as ``(n, 2)``: which cluster of each pair, before ``A``."""
        before = torch.linalg.solve(self.matrix, x.T).T
        return torch.stack([before[:, 0] - before[:, 2], before[:, 1] - before[:, 3]], 1)

    def _clusters(self, axes: tuple[int, ...]) -> GaussianMixture:
        means = torch.eye(4)[list(axes)] if axes else torch.zeros(1, 4)
        return GaussianMixture.isotropic(means, self.tau).mapped(self.matrix)


def axis_aligned(tau: float) -> Turned:
    """No map."""
    return Turned(torch.eye(4).double(), tau)


def rotated(tau: float, *, rng: torch.Generator) -> Turned:
    """A random orthogonal map."""
    normal = torch.randn(4, 4, generator=rng, dtype=torch.float64)
    return Turned(torch.linalg.qr(normal)[0], tau)


def sheared(a: float, tau: float) -> Turned:
    """[B, Lemma 7.2]: ``e_1 -> a e_0 + e_1`` and ``e_3 -> a e_2 + e_3``."""
    matrix = torch.eye(4).double()
    matrix[0, 1] = matrix[2, 3] = a
    return Turned(matrix, tau)


def at_angle(degrees: float, tau: float) -> Turned:
    """As sheared, with columns of length 1: 90 degrees is orthogonal, 0 would be parallel."""
    angle = math.radians(degrees)
    matrix = torch.eye(4).double()
    matrix[0, 1] = matrix[2, 3] = math.cos(angle)
    matrix[1, 1] = matrix[3, 3] = math.sin(angle)
    return Turned(matrix, tau)


def log_weight_ratio(a: float, tau: float, sigma: float) -> float:
    """``log M`` of [B, Lemma 7.2]: weights at noise ``sigma`` are proportional to ``[M, 1, 1, M]``.

    ``M = exp(a sigma^2 / ((a^2 + 2) sigma^2 tau^2 + sigma^4 + tau^4))``, for :func:`sheared`.
    """
    return a * sigma**2 / ((a**2 + 2) * sigma**2 * tau**2 + sigma**4 + tau**4)
