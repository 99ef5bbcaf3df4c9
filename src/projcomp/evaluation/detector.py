"""The object detector: a small U-shaped convolutional network over a grid of cells.

Every cell says how near the centre of an object is (a heatmap), how far off the cell's middle the
centre lies, and which of CLEVR's eight colours the object has (the layout of CenterNet, Zhou et al.
2019, without box sizes).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

MAX_GRID = 64
NUM_COLORS = 8
OUTPUTS = 1 + 2 + NUM_COLORS
_STEP = 4
"""The network halves its grid twice, so it works on a multiple of this."""


def fold_of(resolution: int) -> int:
    """Pixels per cell side: 1 below twice MAX_GRID, then such that the grid is about MAX_GRID.

    It divides ``resolution``. The largest CLEVR objects are 4 cells wide at 32 pixels.
    """
    fold = max(1, resolution // MAX_GRID)
    while resolution % fold:
        fold -= 1
    return fold


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
    """

    def __init__(self, channels: int, resolution: int) -> None:
        super().__init__()
        if resolution < 16:
            raise ValueError(f"resolution: expected at least 16, got {resolution}")
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
        # A grid is mostly empty: start from a heatmap of about 0.05 everywhere.
        nn.init.zeros_(self.head[-1].weight)  # pyright: ignore[reportArgumentType]
        nn.init.zeros_(self.head[-1].bias)  # pyright: ignore[reportArgumentType]
        with torch.no_grad():
            self.head[-1].bias[0] = -3.0  # pyright: ignore[reportIndexIssue]

    def forward(self, images: Tensor) -> Tensor:
        """Raw outputs.

        Args:
            images: float ``(B, 3, resolution, resolution)`` from :func:`normalize`.

        Returns:
            ``(B, 11, grid, grid)``: heatmap logit; x and y offsets in cells; eight colour logits.
        """
        x = functional.pixel_unshuffle(images, self.fold) if self.fold > 1 else images
        spare = -self.grid % _STEP
        if spare:
            x = functional.pad(x, (0, spare, 0, spare), mode="replicate")
        fine = self.fine(self.stem(x))
        middle = self.down1(fine)
        x = self.up2(self.up1(self.down2(middle), middle), fine)
        return self.head(x)[..., : self.grid, : self.grid]


def normalize(images: Tensor) -> Tensor:
    """uint8 ``(B, H, W, 3)`` to the network's float32 ``(B, 3, H, W)`` in [-2, 2]."""
    return images.permute(0, 3, 1, 2).float() / 63.75 - 2.0
