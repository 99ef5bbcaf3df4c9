"""Scenes as JSON in CLEVR's own layout, plus each scene's ``camera`` and ``lights``.

``pixel_coords`` are written in CLEVR's 320 x 240. When reading, image points, depths and visible
pixels follow from the camera and are computed anew. Files of CLEVR itself tell neither camera nor
lamps: the camera is found from their ``pixel_coords``, and the lamps are taken where they are
without CLEVR's jitter. Their ``directions`` are those of the unjittered camera: the generator reads
them before Blender has moved it.
"""

import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, TypeVar

from projcomp.errors import FileFormatError
from projcomp.files.atomic import write_text
from projcomp.scenes.camera import CLIP_START, TAN_HALF_LONGER, Camera, View
from projcomp.scenes.camera_fit import Sighting, Size, fit_cameras, sighting
from projcomp.scenes.json_documents import read_documents
from projcomp.scenes.look import look
from projcomp.scenes.scene_notes import camera_notes, oddities
from projcomp.scenes.shown import shown
from projcomp.scenes.spec import PlacedObject, SceneSpec, Vector
from projcomp.scenes.visibility import clearance
from projcomp.scenes.vocabulary import (
    CAMERA_LOCATION,
    COLORS,
    LAMP_LOCATIONS,
    MATERIALS,
    REFERENCE_SIZE,
    SHAPES,
    SIZES,
    VIEW,
)

PathLike = str | os.PathLike[str]
T = TypeVar("T")

MAX_OBJECTS = 255
"""Masks name objects by 8 bits."""

MAX_COORDINATE = 1e6
"""Farthest place along an axis, scene units; Blender's single precision ends not far beyond."""

MAX_ROTATION = 1e4
"""Largest turn; a larger one has lost its fraction in single precision."""

_NAMES = {"shape": SHAPES, "size": SIZES, "material": MATERIALS, "color": COLORS}
_ROUND = ("sphere", "cylinder")
"""Shapes that look the same however they are turned about z."""

_KINDS: dict[Any, str] = {
    list: "a list", dict: "an object", str: "a text", int | float: "a number"
}  # fmt: skip
# the corners of the near plane, and a little
_CLEARANCE = 1.1 * CLIP_START * math.hypot(1.0, TAN_HALF_LONGER, TAN_HALF_LONGER)


def say(line: str) -> None:
    """Print ``line`` on standard error."""
    print(line, file=sys.stderr, flush=True)


class _Unexpected(Exception):
    """Something in a scene is not as it should be; the message says what, without the file."""

    def __init__(self, what: str, mend: str = "write it as CLEVR's generator does"):
        super().__init__(what)
        self.mend = mend


def write_scenes(path: PathLike, scenes: Sequence[SceneSpec]) -> None:
    """Write ``scenes`` to ``path``, atomically; reading them back gives the same values exactly."""
    document = {
        "info": {"version": "1.0", "generator": "projcomp"},
        "scenes": [_scene_to_json(i, scene) for i, scene in enumerate(scenes)],
    }
    write_text(path, json.dumps(document, indent=1) + "\n")


def read_scenes(
    path: PathLike,
    view: View = VIEW,
    pictures: Sequence[Size] = (),
    fit: bool = True,
    note: Callable[[str], None] = say,
) -> list[SceneSpec]:
    """The scenes of a file in CLEVR's layout: its release, its generator's, or one scene alone.

    Args:
        path: an object with a list ``scenes``, one scene, a list of scenes, or several of these one
            after the other, as JSON lines are; packed by gzip or not.
        view: width to height of what the camera sees, for image points and visible pixels.
        pictures: width and height, besides CLEVR's own, of pictures whose pixels the file may tell.
        fit: find the camera of scenes that tell none from their ``pixel_coords``; False takes
            CLEVR's unjittered one.
        note: is given what was assumed and what is odd, each a line about all scenes together.

    Raises:
        FileFormatError: the file is missing or no JSON, or a scene cannot be rendered as told.
    """
    parsed = _parsed(path)
    seen = _sightings(parsed) if fit else {}
    fits = dict(zip(seen, fit_cameras(list(seen.values()), pictures), strict=True))
    scenes = []
    for number, scene in enumerate(parsed):
        found = fits.get(number)
        location = found.location if found and found.agrees else CAMERA_LOCATION
        camera = scene.camera or location
        scenes.append(_in_scene(path, number, _look, scene, camera, view))
    untold = [number for number, scene in enumerate(parsed) if scene.camera is None]
    for line in [*camera_notes(untold, fits, fit, view), *oddities(scenes)]:
        note(f"{path}: {line}")
    return scenes


def read_sightings(path: PathLike) -> dict[int, Sighting]:
    """By number, the scenes of a file whose camera is not told, but to be found.

    Raises:
        FileFormatError: as ``read_scenes`` does.
    """
    return _sightings(_parsed(path))


def _sightings(parsed: Sequence["_Parsed"]) -> dict[int, Sighting]:
    return {n: scene.sighting for n, scene in enumerate(parsed) if scene.sighting}


def _parsed(path: PathLike) -> list["_Parsed"]:
    entries = [scene for document in read_documents(path) for scene in _listed(path, document)]
    return [_in_scene(path, number, _parse, entry) for number, entry in enumerate(entries)]


def _listed(path: PathLike, document: Any) -> list[Any]:
    """The scenes of one JSON value."""
    if isinstance(document, list):
        return document
    if isinstance(document, dict) and "scenes" in document:
        if isinstance(document["scenes"], list):
            return document["scenes"]
        raise FileFormatError(
            f"{path}: a list 'scenes' expected, got {shown(document['scenes'])}: "
            "write it as CLEVR's generator does"
        )
    if isinstance(document, dict) and "objects" in document:
        return [document]
    raise FileFormatError(
        f"{path}: an object with a list 'scenes', or a scene with its 'objects', expected, got "
        f"{shown(document)}: write it as CLEVR's generator does"
    )


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


@dataclass(frozen=True)
class _Parsed:
    """A scene as its file tells it; no camera where none is told, and what was seen of one."""

    objects: list[PlacedObject]
    camera: Vector | None
    lights: dict[str, Vector]
    sighting: Sighting | None


def _in_scene(path: PathLike, number: int, function: Callable[..., T], *arguments: Any) -> T:
    try:
        return function(*arguments)
    except _Unexpected as error:
        raise FileFormatError(f"{path}: scene {number}: {error}: {error.mend}") from None


def _parse(entry: Any) -> _Parsed:
    told = _field(entry, "objects", list)
    if len(told) > MAX_OBJECTS:
        raise _Unexpected(
            f"at most {MAX_OBJECTS} objects expected, got {len(told)}", "leave some out"
        )
    objects = [_in_object(i, _object, item) for i, item in enumerate(told)]
    lights = {**LAMP_LOCATIONS, **(_field(entry, "lights", dict) if _told(entry, "lights") else {})}
    unknown = sorted(set(lights) - set(LAMP_LOCATIONS))
    if unknown:
        raise _Unexpected(
            f"lights {', '.join(LAMP_LOCATIONS)} expected, got {', '.join(map(shown, unknown))}",
            "leave out the others",
        )
    lamps = {name: _vector(value, f"lights.{name}") for name, value in lights.items()}
    for name, place in lamps.items():
        if not any(place):
            raise _Unexpected(
                f"a place away from the origin, which {name!r} shines at, expected, got the origin",
                "move it",
            )
    if _told(entry, "camera"):
        return _Parsed(objects, _vector(entry["camera"], "camera"), lamps, None)
    seen = [_in_object(i, _pixel_coords, item) for i, item in enumerate(told)]
    known = [(item.xyz, point) for item, point in zip(objects, seen, strict=True) if point]
    sighted = sighting(*zip(*known, strict=True)) if known else None
    return _Parsed(objects, None, lamps, sighted)


def _look(scene: _Parsed, location: Vector, view: View) -> SceneSpec:
    try:
        camera = Camera(location, view)
    except ValueError as error:
        raise _Unexpected(str(error), "move the camera") from None
    for i, item in enumerate(scene.objects):
        if clearance(item, location) < _CLEARANCE:
            x, y, z = location
            raise _Unexpected(
                f"object {i}: an object away from the camera at ({x:g}, {y:g}, {z:g}) expected, "
                "got one around it or touching it, which it would look out of",
                "move one of the two",
            )
    return look(scene.objects, camera, scene.lights)


def _in_object(index: int, function: Callable[..., T], entry: Any) -> T:
    try:
        return function(entry)
    except _Unexpected as error:
        raise _Unexpected(f"object {index}: {error}", error.mend) from None


def _object(entry: Any) -> PlacedObject:
    names = {key: _field(entry, key, str) for key in _NAMES}
    for key, allowed in _NAMES.items():
        if names[key] not in allowed:
            raise _Unexpected(
                f"{key} out of {', '.join(allowed)} expected, got {shown(names[key])}",
                "choose one of these",
            )
    xyz = _vector(_field(entry, "3d_coords", list), "3d_coords")
    if not _told(entry, "rotation") and names["shape"] in _ROUND:
        return PlacedObject(**names, xyz=xyz, rotation=0.0)
    rotation = _number(_field(entry, "rotation", int | float), "rotation", MAX_ROTATION)
    return PlacedObject(**names, xyz=xyz, rotation=rotation)


def _pixel_coords(entry: Any) -> tuple[float, ...] | None:
    """Pixel and depth, not a number where no depth is told; None where nothing is."""
    if not _told(entry, "pixel_coords"):
        return None
    value = _field(entry, "pixel_coords", list)
    if len(value) not in (2, 3):
        raise _Unexpected(f"x, y and depth for 'pixel_coords' expected, got {shown(value)}")
    numbers = tuple(_number(part, "pixel_coords", MAX_COORDINATE) for part in value)
    return (*numbers, math.nan)[:3]


def _told(entry: dict[str, Any], key: str) -> bool:
    """Whether a key has a value; null stands for one that is not known."""
    return entry.get(key) is not None


def _field(entry: Any, key: str, kind: type | UnionType) -> Any:
    value = entry.get(key) if isinstance(entry, dict) else None
    if not isinstance(value, kind):
        found = shown(value) if isinstance(entry, dict) and key in entry else shown(entry)
        raise _Unexpected(f"{_KINDS[kind]} {key!r} expected, got {found}")
    return value


def _vector(value: Any, key: str) -> Vector:
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise _Unexpected(f"three numbers for {key!r} expected, got {shown(value)}")
    x, y, z = (_number(part, key, MAX_COORDINATE) for part in value)
    return x, y, z


def _number(value: Any, key: str, limit: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= limit:
        raise _Unexpected(
            f"a number between -{limit:,.0f} and {limit:,.0f} for {key!r} expected, "
            f"got {shown(value)}"
        )
    return float(value)
