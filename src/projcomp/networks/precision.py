"""A denoiser that computes in another precision than what surrounds it."""

import torch
from torch import Tensor

from projcomp.diffusion.field import Denoiser
from projcomp.machine.devices import computes_bf16


def at_precision(denoiser: Denoiser, precision: str, device: torch.device) -> Denoiser:
    """``denoiser`` with its arithmetic at ``precision`` (bf16 or fp32), float32 at its borders.

    bf16 is fp32 where the device has no arithmetic for it.
    """
    lower = precision == "bf16" and computes_bf16(device)

    def denoise(x: Tensor, sigma: Tensor, condition: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=lower):
            return denoiser(x, sigma, condition).float()

    return denoise
