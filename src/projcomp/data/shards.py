"""Writing and checking one shard: images, what is in them, and the settings they came from."""

import json
from collections.abc import Iterable
from typing import Any

import h5py

from projcomp.data.hdf5 import IMAGE_STORAGE, TABLE_STORAGE, PathLike, text
from projcomp.data.picture import Picture
from projcomp.data.shard_format import (
    LAMPS,
    SHARD_KIND,
    canonical_json,
    common_attributes,
    dataset_shapes,
    object_rows,
    open_layout,
)
from projcomp.errors import FileFormatError
from projcomp.files import atomic_path
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
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
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
    with open_layout(path, SHARD_KIND) as file:
        own = json.loads(text(file, "settings"))
        attributes = {**file.attrs, "settings": own}
    if settings is not None and canonical_json(own) != canonical_json(settings):
        odd = sorted(k for k in {*settings, *own} if settings.get(k) != own.get(k))
        raise FileFormatError(
            f"{path}: a shard rendered with the present settings expected, got one that differs "
            f"in {', '.join(odd)}: delete the file and render it again"
        )
    return attributes
