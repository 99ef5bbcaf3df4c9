"""Pictures of coloured squares, and an exact reader of them ([B], Fig. 13).

A picture is black with one square in one of four places. Red, green and blue each light a channel
of their own; yellow lights red's and green's.
"""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from projcomp.theory.finite_sets import FiniteSet

SIDE, CELL, SQUARE = 8, 4, 3
"""Pixels of a picture, of a place (one of 2 x 2), and of the square in it."""

NUM_PLACES = (SIDE // CELL) ** 2
STD = 0.05
"""Standard deviation of the pixels' noise."""

COLORS = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1), "yellow": (1, 1, 0)}
TOLERANCE = 0.3
"""How far a place's mean colour may be from that of a composed picture to be read as it."""


def pictures(color: str | None) -> FiniteSet:
    """The pictures with a square of ``color``; with None the black one, the background."""
    if color is None:
        return FiniteSet(torch.zeros(1, 3, SIDE, SIDE).double(), STD)
    return FiniteSet(paint(torch.eye(NUM_PLACES)[:, :, None] * torch.tensor(COLORS[color])), STD)


def paint(places: Tensor) -> Tensor:
    """Colours of the places ``(n, 4, 3)`` as pictures ``(n, 3, 8, 8)``, float64."""
    per_row = SIDE // CELL
    cells = torch.zeros(len(places), 3, per_row, CELL, per_row, CELL).double()
    grid = places.to(torch.float64).reshape(-1, per_row, per_row, 3).permute(0, 3, 1, 2)
    cells[:, :, :, :SQUARE, :, :SQUARE] = grid[:, :, :, None, :, None]
    return cells.reshape(-1, 3, SIDE, SIDE)


def read_places(x: Tensor) -> Tensor:
    """Mean colour of every place's square: ``(batch, 3, 8, 8)`` to ``(batch, 4, 3)``."""
    per_row = SIDE // CELL
    cells = x.to(torch.float64).reshape(-1, 3, per_row, CELL, per_row, CELL)
    means = cells[:, :, :, :SQUARE, :, :SQUARE].mean((3, 5))
    return means.flatten(2).transpose(1, 2)


def compositions(colors: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Every way to place the squares: what a sum of pictures shows, and whether all lie apart.

    Returns:
        colours ``(4^k, 4, 3)``, float64, and apart ``(4^k,)``, bool.
    """
    where = torch.tensor(list(itertools.product(range(NUM_PLACES), repeat=len(colors))))
    vectors = torch.tensor([COLORS[color] for color in colors]).double()
    shown = torch.zeros(len(where), NUM_PLACES, 3).double()
    for number, vector in enumerate(vectors):
        shown[torch.arange(len(where)), where[:, number]] += vector
    apart = torch.tensor([len(set(row)) == len(row) for row in where.tolist()])
    return shown, apart


def outcomes(x: Tensor, colors: Sequence[str]) -> Tensor:
    """Shares of pictures ``(..., n, 3, 8, 8)`` that show the squares apart, together, or neither.

    A picture is read as the nearest way to place the squares, and as none where a place's colour
    is more than ``TOLERANCE`` from it. Drawn independently, places are apart in 3/4 of the pairs.

    Returns:
        shape ``(..., 3)``, float64; sums to 1.
    """
    shown, apart = compositions(colors)
    places = read_places(x.flatten(0, -4))
    miss = (places[:, None] - shown[None]).abs().amax((2, 3))
    smallest, nearest = miss.min(1)
    found = torch.where(apart[nearest], 0, 1).masked_fill(smallest > TOLERANCE, 2)
    one_hot = torch.nn.functional.one_hot(found.reshape(x.shape[:-3]), 3)
    return one_hot.to(torch.float64).mean(-2)
