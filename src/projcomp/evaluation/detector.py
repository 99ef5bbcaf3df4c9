"""The object detector: a small U-shaped convolutional network over a grid of cells.

Every cell says whether the centre of an object lies in it (a heatmap), how far off the cell's
middle the centre is, and which colour, shape, material and size of CLEVR's the object has (the
layout of CenterNet, Zhou et al. 2019, without boxes). A second heatmap, the doubt, says where
something is seen that is no whole object. It is trained here; counting is
:mod:`~projcomp.evaluation.forward`'s.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from projcomp.evaluation.forward import FORMAT
from projcomp.evaluation.grid import DOUBT, HEAT, OUTPUTS, STEP, fold_of
from projcomp.files.atomic import write_text
from projcomp.files.tensors import write_tensors
from projcomp.folder import DETECTOR, WEIGHTS

_CHUNK_PIXELS = 2**20


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.SiLU(),
    )


class _Up(nn.Module):
    """Doubles the resolution and adds the skip connection."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(inputs, outputs, 1)
        self.block = _conv(outputs, outputs)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.block(functional.interpolate(self.project(x), scale_factor=2.0) + skip)


class Detector(nn.Module):
    """Three levels (C, 2C, 4C channels) down and up again; the grid is as fine as the image.

    Args:
        channels: base channels C.
        resolution: side of the images, pixels, at least 16; see :func:`fold_of`.

    Attributes:
        most_doubt: an image of which it has more doubt is one to be unsure of.
    """

    most_doubt: float = 1.0

    def __init__(self, channels: int, resolution: int) -> None:
        super().__init__()
        self.resolution = resolution
        self.fold = fold_of(resolution)
        self.grid = resolution // self.fold
        c = channels
        self.stem = _conv(3 * self.fold**2, c)
        self.fine = _conv(c, c)
        self.down1 = nn.Sequential(_conv(c, 2 * c, stride=2), _conv(2 * c, 2 * c))
        self.down2 = nn.Sequential(
            _conv(2 * c, 4 * c, stride=2), _conv(4 * c, 4 * c), _conv(4 * c, 4 * c)
        )
        self.up1 = _Up(4 * c, 2 * c)
        self.up2 = _Up(2 * c, c)
        self.head = nn.Sequential(_conv(c, c), nn.Conv2d(c, OUTPUTS, 1))
        # A grid is mostly empty: start from heatmaps of about 0.05 everywhere.
        nn.init.zeros_(self.head[-1].weight)  # pyright: ignore[reportArgumentType]
        nn.init.zeros_(self.head[-1].bias)  # pyright: ignore[reportArgumentType]
        with torch.no_grad():
            self.head[-1].bias[[HEAT, DOUBT]] = -3.0  # pyright: ignore[reportIndexIssue]

    def forward(self, images: Tensor) -> Tensor:
        """Raw outputs.

        Args:
            images: float ``(B, 3, resolution, resolution)`` from :func:`normalize`.

        Returns:
            ``(B, OUTPUTS, grid, grid)``; ``grid.py`` says what the channels are.
        """
        fine = self.fine(self.stem(self._folded(images)))
        middle = self.down1(fine)
        x = self.up2(self.up1(self.down2(middle), middle), fine)
        return self.head(x)[..., : self.grid, : self.grid]

    def features(self, images: Tensor) -> Tensor:
        """The deepest level, averaged over the image: what distances of sets of images compare.

        Args:
            images: as :meth:`forward` takes them.

        Returns:
            ``(B, 4C)``.
        """
        deepest = self.down2(self.down1(self.fine(self.stem(self._folded(images)))))
        return deepest.mean((2, 3))

    def _folded(self, images: Tensor) -> Tensor:
        """The cells' pixels as channels, the grid extended to a multiple of STEP."""
        x = functional.pixel_unshuffle(images, self.fold) if self.fold > 1 else images
        spare = -self.grid % STEP
        return functional.pad(x, (0, spare, 0, spare), mode="replicate") if spare else x

    @torch.inference_mode()
    def outputs(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Raw outputs of ``images``, uint8 ``(N, H, W, 3)``, as :meth:`forward` has them."""
        device = next(self.parameters()).device
        size = max(1, _CHUNK_PIXELS // self.resolution**2)
        found = [np.empty((0, OUTPUTS, self.grid, self.grid), np.float32)]
        for start in range(0, len(images), size):
            part = torch.from_numpy(np.ascontiguousarray(images[start : start + size])).to(device)
            found.append(self(normalize(part)).float().cpu().numpy())
        return np.concatenate(found)


def normalize(images: Tensor) -> Tensor:
    """uint8 ``(B, H, W, 3)`` to the network's float32 ``(B, 3, H, W)`` in [-2, 2]."""
    return images.permute(0, 3, 1, 2).float() / 63.75 - 2.0


def denormalize(images: Tensor) -> NDArray[np.uint8]:
    """What :func:`normalize` takes, of what it makes; beyond its range the nearest end."""
    pixels = ((images + 2.0) * 63.75).round().clamp(0, 255).byte()
    return pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()


def save_detector(
    folder: Path,
    detector: Detector,
    settings: dict[str, Any],
    channels: int,
    learned: dict[str, Any] | None = None,
) -> None:
    """Write ``weights.safetensors`` and ``detector.json`` into ``folder``, each atomically.

    ``learned`` says what images it is made for (:mod:`~projcomp.evaluation.scope`).
    """
    description = {
        "format": FORMAT,
        "architecture": {"channels": channels, "resolution": detector.resolution},
        "most_doubt": detector.most_doubt,
        "settings": settings,
        "learned_from": learned or {},
    }
    write_tensors(Path(folder) / WEIGHTS, detector.state_dict(), summed=True)
    write_text(Path(folder) / DETECTOR, json.dumps(description, indent=2, sort_keys=True) + "\n")
