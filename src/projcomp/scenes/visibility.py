"""Which pixels an object covers, by casting rays at the exact convex shapes.

Each unit shape is ``f(p) <= 0`` for a convex function f. Along a ray f stays convex, so Newton's
method started before the shape never passes its surface, and a ray misses as soon as f grows.
"""

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from projcomp.scenes.camera import Camera
from projcomp.scenes.spec import PlacedObject
from projcomp.scenes.vocabulary import REFERENCE_SIZE, SIZES

Array = NDArray[np.float64]

# The rounded edge of CLEVR's cube is the superellipse of exponent 3, the cylinder's rim about 4
# (fits to the meshes' profiles, better than .002 and .006).
CUBE_CORE, CUBE_EDGE, CUBE_EXPONENT = 0.75, 0.25, 3
RIM_CORE, RIM_EDGE, RIM_EXPONENT = np.array([0.91, 0.9]), np.array([0.09, 0.1]), 4

_STEPS = 32
_TOLERANCE = 1e-4
_NEAR = 1e-3


def instance_masks(
    objects: Sequence[PlacedObject], camera: Camera, width: int, height: int
) -> NDArray[np.uint8]:
    """Mask (height, width): at each pixel's centre, the nearest object (from 1) or 0."""
    mask = np.zeros((height, width), dtype=np.uint8)
    nearest = np.full((height, width), np.inf)
    for number, item in enumerate(objects, start=1):
        window = _window(item, camera, width, height)
        if window is None:
            continue
        distance = _cast(item, camera, window, width, height)
        closer = distance < nearest[window]
        mask[window][closer] = number
        nearest[window][closer] = distance[closer]
    return mask


def visible_pixels(objects: Sequence[PlacedObject], camera: Camera) -> list[int]:
    """Visible pixels of every object at CLEVR's 320 x 240."""
    mask = instance_masks(objects, camera, *REFERENCE_SIZE)
    return np.bincount(mask.ravel(), minlength=len(objects) + 1)[1:].tolist()


def _window(
    item: PlacedObject, camera: Camera, width: int, height: int
) -> tuple[slice, slice] | None:
    """The image rows and columns that the corners of the object's box span, or None if outside."""
    corners = np.array(list(itertools.product((-1.0, 1.0), repeat=3))) * SIZES[item.size]
    points, depth = camera.project(corners @ _turn(item.rotation).T + item.xyz)
    if depth.max() <= _NEAR:
        return None
    if depth.min() <= _NEAR:
        return slice(0, height), slice(0, width)
    size = np.array([width, height])
    low = np.clip(np.floor(points.min(axis=0) * size), 0, size).astype(int)
    high = np.clip(np.ceil(points.max(axis=0) * size), 0, size).astype(int)
    if np.any(low >= high):
        return None
    return slice(low[1], high[1]), slice(low[0], high[0])


def _turn(angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _cast(
    item: PlacedObject, camera: Camera, window: tuple[slice, slice], width: int, height: int
) -> Array:
    """Depth (rows, columns) at which the rays of the window's pixel centres meet the object."""
    rows, columns = window
    x = (np.arange(columns.start, columns.stop) + 0.5) / width
    y = (np.arange(rows.start, rows.stop) + 0.5) / height
    points = np.stack(np.broadcast_arrays(x[None, :], y[:, None]), axis=-1)
    rotation, scale = _turn(item.rotation), SIZES[item.size]
    rays = (camera.rays(points) @ rotation / scale).reshape(-1, 3).T
    origin = ((camera.location - item.xyz) @ rotation / scale)[:, None]
    depth = _first_hit(_SURFACES[item.shape], origin, np.ascontiguousarray(rays))
    return depth.reshape(points.shape[:2])


def _first_hit(
    surface: Callable[[Array, Array], tuple[Array, Array]], origin: Array, rays: Array
) -> Array:
    """Ray parameters (n,) of the first hits of a unit shape, infinite where rays (3, n) miss."""
    hits = np.full(rays.shape[1], np.inf)
    active = np.arange(rays.shape[1])
    # start where the ray enters the sphere around the unit cube, or at the camera if inside it
    squared = np.einsum("in,in->n", rays, rays)
    half = np.einsum("in,in->n", np.broadcast_to(origin, rays.shape), rays)
    root = half**2 - squared * (float(np.sum(origin**2)) - 3.0)
    active = active[root > 0]
    rays = rays[:, active]
    t = np.maximum((-half[active] - np.sqrt(root[active])) / squared[active], _NEAR)
    for _ in range(_STEPS):
        value, slope = surface(origin + t * rays, rays)
        arrived = value <= _TOLERANCE
        hits[active[arrived]] = t[arrived]
        going = ~arrived & (slope < 0)
        active, rays = active[going], rays[:, going]
        if active.size == 0:
            break
        t = t[going] - value[going] / slope[going]
    return hits


def _sphere(p: Array, direction: Array) -> tuple[Array, Array]:
    radius = np.sqrt(np.einsum("in,in->n", p, p))
    return radius - 1.0, np.einsum("in,in->n", p, direction) / radius


def _cube(p: Array, direction: Array) -> tuple[Array, Array]:
    excess = np.maximum(np.abs(p) - CUBE_CORE, 0.0)
    square = excess * excess
    norm = np.cbrt(np.einsum("in,in->n", square, excess))
    slope = np.einsum("in,in->n", square, np.sign(p) * direction) / np.maximum(norm, 1e-9) ** 2
    return norm - CUBE_EDGE, slope


def _cylinder(p: Array, direction: Array) -> tuple[Array, Array]:
    radius = np.sqrt(p[0] ** 2 + p[1] ** 2)
    outward = (p[0] * direction[0] + p[1] * direction[1]) / np.maximum(radius, 1e-9)
    profile = np.stack([radius, np.abs(p[2])])
    rate = np.stack([outward, np.sign(p[2]) * direction[2]]) / RIM_EDGE[:, None]
    excess = np.maximum((profile - RIM_CORE[:, None]) / RIM_EDGE[:, None], 0.0)
    cubed = excess**3
    norm = np.sqrt(np.sqrt(np.einsum("in,in->n", cubed, excess)))
    slope = np.einsum("in,in->n", cubed, rate) / np.maximum(norm, 1e-9) ** 3
    return norm - 1.0, slope


_SURFACES = {"sphere": _sphere, "cube": _cube, "cylinder": _cylinder}
