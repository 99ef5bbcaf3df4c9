"""A U-Net small enough to be trained in minutes on one processor, for pictures of squares."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from projcomp.diffusion.preconditioning import preconditioning

CHANNELS, FEATURES, FREQUENCIES, GROUPS = 24, 48, 4, 4

Norm = Literal["pixel", "group"]
"""What a block's features are normalised over: the channels of a pixel, as in EDM2, or groups of
channels of the whole picture."""


class PixelNorm(nn.Module):
    """Every pixel's features divided by their root mean square over channels."""

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, C, H, W)`` to the same."""
        return x * (x.square().mean(1, keepdim=True) + 1e-4).rsqrt()


class Block(nn.Module):
    """Two convolutions with a skip, shifted in between by what the network is told."""

    def __init__(self, fan_in: int, fan_out: int, norm: Norm) -> None:
        super().__init__()
        self.first = nn.Conv2d(fan_in, fan_out, 3, padding=1)
        self.norm = PixelNorm() if norm == "pixel" else nn.GroupNorm(GROUPS, fan_out)
        self.told = nn.Linear(FEATURES, fan_out)
        self.second = nn.Conv2d(fan_out, fan_out, 3, padding=1)
        self.skip = nn.Conv2d(fan_in, fan_out, 1)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        """Map ``(batch, fan_in, H, W)`` to ``(batch, fan_out, H, W)``."""
        hidden = self.norm(self.first(x)) + self.told(features)[:, :, None, None]
        return self.skip(x) + self.second(functional.silu(hidden))


class SmallUNet(nn.Module):
    """``D(x; sigma, condition)`` of pictures, two levels deep, in EDM's preconditioning.

    Args:
        num_conditions: length of a one-hot condition.
        sigma_data: standard deviation of the data.
        norm: what its features are normalised over.
    """

    def __init__(self, num_conditions: int, sigma_data: float, norm: Norm) -> None:
        super().__init__()
        self.sigma_data = sigma_data
        self.features = nn.Sequential(
            nn.Linear(2 * FREQUENCIES + num_conditions, FEATURES),
            nn.SiLU(),
            nn.Linear(FEATURES, FEATURES),
            nn.SiLU(),
        )
        self.enter = Block(3 + 2, CHANNELS, norm)  # the picture and the pixels' coordinates
        self.down = Block(CHANNELS, 2 * CHANNELS, norm)
        self.middle = Block(2 * CHANNELS, 2 * CHANNELS, norm)
        self.up = Block(3 * CHANNELS, CHANNELS, norm)
        self.leave = nn.Conv2d(CHANNELS, 3, 3, padding=1)

    def forward(self, x: Tensor, sigma: Tensor, condition: Tensor) -> Tensor:
        """Denoise ``x`` ``(batch, 3, H, W)`` at ``sigma`` ``(batch,)``, told ``condition``."""
        p = preconditioning(sigma, self.sigma_data)
        angles = p.c_noise[:, None] * 2.0 ** torch.arange(-1, FREQUENCIES - 1)
        features = self.features(torch.cat([angles.cos(), angles.sin(), condition], 1))
        c_skip, c_out, c_in = (c[:, None, None, None] for c in (p.c_skip, p.c_out, p.c_in))
        # Convolutions this small are faster with their channels last.
        entering = torch.cat([c_in * x, _coordinates(x)], 1)
        raw = self._unet(entering.contiguous(memory_format=torch.channels_last), features)
        return c_skip * x + c_out * raw

    def _unet(self, x: Tensor, features: Tensor) -> Tensor:
        fine = self.enter(x, features)
        coarse = self.down(functional.avg_pool2d(fine, 2), features)
        coarse = functional.interpolate(self.middle(coarse, features), scale_factor=2.0)
        return self.leave(functional.silu(self.up(torch.cat([fine, coarse], 1), features)))


def _coordinates(x: Tensor) -> Tensor:
    """Row and column of every pixel in [-1, 1], ``(batch, 2, H, W)``."""
    rows, columns = (torch.linspace(-1, 1, size) for size in x.shape[2:])
    grid = torch.stack(torch.meshgrid(rows, columns, indexing="ij"))
    return grid.expand(len(x), -1, -1, -1)
