import numpy as np
import pytest

from projcomp.evaluation.heatmaps import Detections
from projcomp.evaluation.matching import match
from projcomp.evaluation.measures import measure

COLORS = ["gray", "red", "blue", "green", "brown", "purple", "cyan", "yellow"]


def found(points, colors=None) -> Detections:
    xy = np.array(points, dtype=float).reshape(-1, 2)
    color = np.zeros(len(xy), int) if colors is None else np.array(colors, dtype=int)
    return Detections(xy, np.ones(len(xy)), color)


def pairs(*arguments):
    return list(zip(*(side.tolist() for side in match(*arguments)), strict=True))


def test_one_object_answers_to_one_place():
    assert pairs([[0.5, 0.5]], [[0.49, 0.5], [0.52, 0.5]], 0.1) == [(0, 0)]


def test_more_pairs_go_before_shorter_ones():
    # Greedy by distance would pair 0 with 0 (.01) and leave object 1 without a place.
    assert pairs([[0.5, 0.5], [0.42, 0.5]], [[0.49, 0.5], [0.58, 0.5]], 0.1) == [(0, 1), (1, 0)]


def test_equally_many_pairs_are_the_shortest():
    assert pairs([[0.1, 0.0], [0.2, 0.0]], [[0.2, 0.0], [0.1, 0.0]], 0.5) == [(0, 1), (1, 0)]


def test_nothing_matches_beyond_the_radius():
    assert pairs([[0.0, 0.0]], [[0.3, 0.4]], 0.5) == [(0, 0)]
    assert pairs([[0.0, 0.0]], [[0.3, 0.4]], 0.49) == []
    assert pairs(np.empty((0, 2)), [[0.3, 0.4]], 0.5) == []
    assert pairs([[0.3, 0.4]], np.empty((0, 2)), 0.5) == []


def test_places():
    places = np.array([[0.2, 0.2], [0.8, 0.8]])
    all_there = measure(found([[0.8, 0.82], [0.2, 0.2]], [1, 2]), places, [], 0.1, COLORS)
    assert all_there.num_objects == all_there.num_hit == 2
    assert all_there.all_places
    assert all_there.places_hit == 1
    assert all_there.place_distance == pytest.approx((0.02 + 0) / 2)
    assert all_there.exact_count
    assert all_there.extra_objects == 0
    assert all_there.colors == ("blue", "red")
    assert all_there.colors_hit is None
    assert all_there.all_colors is None


def test_the_right_number_at_wrong_places_is_an_exact_count_only():
    places = np.array([[0.2, 0.2], [0.8, 0.8]])
    moved = measure(found([[0.2, 0.2], [0.21, 0.2]]), places, [], 0.1, COLORS)
    assert (moved.num_hit, moved.all_places, moved.exact_count) == (1, False, True)
    assert moved.places_hit == 0.5
    assert min(moved.place_distance, 0.01 - moved.place_distance) == pytest.approx(0, abs=1e-9)
    assert moved.extra_objects == 1


def test_extra_objects_leave_the_places_hit():
    places = np.array([[0.2, 0.2]])
    more = measure(found([[0.2, 0.2], [0.5, 0.5], [0.9, 0.9]]), places, [], 0.1, COLORS)
    assert (more.num_hit, more.all_places, more.exact_count) == (1, True, False)
    assert more.extra_objects == 2


def test_colors():
    nowhere = np.empty((0, 2))
    both = measure(found([[0.1, 0.1], [0.9, 0.9]], [2, 1]), nowhere, ["red", "blue"], 0.1, COLORS)
    assert (both.colors_hit, both.all_colors, both.exact_count) == (2, True, True)
    assert both.num_hit is both.places_hit is both.place_distance is None
    assert both.all_places is None
    assert both.extra_objects == 0
    points = [[0.1, 0.1], [0.5, 0.5], [0.9, 0.9]]
    one = measure(found(points, [1, 1, 3]), nowhere, ["red", "blue"], 0.1, COLORS)
    assert (one.colors_hit, one.all_colors, one.exact_count) == (1, False, False)
    assert one.extra_objects == 2
    assert one.colors == ("green", "red", "red")


def test_a_color_asked_for_twice_needs_two_objects():
    nowhere = np.empty((0, 2))
    once = measure(found([[0.1, 0.1]], [1]), nowhere, ["red", "red"], 0.1, COLORS)
    assert (once.colors_hit, once.all_colors) == (1, False)


def test_nothing_asked():
    empty = measure(found([]), np.empty((0, 2)), [], 0.1, COLORS)
    assert empty.exact_count
    assert empty.num_hit is None
    assert empty.all_places is None
    assert empty.all_colors is None
    assert empty.colors == ()
    crowd = measure(found([[0.1, 0.1], [0.5, 0.5]]), np.empty((0, 2)), [], 0.1, COLORS)
    assert not crowd.exact_count
    assert crowd.extra_objects == 2
