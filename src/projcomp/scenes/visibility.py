"""Which pixels an object covers, by casting rays at the exact convex shapes.

Each unit shape is ``f(p) <= 0`` for a convex function f. Along a ray f stays convex, so Newton's
method started before the shape never passes its surface, and a ray misses as soon as f grows.
"""

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from projcomp.scenes.camera import CLIP_END, Camera, View
from projcomp.scenes.spec import PlacedObject, Vector
from projcomp.scenes.vocabulary import CAMERA_LOCATION, REFERENCE_SIZE, SIZES

Array = NDArray[np.float64]
_Pair = tuple[Array, Array]
_Shape = tuple[Callable[[Array, Array], _Pair], Callable[[Array, Array], _Pair]]
"""Entry and exit of rays into the sharp-edged body around a shape, and the shape's f and slope."""

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


def reference_size(view: View) -> tuple[int, int]:
    """Width and height at which visible pixels are counted: CLEVR's 320 x 240 in its own view."""
    width, height = view
    longest = max(REFERENCE_SIZE)
    scale = longest / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def visible_pixels(objects: Sequence[PlacedObject], camera: Camera) -> list[int]:
    """Visible pixels of every object at the view's reference size, CLEVR's 320 x 240."""
    mask = instance_masks(objects, camera, *reference_size(camera.view))
    return np.bincount(mask.ravel(), minlength=len(objects) + 1)[1:].tolist()


def most_visible_pixels(
    shapes: Sequence[str], sizes: Sequence[str], extent: float, jitter: float
) -> int:
    """At least as many pixels as an object standing anywhere on the ground can show at 320 x 240.

    Args:
        shapes: names of the shapes that may be drawn.
        sizes: names of the sizes that may be drawn.
        extent: objects stand at x and y in [-extent, extent], scene units.
        jitter: half-width of the camera's jitter per axis, scene units.
    """
    size = max(sizes, key=SIZES.__getitem__)
    # the corner of the jitter's box that is nearest to the scene
    camera = Camera(np.array(CAMERA_LOCATION) - np.sign(CAMERA_LOCATION) * jitter)
    steps = np.linspace(-extent, extent, 5)
    seen = 0
    for shape, x, y in itertools.product(shapes, steps, steps):
        item = PlacedObject(shape, size, "rubber", "gray", (x, y, SIZES[size]), 0.0)
        seen = max(seen, *visible_pixels([item], camera))
    # places and turns in between, and cameras that are lower, show a little more
    return math.ceil(1.5 * seen)


def least_visible_pixels(
    point: tuple[float, float], shapes: Sequence[str], sizes: Sequence[str]
) -> int:
    """Pixels at 320 x 240 of the smallest object, alone and unturned, centred at an image point.

    Args:
        point: x to the right and y down, as shares of the image's sides.
        shapes: names of the shapes that may be drawn.
        sizes: names of the sizes that may be drawn.

    Raises:
        ValueError: the point is above the horizon.
    """
    camera, size = Camera(), min(sizes, key=SIZES.__getitem__)
    x, y, z = camera.point_on_plane(point, SIZES[size]).tolist()
    alone = [PlacedObject(shape, size, "rubber", "gray", (x, y, z), 0.0) for shape in shapes]
    return min(visible_pixels([item], camera)[0] for item in alone)


def clearance(item: PlacedObject, location: Vector) -> float:
    """How far a place is from the box around an object, scene units; 0 inside."""
    local = (np.array(location) - item.xyz) @ _turn(item.rotation)
    return float(np.linalg.norm(np.maximum(np.abs(local) - SIZES[item.size], 0.0)))


def _window(
    item: PlacedObject, camera: Camera, width: int, height: int
) -> tuple[slice, slice] | None:
    """The image rows and columns that the corners of the object's box span, or None if outside."""
    corners = np.array(list(itertools.product((-1.0, 1.0), repeat=3))) * SIZES[item.size]
    points, depth = camera.project(corners @ _turn(item.rotation).T + item.xyz)
    if depth.max() <= _NEAR or depth.min() >= CLIP_END:
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
    depth = _first_hit(_SHAPES[item.shape], origin, np.ascontiguousarray(rays))
    return depth.reshape(points.shape[:2])


def _first_hit(shape: _Shape, origin: Array, rays: Array) -> Array:
    """Ray parameters (n,) of the first hits of a unit shape, infinite where rays (3, n) miss."""
    hits = np.full(rays.shape[1], np.inf)
    enter, surface = shape
    t, leave = enter(origin, rays)
    active = np.flatnonzero((t <= leave) & (leave >= _NEAR))
    rays, t = rays[:, active], np.maximum(t[active], _NEAR)
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


def _ball(a: Array, half: Array, c: float) -> tuple[Array, Array]:
    """Where a t^2 + 2 half t + c = 0: entry and exit, (inf, -inf) where there is no root."""
    square = half * half - a * c
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(square)
        hit = square >= 0
        return np.where(hit, (-half - root) / a, np.inf), np.where(hit, (-half + root) / a, -np.inf)


def _slabs(origin: Array, rays: Array) -> tuple[Array, Array]:
    """Entry and exit of the rays where every coordinate given is between -1 and 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = (-1.0 - origin) / rays, (1.0 - origin) / rays
    # fmax and fmin pass over 0/0, a ray that runs within a face
    return (
        np.fmax.reduce(np.fmin(one, other), axis=0),
        np.fmin.reduce(np.fmax(one, other), axis=0),
    )


def _enter_sphere(origin: Array, rays: Array) -> tuple[Array, Array]:
    half = np.einsum("in,in->n", np.broadcast_to(origin, rays.shape), rays)
    return _ball(np.einsum("in,in->n", rays, rays), half, float(np.sum(origin**2)) - 1.0)


def _enter_cylinder(origin: Array, rays: Array) -> tuple[Array, Array]:
    o, d = origin[:2], rays[:2]
    half = o[0] * d[0] + o[1] * d[1]
    side = _ball(d[0] ** 2 + d[1] ** 2, half, float(np.sum(o**2)) - 1.0)
    caps = _slabs(origin[2:], rays[2:])
    return np.maximum(side[0], caps[0]), np.minimum(side[1], caps[1])


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


_SHAPES: dict[str, _Shape] = {
    "sphere": (_enter_sphere, _sphere),
    "cube": (_slabs, _cube),
    "cylinder": (_enter_cylinder, _cylinder),
}
