"""A small dataset on the disk, made without Blender."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from projcomp import seeds
from projcomp.config.scenes import SceneConfig
from projcomp.data.index import build_index, find_shards, open_index, read_parts
from projcomp.data.picture import Picture
from projcomp.data.shards import write_shard
from projcomp.scenes.placement import generate_scene

SETTINGS = {"dataset": "toy", "seed": 0, "min_objects": 0, "max_objects": 3, "shard_size": 4}
COUNT, SIDE = 4, 8


def write_toy_shard(
    path: Path,
    number: int,
    settings: dict[str, Any] = SETTINGS,
    side: int = SIDE,
    objects: tuple[int, int] = (0, 3),
) -> None:
    """Four images of ``objects`` at least and at most; ``number`` decides what is in them."""
    pictures = []
    for index in range(number * COUNT, (number + 1) * COUNT):
        rng = seeds.generator(0, "toy", index)
        scene = generate_scene(rng, SceneConfig(), *objects)
        image = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
        mask = rng.integers(0, len(scene.objects) + 1, (side, side), dtype=np.uint8)
        pictures.append((scene, Picture(image, mask)))
    write_shard(
        path,
        pictures,
        count=COUNT,
        size=(side, side),
        max_objects=3,
        settings=settings,
        attributes={"seed": 0, "shard": number},
    )


def write_toy(
    folder: Path,
    shards: int = 3,
    name: str = "toy",
    side: int = SIDE,
    objects: tuple[int, int] = (0, 3),
) -> Path:
    """The index ``toy.h5`` in ``folder``, its shards in ``toy/``, or by another ``name``."""
    paths = [folder / name / f"shard-{number:05d}.h5" for number in range(shards)]
    for number, path in enumerate(paths):
        write_toy_shard(path, number, side=side, objects=objects)
    build_index(paths, folder / f"{name}.h5")
    return folder / f"{name}.h5"


def write_singles(folder: Path) -> tuple[Path, list]:
    """Two shards of single objects, four images each, and their scenes."""
    scenes, paths = [], []
    for number in range(2):
        pictures = []
        for index in range(4):
            rng = seeds.generator(0, "single", 4 * number + index)
            scene = generate_scene(rng, SceneConfig(), 1, 1)
            image = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
            pictures.append((scene, Picture(image, np.ones((SIDE, SIDE), np.uint8))))
        scenes += pictures
        paths.append(folder / "ones" / f"shard-{number:05d}.h5")
        about = {"seed": 0, "shard": number}
        write_shard(
            paths[-1],
            pictures,
            count=4,
            size=(SIDE, SIDE),
            max_objects=1,
            settings={"dataset": "ones"},
            attributes=about,
        )
    build_index(paths, folder / "ones.h5")
    return folder / "ones.h5", scenes


def open_dataset(path: str | Path) -> h5py.File:
    """Open an index as other readers do, having seen that every shard is there.

    HDF5 itself silently returns zeros for a shard that is missing.
    """
    read_parts(find_shards(path), lambda file, rows: None)
    return open_index(path)
