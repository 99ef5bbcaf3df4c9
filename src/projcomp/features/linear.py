"""Linear maps of every pixel's colour, and their inverses."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from projcomp.features.colors import GROUND, clevr_colors

Map = Callable[[Tensor], Tensor]


def linear_map(matrix: Tensor | Sequence[Sequence[float]]) -> tuple[Map, Map]:
    """Every pixel times ``matrix`` ``(C, 3)`` of full column rank, and times its pseudo-inverse."""
    forth = torch.as_tensor(matrix, dtype=torch.float64)
    return _times(forth), _times(torch.linalg.pinv(forth))


def luminance_matrix(scale: float) -> Tensor:
    """The mean of RGB times ``scale``, ``(3, 3)``: I + (scale - 1) u uᵀ, u along gray.

    The mean is the one luminance whose chroma is at right angles to it: a gray stays gray, and the
    map is the identity on the plane of chroma.
    """
    return torch.eye(3, dtype=torch.float64) + (scale - 1) * torch.full((3, 3), 1 / 3).double()


def whitening_matrix() -> Tensor:
    """``S^(-1/2)``, symmetric, ``(3, 3)``; S the colours' second moment about the ground.

    Their mean outer product, not their covariance: a score delta is the way from the background to
    a colour.
    """
    away = clevr_colors() - torch.tensor(GROUND, dtype=torch.float64)
    values, vectors = torch.linalg.eigh(away.T @ away / len(away))
    return vectors @ torch.diag(values**-0.5) @ vectors.T


def _times(matrix: Tensor) -> Map:
    def product(x: Tensor) -> Tensor:
        return torch.einsum("cd,bdhw->bchw", matrix.to(x), x)

    return product
