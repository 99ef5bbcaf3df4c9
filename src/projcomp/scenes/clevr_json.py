"""Scenes as JSON in CLEVR's own layout, plus each scene's ``camera`` and ``lights``.

``pixel_coords`` are written in CLEVR's 320 x 240. When reading, image points, depths and visible
pixels follow from the camera and are computed anew; files of CLEVR itself round them and know no
camera, so its unjittered place is taken, and the lamps'.
"""

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from projcomp.errors import FileFormatError
from projcomp.files import write_text
from projcomp.scenes.camera import Camera
from projcomp.scenes.look import look
from projcomp.scenes.spec import PlacedObject, SceneSpec, Vector
from projcomp.scenes.vocabulary import (
    CAMERA_LOCATION,
    COLORS,
    LAMP_LOCATIONS,
    MATERIALS,
    REFERENCE_SIZE,
    SHAPES,
    SIZES,
)

PathLike = str | os.PathLike[str]

_NAMES = {"shape": SHAPES, "size": SIZES, "material": MATERIALS, "color": COLORS}


class _Unexpected(Exception):
    """Something in a scene is not as it should be; the message says what, without the file."""


def write_scenes(path: PathLike, scenes: Sequence[SceneSpec]) -> None:
    """Write ``scenes`` to ``path``, atomically; reading them back gives the same values exactly."""
    document = {
        "info": {"version": "1.0", "generator": "projcomp"},
        "scenes": [_scene_to_json(i, scene) for i, scene in enumerate(scenes)],
    }
    write_text(path, json.dumps(document, indent=1) + "\n")


def read_scenes(path: PathLike) -> list[SceneSpec]:
    """The scenes of a file in CLEVR's layout.

    Raises:
        FileFormatError: the file is missing, is not JSON, or a scene is not as CLEVR writes it.
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileFormatError(f"{path}: a file of scenes expected, got no file") from None
    except (OSError, ValueError) as error:
        raise FileFormatError(f"{path}: JSON expected, got a file that fails: {error}") from None
    listed = document.get("scenes") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise FileFormatError(
            f"{path}: an object with a list 'scenes' expected, got something else: "
            "write it as CLEVR's generator does"
        )
    scenes = []
    for number, entry in enumerate(listed):
        try:
            scenes.append(_scene_from_json(entry))
        except _Unexpected as error:
            raise FileFormatError(f"{path}: scene {number}: {error}") from None
    return scenes


def _scene_to_json(index: int, scene: SceneSpec) -> dict[str, Any]:
    directions = {
        name: vector.tolist() for name, vector in Camera(scene.camera).ground_directions().items()
    }
    width, height = REFERENCE_SIZE
    objects = [
        {
            "shape": item.shape,
            "size": item.size,
            "material": item.material,
            "color": item.color,
            "3d_coords": list(item.xyz),
            "rotation": item.rotation,
            "pixel_coords": [item.pixel[0] * width, item.pixel[1] * height, item.depth],
        }
        for item in scene.objects
    ]
    return {
        "image_index": index,
        "image_filename": f"image_{index:06d}.png",
        "objects": objects,
        "directions": {**directions, "above": [0.0, 0.0, 1.0], "below": [0.0, 0.0, -1.0]},
        "camera": list(scene.camera),
        "lights": {name: list(location) for name, location in scene.lights.items()},
    }


def _scene_from_json(entry: Any) -> SceneSpec:
    objects = [_object(i, item) for i, item in enumerate(_field(entry, "objects", list))]
    location = _vector(entry.get("camera", CAMERA_LOCATION), "camera")
    lights = {**LAMP_LOCATIONS, **(_field(entry, "lights", dict) if "lights" in entry else {})}
    unknown = sorted(set(lights) - set(LAMP_LOCATIONS))
    if unknown:
        raise _Unexpected(f"lights {', '.join(LAMP_LOCATIONS)} expected, got {', '.join(unknown)}")
    lamps = {name: _vector(value, f"lights.{name}") for name, value in lights.items()}
    try:
        camera = Camera(location)
    except ValueError as error:
        raise _Unexpected(str(error)) from None
    return look(objects, camera, lamps)


def _object(index: int, entry: Any) -> PlacedObject:
    try:
        names = {key: _field(entry, key, str) for key in _NAMES}
        for key, allowed in _NAMES.items():
            if names[key] not in allowed:
                raise _Unexpected(f"{key} out of {', '.join(allowed)} expected, got {names[key]!r}")
        xyz = _vector(_field(entry, "3d_coords", list), "3d_coords")
        return PlacedObject(**names, xyz=xyz, rotation=_number(entry.get("rotation"), "rotation"))
    except _Unexpected as error:
        raise _Unexpected(f"object {index}: {error}") from None


def _field(entry: Any, key: str, kind: type) -> Any:
    value = entry.get(key) if isinstance(entry, dict) else None
    if not isinstance(value, kind):
        raise _Unexpected(f"a {kind.__name__} {key!r} expected, got {value!r}")
    return value


def _vector(value: Any, key: str) -> Vector:
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise _Unexpected(f"three numbers for {key!r} expected, got {value!r}")
    x, y, z = (_number(part, key) for part in value)
    return x, y, z


def _number(value: Any, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _Unexpected(f"a finite number for {key!r} expected, got {value!r}")
    return float(value)
