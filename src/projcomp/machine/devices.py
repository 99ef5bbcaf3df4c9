"""Which device torch computes on."""

import platform
from typing import Literal

import torch

from projcomp.errors import DeviceError


def torch_device(name: str | torch.device, key: str) -> torch.device:
    """The device called "auto" (a GPU where there is one), "cpu", "gpu" or as torch calls it.

    Args:
        name: the device.
        key: of the config where it stands, for messages.

    Raises:
        DeviceError: a GPU was asked for and there is none, or no device has that name.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device("cuda" if name == "gpu" else name)
    except RuntimeError:
        raise DeviceError(f"{key}: expected auto, cpu or gpu, got {name!r}; correct it") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise DeviceError(
            f"{key}: expected a GPU that torch can use, got none; set it to auto or cpu"
        )
    return device


def computes_bf16(device: torch.device) -> bool:
    """Whether the device has arithmetic for bf16.

    A CPU without AMX and AVX512-BF16 imitates it, at a tenth of the speed of fp32 or less.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    if device.type != "cpu":
        return True
    if platform.machine().lower() in ("x86_64", "amd64"):
        # oneDNN's own check is content with AVX512, by which it imitates
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def mixed_precision(precision: str, device: torch.device) -> Literal["bf16-mixed", "32-true"]:
    """What Lightning calls ``precision`` (bf16 or fp32) on ``device``."""
    return "bf16-mixed" if precision == "bf16" and computes_bf16(device) else "32-true"


KEY = "compute.training.device"
"""Where the config says on what networks are trained."""


def accelerator(name: str, devices: int = 1) -> str:
    """What Lightning calls ``torch_device(name)``: gpu or cpu.

    Args:
        name: as for :func:`torch_device`.
        devices: processes on this machine; on a GPU, each has one of its own.

    Raises:
        DeviceError: as :func:`torch_device`, or this machine has fewer GPUs.
    """
    if torch_device(name, KEY).type != "cuda":
        return "cpu"
    available = torch.cuda.device_count()
    if devices > available:
        raise DeviceError(
            f"compute.training.devices: expected at most {available}, the GPUs that torch can use "
            f"here, got {devices}; lower it, or set {KEY} to cpu"
        )
    return "gpu"
