"""What objects can cover in the picture, against the rays cast at the shapes themselves."""

import itertools

import numpy as np
import pytest

from projcomp.config.root import Config
from projcomp.scenes.camera import Camera
from projcomp.scenes.locations import default_locations
from projcomp.scenes.overlaps import gaps, support
from projcomp.scenes.spec import PlacedObject
from projcomp.scenes.visibility import instance_masks
from projcomp.scenes.vocabulary import SHAPES, SIZES

SPREAD = Config().places["spread"]
SIDE = 160
TURNS = np.linspace(0.0, np.pi / 2, 12, endpoint=False)


def seen(point: tuple[float, float], shape: str, size: str, turns=TURNS) -> np.ndarray:
    """Pixel centres (n, 2) that a shape covers at some turn, as shares of the image side."""
    camera = Camera()
    x, y, z = camera.point_on_plane(point, SIZES[size]).tolist()
    items = [PlacedObject(shape, size, "rubber", "red", (x, y, z), turn) for turn in turns]
    masks = [instance_masks([item], camera, SIDE, SIDE) for item in items]
    rows, columns = np.nonzero(np.any(masks, axis=0))
    return (np.stack([columns, rows], axis=-1) + 0.5) / SIDE


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("point", [(0.5, 0.5), (0.3, 0.35)])
def test_the_support_is_that_of_all_turns(shape: str, point: tuple[float, float]) -> None:
    angles = 2 * np.pi * np.arange(180) / 180
    covered = seen(point, shape, "large") @ np.stack([np.cos(angles), np.sin(angles)])
    left = support(Camera(), point, [shape], "large") - covered.max(axis=0)
    # no pixel lies outside, and one lies within a pixel and a half of the border
    assert left.min() > -1e-3
    assert left.max() < 1.5 / SIDE


@pytest.mark.parametrize("shape", ["cube", "sphere"])
def test_pairs_that_overlap_are_those_that_share_a_pixel(shape: str) -> None:
    """Nearer to touching than a pixel and a half, a grid of pixels cannot tell."""
    points = [(float(x), float(y)) for x, y in default_locations()]
    covered = [{tuple(p) for p in seen(point, shape, "large").tolist()} for point in points]
    least = gaps(points, [shape], ["large"], 0.0)
    told = 0
    for i, j in itertools.combinations(range(9), 2):
        if abs(least[i, j]) > 1.5 / SIDE:
            assert (least[i, j] < 0) == bool(covered[i] & covered[j]), (i, j)
            told += 1
    assert told > 25
    assert (least[np.triu_indices(9, 1)] < 0).any()
    np.testing.assert_allclose(least, least.T)
    assert (np.diag(least) < 0).all()


def overlaps(points, shapes: list[str], size: str) -> int:
    """How many of the pairs of places can overlap."""
    return int((np.triu(gaps(points, shapes, [size], 0.0) < 0, k=1)).sum())


def test_how_many_of_the_36_pairs_of_each_set_can_overlap() -> None:
    grid, apart = default_locations(), Config().places["apart"]
    assert [overlaps(points, SHAPES, "large") for points in (grid, SPREAD, apart)] == [18, 10, 0]
    assert [overlaps(points, ["sphere"], "large") for points in (grid, SPREAD, apart)] == [11, 0, 0]
    assert [overlaps(points, SHAPES, "small") for points in (grid, SPREAD, apart)] == [0, 0, 0]


def test_a_camera_that_moves_and_several_sizes_leave_the_least_gap() -> None:
    both = gaps(SPREAD[:3], ["cube"], ["small", "large"], 0.0)
    np.testing.assert_allclose(both, gaps(SPREAD[:3], ["cube"], ["large"], 0.0))
    assert (gaps(SPREAD[:3], ["cube"], ["large"], 0.5) <= both + 1e-12).all()
