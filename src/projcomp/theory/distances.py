"""How far samples are from an exact distribution: modes, Wasserstein distances, draws of it."""

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from projcomp.composition.mixtures import GaussianMixture


def sample_mixture(mixture: GaussianMixture, count: int, *, rng: torch.Generator) -> Tensor:
    """``count`` independent samples, shape ``(count, d)``, float64."""
    which = torch.multinomial(mixture.log_weights.exp(), count, replacement=True, generator=rng)
    factor = torch.linalg.cholesky(mixture.covariances)[which]
    noise = torch.randn(count, mixture.means.shape[1], 1, generator=rng, dtype=torch.float64)
    return mixture.means[which] + (factor @ noise)[..., 0]


def mode_shares(x: Tensor, mixture: GaussianMixture, within: float = 6.0) -> Tensor:
    """Share of the samples at each component, and last the share at none of them.

    A sample belongs to the component that it is nearest to, in that component's own standard
    deviations, and to none where that is more than ``within`` of them.

    Args:
        x: samples, shape ``(..., n, d)``.
        mixture: ``K`` components.
        within: the greatest distance.

    Returns:
        shape ``(..., K + 1)``, float64; sums to 1.
    """
    flat = x.to(torch.float64).reshape(-1, x.shape[-1])
    factor = torch.linalg.cholesky(mixture.covariances)
    offset = flat[None] - mixture.means[:, None]
    white = torch.linalg.solve_triangular(factor, offset.transpose(1, 2), upper=False)
    distance, nearest = white.norm(dim=1).min(0)
    nearest = torch.where(distance > within, len(mixture.means), nearest).reshape(x.shape[:-1])
    one_hot = torch.nn.functional.one_hot(nearest, len(mixture.means) + 1)
    return one_hot.to(torch.float64).mean(-2)


def total_variation(shares: Tensor, expected: Tensor) -> Tensor:
    """Half the L1 distance of mode shares ``(..., K + 1)`` from ``expected``, shape ``(K,)``."""
    padded = torch.cat([expected, expected.new_zeros(1)])
    return (shares - padded).abs().sum(-1) / 2


def wasserstein(x: Tensor, y: Tensor, order: int = 2) -> float:
    """The Wasserstein distance of two equally large sets of points ``(n, d)``: exact transport."""
    cost = torch.cdist(x.to(torch.float64), y.to(torch.float64)) ** order
    rows, columns = linear_sum_assignment(cost.numpy())
    return float(cost[rows, columns].mean() ** (1 / order))
