"""Drawing scenes: the rules of CLEVR's generator, and objects at requested image points."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from projcomp.config.scenes import SceneConfig
from projcomp.errors import PlacementError
from projcomp.scenes.camera import Camera
from projcomp.scenes.look import look
from projcomp.scenes.spec import PlacedObject, SceneSpec, Vector
from projcomp.scenes.vocabulary import CAMERA_LOCATION, LAMP_LOCATIONS, SIZES

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
        try:
            x, y, z = camera.point_on_plane(point, SIZES[size]).tolist()
        except ValueError:
            raise PlacementError(
                f"an image point on the ground expected, got ({point[0]:g}, {point[1]:g}) above "
                "the horizon: choose a point further down"
            ) from None
        color = None if colors is None else colors[i]
        placed.append(_draw_object(rng, scene, size, (x, y, z), color))
    return look(placed, camera, lights)


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
) -> SceneSpec:
    """Draw whole arrangements until one keeps the rules and shows every object."""
    for sizes, positions in _arrangements(rng, scene, camera, len(colors)):
        placed = [
            _draw_object(rng, scene, str(size), (float(x), float(y), SIZES[size]), color)
            for size, (x, y), color in zip(sizes, positions, colors, strict=True)
        ]
        spec = look(placed, camera, lights)
        if all(o.visible_pixels >= scene.min_visible_pixels for o in spec.objects):
            return spec
    raise PlacementError(
        f"an arrangement of {len(colors)} objects expected, got none in {MAX_DRAWS} draws under "
        f"scene.extent={scene.extent:g}, min_distance={scene.min_distance:g}, "
        f"margin={scene.margin:g}, min_visible_pixels={scene.min_visible_pixels}, "
        f"max_retries={scene.max_retries}: ask for fewer objects, or relax one of these"
    )


def _arrangements(
    rng: np.random.Generator, scene: SceneConfig, camera: Camera, count: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Sizes (count,) and ground positions (count, 2) that keep the rules, from MAX_DRAWS draws.

    One by one as the generator does it: each object gets ``max_retries`` tries, and when none
    is free the whole arrangement is given up. Crowded scenes need a hundred arrangements for
    one that succeeds, so after the first they are drawn many side by side.
    """
    axes = camera.ground_directions()
    ground = np.stack([axes["right"][:2], axes["behind"][:2]])
    drawn, batch = 0, 1
    while drawn < MAX_DRAWS:
        batch = min(batch, MAX_DRAWS - drawn)
        drawn += batch
        sizes = rng.choice(scene.sizes, (batch, count))
        radii = np.vectorize(SIZES.__getitem__, otypes=[float])(sizes)
        placed = np.empty((batch, 0, 2))  # along the ground axes, where the margins are measured
        for i in range(count):
            shape = (len(placed), scene.max_retries, 2)
            tries = rng.uniform(-scene.extent, scene.extent, shape) @ ground.T
            free = _free(tries, radii[:, i], placed, radii[:, :i], scene)
            kept, first = np.flatnonzero(free.any(axis=1)), free.argmax(axis=1)
            placed = np.concatenate([placed[kept], tries[kept, first[kept], None]], axis=1)
            sizes, radii = sizes[kept], radii[kept]
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
