"""Models on disk: ``weights.safetensors`` (averaged weights) and ``model.json``. No pickles."""

import json
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter

from projcomp.config.features import FeatureMap
from projcomp.config.learning import NetworkConfig
from projcomp.features.feature_map import Features
from projcomp.features.make import make_features
from projcomp.files.atomic import write_text
from projcomp.files.described import Trained, read_description
from projcomp.files.tensors import load_weights, write_tensors
from projcomp.folder import MODEL, WEIGHTS
from projcomp.networks.denoiser import Denoiser

TRAINED = Trained(
    file=MODEL,
    name="a trained model",
    first="run its training first",
    description="a model description",
    weights=f"the weights of {MODEL}",
    again="train the model again",
)


def save_model(folder: Path, model: Denoiser, description: dict[str, Any]) -> None:
    """Write the weights of ``model`` and ``model.json`` into ``folder``, atomically.

    ``description`` must hold ``network`` (a NetworkConfig as a dict), ``resolution``,
    ``condition`` and ``learns_empty``, and what its features say of themselves
    (``Features.described``); the rest
    (dataset, sigma range, images seen) is for readers.
    """
    write_tensors(folder / WEIGHTS, model.state_dict(), summed=True)
    write_text(folder / MODEL, json.dumps(description, indent=2, sort_keys=True) + "\n")


def load_model(folder: Path, device: torch.device | str = "cpu") -> Denoiser:
    """The denoiser saved in ``folder``, ready for evaluation.

    Raises:
        FileFormatError: a file is missing, damaged, or does not fit the other.
    """
    folder = Path(folder)
    model = read_description(folder, TRAINED, _described)
    load_weights(folder / WEIGHTS, model, TRAINED.weights, TRAINED.again)
    model.normalize_weights()
    model = model.eval().requires_grad_(False).to(device)
    return model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def _described(description: Any) -> Denoiser:
    """The network that ``model.json`` describes, its weights drawn at random."""
    network = NetworkConfig(**description["network"])
    resolution, condition = description["resolution"], description["condition"]
    if not isinstance(resolution, int) or not isinstance(condition, str):
        raise TypeError(f"resolution {resolution!r} and condition {condition!r}")
    learns_empty = description.get("learns_empty", False)  # of before there were maps: unused
    if not isinstance(learns_empty, bool):
        raise TypeError(f"learns_empty {learns_empty!r}")
    return Denoiser(
        network, resolution, condition, _features(description), learns_empty=learns_empty
    )


def _features(description: dict[str, Any]) -> Features:
    """The map that a description names; those of before there were any name none."""
    chosen = TypeAdapter(FeatureMap | None).validate_python(description.get("features"))
    features = make_features(chosen)
    if features.code != description.get("features_code", ""):
        raise ValueError("its features' file was edited after the training")
    return features
