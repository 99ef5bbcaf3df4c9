"""RGB beside "which colour is this pixel most like"."""

import torch
from torch import Tensor

from projcomp.features.colors import GROUND, clevr_colors
from projcomp.features.linear import Map


def palette(rgb: float, sharpness: float, gain: float = 1.0) -> tuple[Map, Map]:
    """An inclusion of pictures into eleven channels, and the way back by the first three.

    Args:
        rgb: factor of the RGB channels.
        sharpness: a colour at the squared distance d of a pixel has the weight exp(-sharpness d).
        gain: factor of everything.
    """
    known = torch.cat([clevr_colors(), torch.tensor([GROUND], dtype=torch.float64)])

    def encode(x: Tensor) -> Tensor:
        colors = known.to(x)[:, :, None, None]
        distance = (x[:, None] - colors).square().sum(2)
        alike = torch.softmax(-sharpness * distance, 1)[:, :-1]  # the ground's share is the rest
        return gain * torch.cat([rgb * x, alike], 1)

    def decode(f: Tensor) -> Tensor:
        return f[:, :3] / (gain * rgb)

    return encode, decode
