"""What a network is told, as a tensor that can be stacked, compared and sent through a batch.

A condition is a row of float32: column 0 says which kind (dropped, given, empty), the others hold
the place ``(x, y)`` in [0, 1] or the index of the colour. ``empty`` is a condition of its own,
learnt from pictures without objects, so that a background and the conditionals may share a network.
"""

import math
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from projcomp.config.section import Color
from projcomp.networks.layers import MPFourier

ConditionKind = Literal["none", "position", "color"]
COLOR_NAMES: tuple[str, ...] = get_args(Color)
DROPPED, GIVEN, EMPTY = 0.0, 1.0, 2.0
_NUM_VALUES: dict[str, int] = {"none": 0, "position": 2, "color": 1}


def width(kind: str) -> int:
    """Number of columns of a condition of this kind."""
    return 1 + _NUM_VALUES[kind]


def unconditional(kind: str) -> Tensor:
    """The dropped condition, ``(1, width)``: the network's unconditional distribution."""
    return torch.zeros(1, width(kind))


def empty(kind: str) -> Tensor:
    """The condition 'no object in the picture', ``(1, width)``."""
    row = torch.zeros(1, width(kind))
    row[0, 0] = EMPTY
    return row


def at_locations(locations: np.ndarray | Sequence[tuple[float, float]]) -> Tensor:
    """Conditions on places: ``(k, 2)`` image points in [0, 1] to ``(k, 3)``."""
    places = torch.as_tensor(np.asarray(locations, dtype=np.float32)).reshape(-1, 2)
    return torch.cat([torch.full((len(places), 1), GIVEN), places], 1)


def of_colors(names: Sequence[str]) -> Tensor:
    """Conditions on colours, by name: ``(k, 2)``."""
    return torch.tensor([[GIVEN, float(COLOR_NAMES.index(name))] for name in names]).reshape(-1, 2)


def in_words(row: Tensor, kind: str) -> str:
    """A condition ``(width,)`` as a few characters to stand beside an image."""
    if row[0] == DROPPED:
        return "any"
    if row[0] == EMPTY:
        return "empty"
    if kind == "color":
        return COLOR_NAMES[int(row[1])]
    return f"{row[1]:.2f}, {row[2]:.2f}"


class ConditionFeatures(nn.Module):
    """Condition rows to feature vectors of unit magnitude (zero where dropped).

    Places become Fourier features of x and of y, concatenated (Bradley et al. 2025, appendix);
    a colour becomes a one-hot vector. One more feature marks 'empty'.

    Args:
        kind: which condition.
        frequencies: Fourier features per coordinate.
        bandwidth: standard deviation of the frequencies, cycles per image side.
    """

    def __init__(self, kind: str, frequencies: int, bandwidth: float):
        super().__init__()
        self.kind = kind
        if kind == "position":
            self.fourier = MPFourier(2 * frequencies, bandwidth)
            self.num_features = 2 * frequencies + 1
        else:
            self.num_features = (len(COLOR_NAMES) if kind == "color" else 0) + 1

    def forward(self, condition: Tensor) -> Tensor:
        """Map ``(batch, width)`` to ``(batch, num_features)``."""
        kind = condition[:, :1]
        columns = [(kind == EMPTY).float() * math.sqrt(self.num_features)]
        given = (kind == GIVEN).float()
        if self.kind == "position":
            half = self.fourier.frequencies.numel() // 2
            coordinates = condition[:, 1:3].repeat_interleave(half, dim=1)
            angles = coordinates * self.fourier.frequencies + self.fourier.phases
            columns.append(given * math.sqrt(2.0) * torch.cos(angles))
        elif self.kind == "color":
            one_hot = nn.functional.one_hot(condition[:, 1].long(), len(COLOR_NAMES)).float()
            columns.append(given * math.sqrt(len(COLOR_NAMES)) * one_hot)
        return torch.cat(columns, 1)
