"""Divergences and directional derivatives of stacked scores, all models at once."""

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from projcomp.diffusion.field import ScoreStack
from projcomp.diffusion.inner import dots
from projcomp.diffusion.shapes import PerModel, Samples, Stacked


def directional(scores: ScoreStack, x: Samples, sigma: float, direction: Samples) -> Stacked:
    """``J_i v``, shape ``(num_models, batch, *dims)``: one forward-mode pass for all models.

    Args:
        scores: the stacked models; differentiable in ``x``.
        x: shape ``(batch, *dims)``.
        sigma: noise level.
        direction: ``v``, shape ``(batch, *dims)``.
    """
    # the fused attention kernels have no forward derivative
    with sdpa_kernel(SDPBackend.MATH):
        return torch.func.jvp(lambda y: scores(y, sigma), (x,), (direction,))[1]


def hutchinson(scores: ScoreStack, x: Samples, sigma: float, probe: Samples) -> PerModel:
    """Estimated divergences ``(num_models, batch)``, float64: ``<v, J_i v>``, unbiased.

    Args:
        scores: the stacked models; differentiable in ``x``.
        x: shape ``(batch, *dims)``.
        sigma: noise level.
        probe: ``v`` of unit covariance (signs are best), the same for all models, so that their
            errors cancel in differences.
    """
    return dots(directional(scores, x, sigma, probe), probe[None])


def exact(scores: ScoreStack, x: Samples, sigma: float) -> PerModel:
    """Divergences ``(num_models, batch)``, float64; one pass per dimension of a sample."""
    total: Tensor | float = 0.0
    for axis in range(x[0].numel()):
        unit = torch.zeros_like(x).flatten(1)
        unit[:, axis] = 1.0
        total = total + hutchinson(scores, x, sigma, unit.reshape(x.shape))
    assert isinstance(total, Tensor)
    return total
