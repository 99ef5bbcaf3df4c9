"""What a network is told, as a tensor that can be stacked, compared and sent through a batch.

A condition is a row of float32: column 0 says whether it is dropped, given or empty, the others
hold the numbers of its kind (``conditions/``). ``empty`` is a condition of its own, learnt from
pictures without objects, so that a background and the conditionals may share a network.
"""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from projcomp.conditions.joint import UNTOLD
from projcomp.conditions.kind import Kind
from projcomp.conditions.kinds import NONE, kind_of, kinds_in, width_of
from projcomp.config.conditions import EMPTY as CONDITION_EMPTY
from projcomp.config.conditions import UNCONDITIONAL, Distribution
from projcomp.networks.layers import MPFourier

DROPPED, GIVEN, EMPTY = 0.0, 1.0, 2.0


def width(kind: str) -> int:
    """Number of columns of a condition of this kind."""
    return 1 + width_of(kind)


def unconditional(kind: str) -> Tensor:
    """The dropped condition, ``(1, width)``: the network's unconditional distribution."""
    return torch.zeros(1, width(kind))


def empty(kind: str) -> Tensor:
    """The condition 'no object in the picture', ``(1, width)``."""
    row = torch.zeros(1, width(kind))
    row[0, 0] = EMPTY
    return row


def given(kind: str, values: Iterable[Any]) -> Tensor:
    """Conditions on k values of a kind, names or image points, ``(k, width)``.

    Raises:
        ValueError: the kind has no such value.
    """
    told = kind_of(kind)
    rows = [[GIVEN, *told.numbers(value)] for value in values]
    return torch.tensor(rows).reshape(-1, 1 + told.width)


def row_of(condition: Distribution, kind: str) -> Tensor:
    """The row, ``(width,)``, of one distribution of a model whose conditions are of ``kind``.

    Raises:
        ValueError: it cannot be told that.
    """
    if condition == CONDITION_EMPTY:
        return empty(kind)[0]
    if condition == UNCONDITIONAL:
        return unconditional(kind)[0]
    assert isinstance(condition, dict)
    foreign = [part for part in condition if part not in kinds_in(kind)]
    if foreign:
        raise ValueError(f"expected values of {kind}, got one of {foreign[0]}")
    # a joint kind takes values by the names of its parts
    return given(kind, [condition.get(kind_of(kind).name, condition)])[0]


def in_words(row: Tensor, kind: str) -> str:
    """A condition ``(width,)`` as a few characters to stand beside an image."""
    if row[0] == DROPPED:
        return "any"
    if row[0] == EMPTY:
        return "empty"
    return kind_of(kind).in_words(row[1:])


def columns_of(kind: str) -> list[tuple[Kind, slice]]:
    """The parts of a kind, and which columns of a condition tell each; none of ``none``."""
    found, end = [], 1
    for part in kind_of(kind).parts if kind != NONE else ():
        found.append((part, slice(end, end + part.width)))
        end += part.width
    return found


class ConditionFeatures(nn.Module):
    """Condition rows to feature vectors of unit magnitude (zero where dropped).

    Places become Fourier features of x and of y, concatenated (Bradley et al. 2025, appendix); any
    other kind becomes a one-hot vector. One more feature marks 'empty'.

    Args:
        kind: which condition.
        frequencies: Fourier features per coordinate.
        bandwidth: standard deviation of the frequencies, cycles per image side.
    """

    def __init__(self, kind: str, frequencies: int, bandwidth: float):
        super().__init__()
        self.parts = columns_of(kind)
        counts = [len(part.values) or part.width * frequencies for part, _ in self.parts]
        self.num_features = sum(counts) + 1
        points = [part for part, _ in self.parts if not part.values]
        if points:
            waves = frequencies * sum(part.width for part in points)
            self.fourier = MPFourier(waves, bandwidth)
        self.frequencies = frequencies

    def forward(self, condition: Tensor) -> Tensor:
        """Map ``(batch, width)`` to ``(batch, num_features)``."""
        state = condition[:, :1]
        columns = [(state == EMPTY).float() * math.sqrt(self.num_features)]
        is_given = (state == GIVEN).float()
        first = 0
        for part, here in self.parts:
            told = condition[:, here]
            if len(self.parts) > 1:
                is_given = ((state == GIVEN) & (told[:, :1] != UNTOLD)).float()
            if part.values:
                scale = math.sqrt(len(part.values))
                columns.append(is_given * scale * one_hot(told[:, 0], len(part.values)))
            else:
                coordinates = told.repeat_interleave(self.frequencies, dim=1)
                waves = slice(first, first + coordinates.shape[1])
                first = waves.stop
                angles = coordinates * self.fourier.frequencies[waves] + self.fourier.phases[waves]
                columns.append(is_given * math.sqrt(2.0) * torch.cos(angles))
        return torch.cat(columns, 1)


def one_hot(numbers: Tensor, count: int) -> Tensor:
    """The numbers ``(batch,)`` of values as ``(batch, count)``; of what is untold, anything."""
    return nn.functional.one_hot(numbers.long().clamp(min=0), count).float()
