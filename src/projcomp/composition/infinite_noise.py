"""The first step of a path that starts at an infinite noise level.

Flow matching and schedules of zero terminal signal-to-noise ratio (Lin et al. 2024) start at pure
noise: ``sigma`` is infinite, and there is no score. What a network predicts there is the mean of
its distribution, ``D_i``. The models do not differ in density yet, so a superposition gives all of
them the weights of equal densities, and every composition steps to ``x' = D + sigma' n`` with the
start ``n``: the limit of the probability-flow step, and in law of the ancestral step.
"""

import torch

from projcomp.composition.feynman_kac import WeightedLinearField
from projcomp.composition.followed import FollowedField
from projcomp.composition.guidance import guided, split
from projcomp.composition.interacting import InteractingField
from projcomp.composition.linear import LinearField, combine
from projcomp.composition.superposition_and import SuperpositionAnd, SuperpositionAndOde
from projcomp.composition.superposition_or import SuperpositionOr, weighted_sum
from projcomp.diffusion.field import ScoreField
from projcomp.diffusion.shapes import PerModel, Samples, Stacked
from projcomp.errors import ConfigError


def step_from_infinity(
    field: ScoreField, denoised: Stacked, noise: Samples, sigma: float
) -> Samples:
    """``x' = D + sigma' n``, at the first noise level that is finite.

    Args:
        field: the composition; a linear one or a superposition.
        denoised: ``D_i`` of its stacked models at the start, shape ``(num_models, batch, *dims)``.
        noise: the start ``n``, standard normal, shape ``(batch, *dims)``.
        sigma: the noise level ``sigma'`` after the step.

    Raises:
        ConfigError: the composition does not say what it is where there are no scores.
    """
    return _mean(field, denoised) + field.start_scale * sigma * noise


def _mean(field: ScoreField, denoised: Stacked) -> Samples:
    """The composed ``D`` at equal densities, shape ``(batch, *dims)``."""
    if isinstance(field, InteractingField):
        return _mean(field.composition, denoised)
    if isinstance(field, FollowedField):
        return _mean(field.linear, denoised)
    if isinstance(field, LinearField | WeightedLinearField):
        # s = sum_j c_j (D_j - x) / sigma^2 is that of the mean sum_j c_j D_j / sum_j c_j
        return combine(denoised, field.coefficients) * field.start_scale**2
    if isinstance(field, SuperpositionOr | SuperpositionAnd | SuperpositionAndOde):
        background, stacked = split(denoised, field.num_models, field.guidance)
        return guided(weighted_sum(_equal(field, stacked), stacked), background, field.guidance)
    raise ConfigError(
        "noise levels: expected a linear composition or a superposition where the first level is "
        f"infinite, got {type(field).__name__}; take levels that begin at a finite one"
    )


def _equal(
    field: SuperpositionOr | SuperpositionAnd | SuperpositionAndOde, stacked: Stacked
) -> PerModel:
    """The weights of equal densities, shape ``(num_models, batch)``."""
    bias = field.bias if isinstance(field, SuperpositionOr) and field.bias else ()
    prior = torch.tensor(bias or [0.0] * field.num_models, dtype=torch.float64)
    return prior.softmax(0).to(stacked.device)[:, None].expand(-1, stacked.shape[1])
