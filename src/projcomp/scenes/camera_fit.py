"""The camera of a scene whose file does not tell it, found from where the file saw the objects.

CLEVR's files tell each object's place (``3d_coords``) and, as ``pixel_coords``, the pixel of its
centre, rounded, and its depth, not rounded. CLEVR moves its camera by up to half a unit along each
axis and always aims it at the origin: three unknowns, for which one object gives three numbers. The
size of the picture, which the pixels are counted in, is not told either, but what fits tells it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projcomp.scenes.camera import TAN_HALF_LONGER, Camera
from projcomp.scenes.spec import Vector
from projcomp.scenes.vocabulary import CAMERA_LOCATION, REFERENCE_SIZE

Array = NDArray[np.float64]
Size = tuple[int, int]

CLEVR_SIZES: tuple[Size, ...] = ((480, 320), (320, 240))
"""Width and height of CLEVR v1.0's published pictures, and of its generator's own."""

CLEVR_JITTER = 0.5
"""How far CLEVR moves its camera along each axis, scene units."""

PIXELS_OFF = 1.0
"""Farthest that a camera found may leave an object off its pixel. Rounding alone leaves half a
pixel; as much again is left to files that cut off instead."""

DEPTH_OFF = 0.02
"""Farthest that it may leave an object off its depth, scene units: less than a pixel's worth."""

# Blender computes in single precision: of depths around 10 some units of 1e-6
_DEPTH_DIGITS = 1e-5
_PIXEL_DIGITS = 0.01
# Redundant numbers (told less unknown) from which on agreement alone is proof enough; with fewer, a
# camera must also lie where CLEVR's can.
_PROOF = 3
_SAMPLE = 64
_ESTIMATES = 8
_ITERATIONS = 10
# least that depths leave open, and the step that ends a stage, scene units
_STAGES = ((0.02, 1e-2), (0.0, 1e-6))
_DIFFERENCE = 1e-6
_CORNERS = np.array([(x, y, 0.0) for x in (-3.0, 3.0) for y in (-3.0, 3.0)])
"""Of the ground that CLEVR puts objects on."""


@dataclass(frozen=True)
class Sighting:
    """Where a file says that its objects are, and where it saw them.

    Attributes:
        xyz: centres (n, 3), scene units.
        seen: their pixels x to the right and y down and their depths (n, 3); a depth that is not
            told is not a number.
        tolerance: how exactly pixels (px) and depths (scene units) are told: half a unit of their
            last digit, and what the digits of ``xyz`` add (as a share of the picture's longer side
            for the pixels). Three numbers: pixels, pixels' share, depths.
    """

    xyz: Array
    seen: Array
    tolerance: tuple[float, float, float]


@dataclass(frozen=True)
class Fit:
    """A camera that was found.

    Attributes:
        location: scene units.
        size: width and height of the picture that the pixels are taken to be counted in.
        pixels_off: farthest that an object's centre lies from its pixel along x or y, px.
        depth_off: farthest that it lies from its depth, scene units.
        unjittered_off: ``pixels_off`` of CLEVR's unjittered camera.
        jitter: farthest that the camera lies from that one along an axis, scene units.
        unsure: standard deviation of the image of the ground's farthest corner that the file's few
            or rounded numbers leave, pixels of a picture whose longer side is 320.
        agrees: whether the camera explains what the file tells.
    """

    location: Vector
    size: Size
    pixels_off: float
    depth_off: float
    unjittered_off: float
    jitter: float
    unsure: float
    agrees: bool


def sighting(xyz: ArrayLike, seen: ArrayLike) -> Sighting:
    """What a scene's ``3d_coords`` (n, 3) and ``pixel_coords`` (n, 3) tell of its camera."""
    xyz, seen = np.asarray(xyz, dtype=np.float64), np.asarray(seen, dtype=np.float64)
    places = _half_unit(xyz)
    share = places / (2.0 * TAN_HALF_LONGER * float(np.linalg.norm(CAMERA_LOCATION)))
    depths = max(_half_unit(seen[:, 2]), places, _DEPTH_DIGITS)
    return Sighting(xyz, seen, (max(_half_unit(seen[:, :2]), _PIXEL_DIGITS), share, depths))


def fit_cameras(sightings: Sequence[Sighting], sizes: Sequence[Size] = ()) -> list[Fit]:
    """The best camera for each scene of a file, whether it agrees with the scene or not.

    The size of the pictures is the one that most scenes agree with, out of CLEVR's own, ``sizes``
    and those that scenes of several objects suggest themselves; a scene that does not agree with it
    may have another.
    """
    sample = sightings[:: max(1, len(sightings) // _SAMPLE)]
    votes: dict[Size, int] = {}
    explained = [False] * len(sample)
    for size in dict.fromkeys([*CLEVR_SIZES, *sizes]):
        agreeing = [fit_camera(scene, size).agrees for scene in sample]
        votes[size] = sum(agreeing)
        explained = [any(pair) for pair in zip(explained, agreeing, strict=True)]
    odd = [scene for scene, done in zip(sample, explained, strict=True) if not done]
    for scene in sorted(odd, key=lambda s: -len(s.xyz))[:_ESTIMATES]:
        size = _estimate_size(scene)
        if size and size not in votes and fit_camera(scene, size, _guessed(size, sizes)).agrees:
            votes[size] = 1
    candidates = sorted(votes, key=lambda size: -votes[size])
    return [_first_agreeing(scene, candidates, sizes) for scene in sightings]


def fit_camera(scene: Sighting, size: Size, guessed: int = 0) -> Fit:
    """The most likely camera where the picture's width and height are ``size``.

    Least squares, each number weighed by how exactly it is told, and the camera itself as CLEVR
    draws it; but CLEVR's unjittered camera wherever that one is within all digits told. ``guessed``
    is how many more unknowns were taken from the same numbers before.
    """
    start = np.array(CAMERA_LOCATION)

    def misfit(location: Array, blur: float) -> Array:
        return np.concatenate([_misfit(scene, location, size, blur), _prior(location)])

    location, slopes = _least_squares(misfit, start)
    before = _off(scene, start, size)
    exact = np.array([_pixel_tolerance(scene, size)] * 2 + [scene.tolerance[2]])
    if (before <= exact).all():
        location = start
    off = _off(scene, location, size)
    pixels, depth = float(off[:, :2].max()), float(off[:, 2].max())
    jitter = float(np.abs(location - start).max())
    told = int(np.isfinite(scene.seen).sum())
    proven = told - len(start) - guessed >= _PROOF or jitter <= 1.5 * CLEVR_JITTER
    within = pixels <= max(PIXELS_OFF, 2 * exact[0]) and depth <= max(
        DEPTH_OFF, 2 * scene.tolerance[2]
    )
    x, y, z = location.tolist()
    return Fit(
        location=(x, y, z),
        size=size,
        pixels_off=pixels,
        depth_off=depth,
        unjittered_off=float(before[:, :2].max()),
        jitter=jitter,
        unsure=_unsure(location, size, slopes),
        agrees=bool(within and proven),
    )


def _first_agreeing(scene: Sighting, candidates: Sequence[Size], sizes: Sequence[Size]) -> Fit:
    """The first size's fit that agrees, else the one that is least off."""
    fits = []
    for size in candidates:
        fit = fit_camera(scene, size, _guessed(size, sizes))
        if fit.agrees:
            return fit
        fits.append(fit)
    return min(fits, key=lambda fit: fit.pixels_off / max(fit.size))


def _guessed(size: Size, sizes: Sequence[Size]) -> int:
    """How many numbers of a size were taken from the file."""
    return 0 if size in CLEVR_SIZES or size in sizes else 2


def _estimate_size(scene: Sighting) -> Size | None:
    """Width and height of the picture that fit best, or None where the scene tells too little."""
    if np.isfinite(scene.seen).sum() <= 5:  # the camera's three numbers, width and height
        return None

    def misfit(unknown: Array, blur: float) -> Array:
        place, size = unknown[:3], (abs(unknown[3]) + 1.0, abs(unknown[4]) + 1.0)
        weak = np.log(np.array(size) / REFERENCE_SIZE)
        return np.concatenate([_misfit(scene, place, size, blur), _prior(place), weak])

    unknown, _ = _least_squares(misfit, np.array([*CAMERA_LOCATION, *REFERENCE_SIZE], dtype=float))
    width, height = (round(abs(side) + 1.0) for side in unknown[3:].tolist())
    return width, height


def _misfit(scene: Sighting, location: Array, size: tuple[float, float], blur: float) -> Array:
    """How far each number told is off, in standard deviations of what its digits leave open.

    ``blur`` is the least that depths are taken to leave open, scene units.
    """
    off = _predicted(scene, location, size) - scene.seen
    pixels = _pixel_tolerance(scene, size)
    weights = np.sqrt(3.0) / np.array([pixels, pixels, max(blur, scene.tolerance[2])])
    return np.nan_to_num(off * weights).ravel()


def _prior(location: Array) -> Array:
    return (location - CAMERA_LOCATION) * (np.sqrt(3.0) / CLEVR_JITTER)


def _off(scene: Sighting, location: Array, size: Size) -> Array:
    """How far pixels and depths (n, 3) are off."""
    return np.nan_to_num(np.abs(_predicted(scene, location, size) - scene.seen))


def _predicted(scene: Sighting, location: Array, size: tuple[float, float]) -> Array:
    points, depth = Camera(location, size).project(scene.xyz)
    return np.column_stack([points * size, depth])


def _pixel_tolerance(scene: Sighting, size: tuple[float, float]) -> float:
    return scene.tolerance[0] + scene.tolerance[1] * max(size)


def _unsure(location: Array, size: Size, slopes: Array) -> float:
    covariance = np.linalg.pinv(slopes.T @ slopes)

    def image(place: Array) -> Array:
        shares = Camera(place, size).project(_CORNERS)[0]
        return (shares * size * (max(REFERENCE_SIZE) / max(size))).ravel()

    moved = _with_slopes(image, location)[1]
    return float(np.sqrt(np.einsum("ni,ij,nj->n", moved, covariance, moved).max()))


def _least_squares(misfit: Callable[[Array, float], Array], start: Array) -> tuple[Array, Array]:
    """Gauss-Newton: the best point that it came by, and the slopes of the misfit there.

    Depths are told so much more exactly than pixels that the way from the start follows a narrow
    curved valley; taking them for vague at first makes it straight. Where no camera fits, any point
    will do, because it is refused.
    """
    point = start
    for blur, arrived in _STAGES:
        best, least = point, np.inf
        for _ in range(_ITERATIONS):
            try:
                value, slopes = _with_slopes(lambda p: misfit(p, blur), point)  # noqa: B023
            except ValueError:  # above the origin no camera has an up
                break
            if not (np.isfinite(value).all() and np.isfinite(slopes).all()):
                break
            if value @ value < least:
                best, least = point, float(value @ value)
            step = np.linalg.lstsq(slopes, -value, rcond=None)[0]
            point = point + step
            if np.abs(step).max() < arrived:
                break
        point = best
    return point, _with_slopes(lambda p: misfit(p, 0.0), point)[1]


def _with_slopes(function: Callable[[Array], Array], point: Array) -> tuple[Array, Array]:
    """Values (n,) and, by differences, their derivatives (n, unknowns)."""
    value = function(point)
    moved = [function(point + step) for step in _DIFFERENCE * np.eye(len(point))]
    return value, (np.stack(moved, axis=1) - value[:, None]) / _DIFFERENCE


def _half_unit(values: Array) -> float:
    """Half a unit of the last digit that any of ``values`` is told with, at most half of one."""
    finite = values[np.isfinite(values)].ravel().tolist()
    exponents = [int(Decimal(repr(v)).normalize().as_tuple().exponent) for v in finite]
    return 0.5 * 10.0 ** min(0, *exponents, 0)
