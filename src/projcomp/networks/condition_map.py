"""What a network is told, as channels beside the image: each pixel sees what concerns it."""

import torch
from torch import Tensor, nn

from projcomp.conditions.joint import UNTOLD
from projcomp.networks.conditioning import DROPPED, GIVEN, columns_of, one_hot

_TRUNCATED = 4.0
"""Widths from its middle at which the blob ends, so that it is nothing at all farther away."""


class ConditionMap(nn.Module):
    """Condition rows to planes of the image's size.

    A location is a Gaussian blob of height 1 at the requested point; a value of any other kind is a
    constant plane of its own. No object requested, 'empty', is the map without anything on it: far
    from its blob, a conditional network sees what the background's sees. Where a network learns
    'empty', one more plane marks the dropped condition; where it learns no 'empty', dropped is the
    map without anything on it.

    Args:
        kind: which condition.
        resolution: side of the images, pixels.
        blob_width: standard deviation of the blob, as a share of the image side.
        learns_empty: whether 'empty' is one of the network's conditions.
    """

    pixels: Tensor

    def __init__(self, kind: str, resolution: int, blob_width: float, *, learns_empty: bool):
        super().__init__()
        self.blob_width, self.learns_empty = blob_width, learns_empty
        self.parts = columns_of(kind)
        self.num_planes = sum(len(part.values) or 1 for part, _ in self.parts) + learns_empty
        pixels = (torch.arange(resolution) + 0.5) / resolution
        self.register_buffer("pixels", pixels, persistent=False)

    def forward(self, condition: Tensor) -> Tensor:
        """Map ``(batch, width)`` to ``(batch, num_planes, H, W)``."""
        is_given = condition[:, 0] == GIVEN
        planes = []
        for part, here in self.parts:
            told = condition[:, here]
            if len(self.parts) > 1:
                is_given = (condition[:, 0] == GIVEN) & (told[:, 0] != UNTOLD)
            if part.values:
                shown = self._constant(one_hot(told[:, 0], len(part.values)))
            else:
                shown = self._blob(told)[:, None]
            planes.append(is_given.float()[:, None, None, None] * shown)
        if self.learns_empty:
            planes.append(self._constant((condition[:, :1] == DROPPED).float()))
        return torch.cat(planes, 1)

    def _constant(self, values: Tensor) -> Tensor:
        """Planes ``(batch, n, H, W)`` that are ``(batch, n)`` everywhere."""
        side = len(self.pixels)
        return values[:, :, None, None].expand(-1, -1, side, side)

    def _blob(self, points: Tensor) -> Tensor:
        """Blobs ``(batch, H, W)`` at image points ``(batch, 2)``, x to the right and y down."""
        across = self.pixels - points[:, :1]
        down = self.pixels - points[:, 1:]
        squares = (across.square()[:, None, :] + down.square()[:, :, None]) / self.blob_width**2
        return torch.exp(-squares / 2) * (squares < _TRUNCATED**2)
