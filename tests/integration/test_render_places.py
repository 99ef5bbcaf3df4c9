"""Real renders of datasets whose objects stand at places, tiny ones."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from projcomp.config.root import Config
from projcomp.config.scenes import SceneConfig
from projcomp.data.hdf5 import dataset
from projcomp.data.shards import check_shard
from projcomp.scenes.camera import Camera
from projcomp.scenes.visibility import instance_masks
from projcomp.settings.stages import RenderRecipe, RenderSettings

pytestmark = pytest.mark.blender
pytest.importorskip("bpy")

SPREAD = Config().places["spread"]
SCENE = SceneConfig(sizes=["large", "small"], camera_jitter=0.5, light_jitter=1.0)
SIDE = 32


def settings(shard_size: int, **changes) -> RenderSettings:
    values = {
        "seed": 1,
        "resolution": SIDE,
        "dataset": "at",
        "min_objects": 1,
        "max_objects": 1,
        "scene": SCENE,
        "render": RenderRecipe(samples=1, denoise=False, filter_width=1.0),
        "shard_size": shard_size,
        "points": SPREAD,
    }
    return RenderSettings(**{**values, **changes})


def contents(path: Path) -> dict[str, np.ndarray]:
    with h5py.File(path) as file:
        return {name: dataset(file, name)[:] for name in file}


def test_image_i_shows_one_object_at_place_i_whatever_the_size_of_the_shards(tmp_path) -> None:
    from projcomp.render.shards import dataset_scene, render_shard

    render_shard(settings(22), 0, tmp_path / "whole.h5")
    whole = contents(tmp_path / "whole.h5")
    check_shard(tmp_path / "whole.h5", settings(22).model_dump(mode="json"))
    assert (whole["num_objects"] == 1).all()
    for index in range(22):
        # the place as asked for, and the mask's middle near it
        stored = whole["objects"][index, 0]
        np.testing.assert_allclose(stored["pixel"], SPREAD[index % 9], atol=1e-6)
        scene = dataset_scene(settings(1), index)
        seen = instance_masks(scene.objects, Camera(scene.camera), SIDE, SIDE)
        rows, columns = np.nonzero(whole["masks"][index])
        middle = (np.array([columns.mean(), rows.mean()]) + 0.5) / SIDE
        assert np.abs(middle - SPREAD[index % 9]).max() < 0.06, index
        assert (seen != whole["masks"][index]).sum() <= 1 + 0.15 * seen.sum()
    # only the place is shared by images at the same place
    assert len({image.tobytes() for image in whole["images"]}) == 22
    assert len({tuple(camera) for camera in whole["camera"]}) == 22
    render_shard(settings(2), 6, tmp_path / "part.h5")
    part = contents(tmp_path / "part.h5")
    for name, values in whole.items():
        np.testing.assert_array_equal(part[name], values[12:14], err_msg=name)


def test_what_is_not_asked_for_is_drawn_as_in_other_datasets() -> None:
    """The attributes are uniform at every place, and a dataset without places has none."""
    from scipy.stats import chisquare

    from projcomp.render.shards import dataset_scene

    for place in (0, 5):
        indices = range(place, 9 * 60, 9)
        objects = [dataset_scene(settings(1), index).objects[0] for index in indices]
        for field, allowed in {"shape": 3, "size": 2, "material": 2, "color": 8}.items():
            counts = np.unique([getattr(item, field) for item in objects], return_counts=True)[1]
            assert len(counts) == allowed
            assert chisquare(counts).pvalue > 1e-4, field
    free = dataset_scene(settings(1, points=None), 3)
    assert np.abs(np.array(free.objects[0].pixel) - SPREAD[3]).max() > 1e-3


def test_moved_scenes_share_pixels_away_from_what_moved(tmp_path) -> None:
    """Shadows, reflections and light between objects reach farther, by less and less.

    Of the pixels farther than 5 of 32 from the object, before and after it moved, nine in ten are
    the same to 2 levels of 255; in renders of other scenes and noise less than six in ten are.
    """
    from scipy.ndimage import binary_dilation

    from projcomp.render.shards import dataset_scene, render_shard

    plain = RenderRecipe(samples=4, denoise=False, filter_width=1.0)
    clutter = {"min_objects": 1, "max_objects": 3, "render": plain, "scene": SceneConfig()}
    asked = {
        "free": settings(12, dataset="clutter", points=None, **clutter),
        "held": settings(12, moved_from="clutter", **clutter),
        "else": settings(12, **clutter),
    }
    images, masks = {}, {}
    for name, one in asked.items():
        render_shard(one, 0, tmp_path / f"{name}.h5")
        held = contents(tmp_path / f"{name}.h5")
        images[name], masks[name] = held["images"].astype(int), held["masks"]
    same, noise = [], []
    for index in range(12):
        before, after = (dataset_scene(asked[name], index) for name in ("free", "held"))
        pairs = zip(before.objects, after.objects, strict=True)
        moved = [number for number, (a, b) in enumerate(pairs) if a != b]
        off = [np.abs(np.subtract(item.pixel, SPREAD[index % 9])).max() for item in after.objects]
        if len(moved) > 1:  # others were in the way: a scene drawn anew
            assert min(off) < 1e-9
            continue
        assert off[moved[0]] < 1e-9
        shown = [masks[name][index] == moved[0] + 1 for name in ("free", "held")]
        away = ~binary_dilation(np.any(shown, axis=0), iterations=5)
        away &= masks["else"][index] == masks["held"][index]
        step, other = (
            np.abs(images["free"][index] - images[name][index]).max(axis=-1)[away]
            for name in ("held", "else")
        )
        same += (step <= 2).tolist()
        noise += (other <= 2).tolist()
    assert len(same) > 2000
    assert np.mean(same) > 0.9
    assert np.mean(noise) < 0.6


@pytest.mark.parametrize("moved_from", [None, "clutter"])
def test_scenes_among_others_are_decided_by_their_number_alone(moved_from) -> None:
    from projcomp.render.shards import dataset_scene

    clutter = {"min_objects": 2, "max_objects": 3, "scene": SceneConfig(), "moved_from": moved_from}
    scenes = [dataset_scene(settings(7, **clutter), index) for index in (13, 4)]
    assert [dataset_scene(settings(2, **clutter), index) for index in (4, 13)] == scenes[::-1]
    for spec, place in zip(scenes, (4, 4), strict=True):
        off = [np.abs(np.subtract(item.pixel, SPREAD[place])).max() for item in spec.objects]
        assert min(off) < 1e-9
