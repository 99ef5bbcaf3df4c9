"""Models of noise in the variance-preserving convention (DDPM), as denoisers ``D(x; sigma)``."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from projcomp.diffusion.bounds import check_made
from projcomp.diffusion.field import Denoiser
from projcomp.diffusion.shapes import Condition, Index, PerSample, Samples

EpsilonModel = Callable[[Samples, Index, Condition], Samples]
"""``(x_vp (batch, *dims), step (batch,), condition (batch, C)) -> noise (batch, *dims)``."""


def vp_sigmas(alphas_cumprod: Float[Tensor, " levels"]) -> Float[Tensor, " levels"]:
    """Noise levels of a variance-preserving schedule, ``sigma = sqrt((1 - abar) / abar)``.

    Args:
        alphas_cumprod: ``abar``, decreasing, shape ``(num_steps,)``.

    Returns:
        rising, the same shape (docs/method.md, section 1).
    """
    return ((1 - alphas_cumprod) / alphas_cumprod).sqrt()


def denoiser_of(model: EpsilonModel, alphas_cumprod: Float[Tensor, " levels"]) -> Denoiser:
    """``E[x0 | x]`` by a model that predicts the noise of ``x_vp = sqrt(abar) x``.

    The model is asked at the step whose noise level is nearest, in the logarithm, to the one
    wanted; take ``sigmas`` among :func:`vp_sigmas` and it is asked exactly where it was trained.

    Args:
        model: predicts the noise.
        alphas_cumprod: its ``abar``, decreasing, shape ``(num_steps,)``.

    Raises:
        UserError: on a call, where the model returns anything but a tensor shaped as its samples.
    """
    levels = vp_sigmas(alphas_cumprod)

    def denoise(x: Samples, sigma: PerSample, condition: Condition) -> Samples:
        known = levels.to(sigma)
        step = (known.log() - sigma[:, None].log()).abs().argmin(1)
        column = sigma.reshape(-1, *[1] * (x.ndim - 1))
        noise = model(x / (1 + column**2).sqrt(), step, condition)
        check_made("model of noise", noise, x)
        return x - column * noise

    return denoise
