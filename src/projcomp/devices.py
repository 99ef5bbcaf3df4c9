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
            "device: expected a GPU that torch can use, got none; set the device to auto or cpu"
        )
    return device
