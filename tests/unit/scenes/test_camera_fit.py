"""Cameras found from what CLEVR's generator writes: pixels rounded, depths in single precision."""

import numpy as np
import pytest

from projcomp.scenes.camera import Camera
from projcomp.scenes.camera_fit import Fit, Sighting, fit_camera, fit_cameras, sighting
from projcomp.scenes.vocabulary import CAMERA_LOCATION


def told(rng: np.random.Generator, count: int, size, jitter=0.5) -> tuple[np.ndarray, Sighting]:
    """The jittered camera of a scene of ``count`` objects, and what CLEVR would write of it."""
    location = np.array(CAMERA_LOCATION) + rng.uniform(-1, 1, 3) * jitter
    places = np.c_[rng.uniform(-3, 3, (count, 2)), rng.choice([0.7, 0.35], count)]
    xyz = places.astype(np.float32).astype(np.float64)
    points, depth = Camera(location, size).project(xyz)
    return location, sighting(xyz, np.c_[np.round(points * size), depth.astype(np.float32)])


def _far(fit: Fit, location: np.ndarray) -> float:
    return float(np.abs(np.array(fit.location) - location).max())


@pytest.mark.parametrize("size", [(480, 320), (320, 240)])
@pytest.mark.parametrize("jitter", [0.5, 1.5])
def test_four_objects_tell_the_camera_exactly(size, jitter) -> None:
    rng = np.random.default_rng(0)
    scenes = [told(rng, 4, size, jitter) for _ in range(10)]
    for fit, (location, _) in zip(fit_cameras([s for _, s in scenes]), scenes, strict=True):
        assert fit.agrees
        assert fit.size == size
        assert fit.pixels_off <= 0.51, "half a pixel of rounding"
        assert fit.depth_off < 1e-5
        assert fit.unsure < 0.1
        assert _far(fit, location) < 1e-3


@pytest.mark.parametrize("count", [1, 2])
def test_few_objects_tell_it_as_well_as_they_can(count) -> None:
    rng = np.random.default_rng(1)
    scenes = [told(rng, count, (320, 240)) for _ in range(25)]
    fits = fit_cameras([s for _, s in scenes])
    assert all(fit.agrees and fit.size == (320, 240) for fit in fits)
    corners = [[x, y, 0.35] for x in (-3, 3) for y in (-3, 3)]
    errors, unsure, before = [], [], []
    for fit, (location, _) in zip(fits, scenes, strict=True):
        images = [Camera(c).project(corners)[0] for c in (location, fit.location, CAMERA_LOCATION)]
        errors.append(np.abs((images[1] - images[0]) * (320, 240)).max())
        before.append(np.abs((images[2] - images[0]) * (320, 240)).max())
        unsure.append(fit.unsure)
    assert np.mean(errors) < 0.25 * np.mean(before)
    assert np.mean(np.array(errors) < 3 * np.array(unsure)) > 0.9, "it says how well it knows"


@pytest.mark.parametrize("size", [(128, 128), (200, 300), (1000, 563)])
def test_several_objects_tell_the_size_of_their_picture_too(size) -> None:
    rng = np.random.default_rng(2)
    scenes = [told(rng, 5, size) for _ in range(3)]
    for fit, (location, _) in zip(fit_cameras([s for _, s in scenes]), scenes, strict=True):
        assert fit.agrees
        assert np.abs(np.subtract(fit.size, size)).max() <= 1
        assert _far(fit, location) < 1e-3


def test_one_object_does_not_tell_it_but_may_be_given_it() -> None:
    location, scene = told(np.random.default_rng(3), 1, (128, 128))
    assert not fit_cameras([scene])[0].agrees
    fit = fit_cameras([scene], [(128, 128)])[0]
    assert fit.agrees
    assert _far(fit, location) < 0.5


def test_scenes_of_pictures_of_two_sizes_in_one_file() -> None:
    rng = np.random.default_rng(4)
    sizes = [(480, 320), (320, 240), (480, 320)]
    fits = fit_cameras([told(rng, 4, size)[1] for size in sizes])
    assert [fit.size for fit in fits] == sizes
    assert all(fit.agrees for fit in fits)


def test_an_unjittered_camera_is_taken_to_the_bit() -> None:
    _, scene = told(np.random.default_rng(5), 3, (320, 240), jitter=0.0)
    assert fit_camera(scene, (320, 240)).location == CAMERA_LOCATION


@pytest.mark.parametrize("count", [1, 2, 6])
def test_what_no_camera_explains_does_not_agree(count) -> None:
    rng = np.random.default_rng(6)
    scenes = []
    for _ in range(4):
        _, scene = told(rng, count, (320, 240))
        scenes.append(
            sighting(scene.xyz, scene.seen + [25, 20, 1.5] * rng.choice([-1, 1], (count, 3)))
        )
    assert not any(fit.agrees for fit in fit_cameras(scenes))


def test_an_object_moved_after_the_picture_was_taken_is_noticed() -> None:
    _, scene = told(np.random.default_rng(7), 5, (320, 240))
    xyz = scene.xyz + np.array([[1.0, 0, 0], *np.zeros((4, 3))])
    assert not fit_cameras([sighting(xyz, scene.seen)])[0].agrees


def test_rounded_files_and_files_without_depths() -> None:
    rng = np.random.default_rng(8)
    location, scene = told(rng, 8, (320, 240))
    rounded = sighting(scene.xyz.round(2), scene.seen.round(1))
    vague = sighting(scene.xyz, np.where([True, True, False], scene.seen, np.nan))
    for other, far in ((rounded, 0.05), (vague, 0.25)):
        fit = fit_cameras([other])[0]
        assert fit.agrees
        assert _far(fit, location) < far


def test_places_without_sense_end_in_no_camera() -> None:
    for xyz in ([[0.0, 0, 0]] * 3, [[1e6, -1e6, 1e6]], [[7.481132, -6.50764, 5.343665]]):
        fit = fit_cameras([sighting(xyz, [[160.0, 120, 3]] * len(xyz))])[0]
        assert not fit.agrees
        assert np.isfinite(fit.location).all()
