"""Divergences and directional derivatives of stacked scores, all models at once.

Forward-mode derivatives come with the scores themselves, in one evaluation of the networks.
"""

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from projcomp.diffusion.field import ScoreStack
from projcomp.diffusion.inner import dots
from projcomp.diffusion.shapes import PerModel, Samples, Stacked


def directional(
    scores: ScoreStack, x: Samples, sigma: float, direction: Samples
) -> tuple[Stacked, Stacked]:
    """Scores and ``J_i v``, each ``(num_models, batch, *dims)``: one forward-mode pass for all.

    Args:
        scores: the stacked models; differentiable in ``x``.
        x: shape ``(batch, *dims)``.
        sigma: noise level.
        direction: ``v``, shape ``(batch, *dims)``.
    """
    # the fused attention kernels have no forward derivative
    with sdpa_kernel(SDPBackend.MATH):
        values, along, *_ = torch.func.jvp(lambda y: scores(y, sigma), (x,), (direction,))
    return values, along


def hutchinson(
    scores: ScoreStack, x: Samples, sigma: float, probe: Samples
) -> tuple[Stacked, PerModel]:
    """Scores and estimated divergences ``(num_models, batch)``, float64: ``<v, J_i v>``, unbiased.

    Args:
        scores: the stacked models; differentiable in ``x``.
        x: shape ``(batch, *dims)``.
        sigma: noise level.
        probe: ``v`` of unit covariance (signs are best), the same for all models, so that their
            errors cancel in differences.
    """
    values, along = directional(scores, x, sigma, probe)
    return values, dots(along, probe[None])


def exact(scores: ScoreStack, x: Samples, sigma: float) -> tuple[Stacked, PerModel]:
    """Scores and divergences ``(num_models, batch)``, float64; one pass per number of a sample."""
    values: Tensor | None = None
    total: Tensor | float = 0.0
    for axis in range(x[0].numel()):
        unit = torch.zeros_like(x).flatten(1)
        unit[:, axis] = 1.0
        values, part = hutchinson(scores, x, sigma, unit.reshape(x.shape))
        total = total + part
    assert values is not None
    assert isinstance(total, Tensor)
    return values, total
