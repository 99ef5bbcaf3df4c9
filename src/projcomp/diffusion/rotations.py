"""Rotations of space: the exponential map of SO(3), angles, and uniform draws.

A rotation is a matrix ``(..., 3, 3)``. A direction at it is a vector ``v`` of three numbers in its
own body's axes: the curve is ``R Exp(t v)``, of unit speed where ``|v| = 1``, so that distances are
angles. Everything keeps the dtype of what it is given.
"""

import torch
from jaxtyping import Float
from torch import Tensor

Rotations = Float[Tensor, "*batch 3 3"]
Vectors = Float[Tensor, "*batch 3"]

_TINY = 1e-30


def exp(v: Vectors) -> Rotations:
    """``Exp(v)``, the rotation around ``v`` by its length: Rodrigues' formula."""
    # never quite 0, where a length has no derivative and the map has one
    angle = (v.square().sum(-1) + _TINY).sqrt()[..., None, None]
    cross = _cross(v)
    eye = torch.eye(3, dtype=v.dtype, device=v.device)
    first, second = torch.sinc(angle / torch.pi), torch.sinc(angle / (2 * torch.pi)) ** 2 / 2
    return eye + first * cross + second * (cross @ cross)


def axial(rotation: Rotations) -> Vectors:
    """``sin(angle)`` times the axis: half of what distinguishes a rotation from its inverse."""
    twice = rotation - rotation.mT
    return torch.stack([twice[..., 2, 1], twice[..., 0, 2], twice[..., 1, 0]], -1) / 2


def angle(rotation: Rotations) -> Float[Tensor, "*batch"]:
    """The angle in [0, pi], exact to rounding everywhere in it."""
    trace = rotation.diagonal(dim1=-2, dim2=-1).sum(-1)
    return torch.atan2(axial(rotation).norm(dim=-1), (trace - 1) / 2)


def of_quaternions(quaternions: Float[Tensor, "*batch 4"]) -> Rotations:
    """Rotations of quaternions of any length but zero; of normal noise, uniform rotations."""
    scalar, vector = (quaternions / quaternions.norm(dim=-1, keepdim=True)).split([1, 3], -1)
    eye = torch.eye(3, dtype=vector.dtype, device=vector.device)
    cross = _cross(vector)
    return eye + 2 * (scalar[..., None] * cross + cross @ cross)


def _cross(v: Vectors) -> Rotations:
    """The matrix of ``u -> v x u``."""
    x, y, z = v.unbind(-1)
    zero = torch.zeros_like(x)
    rows = [zero, -z, y, z, zero, -x, -y, x, zero]
    return torch.stack(rows, -1).reshape(*v.shape, 3)
