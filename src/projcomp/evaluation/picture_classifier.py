"""The network that says the class of a picture that was not rendered, and describes it by features.

Three levels of convolutions with group norms (Wu and He 2018) and SiLU; the mean of the deepest
level's activations over the picture are its features. They are nobody's but this network's: two
trainings have other features, and no distance in them is the Frechet *Inception* distance.
"""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from projcomp.conditions.kinds import kind_of
from projcomp.errors import FileFormatError
from projcomp.evaluation.detector import normalize
from projcomp.files.atomic import write_text
from projcomp.files.described import Trained, read_description
from projcomp.files.tensors import load_weights, write_tensors
from projcomp.folder import CLASSIFIER, WEIGHTS

TRAINED = Trained(
    file=CLASSIFIER,
    name="a trained classifier",
    first="train it",
    description="a classifier's description",
    weights=f"the weights that {CLASSIFIER} describes",
    again="train the classifier again",
)

_STRIDES = (1, 2, 2, 1)
_GROUPS = 4
_AT_ONCE = 256
"""Pictures of a pass without gradients."""


class PictureClassifier(nn.Module):
    """Pictures to classes.

    Args:
        kind: the label with all its values, as stages know it (``conditions/kinds.py``).
        channels: base channels, a multiple of 4.
        resolution: side of the pictures, pixels.
    """

    def __init__(self, kind: str, channels: int, resolution: int) -> None:
        super().__init__()
        self.kind, self.channels, self.resolution = kind, channels, resolution
        self.values = list(kind_of(kind).values)
        widths = [3, channels, 2 * channels, 4 * channels, 4 * channels]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 3, stride, 1)
            for (before, after), stride in zip(pairwise(widths), _STRIDES, strict=True)
        )
        self.norms = nn.ModuleList(nn.GroupNorm(_GROUPS, width) for width in widths[1:])
        self.last = nn.Linear(widths[-1], len(self.values))

    def features(self, images: Tensor) -> Tensor:
        """What pictures are described by: uint8 ``(B, H, W, 3)`` to ``(B, 4 channels)``."""
        x = normalize(images)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = functional.silu(norm(convolution(x)))
        return x.mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(B, classes)`` of pictures uint8 ``(B, H, W, 3)``."""
        return self.last(self.features(images))

    @torch.inference_mode()
    def described(self, images: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Probabilities ``(N, classes)`` and features ``(N, F)`` of pictures, float32.

        Raises:
            FileFormatError: they are of another size than it learned from.
        """
        side = self.resolution
        if images.shape[1:] != (side, side, 3):
            raise FileFormatError(
                f"images: expected (N, {side}, {side}, 3) as the classifier was trained on, got "
                f"{images.shape}; train a classifier at this resolution"
            )
        found = []
        for part in torch.from_numpy(np.ascontiguousarray(images)).split(_AT_ONCE):
            features = self.features(part)
            found.append((self.last(features).softmax(1).numpy(), features.numpy()))
        probabilities, features = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return probabilities, features


def save_classifier(folder: Path, classifier: PictureClassifier, settings: dict[str, Any]) -> None:
    """Write ``weights.safetensors`` and ``classifier.json`` into ``folder``, each atomically."""
    description = {
        "architecture": {
            "kind": classifier.kind,
            "channels": classifier.channels,
            "resolution": classifier.resolution,
        },
        "settings": settings,
    }
    write_tensors(folder / WEIGHTS, classifier.state_dict(), summed=True)
    write_text(folder / CLASSIFIER, json.dumps(description, indent=2, sort_keys=True) + "\n")


def load_classifier(folder: Path) -> PictureClassifier:
    """The classifier saved in ``folder``, ready to judge.

    Raises:
        FileFormatError: a file is missing, damaged, or does not fit the other.
    """
    found = read_description(
        folder, TRAINED, lambda described: PictureClassifier(**described["architecture"])
    )
    load_weights(folder / WEIGHTS, found, TRAINED.weights, TRAINED.again)
    return found.eval().requires_grad_(False)
