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
from projcomp.scenes.placement import draw_scene
from projcomp.scenes.vocabulary import COLORS


def test_conditions_name_one_object_of_the_picture_or_none(tmp_path) -> None:
    scenes = [draw_scene(seeds.generator(0, "t", i), SceneConfig(), 0, 3) for i in range(12)]
    mask = np.zeros((4, 4), np.uint8)
    images = [Picture(np.full((4, 4, 3), i, np.uint8), mask) for i in range(12)]
    write_shard(
        tmp_path / "s.h5",
        zip(scenes, images, strict=True),
        count=12,
        size=(4, 4),
        max_objects=3,
        settings={},
        attributes={"shard": 0},
    )
    build_index([tmp_path / "s.h5"], tmp_path / "i.h5")
    index = torch.arange(11).repeat(20)
    rng = torch.Generator().manual_seed(0)
    places = RenderedImages(tmp_path / "i.h5", "position")
    held_out = RenderedImages(tmp_path / "i.h5", "position", held_out=True)
    assert (len(places), len(held_out)) == (11, 1)
    assert held_out.read(torch.tensor([0])).unique() == 11
    drawn = torch.tensor([7, 2, 7, 10])
    assert places.in_memory
    assert torch.equal(places.read(drawn)[:, 0, 0, 0].long(), drawn)
    from_disk = RenderedImages(tmp_path / "i.h5", "position", memory_bytes=10)
    assert not from_disk.in_memory
    assert torch.equal(from_disk.read(drawn), places.read(drawn))
    named: dict[int, set[int]] = {}
    for i, row in zip(index.tolist(), places.draw_conditions(index, rng), strict=True):
        objects = scenes[i].objects
        if not objects:
            assert torch.equal(row[None], conditioning.empty("position"))
            continue
        near = [np.allclose(o.pixel, row[1:].numpy(), atol=1e-6) for o in objects]
        assert row[0] == conditioning.GIVEN
        assert sum(near) == 1
        named.setdefault(i, set()).add(near.index(True))
    assert all(len(chosen) == len(scenes[i].objects) for i, chosen in named.items())
    colours = RenderedImages(tmp_path / "i.h5", "color").draw_conditions(index, rng)
    for i, row in zip(index.tolist(), colours.tolist(), strict=True):
        have = {float(list(COLORS).index(o.color)) for o in scenes[i].objects}
        assert row[1] in have if have else row[0] == conditioning.EMPTY
    nothing = RenderedImages(tmp_path / "i.h5", "none").draw_conditions(index, rng)
    assert torch.equal(nothing, torch.zeros(len(index), 1))


@pytest.mark.parametrize("count", [2, 3, 49, 50, 51, 1000])
def test_training_and_held_out_images_part_the_dataset(count) -> None:
    kept, held_out = rows_of(count, held_out=False), rows_of(count, held_out=True)
    assert sorted([*kept.tolist(), *held_out.tolist()]) == list(range(count))
    assert len(held_out) == max(count // 50, 1)


def test_enlarging_a_dataset_trains_on_nothing_that_was_held_out() -> None:
    assert set(rows_of(200, held_out=True).tolist()) <= set(rows_of(1000, held_out=True).tolist())
