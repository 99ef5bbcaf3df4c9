"""Drawing scenes: the rules of CLEVR's generator, and objects at requested image points."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import ArrayLike

from projcomp.config.scenes import SceneConfig
from projcomp.errors import PlacementError
from projcomp.scenes.camera import Camera
from projcomp.scenes.look import look
from projcomp.scenes.spec import PlacedObject, SceneSpec, Vector
from projcomp.scenes.vocabulary import CAMERA_LOCATION, LAMP_LOCATIONS, SIZES

MAX_ARRANGEMENTS = 20_000
"""Of objects anywhere: one in three hundred of twelve large ones on the demo's ground keeps the
rules, and some five hundred scenes of a dataset have as many."""
MAX_DRAWS = 2000
"""Arrangements tried for one scene before giving up."""

SIDE_BY_SIDE = 32
"""Arrangements drawn at once after the first."""


def generate_scene(
    rng: np.random.Generator, scene: SceneConfig, min_objects: int, max_objects: int
) -> SceneSpec:
    """A scene by the rules of CLEVR's generator, with a uniform number of objects.

    Raises:
        PlacementError: no arrangement keeps the rules within the allowed tries.
    """
    camera, lights = _draw_view(rng, scene)
    count = int(rng.integers(min_objects, max_objects + 1))
    return _arrange(rng, scene, camera, lights, [None] * count)


def generate_scene_with_colors(
    rng: np.random.Generator, scene: SceneConfig, colors: Sequence[str]
) -> SceneSpec:
    """A scene by the generator's rules with exactly one object per entry of ``colors``, in order.

    Raises:
        PlacementError: no arrangement keeps the rules within the allowed tries.
    """
    camera, lights = _draw_view(rng, scene)
    return _arrange(rng, scene, camera, lights, list(colors))


def generate_scene_of(
    rng: np.random.Generator,
    scene: SceneConfig,
    objects: Sequence[SceneConfig],
    points: Sequence[tuple[float, float] | None],
) -> SceneSpec:
    """A scene with one object per entry of ``objects``, in order, drawn from what the entry allows.

    Objects with a point stand there, as of :func:`generate_scene_at`. The others are placed around
    them by the generator's rules, one after the other.

    Raises:
        PlacementError: no arrangement keeps the rules within the allowed tries, or a point lies
            above the horizon.
    """
    camera, lights = _draw_view(rng, scene)
    for _ in range(MAX_DRAWS):
        sizes = [str(rng.choice(one.sizes)) for one in objects]
        spots = _spots_around(rng, scene, camera, sizes, points)
        if spots is None:
            continue
        placed = [
            _draw_object(rng, one, size, (x, y, SIZES[size]), None)
            for one, size, (x, y) in zip(objects, sizes, spots.tolist(), strict=True)
        ]
        found = look(placed, camera, lights)
        if all(
            point is not None or item.visible_pixels >= scene.min_visible_pixels
            for item, point in zip(found.objects, points, strict=True)
        ):
            return found
    raise PlacementError(_no_arrangement(len(objects), scene))


def _spots_around(
    rng: np.random.Generator,
    scene: SceneConfig,
    camera: Camera,
    sizes: Sequence[str],
    points: Sequence[tuple[float, float] | None],
) -> np.ndarray | None:
    """Ground positions ``(count, 2)``, those of points first; None where the others do not fit."""
    ground = _ground_axes(camera)
    radii = np.array([SIZES[size] for size in sizes])
    spots = np.zeros((len(sizes), 2))  # along the ground axes, where the margins are measured
    order = sorted(range(len(sizes)), key=lambda i: points[i] is None)
    for number, i in enumerate(order):
        point, before = points[i], order[:number]
        if point is not None:
            spots[i] = _ground_point(camera, point, sizes[i]) @ ground.T
            continue
        tries = rng.uniform(-scene.extent, scene.extent, (1, scene.max_retries, 2)) @ ground.T
        free = _free(tries, radii[[i]], spots[None, before], radii[None, before], scene)[0]
        if not free.any():
            return None
        spots[i] = tries[0, free.argmax()]
    return spots @ ground


def generate_scene_at(
    rng: np.random.Generator,
    scene: SceneConfig,
    points: ArrayLike,
    colors: Sequence[str] | None = None,
) -> SceneSpec:
    """A scene whose objects' centres lie at image points (k, 2); everything else is drawn.

    Each object stands where the jittered camera's ray through its point meets the height of the
    object's centre (that is what "at location i" means). The rules on distances and visibility
    do not apply: the places are asked for.

    Raises:
        PlacementError: a point lies above the horizon, or ``colors`` has another length.
    """
    points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if colors is not None and len(colors) != len(points):
        raise PlacementError(
            f"one colour per place expected, got {len(colors)} colours for {len(points)} places: "
            "give as many of the one as of the other"
        )
    camera, lights = _draw_view(rng, scene)
    placed = []
    for i, point in enumerate(points):
        size = str(rng.choice(scene.sizes))
        x, y = _ground_point(camera, point, size).tolist()
        color = None if colors is None else colors[i]
        placed.append(_draw_object(rng, scene, size, (x, y, SIZES[size]), color))
    return look(placed, camera, lights)


def generate_scene_around(
    rng: np.random.Generator,
    scene: SceneConfig,
    point: tuple[float, float],
    min_objects: int,
    max_objects: int,
) -> SceneSpec:
    """A scene by the generator's rules, given that one of its objects, at random, is at a point.

    The number of objects is uniform, as without the condition. Given it, this is the rules' own
    conditional law (:func:`_arrangements`) where all objects have one size and the camera stands
    still; else sizes and cameras are not weighted by the patch of ground that the pixel sees.

    Raises:
        PlacementError: no arrangement keeps the rules within the allowed tries.
    """
    camera, lights = _draw_view(rng, scene)
    count = int(rng.integers(min_objects, max_objects + 1))
    return _arrange(rng, scene, camera, lights, [None] * count, point)


def move_object(
    rng: np.random.Generator, scene: SceneConfig, spec: SceneSpec, point: tuple[float, float]
) -> SceneSpec:
    """``spec`` with one object, at random, moved to a point; where others are in its way, anew.

    ``spec`` being a scene by the rules, this couples it with the law of
    :func:`generate_scene_around` for as many objects: camera and lights are shared, and so are the
    other objects wherever they leave the point free. No coupling of the two laws shares them more
    often, for what is in the way in the one is never in the other.

    Let O be the other objects, u their law, q that given the point, and a(O) the share of the
    ground that they leave free. If the rules made all allowed arrangements equally likely, and
    objects at the point as likely as elsewhere, then u(O) = a(O) q(O) wherever the point is free.
    Moving gives that part of q. The rest, (1 - a) q, is drawn from q and kept where a place drawn
    uniformly is not free. The rules do so nearly, not quite: they place one object after another.

    Raises:
        PlacementError: no arrangement keeps the rules within the allowed tries.
    """
    camera = Camera(spec.camera)
    chosen = int(rng.integers(len(spec.objects)))
    moved = _moved(
        scene, camera, spec, chosen, _ground_at(camera, point, spec.objects[chosen].size)
    )
    for _ in range(MAX_DRAWS):
        if moved is not None:
            return moved
        anew = _arrange(rng, scene, camera, spec.lights, [None] * len(spec.objects), point)
        off = [np.abs(np.subtract(item.pixel, point)).max() for item in anew.objects]
        anywhere = rng.uniform(-scene.extent, scene.extent, 2)
        if _moved(scene, camera, anew, int(np.argmin(off)), anywhere) is None:
            return anew
    raise PlacementError(
        f"a crowded scene of {len(spec.objects)} objects expected, got none in {MAX_DRAWS} draws: "
        "raise the number of objects"
    )


def _moved(
    scene: SceneConfig, camera: Camera, spec: SceneSpec, chosen: int, xy: np.ndarray
) -> SceneSpec | None:
    """The scene with one object at (x, y), None where that breaks the rules."""
    x, y = xy.tolist()
    item = spec.objects[chosen]
    radii = np.array([[SIZES[other.size] for other in spec.objects]])
    places = np.array([[other.xyz[:2] for other in spec.objects]]) @ _ground_axes(camera).T
    others = np.arange(len(spec.objects)) != chosen
    there = xy[None, None] @ _ground_axes(camera).T
    if not _free(there, radii[:, chosen], places[:, others], radii[:, others], scene).all():
        return None
    placed: list[PlacedObject] = list(spec.objects)
    placed[chosen] = replace(item, xyz=(x, y, item.xyz[2]))
    plain = [PlacedObject(o.shape, o.size, o.material, o.color, o.xyz, o.rotation) for o in placed]
    found = look(plain, camera, spec.lights)
    return found if _shows_all(scene, found) else None


def _ground_point(camera: Camera, point: ArrayLike, size: str) -> np.ndarray:
    """:func:`_ground_at` of a point that a user asked for.

    Raises:
        PlacementError: it lies above the horizon.
    """
    try:
        return _ground_at(camera, point, size)
    except ValueError:
        x, y = np.asarray(point, dtype=float).tolist()
        raise PlacementError(
            f"an image point on the ground expected, got ({x:g}, {y:g}) above "
            "the horizon: choose a point further down"
        ) from None


def _ground_at(camera: Camera, point: ArrayLike, size: str) -> np.ndarray:
    """Where an object of ``size`` stands (x, y) that is centred at an image point."""
    return camera.point_on_plane(point, SIZES[size])[:2]


def _ground_axes(camera: Camera) -> np.ndarray:
    """Rows: right and behind, along which the margins are measured."""
    axes = camera.ground_directions()
    return np.stack([axes["right"][:2], axes["behind"][:2]])


def _draw_view(rng: np.random.Generator, scene: SceneConfig) -> tuple[Camera, dict[str, Vector]]:
    location = np.array(CAMERA_LOCATION) + rng.uniform(-1, 1, 3) * scene.camera_jitter
    lights = {}
    for name, base in LAMP_LOCATIONS.items():
        x, y, z = (np.array(base) + rng.uniform(-1, 1, 3) * scene.light_jitter).tolist()
        lights[name] = (x, y, z)
    return Camera(location), lights


def _draw_object(
    rng: np.random.Generator, scene: SceneConfig, size: str, xyz: Vector, color: str | None
) -> PlacedObject:
    drawn = str(rng.choice(scene.colors))
    return PlacedObject(
        shape=str(rng.choice(scene.shapes)),
        size=size,
        material=str(rng.choice(scene.materials)),
        color=drawn if color is None else color,
        xyz=xyz,
        rotation=float(rng.uniform(0.0, 360.0)),
    )


def _arrange(
    rng: np.random.Generator,
    scene: SceneConfig,
    camera: Camera,
    lights: dict[str, Vector],
    colors: Sequence[str | None],
    point: tuple[float, float] | None = None,
) -> SceneSpec:
    """Draw whole arrangements until one keeps the rules and shows every object."""
    arrangements = _arrangements(rng, scene, camera, len(colors), point)
    # looking takes a hundred times as long as placing: of what keeps the distances, fewer
    for sizes, positions in islice(arrangements, MAX_DRAWS):
        placed = [
            _draw_object(rng, scene, str(size), (float(x), float(y), SIZES[size]), color)
            for size, (x, y), color in zip(sizes, positions, colors, strict=True)
        ]
        spec = look(placed, camera, lights)
        if _shows_all(scene, spec):
            return spec
    raise PlacementError(_no_arrangement(len(colors), scene, _most_draws(scene, point)))


def _most_draws(scene: SceneConfig, point: tuple[float, float] | None) -> int:
    return MAX_ARRANGEMENTS if point is None else MAX_DRAWS * scene.max_retries


def _no_arrangement(count: int, scene: SceneConfig, draws: int = MAX_DRAWS) -> str:
    return (
        f"an arrangement of {count} objects expected, got none in {draws} draws under "
        f"scene.extent={scene.extent:g}, min_distance={scene.min_distance:g}, "
        f"margin={scene.margin:g}, min_visible_pixels={scene.min_visible_pixels}, "
        f"max_retries={scene.max_retries}: ask for fewer objects, or relax one of these"
    )


def _shows_all(scene: SceneConfig, spec: SceneSpec) -> bool:
    return all(item.visible_pixels >= scene.min_visible_pixels for item in spec.objects)


def _arrangements(
    rng: np.random.Generator,
    scene: SceneConfig,
    camera: Camera,
    count: int,
    point: tuple[float, float] | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Sizes (count,) and ground positions (count, 2) that keep the rules, of so many draws.

    One by one as the generator does it: each object gets ``max_retries`` tries, and when none
    is free the whole arrangement is given up. Crowded scenes need a hundred arrangements for
    one that succeeds, so after the first they are drawn many side by side.

    With an image ``point``: those that have an object there. One try of one object, both picked at
    random, is that place, and an arrangement counts if it is this try that its object takes. An
    object takes its try t at a place with the density of the place times the chance that the tries
    before it fail; the sum over tries and objects is the density of the rules' arrangements there,
    so that what counts has their conditional law.
    """
    ground = _ground_axes(camera)
    spots = {} if point is None else {s: _ground_at(camera, point, s) @ ground.T for s in SIZES}
    most = _most_draws(scene, point)
    drawn, batch = 0, 1
    while drawn < most:
        batch = min(batch, most - drawn)
        drawn += batch
        sizes = rng.choice(scene.sizes, (batch, count))
        radii = np.vectorize(SIZES.__getitem__, otypes=[float])(sizes)
        placed = np.empty((batch, 0, 2))  # along the ground axes, where the margins are measured
        # which object's which try is the place asked for: of none where there is none
        told = np.full((batch, 2), -1)
        if point is not None:
            told = rng.integers(0, (count, scene.max_retries), (batch, 2))
        for i in range(count):
            shape = (len(placed), scene.max_retries, 2)
            tries = rng.uniform(-scene.extent, scene.extent, shape) @ ground.T
            here = np.flatnonzero(told[:, 0] == i)
            for row in here:
                tries[row, told[row, 1]] = spots[sizes[row, i]]
            free = _free(tries, radii[:, i], placed, radii[:, :i], scene)
            first, fits = free.argmax(axis=1), free.any(axis=1)
            fits[here] &= first[here] == told[here, 1]
            kept = np.flatnonzero(fits)
            placed = np.concatenate([placed[kept], tries[kept, first[kept], None]], axis=1)
            sizes, radii, told = sizes[kept], radii[kept], told[kept]
        yield from zip(sizes, placed @ ground, strict=True)
        batch = SIDE_BY_SIDE


def _free(
    tries: np.ndarray, radius: np.ndarray, placed: np.ndarray, radii: np.ndarray, scene: SceneConfig
) -> np.ndarray:
    """Which tries (b, m, 2) keep distance and margins to the objects placed (b, i, 2) so far."""
    offset = np.abs(tries[:, :, None] - placed[:, None])
    reach = (radius[:, None] + radii)[:, None] + scene.min_distance
    apart = np.einsum("bmix,bmix->bmi", offset, offset) >= reach**2
    # opposite directions are tested both, so the margin's sign drops out; exactly 0 passes
    clear = (offset == 0) | (offset >= scene.margin)
    return (apart & clear[..., 0] & clear[..., 1]).all(axis=2)
