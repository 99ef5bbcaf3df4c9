"""The first step of a path that starts at an infinite noise level.

Flow matching and schedules of zero terminal signal-to-noise ratio (Lin et al. 2024) start at pure
noise: ``sigma`` is infinite, and there is no score. What a network predicts there is the mean of
its distribution, ``D_i``. The models do not differ in density yet, so a superposition gives all of
them the weights of equal densities, and every composition steps to ``x' = D + sigma' n`` with the
start ``n``: the limit of the probability-flow step, and in law of the ancestral step.
"""

from projcomp.diffusion.field import ScoreField, StartsAtInfinity
from projcomp.diffusion.shapes import Samples, Stacked
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
    return mean_at_infinity(field, denoised) + field.start_scale * sigma * noise


def mean_at_infinity(field: ScoreField, denoised: Stacked) -> Samples:
    """The composed ``D`` at equal densities, shape ``(batch, *dims)``, by the field itself.

    Raises:
        ConfigError: it does not say.
    """
    if isinstance(field, StartsAtInfinity):
        return field.mean_at_infinity(denoised)
    raise ConfigError(
        "noise levels: expected a linear composition or a superposition where the first level is "
        f"infinite, got {type(field).__name__}; take levels that begin at a finite one"
    )
