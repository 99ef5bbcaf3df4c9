"""What a training reads of a dataset: its images, and a condition drawn for each."""

from pathlib import Path

import numpy as np
import pytest
import torch

from projcomp import seeds
from projcomp.config.scenes import SceneConfig
from projcomp.data.dataset import RenderedImages, rows_of
from projcomp.data.index import build_index
from projcomp.data.picture import Picture
from projcomp.data.shards import write_shard
from projcomp.networks import conditioning
from projcomp.scenes.placement import generate_scene
from projcomp.scenes.vocabulary import COLORS

SCENES = [generate_scene(seeds.generator(0, "t", i), SceneConfig(), 0, 3) for i in range(12)]
"""Of none to three objects; the last of them is held out."""

IMAGES = torch.arange(11)
DRAWN = IMAGES.repeat(20)
"""Every image of the training twenty times, so that each object is named."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of these scenes, in whose i-th image every pixel is i."""
    folder = tmp_path_factory.mktemp("data")
    mask = np.zeros((4, 4), np.uint8)
    pictures = [Picture(np.full((4, 4, 3), i, np.uint8), mask) for i in range(len(SCENES))]
    write_shard(
        folder / "s.h5",
        zip(SCENES, pictures, strict=True),
        count=len(SCENES),
        size=(4, 4),
        max_objects=3,
        settings={},
        attributes={"shard": 0},
    )
    build_index([folder / "s.h5"], folder / "i.h5")
    return folder / "i.h5"


def conditions(index: Path, kind: str) -> torch.Tensor:
    """A condition for each of DRAWN."""
    rng = torch.Generator().manual_seed(0)
    return RenderedImages(index, kind).draw_conditions(DRAWN, rng)


def test_scenes_of_the_test_have_no_object_one_and_several() -> None:
    assert {len(SCENES[i].objects) for i in IMAGES.tolist()} == {0, 1, 2, 3}


def test_the_last_image_is_held_out(index: Path) -> None:
    held_out = RenderedImages(index, "none", held_out=True)
    assert len(held_out) == 1
    assert held_out.read(torch.tensor([0])).unique() == 11


def test_a_training_has_the_other_images(index: Path) -> None:
    images = RenderedImages(index, "none")
    assert len(images) == len(IMAGES)
    assert torch.equal(images.read(IMAGES)[:, 0, 0, 0].long(), IMAGES)


def test_images_are_read_in_the_order_asked_for_and_as_often(index: Path) -> None:
    asked = torch.tensor([7, 2, 7, 10])
    assert torch.equal(RenderedImages(index, "none").read(asked)[:, 0, 0, 0].long(), asked)


def test_images_beyond_the_memory_are_read_from_the_disk(index: Path) -> None:
    held, from_disk = RenderedImages(index, "none"), RenderedImages(index, "none", memory_bytes=10)
    assert held.in_memory
    assert not from_disk.in_memory
    asked = torch.tensor([7, 2, 7, 10])
    assert torch.equal(from_disk.read(asked), held.read(asked))


def test_an_image_without_objects_has_the_empty_condition(index: Path) -> None:
    rows = conditions(index, "position")
    empty = torch.tensor([not SCENES[i].objects for i in DRAWN.tolist()])
    assert torch.equal(rows[empty], conditioning.empty("position").expand(int(empty.sum()), -1))
    assert (rows[~empty, 0] == conditioning.GIVEN).all()


def test_a_place_is_that_of_one_object_of_the_image_and_any_may_be_it(index: Path) -> None:
    named: dict[int, set[int]] = {i: set() for i in IMAGES.tolist()}
    for i, row in zip(DRAWN.tolist(), conditions(index, "position").numpy(), strict=True):
        objects = SCENES[i].objects
        near = [np.allclose(one.pixel, row[1:], atol=1e-6) for one in objects]
        assert sum(near) == min(len(objects), 1)
        named[i] |= {number for number, is_it in enumerate(near) if is_it}
    assert named == {i: set(range(len(SCENES[i].objects))) for i in named}


def test_a_colour_is_that_of_one_object_of_the_image_and_any_may_be_it(index: Path) -> None:
    named: dict[int, set[str]] = {i: set() for i in IMAGES.tolist() if SCENES[i].objects}
    for i, (kind, color) in zip(DRAWN.tolist(), conditions(index, "color").tolist(), strict=True):
        assert (kind == conditioning.EMPTY) == (not SCENES[i].objects)
        if SCENES[i].objects:
            named[i].add(list(COLORS)[int(color)])
    assert named == {i: {one.color for one in SCENES[i].objects} for i in named}


def test_a_model_that_is_told_nothing_has_conditions_of_zeros(index: Path) -> None:
    assert torch.equal(conditions(index, "none"), torch.zeros(len(DRAWN), 1))


@pytest.mark.parametrize("count", [2, 3, 49, 50, 51, 1000])
def test_training_and_held_out_images_part_the_dataset(count: int) -> None:
    kept, held_out = rows_of(count, held_out=False), rows_of(count, held_out=True)
    assert sorted([*kept.tolist(), *held_out.tolist()]) == list(range(count))


@pytest.mark.parametrize(("count", "held_out"), [(2, 1), (49, 1), (50, 1), (100, 2), (1000, 20)])
def test_every_fiftieth_image_is_held_out_and_one_at_least(count: int, held_out: int) -> None:
    assert len(rows_of(count, held_out=True)) == held_out


def test_enlarging_a_dataset_trains_on_nothing_that_was_held_out() -> None:
    assert set(rows_of(200, held_out=True).tolist()) <= set(rows_of(1000, held_out=True).tolist())
