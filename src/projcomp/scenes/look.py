"""From objects that stand somewhere to a scene as its camera sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from projcomp.scenes.camera import Camera
from projcomp.scenes.spec import ObjectSpec, PlacedObject, SceneSpec, Vector
from projcomp.scenes.visibility import visible_pixels


def look(
    objects: Sequence[PlacedObject], camera: Camera, lights: Mapping[str, Vector]
) -> SceneSpec:
    """The scene with every object's image point, depth and visible pixels filled in.

    The same values always give the same bits, whatever else was computed before.
    """
    seen = visible_pixels(objects, camera)
    specs = []
    for item, count in zip(objects, seen, strict=True):
        pixel, depth = camera.project(item.xyz)
        specs.append(
            ObjectSpec(
                **asdict(item),
                pixel=(float(pixel[0]), float(pixel[1])),
                depth=float(depth),
                visible_pixels=count,
            )
        )
    x, y, z = camera.location.tolist()
    return SceneSpec(tuple(specs), (x, y, z), dict(lights))
