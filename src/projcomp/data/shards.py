"""Writing and checking one shard: images, what is in them, and the settings they came from."""

from collections.abc import Iterable
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from projcomp.data.hdf5 import (
    IMAGE_STORAGE,
    TABLE_STORAGE,
    PathLike,
    attribute,
    attributes,
    checking,
    dataset,
    reading,
    write_hdf5,
    wrong,
)
from projcomp.data.picture import Picture
from projcomp.data.shard_format import (
    LAMPS,
    SHARD_KIND,
    VOCABULARY,
    canonical_json,
    common_attributes,
    dataset_shapes,
    object_rows,
    open_layout,
    settings_of,
)
from projcomp.scenes.spec import SceneSpec


def write_shard(
    path: PathLike,
    pictures: Iterable[tuple[SceneSpec, Picture]],
    *,
    count: int,
    size: tuple[int, int],
    max_objects: int,
    settings: dict[str, Any],
    attributes: dict[str, Any],
) -> None:
    """Write ``count`` pairs of scene and picture as they come, atomically.

    Args:
        path: the file; it appears complete or not at all.
        pictures: the pairs, in order.
        count: their number.
        size: width and height of the images.
        max_objects: room for objects per scene.
        settings: what the images depend on, as JSON can hold it.
        attributes: seeds, versions and the like.
    """
    width, height = size
    with write_hdf5(path) as file:
        sets: dict[str, h5py.Dataset] = {}
        for name, (shape, dtype) in dataset_shapes(count, height, width, max_objects).items():
            pixels = name in ("images", "masks")
            storage = {"chunks": (1, *shape[1:]), **IMAGE_STORAGE} if pixels else TABLE_STORAGE
            sets[name] = file.create_dataset(name, shape, dtype, **storage)
        written = 0
        for scene, picture in pictures:
            sets["images"][written] = picture.image
            sets["masks"][written] = picture.mask
            sets["objects"][written] = object_rows(scene.objects, picture.mask, max_objects)
            sets["num_objects"][written] = len(scene.objects)
            sets["camera"][written] = scene.camera
            sets["lights"][written] = [scene.lights[name] for name in LAMPS]
            written += 1
        if written != count:
            raise ValueError(f"{count} pictures expected, got {written}")
        file.attrs.update({**common_attributes(SHARD_KIND, settings), **attributes})


def check_shard(path: PathLike, settings: dict[str, Any] | None = None) -> dict[str, Any]:
    """The attributes of a complete shard, ``settings`` decoded.

    Args:
        path: the shard.
        settings: if given, what the shard's own settings must equal.

    Raises:
        FileFormatError: the file is missing, damaged, foreign, or comes from other settings.
    """
    with open_shard(path, settings) as file, reading(path, f"a {SHARD_KIND} file"):
        return {
            **attributes(file),
            "shard": attribute(file, "shard"),
            "settings": settings_of(file),
        }


def open_shard(
    path: PathLike,
    settings: dict[str, Any] | None = None,
    number: int | None = None,
    *,
    whose: str = "the present settings",
    **options: Any,
) -> h5py.File:
    """Open a shard for reading, its layout checked, and that it is the one that it should be.

    Args:
        path: the shard.
        settings: if given, what the shard's own settings must equal.
        number: if given, its number in the dataset.
        whose: whose settings these are, for the message.
        options: what ``h5py.File`` takes.

    Raises:
        FileFormatError: the file is missing, damaged, foreign, comes from other settings, or is
            another shard of the dataset.
    """
    file = open_layout(path, SHARD_KIND, **options)
    with checking(file, path, f"a {SHARD_KIND} file"):
        own, shard = settings_of(file), attribute(file, "shard")
        if settings is not None and canonical_json(own) != canonical_json(settings):
            odd = sorted(k for k in {*settings, *own} if settings.get(k) != own.get(k))
            raise wrong(
                path,
                f"a shard rendered with {whose}",
                f"one that differs in {', '.join(odd) or 'the type of a number'}",
            )
        if number is not None and shard != number:
            raise wrong(path, f"shard {number}", f"shard {shard}")
    return file


def read_objects(file: h5py.File, path: PathLike) -> tuple[NDArray[Any], NDArray[np.void]]:
    """The number of objects (N,) and their rows (N, max_objects) of an open shard, checked.

    Raises:
        FileFormatError: they cannot be read, or say what cannot be.
    """
    with reading(path, f"a {SHARD_KIND} file"):
        number, rows = dataset(file, "num_objects")[:], dataset(file, "objects")[:]
    problem = objects_problem(number, rows)
    if problem:
        raise wrong(path, "a consistent table of objects", problem)
    return number, rows


def objects_problem(number: NDArray[Any], rows: NDArray[np.void]) -> str:
    """What is wrong with a table of objects; empty when nothing is."""
    if int(number.max(initial=0)) > rows.shape[1]:
        return f"{number.max()} objects where there is room for {rows.shape[1]}"
    if int(number.min(initial=0)) < 0:
        return f"{number.min()} objects"
    for field, names in VOCABULARY.items():
        if int(rows[field].max(initial=0)) >= len(names) or int(rows[field].min(initial=0)) < 0:
            odd = rows[field].max() if rows[field].max() > 0 else rows[field].min()
            return f"a {field} of number {odd} among {len(names)}"
    for name in ("xyz", "rotation", "pixel", "depth"):
        if not np.isfinite(rows[name]).all():
            return f"objects whose {name} is no number"
    return ""
