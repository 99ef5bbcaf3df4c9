"""A trained detector on disk, and running it over images."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from projcomp.errors import FileFormatError
from projcomp.evaluation.detector import Detector, normalize
from projcomp.evaluation.heatmaps import Detections, find_peaks
from projcomp.files.atomic import write_text
from projcomp.files.described import Trained, read_description
from projcomp.files.tensors import load_weights, write_tensors
from projcomp.folder import DETECTOR, WEIGHTS

FORMAT = 1
TRAINED = Trained(
    file=DETECTOR,
    name="a trained detector",
    first="train it",
    description="a detector's description",
    weights=f"the weights that {DETECTOR} describes",
    again="train the detector again",
)
_CHUNK_PIXELS = 2**20


def save_detector(
    folder: Path, detector: Detector, settings: dict[str, Any], channels: int
) -> None:
    """Write ``weights.safetensors`` and ``detector.json`` into ``folder``, each atomically."""
    description = {
        "format": FORMAT,
        "architecture": {"channels": channels, "resolution": detector.resolution},
        "settings": settings,
    }
    write_tensors(Path(folder) / WEIGHTS, detector.state_dict(), summed=True)
    write_text(Path(folder) / DETECTOR, json.dumps(description, indent=2, sort_keys=True) + "\n")


def load_detector(folder: Path, device: torch.device | str = "cpu") -> Detector:
    """The detector saved in ``folder``, ready to detect.

    Raises:
        FileFormatError: a file is missing, damaged, or does not fit the other.
    """
    folder = Path(folder)
    detector = read_description(folder, TRAINED, _described)
    load_weights(folder / WEIGHTS, detector, TRAINED.weights, TRAINED.again)
    detector = detector.eval().requires_grad_(False).to(device)
    return detector.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def _described(description: Any) -> Detector:
    """The network that ``detector.json`` describes, its weights drawn at random."""
    architecture = description["architecture"]
    return Detector(int(architecture["channels"]), int(architecture["resolution"]))


def detect(detector: Detector, images: np.ndarray, threshold: float) -> list[Detections]:
    """The objects in each of ``images`` (uint8 ``(N, H, W, 3)``), computed in float32.

    Raises:
        FileFormatError: the images are not of the detector's resolution.
    """
    side = detector.resolution
    if images.ndim != 4 or images.shape[1:] != (side, side, 3) or images.dtype != np.uint8:
        raise FileFormatError(
            f"images: expected uint8 (N, {side}, {side}, 3) as the detector was trained on, got "
            f"{images.dtype} {images.shape}; train a detector at this resolution"
        )
    device = next(detector.parameters()).device
    chunk = max(1, _CHUNK_PIXELS // (side * side))
    found: list[Detections] = []
    with torch.inference_mode():
        for start in range(0, len(images), chunk):
            part = torch.from_numpy(np.ascontiguousarray(images[start : start + chunk])).to(device)
            found += find_peaks(detector(normalize(part)), threshold)
    return found
