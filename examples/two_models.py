"""Compose two models of your own: each network has learned one coordinate's condition.

The first has seen points with x near 1, the second points with y near 1; the other coordinate is
that of the background, N(0, 1), of which the exact denoiser is known. No model saw both.
"""

import torch
from torch import nn

from projcomp import BatchedScores, Heun, edm_sigmas, product_field, sample, start_noise


def trained(axis: int) -> nn.Module:
    """A small network F; the denoiser is ``(x + sigma F) / (1 + sigma^2)``."""
    torch.manual_seed(axis)
    net = nn.Sequential(nn.Linear(3, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 2))
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(800):
        x0 = torch.randn(256, 2)
        x0[:, axis] = 1 + 0.2 * x0[:, axis]
        sigma = torch.randn(256).mul(1.6).sub(0.4).exp()
        x = x0 + sigma[:, None] * torch.randn(256, 2)
        error = (denoise(net, x, sigma) - x0) / sigma[:, None] * (1 + sigma[:, None] ** 2).sqrt()
        optimizer.zero_grad()
        error.square().mean().backward()
        optimizer.step()
    return net


def denoise(net: nn.Module, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    total = (1 + sigma[:, None] ** 2).sqrt()
    told = torch.cat([x / total, sigma[:, None].log() / 4], 1)
    return x / total**2 + sigma[:, None] / total * net(told)


def background(x: torch.Tensor, sigma: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
    return x / (1 + sigma[:, None] ** 2)


first, second = trained(0), trained(1)
models = [
    background,
    lambda x, sigma, condition: denoise(first, x, sigma),
    lambda x, sigma, condition: denoise(second, x, sigma),
]
scores = BatchedScores([(model, torch.zeros(1)) for model in models], chunk_size=4096)
sigmas = edm_sigmas(num_steps=24, sigma_min=0.01, sigma_max=20.0, rho=7.0)
x = sigmas[0] * start_noise(range(1000), dims=(2,))
for name, weights in {"first": [1, 0], "second": [0, 1], "first and second": [1, 1]}.items():
    points = sample(product_field(scores, weights), x, sigmas, Heun()).x
    near = ((points - 1).abs() < 0.6).double().mean(0)
    print(f"{name:17} x near 1: {near[0]:4.0%}   y near 1: {near[1]:4.0%}")
