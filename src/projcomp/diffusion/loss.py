"""The uncertainty-weighted denoising loss (Karras et al. 2024, eq. 14 and 21)."""

from collections.abc import Callable

import torch

from projcomp.diffusion.shapes import PerSample, Samples


def draw_sigma(
    batch: int, log_mean: float, log_std: float, generator: torch.Generator, device: torch.device
) -> PerSample:
    """Training noise levels ``(batch,)``: ln sigma ~ N(log_mean, log_std^2)."""
    noise = torch.randn(batch, generator=generator, device=device)
    return (log_mean + log_std * noise).exp()


def denoising_error(
    denoise: Callable[[Samples, PerSample], Samples],
    x0: Samples,
    sigma: PerSample,
    noise: Samples,
    sigma_data: float,
) -> PerSample:
    """Per-sample error ``(batch,)``: mean squared error, weighted to 1 for a network of zeros.

    The weight is EDM's ``(sigma^2 + sigma_data^2) / (sigma sigma_data)^2``.

    Args:
        denoise: D(x, sigma).
        x0: clean data ``(batch, *dims)``, of standard deviation ``sigma_data``.
        sigma: noise levels ``(batch,)``.
        noise: standard normal, of the shape of ``x0``.
        sigma_data: standard deviation of the data.
    """
    expand = (-1,) + (1,) * (x0.ndim - 1)
    denoised = denoise(x0 + sigma.view(expand) * noise, sigma)
    weight = (sigma.square() + sigma_data**2) / (sigma * sigma_data).square()
    return weight * (denoised - x0).square().flatten(1).mean(1)


def uncertainty_weighted(error: PerSample, logvar: PerSample) -> PerSample:
    """EDM2's loss ``(batch,)`` of the errors at an uncertainty u: error / exp(u) + u (eq. 14)."""
    return error / logvar.exp() + logvar
