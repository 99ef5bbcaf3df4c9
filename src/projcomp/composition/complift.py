"""Does a sample show what it was asked for? Acceptance by denoising error (CompLift).

A condition that describes a sample lowers the error of denoising it again. The *lift* of condition
i is ``E (|x0 - D(x0 + sigma n; nothing)|^2 - |x0 - D(x0 + sigma n; c_i)|^2) / sigma^2``, that is
the difference in the error of the noise, with the same noise on both sides; a sample is accepted
where every lift is positive. As a filter it selects: results of accepted samples stand beside the
acceptance rate, in a table of their own, never beside those of unselected ones.
"""

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Bool
from torch import Tensor

from projcomp.diffusion.convert import score_to_denoised
from projcomp.diffusion.field import ScoreStack
from projcomp.diffusion.inner import dots
from projcomp.diffusion.shapes import PerModel, Samples
from projcomp.errors import ConfigError


def lifts(
    scores: ScoreStack, x0: Samples, sigmas: Sequence[float], noises: Iterable[Samples]
) -> PerModel:
    """The lift of every condition at every sample, shape ``(num_conditions, batch)``, float64.

    Args:
        scores: stacked scores, of the unconditional model first, then of every condition.
        x0: samples, shape ``(batch, *dims)``.
        sigmas: noise levels to average over.
        noises: standard normal noise for each of them, shaped as ``x0``.
    """
    total: Tensor | float = 0.0
    for sigma, noise in zip(sigmas, noises, strict=True):
        x = x0 + sigma * noise
        miss = score_to_denoised(scores(x, sigma), x, sigma) - x0
        errors = dots(miss, miss) / sigma**2
        total = total + (errors[:1] - errors[1:])
    if not isinstance(total, Tensor):
        raise ConfigError("expected at least one noise level")
    return total / len(sigmas)


def accepted(lift: PerModel) -> Bool[Tensor, " batch"]:
    """Which samples are accepted, shape ``(batch,)``: those with every lift above zero."""
    return (lift > 0).all(0)


def acceptance_rate(lift: PerModel) -> float:
    """Share of the samples that are accepted."""
    return float(accepted(lift).to(torch.float64).mean())
