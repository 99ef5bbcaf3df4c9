"""Exact Gaussian mixtures: the oracle that compositions and samplers are proven against.

A mixture noised by ``sigma`` is a mixture with covariances ``C_k + sigma^2 I``, so scores, denoised
means and log-densities are exact at every noise level; and a product of mixtures over a Gaussian
background is a mixture again (docs/method.md, section 7). Everything is float64.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from projcomp.diffusion.bounds import check_number, check_positive
from projcomp.diffusion.convert import score_to_denoised
from projcomp.diffusion.field import ScoreStack
from projcomp.diffusion.shapes import Points, Precise
from projcomp.errors import ConfigError


@dataclass(frozen=True)
class GaussianMixture:
    """A mixture of Gaussians in ``d`` dimensions.

    Attributes:
        log_weights: shape ``(K,)``, normalised.
        means: shape ``(K, d)``.
        covariances: shape ``(K, d, d)``, positive definite.
    """

    log_weights: Float64[Tensor, " components"]
    means: Float64[Tensor, "components d"]
    covariances: Float64[Tensor, "components d d"]

    @classmethod
    def isotropic(
        cls,
        means: Sequence[Sequence[float]] | Tensor,
        std: float,
        weights: Sequence[float] | None = None,
    ) -> "GaussianMixture":
        """Components of one standard deviation ``std`` at ``means``, shape ``(K, d)``.

        Raises:
            ConfigError: the deviation is not above 0, a weight is below 0, or all are 0.
        """
        check_positive("std", std)
        for weight in weights or ():
            check_number("weights", weight, least=0)
        if weights:
            check_positive("sum of the weights", sum(weights))
        points = torch.as_tensor(means, dtype=torch.float64)
        count, dim = points.shape
        shares = torch.tensor(weights or [1.0] * count, dtype=torch.float64)
        covariances = std**2 * torch.eye(dim, dtype=torch.float64).expand(count, dim, dim)
        return cls((shares / shares.sum()).log(), points, covariances)

    def noised(self, sigma: float) -> "GaussianMixture":
        """The distribution of ``x0 + sigma * noise`` for ``x0`` from this mixture."""
        identity = torch.eye(self.means.shape[1], dtype=torch.float64)
        return GaussianMixture(self.log_weights, self.means, self.covariances + sigma**2 * identity)

    def mapped(self, matrix: Float64[Tensor, "d d"]) -> "GaussianMixture":
        """The distribution of ``A x`` for ``x`` from this mixture and an invertible ``A``."""
        covariances = matrix @ self.covariances @ matrix.T
        return GaussianMixture(self.log_weights, self.means @ matrix.T, covariances)

    def log_density(self, x: Points, sigma: float = 0.0) -> Precise:
        """``log p(x; sigma)``, shape ``(batch,)``, for ``x`` of shape ``(batch, d)``."""
        return self._log_joint(x, sigma)[0].logsumexp(1)

    def score(self, x: Points, sigma: float = 0.0) -> Float64[Tensor, "batch d"]:
        """``grad log p(x; sigma)``, shape ``(batch, d)``, for ``x`` of shape ``(batch, d)``."""
        log_joint, pull = self._log_joint(x, sigma)
        return (log_joint.softmax(1)[..., None] * pull).sum(1)

    def denoised(self, x: Points, sigma: float) -> Float64[Tensor, "batch d"]:
        """``E[x0 | x]`` at noise level ``sigma``, shape ``(batch, d)``."""
        return score_to_denoised(self.score(x, sigma), x, sigma)

    def _log_joint(self, x: Points, sigma: float) -> tuple[Tensor, Tensor]:
        """Log of weight times component density, ``(batch, K)``, and each one's score."""
        at_sigma = self.noised(sigma)
        factor = torch.linalg.cholesky(at_sigma.covariances)
        offset = at_sigma.means - x.to(torch.float64)[:, None]
        pull = torch.cholesky_solve(offset[..., None], factor)[..., 0]
        log_det = 2 * factor.diagonal(dim1=1, dim2=2).log().sum(1)
        constant = log_det + x.shape[1] * math.log(2 * math.pi)
        return at_sigma.log_weights - ((offset * pull).sum(2) + constant) / 2, pull


def stacked_scores(mixtures: Sequence[GaussianMixture]) -> ScoreStack:
    """The score stack of ``mixtures``: ``(x (batch, d), sigma) -> (num_models, batch, d)``."""
    return lambda x, sigma: torch.stack([p.score(x, sigma) for p in mixtures])


def product_over_gaussian(
    conditionals: Sequence[GaussianMixture], background: GaussianMixture
) -> GaussianMixture:
    """The normalised product ``p_b * prod_i (p_i / p_b)``, exactly (Bradley et al., Def. 5.1).

    The composed score at noise level ``sigma`` is the score of this product taken of the *noised*
    distributions, which is in general not the noised product.

    Args:
        conditionals: the ``p_i``, any number of components each.
        background: ``p_b``, one component.

    Raises:
        ConfigError: the background is not one Gaussian, or the product cannot be normalised.
    """
    if len(background.means) != 1:
        raise ConfigError(f"expected a background of one component, got {len(background.means)}")
    parts = [_natural(p) for p in conditionals]
    base = _natural(background)
    terms = []
    for choice in itertools.product(*[range(len(p.means)) for p in conditionals]):
        picked = [[t[k] for t in part] for part, k in zip(parts, choice, strict=True)]
        precision, shift, constant = (
            (1 - len(picked)) * base[n][0] + sum(p[n] for p in picked) for n in range(3)
        )
        terms.append((precision, shift, constant))
    precision, shift, constant = (torch.stack([t[n] for t in terms]) for n in range(3))
    if not (torch.linalg.eigvalsh(precision) > 0).all():
        raise ConfigError("the product cannot be normalised: a conditional is wider than p_b")
    covariances = torch.linalg.inv(precision)
    means = (covariances @ shift[..., None])[..., 0]
    unnormalised = GaussianMixture(torch.zeros(len(means)).double(), means, covariances)
    log_weights = constant - _natural(unnormalised)[2]
    return GaussianMixture(log_weights.log_softmax(0), means, covariances)


def _natural(p: GaussianMixture) -> tuple[Tensor, Tensor, Tensor]:
    """Each component's log as ``-x^T P x / 2 + h^T x + c``: P, h and c."""
    precision = torch.linalg.inv(p.covariances)
    shift = (precision @ p.means[..., None])[..., 0]
    log_det = torch.logdet(p.covariances) + p.means.shape[1] * math.log(2 * math.pi)
    return precision, shift, p.log_weights - (log_det + (shift * p.means).sum(1)) / 2
