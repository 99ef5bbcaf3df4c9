"""Models on disk: ``weights.safetensors`` (averaged weights) and ``model.json``. No pickles."""

import json
from pathlib import Path
from typing import Any

import torch

from projcomp.config.learning import NetworkConfig
from projcomp.errors import FileFormatError, is_out_of_memory
from projcomp.files.atomic import write_text
from projcomp.files.inputs import check_input
from projcomp.files.tensors import load_weights, write_tensors
from projcomp.folder import MODEL, WEIGHTS
from projcomp.networks.denoiser import Denoiser
from projcomp.words import first_line


def save_model(folder: Path, model: Denoiser, description: dict[str, Any]) -> None:
    """Write the weights of ``model`` and ``model.json`` into ``folder``, atomically.

    ``description`` must hold ``network`` (a NetworkConfig as a dict), ``resolution`` and
    ``condition``; the rest (dataset, sigma range, images seen) is for readers.
    """
    write_tensors(folder / WEIGHTS, model.state_dict(), summed=True)
    write_text(folder / MODEL, json.dumps(description, indent=2, sort_keys=True) + "\n")


def load_model(folder: Path, device: torch.device | str = "cpu") -> Denoiser:
    """The denoiser saved in ``folder``, ready for evaluation.

    Raises:
        FileFormatError: a file is missing, damaged, or does not fit the other.
    """
    folder = Path(folder)
    described, weights = folder / MODEL, folder / WEIGHTS
    for path in (described, weights):
        check_input(path, "a trained model", "run its training first", "no such file")
    try:
        description = json.loads(described.read_text(encoding="utf-8"))
        network = NetworkConfig(**description["network"])
        resolution, condition = description["resolution"], description["condition"]
        if not isinstance(resolution, int) or not isinstance(condition, str):
            raise TypeError(f"resolution {resolution!r} and condition {condition!r}")
        model = Denoiser(network, resolution, condition)
    except Exception as error:  # whatever a network cannot be built from
        if is_out_of_memory(error):
            raise
        raise FileFormatError(
            f"{described}: expected a model description, got one that fails ({first_line(error)}); "
            "train the model again"
        ) from None
    load_weights(weights, model, "the weights of model.json", "train the model again")
    model.normalize_weights()
    model = model.eval().requires_grad_(False).to(device)
    return model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
