"""Inner products of samples, in double precision whatever the samples are kept in."""

import torch
from jaxtyping import Float
from torch import Tensor

from projcomp.diffusion.shapes import PerModel, Precise, Samples


def dot(a: Samples, b: Samples) -> Precise:
    """``<a, b>`` of every sample: ``(batch, *dims)`` twice to ``(batch,)``, float64."""
    return _inner(a, b, leading=1)


def dots(
    a: Float[Tensor, "#models batch *dims"], b: Float[Tensor, "#models batch *dims"]
) -> PerModel:
    """The same of stacked models: ``(num_models, batch, *dims)`` to ``(num_models, batch)``."""
    return _inner(a, b, leading=2)


def _inner(a: Tensor, b: Tensor, leading: int) -> Tensor:
    return (a.to(torch.float64) * b).flatten(leading).sum(leading)
