"""Small networks for points of the plane: one per set, evaluated as one stack."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from projcomp.diffusion.convert import denoised_to_score
from projcomp.diffusion.field import ScoreStack
from projcomp.diffusion.preconditioning import preconditioning

WIDTH, DEPTH, FREQUENCIES = 96, 3, 4


class PlanarDenoiser(nn.Module):
    """``D(x; sigma)`` for points ``(batch, 2)``: an MLP in EDM's preconditioning.

    Args:
        sigma_data: standard deviation of the data.
    """

    def __init__(self, sigma_data: float) -> None:
        super().__init__()
        self.sigma_data = sigma_data
        sizes = [2 + 2 * FREQUENCIES, *[WIDTH] * DEPTH]
        layers: list[nn.Module] = []
        for fan_in, fan_out in pairwise(sizes):
            layers += [nn.Linear(fan_in, fan_out), nn.SiLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(WIDTH, 2))

    def forward(self, x: Tensor, sigma: Tensor, condition: Tensor | None = None) -> Tensor:
        """Denoise ``x`` ``(batch, 2)`` at ``sigma`` ``(batch,)``; there is no condition."""
        p = preconditioning(sigma, self.sigma_data)
        angles = p.c_noise[:, None] * 2.0 ** torch.arange(-1, FREQUENCIES - 1)
        features = torch.cat([p.c_in[:, None] * x, angles.cos(), angles.sin()], 1)
        return p.c_skip[:, None] * x + p.c_out[:, None] * self.layers(features)


def network_scores(models: Sequence[PlanarDenoiser]) -> ScoreStack:
    """The stacked scores of trained networks, in the dtype of the samples."""

    def scores(x: Tensor, sigma: float) -> Tensor:
        level = torch.full((len(x),), sigma)
        denoised = torch.stack([model(x.float(), level) for model in models])
        return denoised_to_score(denoised.to(x.dtype), x, sigma)

    return scores
