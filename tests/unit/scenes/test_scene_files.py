"""Scene files that users bring: what is accepted, what is said, what is refused."""

import copy
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from projcomp import seeds
from projcomp.cli import app
from projcomp.config.scenes import SceneConfig
from projcomp.errors import ConfigError, FileFormatError
from projcomp.render import picture_size
from projcomp.render.picture_size import check_picture
from projcomp.scenes.camera import Camera, square_pixels
from projcomp.scenes.clevr_json import MAX_OBJECTS, read_scenes
from projcomp.scenes.placement import generate_scene
from projcomp.scenes.spec import SceneSpec
from projcomp.scenes.visibility import instance_masks, reference_size
from projcomp.scenes.vocabulary import CAMERA_LOCATION, VIEW

CLEVR = SceneConfig(sizes=["large", "small"], camera_jitter=0.5, light_jitter=1.0)
SIZE = (480, 320)
DELETE = object()


def _drawn(index: int = 0, count: int = 4) -> SceneSpec:
    return generate_scene(seeds.generator(3, "scene file", index), CLEVR, count, count)


def clevrs(spec: SceneSpec, size: tuple[int, int] = SIZE) -> dict:
    """The scene as CLEVR's generator writes it: no camera, pixels rounded."""
    objects = []
    for item in spec.objects:
        points, depth = Camera(spec.camera, square_pixels(*size)).project(item.xyz)
        pixel = [*(round(v) for v in (points * size).tolist()), float(np.float32(depth))]
        names = {key: getattr(item, key) for key in ("shape", "size", "material", "color")}
        rest = {"3d_coords": list(item.xyz), "rotation": item.rotation, "pixel_coords": pixel}
        objects.append({**names, **rest})
    directions = Camera().ground_directions()
    told = {name: vector.tolist() for name, vector in directions.items()}
    return {"image_index": 0, "objects": objects, "directions": told, "relationships": {}}


def _read(folder: Path, content: object, **options) -> tuple[list[SceneSpec], list[str]]:
    path, notes = folder / "scenes.json", []
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return read_scenes(path, note=notes.append, **options), notes


def test_the_camera_of_a_file_of_clevr_is_found_and_said(tmp_path) -> None:
    specs = [_drawn(i) for i in range(3)]
    found, notes = _read(tmp_path, {"scenes": [clevrs(spec) for spec in specs]}, view=(3, 2))
    for one, spec in zip(found, specs, strict=True):
        np.testing.assert_allclose(one.camera, spec.camera, atol=1e-3)
    (line,) = notes
    assert "note: the camera of 3 scenes from 0 on was found" in line
    assert "pictures of 480 x 320" in line
    assert "lamps that a file does not tell are CLEVR's unjittered ones" in line
    assert "--width" not in line
    (line,) = _read(tmp_path, clevrs(specs[0]))[1]
    assert line.endswith("; --width 480 --height 320 show what those do")


def test_a_camera_that_is_told_is_kept_and_nothing_said(tmp_path) -> None:
    scene = {**clevrs(_drawn()), "camera": [7.0, -6.0, 5.0]}
    found, notes = _read(tmp_path, scene)
    assert found[0].camera == (7.0, -6.0, 5.0)
    assert notes == []


def test_the_unjittered_camera_is_never_taken_without_a_word(tmp_path) -> None:
    wrong, silent, empty = (clevrs(_drawn()) for _ in range(3))
    for item in wrong["objects"]:
        item["pixel_coords"][0] += 40 * item["rotation"]
    for item in silent["objects"]:
        del item["pixel_coords"]
    empty["objects"] = []
    found, notes = _read(tmp_path, [wrong, silent, empty])
    assert {scene.camera for scene in found} == {CAMERA_LOCATION}
    assert len(notes) == 2
    assert "no camera of CLEVR's explains the pixel_coords of scene 0" in notes[0]
    assert "no camera is told by 2 scenes from 1 on" in notes[1]
    found, notes = _read(tmp_path, clevrs(_drawn()), fit=False)
    assert found[0].camera == CAMERA_LOCATION
    assert "none is looked for" in notes[0]


def test_a_roughly_known_camera_is_called_that(tmp_path) -> None:
    specs = [_drawn(i, 1) for i in range(8)]
    notes = _read(tmp_path, [clevrs(spec) for spec in specs])[1]
    assert any("known roughly only" in line for line in notes)


def test_ways_to_write_the_same_scenes(tmp_path) -> None:
    one, two = (clevrs(_drawn(i)) for i in range(2))
    lines = "\n".join(json.dumps(scene) for scene in (one, two))
    expected = _read(tmp_path, {"info": {}, "scenes": [one, two]})[0]
    for content in (
        [one, two],
        lines.encode(),
        gzip.compress(lines.encode("utf-8-sig"), mtime=0),
        (json.dumps([one]) + json.dumps({"scenes": [two]})).encode("utf-16"),
    ):
        assert _read(tmp_path, content)[0] == expected
    assert _read(tmp_path, one)[0] == expected[:1]


@pytest.mark.parametrize("rotation", [DELETE, None])
def test_only_what_a_turn_changes_needs_one(tmp_path, rotation) -> None:
    for shape in ("sphere", "cylinder", "cube"):
        scene = clevrs(_drawn(count=1))
        item = scene["objects"][0]
        item.update(shape=shape, rotation=rotation)
        if rotation is DELETE:
            del item["rotation"]
        if shape == "cube":
            with pytest.raises(FileFormatError, match="object 0: a number 'rotation' expected"):
                _read(tmp_path, scene)
        else:
            assert _read(tmp_path, scene)[0][0].objects[0].rotation == 0.0


CAMERA = list(CAMERA_LOCATION)
REFUSED = {
    "keys named": ({"scene": 1, "b": 2}, "got an object with the keys 'scene', 'b'"),
    "scenes not listed": ({"scenes": {"0": 1}}, "a list 'scenes' expected, got .* keys '0'"),
    "scene no object": ({"scenes": ["a"]}, "scene 0: a list 'objects' expected, got 'a'"),
    "scene wrapped": ({"scenes": [{"cc": {}}]}, "scene 0: .* got an object with the keys 'cc'"),
    "a number": (3, "got 3"),
    "number in a list": ([3], "scene 0: .*got 3"),
    "key missing": ({"color": DELETE}, "a text 'color' expected, got .* keys 'shape', 'size'"),
    "colour unknown": ({"color": "orange"}, "got 'orange': choose one of these"),
    "colour a list": ({"color": ["red"]}, r"a text 'color' expected, got \['red'\]"),
    "rotation as text": ({"rotation": "0.3"}, "a number 'rotation' expected, got '0.3'"),
    "rotation true": ({"rotation": True}, "got true"),
    "rotation huge": ({"rotation": 1e300}, "between -10,000 and 10,000 for 'rotation'"),
    "rotation of 400 digits": ({"rotation": 10**400}, "rotation.*too large"),
    "place of 300 digits": ({"3d_coords": [0, 10**299, 1]}, "3d_coords"),
    "place no number": ({"3d_coords": [0, 0, float("nan")]}, "3d_coords.*got nan"),
    "place infinite": ({"3d_coords": [0, 0, float("inf")]}, "3d_coords.*Infinity"),
    "place of two": (
        {"3d_coords": [0, 0]},
        r"three numbers for '3d_coords' expected, got \[0, 0\]",
    ),
    "pixel as text": ({"pixel_coords": "left"}, "a list 'pixel_coords' expected, got 'left'"),
    "pixel of one": ({"pixel_coords": [1]}, "x, y and depth"),
    "around the camera": ({"3d_coords": CAMERA}, "away from the camera"),
    "before the lens": ({"3d_coords": [CAMERA[0] - 0.75, *CAMERA[1:]]}, "away from the camera"),
    "camera an object": ({"camera": {"x": 1}}, "three numbers for 'camera' expected, got .* 'x'"),
    "camera above": ({"camera": [0, 0, 5]}, "off the z axis expected"),
    "unknown lamp": ({"lights": {"Moon": [0, 0, 3]}}, "Lamp_Back expected, got 'Moon'"),
    "lamp at the origin": ({"lights": {"Lamp_Key": [0, 0, 0.0]}}, "away from the origin"),
    "lamps listed": ({"lights": [1, 2]}, r"an object 'lights' expected, got \[1, 2\]"),
    "too many": ({"objects": [0] * (MAX_OBJECTS + 1)}, "at most 255 objects expected, got 256"),
}


def _changed(change: object) -> object:
    """A good scene with one thing changed, or the change itself where it is no part of a scene."""
    scene = clevrs(_drawn(count=1))
    scene["objects"][0].update(shape="cube", size="large", rotation=0.0)
    if not isinstance(change, dict) or {"scene", "scenes"} & set(change):
        return change
    for key, value in change.items():
        part = scene["objects"][0] if key in scene["objects"][0] else scene
        part[key] = copy.deepcopy(value) if value is not DELETE else None
        if value is DELETE:
            del part[key]
    return scene


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_rendered_is_one_line(tmp_path, change, message) -> None:
    with pytest.raises(FileFormatError, match=message) as caught:
        _read(tmp_path, _changed(change))
    assert "\n" not in str(caught.value)
    assert str(caught.value).count(": ") >= 2, "it says how to mend it"


def test_what_is_odd_is_rendered_and_said_once_for_all_scenes(tmp_path) -> None:
    base = {"shape": "sphere", "size": "large", "material": "rubber", "color": "red"}
    places = {
        "good": [[0, 0, 0.7], [2, 2, 0.699999988079071]],
        "floating": [[0, 0, 1.2], [2, 2, 0.3]],
        "within": [[0, 0, 0.7], [1, 0, 0.7]],
        "behind the camera": [[14.9, -13.0, 0.7]],
    }
    scenes = [
        {"objects": [{**base, "3d_coords": xyz} for xyz in listed], "camera": CAMERA}
        for listed in places.values()
    ]
    notes = _read(tmp_path, scenes)[1]
    assert len(notes) == 3
    assert "2 objects in 1 scene not standing on the ground" in notes[0]
    assert (
        "object 0 of scene 1 is large, so that its centre is expected at z = 0.7, got 1.2"
        in notes[0]
    )
    assert "object 0 of scene 2 into object 1" in notes[1]
    assert "1 object in 1 scene that no pixel shows" in notes[2]
    below = _read(tmp_path, {"objects": [], "camera": [5, 5, -3]})[1]
    assert "below the ground" in below[0]


def test_an_object_beside_the_camera_has_numbers_for_its_image(tmp_path) -> None:
    """Its depth is exactly 0, and inspecting the file must find numbers."""
    item = {"shape": "sphere", "size": "large", "material": "rubber", "color": "red"}
    scene = {"objects": [{**item, "3d_coords": [0, 5.0, 8.0]}], "camera": [8.0, 0, 8.0]}
    scene["objects"][0]["3d_coords"] = [8.0, 5.0, 8.0]
    with np.errstate(all="raise"):
        (found,), _ = _read(tmp_path, scene)
    assert found.objects[0].depth == 0
    assert np.isfinite(found.objects[0].pixel).all()
    assert found.objects[0].pixel[0] > 1e3


@pytest.mark.parametrize(("view", "wide"), [((3, 2), True), ((2, 3), False), ((1, 1), True)])
def test_the_longer_side_sees_what_clevrs_lens_does(view, wide) -> None:
    camera = Camera(CAMERA_LOCATION, view)
    depth = np.linalg.norm(CAMERA_LOCATION)
    edge = camera.axes[0 if wide else 1] * depth * 16 / 35
    expected = [1.0, 0.5] if wide else [0.5, 0.0]
    np.testing.assert_allclose(camera.project(edge)[0], expected, atol=1e-12)
    # and pixels are square: as far along the other axis covers as many pixels
    right, up = (camera.project(camera.axes[i])[0] - 0.5 for i in (0, 1))
    assert right[0] * view[0] == pytest.approx(-up[1] * view[1])
    np.testing.assert_allclose(
        camera.project(camera.rays([0.2, 0.9]) + camera.location)[0], [0.2, 0.9]
    )


def test_image_points_and_visible_pixels_follow_the_view(tmp_path) -> None:
    spec = _drawn()
    wide = _read(tmp_path, clevrs(spec), view=(3, 2))[0][0]
    usual = _read(tmp_path, clevrs(spec))[0][0]
    camera = Camera(usual.camera, (3, 2))
    assert reference_size(VIEW) == (320, 240)
    assert reference_size((3, 2)) == (320, 213)
    assert reference_size((1, 2000)) == (1, 320)
    mask = instance_masks(spec.objects, camera, 320, 213)
    for number, (one, other) in enumerate(zip(wide.objects, usual.objects, strict=True), start=1):
        assert one.pixel[0] == other.pixel[0], "as wide as ever"
        assert (one.pixel[1] - 0.5) * 8 == pytest.approx((other.pixel[1] - 0.5) * 9)
        assert one.visible_pixels == (mask == number).sum()


def test_views_are_in_smallest_numbers() -> None:
    assert square_pixels(320, 240) == VIEW
    assert square_pixels(480, 320) == (3, 2)
    assert square_pixels(97, 31) == (97, 31)


@pytest.mark.parametrize(
    ("size", "view", "message"),
    [
        ((1, 24), VIEW, "4 to 65536 pixels expected, got 1 x 24"),
        ((65537, 4), VIEW, "4 to 65536"),
        ((60_000, 60_000), (1, 1), "at most 33,554,432 pixels"),
        ((4, 4000), VIEW, "squeezed into by at most 200"),
    ],
)
def test_sizes_that_blender_would_change_are_refused(size, view, message) -> None:
    with pytest.raises(ConfigError, match=message):
        check_picture(*size, view)


def test_pictures_larger_than_the_memory_are_refused(monkeypatch) -> None:
    check_picture(1000, 1000, (1, 1))
    monkeypatch.setattr(picture_size, "_memory", lambda: 2**29)
    check_picture(500, 500, (1, 1))
    with pytest.raises(ConfigError, match=r"0.5 GiB of memory expected, got 1000 x 1000"):
        check_picture(1000, 1000, (1, 1))


@pytest.mark.parametrize("option", [["--width", "1"], ["--samples", "99999999999"]])
def test_numbers_out_of_bounds_are_no_traceback(tmp_path, option) -> None:
    result = CliRunner().invoke(app, ["render-scenes", str(tmp_path), "out.h5", *option])
    assert result.exit_code == 1
    assert option[0] in result.output
    assert result.output.count("\n") == 1
