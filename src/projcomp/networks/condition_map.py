"""What a network is told, as channels beside the image: each pixel sees what concerns it."""

import torch
from torch import Tensor, nn

from projcomp.networks.conditioning import COLOR_NAMES, DROPPED, GIVEN

_TRUNCATED = 4.0
"""Widths from its middle at which the blob ends, so that it is nothing at all farther away."""


class ConditionMap(nn.Module):
    """Condition rows to planes of the image's size.

    A location is a Gaussian blob of height 1 at the requested point; a colour is a constant plane
    of its own. No object requested, 'empty', is the map without anything on it: far from its blob,
    a conditional network sees what the background's sees. Where a network learns 'empty', one more
    plane marks the dropped condition; where it learns no 'empty', dropped is the map without
    anything on it.

    Args:
        kind: "position" or "color".
        resolution: side of the images, pixels.
        blob_width: standard deviation of the blob, as a share of the image side.
        learns_empty: whether 'empty' is one of the network's conditions.
    """

    pixels: Tensor

    def __init__(self, kind: str, resolution: int, blob_width: float, *, learns_empty: bool):
        super().__init__()
        self.kind, self.blob_width, self.learns_empty = kind, blob_width, learns_empty
        self.num_planes = (len(COLOR_NAMES) if kind == "color" else 1) + learns_empty
        pixels = (torch.arange(resolution) + 0.5) / resolution
        self.register_buffer("pixels", pixels, persistent=False)

    def forward(self, condition: Tensor) -> Tensor:
        """Map ``(batch, width)`` to ``(batch, num_planes, H, W)``."""
        given = (condition[:, 0] == GIVEN).float()
        if self.kind == "color":
            planes = nn.functional.one_hot(condition[:, 1].long(), len(COLOR_NAMES)).float()
            side = len(self.pixels)
            shown = (given[:, None] * planes)[:, :, None, None].expand(-1, -1, side, side)
        else:
            shown = (given[:, None, None] * self._blob(condition[:, 1:3]))[:, None]
        if not self.learns_empty:
            return shown
        dropped = (condition[:, 0] == DROPPED).float()
        return torch.cat([shown, dropped[:, None, None, None].expand_as(shown[:, :1])], 1)

    def _blob(self, points: Tensor) -> Tensor:
        """Blobs ``(batch, H, W)`` at image points ``(batch, 2)``, x to the right and y down."""
        across = self.pixels - points[:, :1]
        down = self.pixels - points[:, 1:]
        squares = (across.square()[:, None, :] + down.square()[:, :, None]) / self.blob_width**2
        return torch.exp(-squares / 2) * (squares < _TRUNCATED**2)
