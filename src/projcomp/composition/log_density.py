"""How every model's log-density changes along one step (docs/method.md, section 3).

Four estimators of ``dlog q_i`` for ``x -> x + dx`` while the noise falls from ``sigma`` to
``sigma_next``. Scores are stacked, ``(num_models, batch, *dims)``; results are ``(num_models,
batch)`` in float64.
"""

import math

import torch

from projcomp.diffusion.inner import dots
from projcomp.diffusion.shapes import PerModel, Precise, Samples, Stacked


def ito_change(scores: Stacked, dx: Samples, dv: float) -> PerModel:
    """Ito estimator: ``<s_i, dx> - dv/2 |s_i|^2`` (Skreta et al. 2025, Theorem 1).

    Only where the step injected noise of variance exactly ``dv``; any drift. Its standard deviation
    falls as the inverse square root of the number of steps.

    Args:
        scores: before the step.
        dx: displacement, shape ``(batch, *dims)``.
        dv: ``sigma^2 - sigma_next^2``.
    """
    return dots(scores, dx[None]) - dv / 2 * dots(scores, scores)


def kernel_ratio_change(scores: Stacked, dx: Samples, dv: float, reverse: float) -> PerModel:
    """Log of the reverse kernel over the forward one, as detailed balance has it.

    ``log N(x + dx; x + dv s_i, reverse I) - log N(x; x + dx, dv I)``, that is ``1/2 [|dx|^2/dv -
    |dx - dv s_i|^2/reverse] - d/2 log(reverse/dv)``. The published kernels (Skreta et al. 2025,
    appendix D) have the same variance in both directions, ``reverse = dv``; then this is
    ``ito_change``, for any displacement (docs/method.md, section 3).

    Args:
        scores: before the step.
        dx: displacement, shape ``(batch, *dims)``.
        dv: ``sigma^2 - sigma_next^2``, the variance of the forward kernel.
        reverse: variance of the reverse kernel.
    """
    miss = dx[None].to(torch.float64) - dv * scores
    size = dots(dx[None], dx[None])
    return (size / dv - dots(miss, miss) / reverse) / 2 - dx[0].numel() / 2 * math.log(reverse / dv)


def detailed_balance_change(
    scores: Stacked, dx: Samples, sigma: float, sigma_next: float, data_std: float
) -> PerModel:
    """Detailed balance with the reverse kernel of Gaussian data of a guessed deviation (ours).

    The reverse kernel's variance is ``dv~ = dv (sigma_next^2 + data_std^2)/(sigma^2 +
    data_std^2)``, that of the exact reverse step of such a Gaussian. It is derived for a step that
    injects ``dv~`` (``Ancestral(data_std)``); exact on such a Gaussian whatever the step, and for
    other data only where the injected variance tends to ``dv``.

    Args:
        scores: before the step.
        dx: displacement, shape ``(batch, *dims)``.
        sigma: noise level before.
        sigma_next: noise level after.
        data_std: standard deviation of the data.
    """
    dv = sigma**2 - sigma_next**2
    reverse = dv * (sigma_next**2 + data_std**2) / (sigma**2 + data_std**2)
    return kernel_ratio_change(scores, dx, dv, reverse)


def smooth_change(
    scores: Stacked, divergences: PerModel, dx: Samples, sigma: float, sigma_next: float
) -> PerModel:
    """Along a smooth path: ``<s_i, dx> - sigma |dsigma| (div s_i + |s_i|^2)`` (ibid., Prop. 5).

    Args:
        scores: before the step.
        divergences: of the scores, shape ``(num_models, batch)``.
        dx: displacement without noise, shape ``(batch, *dims)``.
        sigma: noise level before.
        sigma_next: noise level after.
    """
    fall = sigma * (sigma - sigma_next)
    return dots(scores, dx[None]) - fall * (divergences + dots(scores, scores))


def gaussian_log_density(x: Samples, sigma: float) -> Precise:
    """``log N(x; 0, sigma^2 I)``, shape ``(batch,)``, float64: where every path starts."""
    flat = x.to(torch.float64).flatten(1)
    constant = flat.shape[1] / 2 * math.log(2 * math.pi * sigma**2)
    return -flat.square().sum(1) / (2 * sigma**2) - constant
