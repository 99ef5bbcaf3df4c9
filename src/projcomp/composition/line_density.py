"""How likely a finished sample is under each model, by a path that no sampler made.

The estimators of :mod:`projcomp.composition.log_density` follow the path that made the sample, so
that a composition which steers by them sees its own error. Here the sample ``x0`` is noised along a
straight line, ``x(sigma) = x0 + sigma n`` with one noise ``n``, and every model's log-density is
integrated down that line (docs/method.md, section 3):

    dlog q_i(x(sigma); sigma)/dlog sigma = sigma <s_i, n> + sigma^2 (div s_i + |s_i|^2),

by the trapezoidal rule, whose error falls as the square of the number of levels, with divergences
by one random probe a level. All models are evaluated at the same points with the same noise and
probes, so that much of the error is common to them: differences are what this is for.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float64
from torch import Tensor

from projcomp.composition.densities import DensityTracker
from projcomp.diffusion.field import ScoreStack, Step
from projcomp.diffusion.inner import dots
from projcomp.diffusion.shapes import Samples
from projcomp.errors import ConfigError


def line_log_densities(
    scores: ScoreStack,
    x0: Samples,
    sigmas: Sequence[float],
    noise: Samples,
    densities: DensityTracker | None = None,
) -> Float64[Tensor, "num_models levels batch"]:
    """Log-densities of all models at ``x0 + sigma * noise``, for every level.

    Args:
        scores: the stacked models; differentiable in ``x``.
        x0: samples, shape ``(batch, *dims)``.
        sigmas: noise levels, decreasing, all above zero. At the first of them every model is taken
            for a Gaussian of that width, as at the start of every path.
        noise: standard normal, of the shape of ``x0``.
        densities: how divergences are got, ``hutchinson`` (unless told) or ``exact``.

    Raises:
        ConfigError: the levels do not decrease to one above zero, or it is another estimator.
    """
    if not sigmas or sigmas[-1] <= 0 or any(high <= low for high, low in pairwise(sigmas)):
        raise ConfigError(
            "noise levels: expected decreasing ones above zero for log-densities, got "
            f"{', '.join(f'{sigma:g}' for sigma in sigmas)}"
        )
    densities = densities or DensityTracker("hutchinson")
    if densities.estimator not in ("hutchinson", "exact"):
        raise ConfigError(
            "densities: expected hutchinson or exact divergences along a line, got "
            f"{densities.estimator}"
        )
    start = x0 + sigmas[0] * noise
    bits = densities.bits(start)
    before: Tensor | None = None
    found: list[Tensor] = []
    for number, sigma in enumerate(sigmas):
        x = x0 + sigma * noise
        stacked, divergences = densities.evaluate(scores, Step(x, sigma, 0.0), bits)
        assert divergences is not None
        slope = sigma * dots(stacked, noise[None])
        slope = slope + sigma**2 * (divergences + dots(stacked, stacked))
        if before is None:
            found.append(densities.start(len(stacked), start, sigma))
        else:
            width = math.log(sigmas[number - 1] / sigma)
            found.append(found[-1] - width / 2 * (before + slope))
        before = slope
    return torch.stack(found, 1)
