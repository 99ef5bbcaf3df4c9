"""True compositions of attributes and places: exactly what is asked for, everything else drawn."""

from collections import Counter

import numpy as np
import pytest

from projcomp.conditions.holding import holding
from projcomp.conditions.table import of_scene
from projcomp.conditions.truth import scene_of
from projcomp.config.scenes import SceneConfig
from projcomp.errors import PlacementError
from projcomp.settings.case import Wanted

SCENE = SceneConfig(sizes=["large", "small"], extent=3.5)
REQUESTS = [
    [Wanted(told={"color": "red", "shape": "cube"})],
    [Wanted(told={"color": "red", "shape": "cube"}), Wanted(told={"color": "blue"})],
    [Wanted(told={"position": (0.492, 0.51), "size": "small"}), Wanted(told={"shape": "sphere"})],
    [Wanted(told={"shape": "cube"}, avoided={"color": "red", "size": "small"})],
    [Wanted(told={"color": "red", "count": "3"})],
    [Wanted(told={"position": (0.3, 0.4)}), Wanted(told={"position": (0.7, 0.4), "color": "cyan"})],
]


@pytest.mark.parametrize("asked", REQUESTS)
def test_a_scene_holds_what_is_asked_for_and_nothing_else(asked: list[Wanted]) -> None:
    for index in range(5):
        scene = scene_of(np.random.default_rng(index), SCENE, asked)
        assert len(scene.objects) == (3 if "count" in asked[0].told else len(asked))
        assert holding(of_scene(scene), asked, 1e-6) == {i: i for i in range(len(asked))}


def test_everything_else_is_drawn() -> None:
    rng = np.random.default_rng(0)
    drawn = [scene_of(rng, SCENE, REQUESTS[0]).objects[0] for _ in range(60)]
    assert set(Counter(item.material for item in drawn)) == {"rubber", "metal"}
    assert set(Counter(item.size for item in drawn)) == {"large", "small"}
    assert len({item.pixel for item in drawn}) == 60


def test_those_without_a_place_keep_clear_of_those_with_one() -> None:
    asked = [Wanted(told={"position": (0.492, 0.51)}), Wanted(told={"shape": "cube"})]
    for index in range(20):
        first, second = scene_of(np.random.default_rng(index), SCENE, asked).objects
        sizes = {"large": 0.7, "small": 0.35}
        apart = np.hypot(*np.subtract(first.xyz[:2], second.xyz[:2]))
        assert apart >= sizes[first.size] + sizes[second.size] + SCENE.min_distance
        assert second.visible_pixels >= SCENE.min_visible_pixels


def test_a_colour_that_no_other_picture_has_can_be_asked_for() -> None:
    scene = scene_of(
        np.random.default_rng(0), SceneConfig(colors=["red"]), [Wanted(told={"color": "blue"})]
    )
    assert scene.objects[0].color == "blue"


def test_nothing_to_draw_from_is_one_line() -> None:
    with pytest.raises(PlacementError, match="another color than red expected"):
        scene_of(
            np.random.default_rng(0),
            SceneConfig(colors=["red"]),
            [Wanted(avoided={"color": "red"})],
        )
