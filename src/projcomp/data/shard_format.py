"""The HDF5 layout shared by shards and by the index over them."""

import json
from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

import projcomp
from projcomp.data.hdf5 import (
    FORMAT,
    PathLike,
    checking,
    dataset,
    open_checked,
    text,
    wrong,
)
from projcomp.data.picture import mask_boxes
from projcomp.scenes.spec import ObjectSpec, SceneSpec
from projcomp.scenes.vocabulary import ATTRIBUTES, LAMP_LOCATIONS

SHARD_KIND = "projcomp shard"
INDEX_KIND = "projcomp dataset"
DATASETS = ("images", "masks", "objects", "num_objects", "camera", "lights")

VOCABULARY = ATTRIBUTES
"""The table's first fields, in its order."""

LAMPS = list(LAMP_LOCATIONS)


def _enum(names: list[str]) -> np.dtype:
    return h5py.enum_dtype({name: i for i, name in enumerate(names)}, basetype="u1")


OBJECT_DTYPE = np.dtype(
    [
        *((field, _enum(names)) for field, names in VOCABULARY.items()),
        ("xyz", "<f8", (3,)),
        ("rotation", "<f8"),
        ("pixel", "<f8", (2,)),
        ("depth", "<f8"),
        ("visible_pixels", "<i4"),
        ("mask_pixels", "<i4"),
        ("box", "<f4", (4,)),
    ]
)


def dataset_shapes(count: int, height: int, width: int, max_objects: int) -> dict[str, Any]:
    """Name -> (shape, dtype) of the datasets; room for one object even where there is none."""
    return {
        "images": ((count, height, width, 3), np.dtype("u1")),
        "masks": ((count, height, width), np.dtype("u1")),
        "objects": ((count, max(1, max_objects)), OBJECT_DTYPE),
        "num_objects": ((count,), np.dtype("u1")),
        "camera": ((count, 3), np.dtype("<f8")),
        "lights": ((count, len(LAMPS), 3), np.dtype("<f8")),
    }


def object_rows(
    objects: Sequence[ObjectSpec], mask: NDArray[np.uint8], max_objects: int
) -> NDArray[np.void]:
    """The rows (max_objects or 1,) of one scene; those past its objects are zero.

    ``mask_pixels`` and ``box`` come from the image's mask (height, width); the rest is the scene's.
    """
    rows = np.zeros(max(1, max_objects), dtype=OBJECT_DTYPE)
    for row, item in zip(rows, objects, strict=False):
        for field, names in VOCABULARY.items():
            row[field] = names.index(getattr(item, field))
        for field in ("xyz", "rotation", "pixel", "depth", "visible_pixels"):
            row[field] = getattr(item, field)
    rows["mask_pixels"][: len(objects)], rows["box"][: len(objects)] = mask_boxes(
        mask, len(objects)
    )
    return rows


def scene_of(
    rows: NDArray[np.void], count: int, camera: NDArray[Any], lights: NDArray[Any]
) -> SceneSpec:
    """The scene that ``object_rows`` and the camera and light arrays were made from, exactly."""
    objects = []
    for row in rows[:count]:
        names = {field: values[int(row[field])] for field, values in VOCABULARY.items()}
        x, y, z = row["xyz"].tolist()
        px, py = row["pixel"].tolist()
        objects.append(
            ObjectSpec(
                **names,
                xyz=(x, y, z),
                rotation=float(row["rotation"]),
                pixel=(px, py),
                depth=float(row["depth"]),
                visible_pixels=int(row["visible_pixels"]),
            )
        )
    cx, cy, cz = camera.tolist()
    places = {name: (x, y, z) for name, (x, y, z) in zip(LAMPS, lights.tolist(), strict=True)}
    return SceneSpec(tuple(objects), (cx, cy, cz), places)


def common_attributes(kind: str, settings: Any) -> dict[str, Any]:
    """The attributes that shards and indices share; ``settings`` is what JSON can hold."""
    return {
        "kind": kind,
        "format": FORMAT,
        "settings": canonical_json(settings),
        "vocabulary": _VOCABULARY_TEXT,
        "projcomp_version": projcomp.__version__,
    }


def open_layout(path: PathLike, kind: str, **options: Any) -> h5py.File:
    """Open a shard or an index for reading, its layout checked.

    Raises:
        FileFormatError: the file is missing, damaged, foreign, or of another format.
    """
    file = open_checked(path, kind, DATASETS, **options)
    with checking(file, path, f"a {kind} file"):
        problem = _problem(file)
        if problem:
            raise wrong(path, f"the layout of a {kind} file", problem)
    return file


def settings_of(file: h5py.File) -> dict[str, Any]:
    """The settings of an open shard or index, whose layout has been checked."""
    return json.loads(text(file, "settings"))


def _problem(file: h5py.File) -> str | None:
    if text(file, "vocabulary") != _VOCABULARY_TEXT:
        return "another vocabulary"
    try:
        if not isinstance(settings_of(file), dict):
            return "settings that are no settings"
    except (ValueError, RecursionError):
        return "no settings"
    images = dataset(file, "images")
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        return f"images of another type ({images.dtype} {images.shape})"
    count, height, width, _ = images.shape
    if not count:
        return "no images"
    if not height or not width:
        return f"images of {width} x {height} pixels"
    rows = dataset(file, "objects")
    most = rows.shape[1] if rows.ndim == 2 else 0
    for name, (shape, dtype) in dataset_shapes(count, height, width, most).items():
        problem = _difference(name, dataset(file, name), shape, dtype)
        if problem:
            return problem
    return None


def _difference(name: str, found: h5py.Dataset, shape: tuple, dtype: np.dtype) -> str | None:
    """How a dataset differs from what it should be; another byte order or width is none."""
    if found.ndim and shape and found.shape[0] != shape[0]:
        return f"datasets of different lengths ({name}: {found.shape[0]}, images: {shape[0]})"
    if found.shape != shape:
        return f"{name} of shape {found.shape}, not {shape}"
    if dtype.names is None:
        same = _alike(found.dtype, dtype)
        return None if same else f"{name} of another type ({found.dtype})"
    if found.dtype.names != dtype.names:
        return f"{name} with other fields"
    for field in dtype.names:
        if not _alike(found.dtype[field], dtype[field]):
            return f"{name} whose field {field} is of another type ({found.dtype[field]})"
    return None


def _alike(found: np.dtype, wanted: np.dtype) -> bool:
    """Whether values of one type can stand for the other's: whole numbers, or numbers."""
    kinds = "iu" if wanted.base.kind in "iu" else "f"
    return found.base.kind in kinds and found.shape == wanted.shape


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no blanks, so that equal settings are equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


_VOCABULARY_TEXT = canonical_json({**VOCABULARY, "lamp": LAMPS})
