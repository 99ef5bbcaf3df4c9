"""Between stored bytes and the network's numbers: uint8 NHWC and float32 NCHW in [-1, 1]."""

import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from projcomp.diffusion.shapes import Pictures


def encode(
    images: UInt8[Tensor, "batch height width 3"],
) -> Float32[Tensor, "batch 3 height width"]:
    """uint8 ``(N, H, W, 3)`` to float32 ``(N, 3, H, W)`` in [-1, 1]."""
    return images.permute(0, 3, 1, 2).float() / 127.5 - 1.0


def decode(x: Float[Tensor, "batch 3 height width"]) -> Pictures:
    """Float ``(N, 3, H, W)`` to uint8 ``(N, H, W, 3)``, rounded and clipped."""
    pixels = ((x.float() + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
