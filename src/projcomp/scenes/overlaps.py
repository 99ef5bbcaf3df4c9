"""How far apart two objects stay in the picture, whatever shapes and turns are drawn for them.

An object turns about its vertical axis by any angle, so all that it may cover is the image of a
body of revolution around the shapes that may be drawn. That body is convex, and so is its image.
Two convex images are apart by the greatest gap between them along any direction, which their
support functions tell. Shadows and reflections reach farther and are not meant.
"""

import itertools
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projcomp.scenes.camera import Camera
from projcomp.scenes.visibility import (
    CUBE_CORE,
    CUBE_EDGE,
    CUBE_EXPONENT,
    RIM_CORE,
    RIM_EDGE,
    RIM_EXPONENT,
)
from projcomp.scenes.vocabulary import CAMERA_LOCATION, SIZES

Array = NDArray[np.float64]

_RINGS, _SIDES, _DIRECTIONS = 33, 64, 180
"""Of the bodies' rings and of the directions of gaps: errors below a thousandth of an object."""

_ANGLES = 2 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
_TOWARDS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)])


def cameras(jitter: float) -> list[Camera]:
    """CLEVR's camera if it stands still, else at the corners of the box that it moves in.

    Args:
        jitter: half-width of the camera's jitter per axis, scene units.
    """
    signs = itertools.product((-1.0, 1.0), repeat=3) if jitter else [(0.0, 0.0, 0.0)]
    return [Camera(np.add(CAMERA_LOCATION, np.multiply(jitter, each))) for each in signs]


def gaps(points: ArrayLike, shapes: Sequence[str], sizes: Sequence[str], jitter: float) -> Array:
    """Least gap (n, n) between objects whose centres are at image points (n, 2).

    As a share of the image side; what is negative overlaps for some shapes and turns, and the
    diagonal is all negative.

    Args:
        points: x to the right and y down, [0, 1] inside the image.
        shapes: names of the shapes that may be drawn.
        sizes: names of the sizes that may be drawn.
        jitter: half-width of the camera's jitter per axis, scene units.

    Raises:
        ValueError: an object at one of them is not in front of the camera.
    """
    points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    least = np.full((len(points), len(points)), np.inf)
    for camera in cameras(jitter):
        covered = [[support(camera, point, shapes, size) for point in points] for size in sizes]
        for one, other in itertools.product(np.array(covered), repeat=2):
            against = np.roll(other, _DIRECTIONS // 2, axis=1)
            least = np.minimum(least, (-one[:, None] - against[None]).max(axis=2))
    return least


def support(camera: Camera, point: ArrayLike, shapes: Sequence[str], size: str) -> Array:
    """How far the image of what an object may cover reaches along each direction.

    The support function ``h(u) = max <u, p>`` over its image points p, for directions u evenly
    around the circle.

    Raises:
        ValueError: some of it is not in front of the camera.
    """
    centre = camera.point_on_plane(point, SIZES[size])
    body = np.concatenate([_revolved(shape) for shape in shapes]) * SIZES[size] + centre
    image, depth = camera.project(body)
    if depth.min() <= 0:
        raise ValueError(f"an object in front of the camera expected, got one at {point}")
    return (image @ _TOWARDS).max(axis=0)


@cache
def _revolved(shape: str) -> Array:
    """Points (m, 3) of a unit shape that turns by all angles."""
    height = np.cos(np.linspace(0.0, np.pi, _RINGS))
    angle = 2 * np.pi * np.arange(_SIDES) / _SIDES
    # around the circle, not in it
    radius = _PROFILES[shape](np.abs(height)) / np.cos(np.pi / _SIDES)
    ring = radius[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return np.column_stack([ring.reshape(-1, 2), np.repeat(height, _SIDES)])


def _sphere(height: Array) -> Array:
    return np.sqrt(np.clip(1.0 - height**2, 0.0, None))


def _cube(height: Array) -> Array:
    # farthest from the axis on a diagonal, where x and y share what the rounding leaves
    left = CUBE_EDGE * _rounded(height, CUBE_CORE, CUBE_EDGE, CUBE_EXPONENT)
    return np.sqrt(2.0) * (CUBE_CORE + left / 2.0 ** (1.0 / CUBE_EXPONENT))


def _cylinder(height: Array) -> Array:
    return RIM_CORE[0] + RIM_EDGE[0] * _rounded(height, RIM_CORE[1], RIM_EDGE[1], RIM_EXPONENT)


def _rounded(height: Array, core: float, edge: float, exponent: int) -> Array:
    """Share of an edge's width that its rounding leaves at heights from 0 to 1."""
    excess = np.clip((height - core) / edge, 0.0, 1.0)
    return (1.0 - excess**exponent) ** (1.0 / exponent)


_PROFILES = {"cube": _cube, "sphere": _sphere, "cylinder": _cylinder}
"""How far the unit shapes reach from their axis at heights from 0 to 1."""
