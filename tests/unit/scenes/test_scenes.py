import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from projcomp import seeds
from projcomp.config import demo
from projcomp.config.scenes import Material, SceneConfig, Shape, Size
from projcomp.config.section import Color
from projcomp.errors import FileFormatError, PlacementError
from projcomp.scenes.camera import Camera
from projcomp.scenes.clevr_json import read_scenes, write_scenes
from projcomp.scenes.locations import default_locations
from projcomp.scenes.placement import generate_scene, generate_scene_at, generate_scene_with_colors
from projcomp.scenes.spec import PlacedObject
from projcomp.scenes.visibility import instance_masks, most_visible_pixels, visible_pixels
from projcomp.scenes.vocabulary import CAMERA_LOCATION, COLORS, LAMP_LOCATIONS, MATERIALS, SHAPES
from projcomp.scenes.vocabulary import SIZES as SCALES

CLEVR = SceneConfig(sizes=["large", "small"], camera_jitter=0.5, light_jitter=1.0)


def _rng(index: int = 0) -> np.random.Generator:
    return seeds.generator(0, "test", index)


def _object(shape: str = "sphere", xyz=(0.0, 0.0, 0.7), rotation=0.0, size="large") -> PlacedObject:
    return PlacedObject(shape, size, "rubber", "red", xyz, rotation)


def test_vocabulary_and_config_name_the_same_things() -> None:
    for literal, names in [
        (Shape, SHAPES),
        (Size, SCALES),
        (Material, MATERIALS),
        (Color, COLORS),
    ]:
        assert list(literal.__args__) == list(names)


def test_camera_looks_at_the_origin_with_a_35_mm_lens() -> None:
    camera = Camera()
    point, depth = camera.project((0.0, 0.0, 0.0))
    np.testing.assert_allclose(point, [0.5, 0.5], atol=1e-12)
    assert depth == pytest.approx(np.linalg.norm(CAMERA_LOCATION))
    # 16 mm of half the sensor at 35 mm: a point that far to the right lies on the right edge
    right = camera.axes[0] * depth * 16 / 35
    np.testing.assert_allclose(camera.project(right)[0], [1.0, 0.5], atol=1e-12)
    up = camera.axes[1] * depth * 12 / 35
    np.testing.assert_allclose(camera.project(up)[0], [0.5, 0.0], atol=1e-12)
    np.testing.assert_allclose(camera.axes @ camera.axes.T, np.eye(3), atol=1e-12)
    assert camera.axes[1, 2] > 0


def test_camera_refuses_the_z_axis_and_the_sky() -> None:
    with pytest.raises(ValueError, match="z axis"):
        Camera((0.0, 0.0, 5.0))
    with pytest.raises(ValueError, match="horizon"):
        Camera().point_on_plane((0.5, -3.0), 0.7)


def test_default_locations_are_the_ground_grid_corners_first() -> None:
    points = default_locations()
    ground = Camera().point_on_plane(points, 0.0)[:, :2]
    np.testing.assert_allclose(np.round(ground), ground, atol=1e-9)
    assert {tuple(p) for p in np.round(ground).astype(int)} == {
        (x, y) for x in (-2, 0, 2) for y in (-2, 0, 2)
    }
    assert (np.abs(ground[:4]) > 1).all(), "the first four are the corners"
    farthest = max(np.linalg.norm(points[i] - points[j]) for i in range(9) for j in range(9))
    assert np.linalg.norm(points[0] - points[1]) == pytest.approx(farthest)


def test_a_sphere_covers_the_pixels_of_its_cone() -> None:
    item, camera = _object(), Camera()
    width, height = 320, 240
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    rays = camera.rays(np.stack([x, y], axis=-1))
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    to_centre = np.array(item.xyz) - camera.location
    along = rays @ to_centre
    expected = to_centre @ to_centre - along**2 < 0.7**2
    cast = instance_masks([item], camera, width, height) == 1
    assert expected.sum() > 1000
    # the rays stop within 1e-4 of the surface, so that a grazing one may count
    assert not (expected & ~cast).any()
    assert (cast & ~expected).sum() <= 4


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rotation", [0.0, 0.6, 1.9])
def test_ray_casting_agrees_with_a_filled_cloud_of_points(shape: str, rotation: float) -> None:
    """Oracle: every pixel that a dense sample of the solid projects into is covered, no other."""
    item = _object(shape, (0.5, -1.0, 0.7), rotation)
    rng = np.random.default_rng(1)
    p = rng.uniform(-1, 1, (300_000, 3))
    if shape == "sphere":
        inside = (p**2).sum(1) <= 1
    elif shape == "cube":
        inside = (np.maximum(np.abs(p) - 0.75, 0) ** 3).sum(1) <= 0.25**3
    else:
        r = (np.hypot(p[:, 0], p[:, 1]) - 0.91) / 0.09
        z = (np.abs(p[:, 2]) - 0.9) / 0.1
        inside = np.maximum(r, 0) ** 4 + np.maximum(z, 0) ** 4 <= 1
    p = p[inside] * 0.7
    c, s = np.cos(rotation), np.sin(rotation)
    world = p @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) + item.xyz
    points = Camera().project(world)[0]
    width, height = 64, 48
    cloud = np.zeros((height, width), bool)
    cloud[(points[:, 1] * height).astype(int), (points[:, 0] * width).astype(int)] = True
    fine = instance_masks([item], Camera(), width * 8, height * 8) > 0
    share = fine.reshape(height, 8, width, 8).mean(axis=(1, 3))
    # a pixel wholly covered holds points; beyond the border's neighbours there are none
    assert (share == 1).sum() > 50
    assert cloud[share == 1].all()
    assert not cloud[~binary_dilation(share > 0)].any()
    assert (cloud & (share == 0)).sum() < 0.05 * cloud.sum()


def test_the_nearer_object_hides_the_farther() -> None:
    camera = Camera()
    toward = camera.location[:2] / np.linalg.norm(camera.location[:2])
    near = _object("cube", (*(1.5 * toward), 0.7))
    far = _object("cube", (*(-0.1 * toward), 0.7))
    alone = visible_pixels([far], camera)[0]
    for order in ([near, far], [far, near]):
        seen = visible_pixels(order, camera)
        assert seen[order.index(near)] == visible_pixels([near], camera)[0]
        assert 0 < seen[order.index(far)] < alone


def test_objects_outside_the_view_or_behind_the_camera_cover_nothing() -> None:
    behind = tuple(2 * np.array(CAMERA_LOCATION))
    assert visible_pixels([_object(xyz=behind), _object(xyz=(0.0, 40.0, 0.7))], Camera()) == [0, 0]


def test_scene_without_jitter_has_clevrs_camera_and_lamps() -> None:
    scene = generate_scene(_rng(), SceneConfig(), 0, 0)
    assert scene.objects == ()
    assert scene.camera == CAMERA_LOCATION
    assert scene.lights == LAMP_LOCATIONS


def test_crowded_scenes_are_refused_with_what_to_relax(monkeypatch) -> None:
    monkeypatch.setattr("projcomp.scenes.placement.MAX_ARRANGEMENTS", 3)
    with pytest.raises(PlacementError, match=r"20 objects.*min_distance.*fewer objects"):
        generate_scene(_rng(), SceneConfig(extent=1.0), 20, 20)


def test_hidden_objects_are_drawn_anew(monkeypatch) -> None:
    monkeypatch.setattr("projcomp.scenes.placement.MAX_ARRANGEMENTS", 3)
    with pytest.raises(PlacementError, match="min_visible_pixels=76800"):
        generate_scene(_rng(), SceneConfig(min_visible_pixels=320 * 240), 1, 1)


def test_requested_places_above_the_horizon_are_refused() -> None:
    with pytest.raises(PlacementError, match="above the horizon"):
        generate_scene_at(_rng(), SceneConfig(), [(0.5, -3.0)])
    with pytest.raises(PlacementError, match="1 colours for 2 places"):
        generate_scene_at(_rng(), SceneConfig(), [(0.5, 0.5), (0.3, 0.5)], ["red"])


def test_requested_colours_come_in_order() -> None:
    scene = generate_scene_with_colors(_rng(), CLEVR, ["cyan", "gray"])
    assert [o.color for o in scene.objects] == ["cyan", "gray"]
    scene = generate_scene_at(_rng(), CLEVR, [(0.5, 0.5), (0.3, 0.5)], ["red", "blue"])
    assert [o.color for o in scene.objects] == ["red", "blue"]


def test_json_is_in_clevrs_layout(tmp_path) -> None:
    scene = generate_scene(_rng(), CLEVR, 3, 3)
    write_scenes(tmp_path / "scenes.json", [scene])
    entry = json.loads((tmp_path / "scenes.json").read_text())["scenes"][0]
    item, spec = entry["objects"][1], scene.objects[1]
    assert item["pixel_coords"] == pytest.approx(
        [spec.pixel[0] * 320, spec.pixel[1] * 240, spec.depth]
    )
    assert item["3d_coords"] == list(spec.xyz)
    assert set(entry["directions"]) == {"left", "right", "front", "behind", "above", "below"}
    left, behind = np.array(entry["directions"]["left"]), np.array(entry["directions"]["behind"])
    assert left @ behind == pytest.approx(0)
    assert Camera(scene.camera).project(left)[0][0] < 0.5


def test_a_file_of_clevr_itself_is_read_with_the_unjittered_camera(tmp_path) -> None:
    scene = generate_scene(_rng(), SceneConfig(), 2, 2)
    path = tmp_path / "scenes.json"
    write_scenes(path, [scene])
    document = json.loads(path.read_text())
    for key in ("camera", "lights", "directions"):
        del document["scenes"][0][key]
    for item in document["scenes"][0]["objects"]:
        item["pixel_coords"] = [round(v) for v in item["pixel_coords"]]
    path.write_text(json.dumps(document))
    assert read_scenes(path) == [scene]


@pytest.mark.parametrize(
    ("mend", "message"),
    [
        (lambda s: s["objects"][0].update(shape="cone"), "shape out of cube.*'cone'"),
        (lambda s: s["objects"][0].pop("3d_coords"), "3d_coords"),
        (lambda s: s["objects"][0].update(rotation="left"), "rotation.*'left'"),
        (lambda s: s["objects"][0].update({"3d_coords": [0, 0]}), "three numbers"),
        (lambda s: s.pop("objects"), "'objects'"),
        (lambda s: s.update(camera=[0, 0, 3]), "z axis"),
        (lambda s: s.update(lights={"Moon": [0, 0, 3]}), "Moon"),
    ],
)
def test_damaged_scenes_name_file_and_scene(tmp_path, mend, message) -> None:
    path = tmp_path / "scenes.json"
    scene = generate_scene(_rng(), SceneConfig(), 1, 1)
    write_scenes(path, [scene, scene])
    document = json.loads(path.read_text())
    mend(document["scenes"][1])
    path.write_text(json.dumps(document))
    with pytest.raises(FileFormatError, match=rf"scenes\.json: scene 1: .*{message}"):
        read_scenes(path)


@pytest.mark.parametrize("content", ["", "[1]", '{"scenes": 3}', "\x00\xff"])
def test_files_that_hold_no_scenes(tmp_path, content) -> None:
    path = tmp_path / "scenes.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(FileFormatError, match=r"scenes\.json"):
        read_scenes(path)
    with pytest.raises(FileFormatError, match="absent"):
        read_scenes(tmp_path / "absent.json")


def test_margin_along_the_cameras_directions() -> None:
    for index in range(30):
        scene = generate_scene(_rng(index), CLEVR, 4, 4)
        axes = Camera(scene.camera).ground_directions()
        for i, a in enumerate(scene.objects):
            for b in scene.objects[:i]:
                offset = np.subtract(a.xyz, b.xyz) * [1, 1, 0]
                margins = [abs(offset @ axes[name]) for name in ("right", "behind")]
                assert min(margins) >= 0.4


def test_specs_are_values() -> None:
    scene = generate_scene(_rng(), CLEVR, 2, 2)
    assert scene == replace(scene, objects=tuple(scene.objects))


@pytest.mark.parametrize(("extent", "jitter"), [(1.0, 0.0), (3.0, 0.5), (5.0, 0.0)])
def test_no_object_shows_more_pixels_than_the_most(extent: float, jitter: float) -> None:
    most = most_visible_pixels(SHAPES, ["small", "large"], extent, jitter)
    config = SceneConfig(
        sizes=["small", "large"], extent=extent, camera_jitter=jitter, min_visible_pixels=0
    )
    rng = _rng()
    seen = [generate_scene(rng, config, 1, 1).objects[0].visible_pixels for _ in range(100)]
    assert max(seen) <= most <= 3 * max(seen)


def test_the_fullest_scenes_of_the_demo_are_found():
    """One arrangement in three hundred keeps the rules; a dataset has some five hundred of them."""
    scene = SceneConfig(**demo.scene())
    for index in range(100):
        found = generate_scene(seeds.generator(1, "fullest", index), scene, 12, 12)
        assert len(found.objects) == 12
