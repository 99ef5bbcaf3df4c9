"""The uncertainty-weighted denoising loss (Karras et al. 2024, eq. 14 and 21)."""

from collections.abc import Callable

import torch
from torch import Tensor


def draw_sigma(
    batch: int, log_mean: float, log_std: float, generator: torch.Generator, device: torch.device
) -> Tensor:
    """Training noise levels ``(batch,)``: ln sigma ~ N(log_mean, log_std^2)."""
    noise = torch.randn(batch, generator=generator, device=device)
    return (log_mean + log_std * noise).exp()


def denoising_loss(
    denoise: Callable[[Tensor, Tensor], Tensor],
    logvar: Callable[[Tensor], Tensor],
    x0: Tensor,
    sigma: Tensor,
    noise: Tensor,
    sigma_data: float,
) -> Tensor:
    """Per-sample loss ``(batch,)``: weight / exp(u) * mean squared error + u.

    Args:
        denoise: D(x, sigma).
        logvar: u(sigma).
        x0: clean data ``(batch, *dims)``.
        sigma: noise levels ``(batch,)``.
        noise: standard normal, of the shape of ``x0``.
        sigma_data: standard deviation of the data.
    """
    expand = (-1,) + (1,) * (x0.ndim - 1)
    denoised = denoise(x0 + sigma.view(expand) * noise, sigma)
    weight = (sigma.square() + sigma_data**2) / (sigma * sigma_data).square()
    error = (denoised - x0).square().flatten(1).mean(1)
    uncertainty = logvar(sigma)
    return weight * error / uncertainty.exp() + uncertainty
