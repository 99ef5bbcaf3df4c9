"""Models on disk: ``weights.safetensors`` (averaged weights) and ``model.json``. No pickles."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from projcomp.config import NetworkConfig
from projcomp.errors import FileFormatError
from projcomp.files import write_text
from projcomp.networks.denoiser import Denoiser
from projcomp.tensor_files import write_tensors


def save_model(folder: Path, model: Denoiser, description: dict[str, Any]) -> None:
    """Write the weights of ``model`` and ``model.json`` into ``folder``, atomically.

    ``description`` must hold ``network`` (a NetworkConfig as a dict), ``resolution`` and
    ``condition``; the rest (dataset, sigma range, images seen) is for readers.
    """
    write_tensors(folder / "weights.safetensors", model.state_dict())
    write_text(folder / "model.json", json.dumps(description, indent=2, sort_keys=True) + "\n")


def load_model(folder: Path, device: torch.device | str = "cpu") -> Denoiser:
    """The denoiser saved in ``folder``, ready for evaluation.

    Raises:
        FileFormatError: a file is missing, damaged, or does not fit the other.
    """
    folder = Path(folder)
    described, weights = folder / "model.json", folder / "weights.safetensors"
    for path in (described, weights):
        if not path.is_file():
            raise FileFormatError(
                f"{path}: expected a trained model, got no such file; run its training first"
            )
    try:
        description = json.loads(described.read_text(encoding="utf-8"))
        network = NetworkConfig(**description["network"])
        model = Denoiser(network, description["resolution"], description["condition"])
    except (ValueError, KeyError, TypeError) as error:  # pydantic's errors are ValueErrors
        raise _damaged(described, "a model description", error) from None
    try:
        model.load_state_dict(load_file(weights))
    except (RuntimeError, SafetensorError) as error:
        raise _damaged(weights, "the weights of model.json", error) from None
    model.normalize_weights()
    model = model.eval().requires_grad_(False).to(device)
    return model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def _damaged(path: Path, expected: str, error: Exception) -> FileFormatError:
    reason = str(error).splitlines()[0]
    return FileFormatError(f"{path}: expected {expected}, got {reason}; train the model again")
