"""Which device torch computes on."""

import torch

from projcomp.errors import DeviceError


def torch_device(name: str | torch.device) -> torch.device:
    """The device called "auto" (a GPU where there is one), "cpu", "gpu" or as torch calls it.

    Raises:
        DeviceError: a GPU was asked for and there is none.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device("cuda" if name == "gpu" else name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise DeviceError(
            "training.device: expected a GPU that torch can use, got none; set it to auto or cpu"
        )
    return device


def accelerator(name: str) -> str:
    """What Lightning calls ``torch_device(name)``: gpu or cpu.

    Raises:
        DeviceError: as :func:`torch_device`.
    """
    return "gpu" if torch_device(name).type == "cuda" else "cpu"
