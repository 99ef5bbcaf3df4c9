"""Which device torch computes on."""

import torch

from projcomp.errors import DeviceError


def torch_device(name: str | torch.device) -> torch.device:
    """The device called "auto" (a GPU where there is one), "cpu", "gpu" or as torch calls it.

    Raises:
        DeviceError: a GPU was asked for and there is none, or no device has that name.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device("cuda" if name == "gpu" else name)
    except RuntimeError:
        raise DeviceError(
            f"training.device: expected auto, cpu or gpu, got {name!r}; correct it"
        ) from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise DeviceError(
            "training.device: expected a GPU that torch can use, got none; set it to auto or cpu"
        )
    return device


def accelerator(name: str, devices: int = 1) -> str:
    """What Lightning calls ``torch_device(name)``: gpu or cpu.

    Args:
        name: as for :func:`torch_device`.
        devices: processes on this machine; on a GPU, each has one of its own.

    Raises:
        DeviceError: as :func:`torch_device`, or this machine has fewer GPUs.
    """
    if torch_device(name).type != "cuda":
        return "cpu"
    available = torch.cuda.device_count()
    if devices > available:
        raise DeviceError(
            f"training.devices: expected at most {available}, the GPUs that torch can use here, "
            f"got {devices}; lower it, or set training.device to cpu"
        )
    return "gpu"
