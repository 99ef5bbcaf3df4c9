"""Scenes with an object at a given place: the law of the rest, against its integral."""

import numpy as np
from scipy.stats import chisquare, ks_2samp

from projcomp import seeds
from projcomp.config.scenes import SceneConfig
from projcomp.scenes import placement
from projcomp.scenes.camera import Camera
from projcomp.scenes.placement import generate_scene, generate_scene_around, move_object
from projcomp.scenes.spec import SceneSpec
from projcomp.scenes.vocabulary import SIZES

POINT = (0.506, 0.496)
HEIGHT = SIZES["large"]


def test_the_law_of_the_rest_is_the_rules_own_given_the_place() -> None:
    """Two objects on little ground, the first placed anywhere, the second where it is free.

    A share a(x) of the ground is free of an object at x. The pair at (x, y) has a density
    proportional to S(x) = sum over tries t < 5 of (1 - a(x))^t if y is free of x. So given that one
    of them is at g, the other is at x with density proportional to S(g) + S(x) where x is free.
    """
    extent, apart, tries = 1.6, 2 * HEIGHT + 0.25, 5
    scene = SceneConfig(extent=extent, margin=0.0, shapes=["sphere"], max_retries=tries)
    camera = Camera()
    g = np.array([-0.9, 0.6])
    point = tuple(camera.project((*g, HEIGHT))[0].tolist())
    found = []
    for sizes, xy in placement._arrangements(seeds.generator(0, "law"), scene, camera, 2, point):
        assert len(sizes) == 2
        distance = np.linalg.norm(xy - g, axis=1)
        assert distance.min() < 1e-9
        found.append(xy[distance.argmax()])
    assert len(found) > 1000

    cells, blocks = 48, 4
    centres = (np.arange(cells) + 0.5) / cells * 2 * extent - extent
    ground = np.stack(np.meshgrid(centres, centres, indexing="ij"), axis=-1).reshape(-1, 2)

    def free(x: np.ndarray) -> np.ndarray:
        return np.linalg.norm(ground[None] - x[:, None], axis=-1) >= apart

    def tried(area: np.ndarray) -> np.ndarray:
        return sum((1 - area) ** t for t in range(tries))

    at_g = free(g[None])[0]
    density = at_g * (tried(at_g.mean()) + tried(free(ground).mean(axis=1)))
    expected = _by_block(ground, density, blocks, extent)
    drawn = _by_block(np.array(found), np.ones(len(found)), blocks, extent)
    enough = expected > 0.01 * expected.sum()
    assert drawn[~enough].sum() < 0.05 * len(found)
    expected = expected[enough] * drawn[enough].sum() / expected[enough].sum()
    assert chisquare(drawn[enough], expected).pvalue > 1e-4


def _by_block(places: np.ndarray, weights: np.ndarray, blocks: int, extent: float) -> np.ndarray:
    edges = np.linspace(-extent, extent, blocks + 1)
    return np.histogram2d(*places.T, bins=(edges, edges), weights=weights)[0].ravel()


def test_an_object_is_at_the_place_and_the_others_keep_the_rules() -> None:
    scene = SceneConfig(camera_jitter=0.5, sizes=["large", "small"])
    for index in range(12):
        spec = generate_scene_around(seeds.generator(0, "around", index), scene, POINT, 1, 5)
        assert _off(spec).min() < 1e-9
        _keeps_the_rules(scene, spec)


def _off(spec: SceneSpec) -> np.ndarray:
    """How far each object's centre is from the place."""
    return np.array([np.abs(np.subtract(item.pixel, POINT)).max() for item in spec.objects])


def _keeps_the_rules(scene: SceneConfig, spec: SceneSpec) -> None:
    for i, a in enumerate(spec.objects):
        assert a.visible_pixels >= scene.min_visible_pixels
        for b in spec.objects[:i]:
            distance = np.hypot(a.xyz[0] - b.xyz[0], a.xyz[1] - b.xyz[1])
            assert distance - SIZES[a.size] - SIZES[b.size] >= 0.25 - 1e-9


def test_a_moved_scene_shares_what_is_not_in_the_way_and_has_the_law_given_the_place() -> None:
    scene, count, num = SceneConfig(), 3, 60
    shared, nearest = 0, {"moved": [], "around": []}
    for index in range(num):
        before = generate_scene(seeds.generator(0, "before", index), scene, count, count)
        spec = move_object(seeds.generator(0, "moved", index), scene, before, POINT)
        assert (spec.camera, spec.lights) == (before.camera, before.lights)
        assert _off(spec).min() < 1e-9
        _keeps_the_rules(scene, spec)
        same = [a.xyz == b.xyz for a, b in zip(spec.objects, before.objects, strict=True)]
        assert sum(same) in (count - 1, 0)
        shared += any(same)
        drawn = generate_scene_around(
            seeds.generator(0, "drawn", index), scene, POINT, count, count
        )
        for name, one in {"moved": spec, "around": drawn}.items():
            nearest[name].append(np.sort(_off(one))[1])
    assert 0.2 < shared / num < 0.8
    assert ks_2samp(nearest["moved"], nearest["around"]).pvalue > 1e-3
