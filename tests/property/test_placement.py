from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, kstest

from projcomp import seeds
from projcomp.config.scenes import SceneConfig
from projcomp.scenes.camera import Camera
from projcomp.scenes.clevr_json import read_scenes, write_scenes
from projcomp.scenes.placement import generate_scene, generate_scene_at
from projcomp.scenes.vocabulary import CAMERA_LOCATION, LAMP_LOCATIONS, SIZES

CLEVR = SceneConfig(sizes=["large", "small"], camera_jitter=0.5, light_jitter=1.0)
SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, count=st.integers(0, 8))
def test_objects_keep_the_generators_rules(seed: int, count: int) -> None:
    scene = generate_scene(seeds.generator(seed, "scene"), CLEVR, count, count)
    assert len(scene.objects) == count
    for i, a in enumerate(scene.objects):
        assert max(abs(a.xyz[0]), abs(a.xyz[1])) <= 3.0
        assert a.xyz[2] == SIZES[a.size]
        assert a.visible_pixels >= 200
        assert 0 <= a.rotation < 360
        for b in scene.objects[:i]:
            distance = np.hypot(a.xyz[0] - b.xyz[0], a.xyz[1] - b.xyz[1])
            assert distance - SIZES[a.size] - SIZES[b.size] >= 0.25


@settings(max_examples=100, deadline=None)
@given(
    seed=SEEDS,
    points=st.lists(st.tuples(st.floats(0.1, 0.9), st.floats(0.3, 0.9)), min_size=1, max_size=9),
)
def test_objects_stand_exactly_where_they_are_asked_for(seed: int, points: list) -> None:
    scene = generate_scene_at(seeds.generator(seed, "scene"), CLEVR, points)
    for item, point in zip(scene.objects, points, strict=True):
        assert item.xyz[2] == SIZES[item.size]
        seen = Camera(scene.camera).project(item.xyz)[0]
        assert np.abs((seen - point) * [320, 240]).max() < 0.1
        assert item.pixel == tuple(seen)


@settings(max_examples=50, deadline=None)
@given(
    location=st.tuples(st.floats(5, 9), st.floats(-9, -5), st.floats(3, 7)),
    ground=st.tuples(st.floats(-3, 3), st.floats(-3, 3)),
    height=st.floats(0, 1),
)
def test_projection_and_rays_are_inverse(location, ground, height) -> None:
    camera = Camera(location)
    xyz = np.array([*ground, height])
    point, depth = camera.project(xyz)
    np.testing.assert_allclose(camera.point_on_plane(point, height), xyz, atol=1e-9)
    np.testing.assert_allclose(camera.location + depth * camera.rays(point), xyz, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, count=st.integers(0, 4))
def test_json_gives_the_same_scenes_exactly(tmp_path_factory, seed: int, count: int) -> None:
    path = tmp_path_factory.mktemp("json") / "scenes.json"
    scenes = [
        generate_scene(seeds.generator(seed, "scene", i), CLEVR, count, count) for i in range(2)
    ]
    write_scenes(path, scenes)
    assert read_scenes(path) == scenes


def test_attributes_and_places_are_uniform() -> None:
    scenes = [generate_scene(seeds.generator(7, "uniform", i), CLEVR, 1, 1) for i in range(1000)]
    objects = [scene.objects[0] for scene in scenes]
    for field, allowed in [
        ("shape", CLEVR.shapes),
        ("size", CLEVR.sizes),
        ("material", CLEVR.materials),
        ("color", CLEVR.colors),
    ]:
        counts = Counter(getattr(item, field) for item in objects)
        assert set(counts) == set(allowed)
        assert chisquare(list(counts.values())).pvalue > 1e-4, field
    drawn = {(f"object {axis}", -3.0, 6.0): [o.xyz[axis] for o in objects] for axis in (0, 1)}
    drawn["rotation", 0.0, 360.0] = [item.rotation for item in objects]
    for axis in range(3):
        drawn[f"camera {axis}", CAMERA_LOCATION[axis] - 0.5, 1.0] = [s.camera[axis] for s in scenes]
        for name, base in LAMP_LOCATIONS.items():
            moved = [scene.lights[name][axis] for scene in scenes]
            drawn[f"{name} {axis}", base[axis] - 1.0, 2.0] = moved
    for (what, first, width), values in drawn.items():
        assert kstest(values, "uniform", (first, width)).pvalue > 1e-4, what


def test_numbers_of_objects_are_uniform() -> None:
    config = SceneConfig(min_visible_pixels=0, margin=0.0)
    counts = Counter(
        len(generate_scene(seeds.generator(3, "n", i), config, 0, 3).objects) for i in range(800)
    )
    assert set(counts) == {0, 1, 2, 3}
    assert chisquare(list(counts.values())).pvalue > 1e-4


@pytest.mark.parametrize("count", [1, 5])
def test_a_scene_is_decided_by_its_stream_alone(count: int) -> None:
    first = [generate_scene(seeds.generator(0, "scene", "a", i), CLEVR, 1, count) for i in range(6)]
    again = [
        generate_scene(seeds.generator(0, "scene", "a", i), CLEVR, 1, count)
        for i in reversed(range(6))
    ]
    assert first == again[::-1]
    other = generate_scene(seeds.generator(0, "scene", "b", 0), CLEVR, 1, count)
    assert other != first[0]
