"""Brownian motion on SO(3): its density after a time, and the score.

IGSO(3) around the unit rotation with variance v is where Brownian motion is at the time v
(Nikolayev and Savyolov 1997; Leach et al. 2022); variances add up as those of Gaussians do, and for
small v it is N(0, v I) of the rotation vector. It depends on the angle w alone. With the uniform
distribution as the unit of density,

    f(w; v) = sum_l (2 l + 1) exp(-l (l + 1) v / 2) sin((l + 1/2) w) / sin(w / 2)
            = sqrt(pi) (v / 2)^(-3/2) exp(v / 8) sum_k (-1)^k g(w - 2 pi k) / (2 sin(w / 2)),

``g(a) = a exp(-a^2 / (2 v))``: two exact series, by characters and by the turns that a path may
have made. The first is short where v is large; the second where it is small, of which the term
k = 0 is the small-variance approximation.
"""

import math

import torch
from jaxtyping import Float64
from torch import Tensor

from projcomp.diffusion.rotations import Rotations, Vectors, angle, axial

Angles = Float64[Tensor, "*batch"]

SMALL = 1.0
"""Variance below which turns are summed, and from which on characters are."""

_TURNS = (-1, 0, 1)
"""Turns that are summed; what is left out is at most exp(-39) of it at the variance ``SMALL``."""

_NUM_CHARACTERS = 12
"""Characters that are summed: at the variance ``SMALL`` the next one has the factor exp(-78)."""

_LEAST = 1e-6
"""Angles are kept so far from 0 and pi, where quotients of what vanishes are smooth and even."""


def log_density(rotation: Rotations, variance: float) -> Angles:
    """``log f``, shape ``(*batch,)``, float64; the uniform distribution has 0.

    Args:
        rotation: shape ``(*batch, 3, 3)``, relative to the mean.
        variance: above 0.
    """
    return radial(angle(rotation.to(torch.float64)), variance)[0]


def score(rotation: Rotations, variance: float) -> Vectors:
    """The gradient of ``log f`` in the body's axes, shape ``(*batch, 3)``, float64.

    Args:
        rotation: shape ``(*batch, 3, 3)``, relative to the mean.
        variance: above 0.
    """
    exact = rotation.to(torch.float64)
    return radial(angle(exact), variance)[1][..., None] * axial(exact)


def radial(angles: Angles, variance: float) -> tuple[Angles, Angles]:
    """``log f`` and ``(d log f / dw) / sin w`` at angles in [0, pi], each ``(*batch,)``."""
    w = angles.clamp(_LEAST, math.pi - _LEAST)
    log_f, slope = (_by_turns if variance < SMALL else _by_characters)(w, variance)
    return log_f, slope / w.sin()


def _by_turns(w: Angles, v: float) -> tuple[Angles, Angles]:
    """``log f`` and its derivative, with ``exp(-w^2 / (2 v))`` taken out of all turns."""
    total, change = torch.zeros_like(w), torch.zeros_like(w)
    for k in _TURNS:
        sign, turn = (-1.0) ** k, 2 * math.pi * k
        weight = sign * (turn * (2 * w - turn) / (2 * v)).exp()
        total = total + weight * (w - turn)
        change = change + weight * (1 + (w - turn) * turn / v)
    constant = math.log(math.pi) / 2 - 1.5 * math.log(v / 2) + v / 8
    log_f = constant - w**2 / (2 * v) + (total / (2 * (w / 2).sin())).log()
    return log_f, -w / v + change / total - 1 / (2 * (w / 2).tan())


def _by_characters(w: Angles, v: float) -> tuple[Angles, Angles]:
    """The same; ``sin((l + 1/2) w)/sin(w/2) = 1 + 2 sum_{m <= l} cos(m w)``, so a cosine series."""
    numbers = torch.arange(_NUM_CHARACTERS, dtype=w.dtype, device=w.device)
    terms = (2 * numbers + 1) * (-numbers * (numbers + 1) * v / 2).exp()
    tails = terms.flip(0).cumsum(0).flip(0)[1:]
    phase = w[..., None] * numbers[1:]
    f = terms.sum() + 2 * (tails * phase.cos()).sum(-1)
    return f.log(), -2 * (tails * numbers[1:] * phase.sin()).sum(-1) / f
