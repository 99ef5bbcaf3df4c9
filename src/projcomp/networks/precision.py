"""A denoiser that computes in another precision than what surrounds it."""

import torch
from torch import Tensor

from projcomp.diffusion.field import Denoiser


def at_precision(denoiser: Denoiser, precision: str, device: torch.device) -> Denoiser:
    """``denoiser`` with its arithmetic at ``precision`` (bf16 or fp32), float32 at its borders."""

    def denoise(x: Tensor, sigma: Tensor, condition: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            return denoiser(x, sigma, condition).float()

    return denoise
