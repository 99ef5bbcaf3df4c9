"""What a dataset holds, in words: counts, distributions of attributes, settings, versions, size."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from projcomp.data.hdf5 import PathLike, attribute, dataset
from projcomp.data.index import Shards, find_shards, read_parts
from projcomp.data.picture_sets import is_picture_set, read_picture_set
from projcomp.data.shard_format import VOCABULARY
from projcomp.data.shards import read_objects
from projcomp.scenes.visibility import reference_size
from projcomp.scenes.vocabulary import VIEW


def describe(path: PathLike) -> str:
    """What the index, shard or pictures at ``path`` are, as lines of text.

    Raises:
        FileFormatError: the index, a shard or the file is missing, damaged, or foreign.
    """
    if is_picture_set(path):
        return _described_pictures(path)
    shards = find_shards(path)
    count, height, width, _ = shards.shape
    found = _contents(shards)
    number, objects = found.number, found.objects
    size = sum(part.path.stat().st_size for part in shards.parts)
    lines = [
        f"{path}: {count:,} images of {width} x {height} in {len(shards.parts):,} "
        f"{'shard' if len(shards.parts) == 1 else 'shards'}, {size / 2**20:,.1f} MiB "
        f"({size / max(count, 1):,.0f} bytes an image)",
        f"made by: {', '.join(sorted(found.makers))}",
        *(f"setting {name}: {json.dumps(value)}" for name, value in shards.settings.items()),
        f"objects per image: {_shares(number, [str(i) for i in range(int(number.max()) + 1)])}",
        f"objects: {len(objects):,}",
    ]
    if len(objects):
        lines += [f"{name}: {_shares(objects[name], names)}" for name, names in VOCABULARY.items()]
        w, h = reference_size(_view(shards.settings))
        lines += [
            f"visible pixels at {w} x {h}: {_spread(objects['visible_pixels'])}",
            f"visible pixels in the images: {_spread(objects['mask_pixels'])}",
            f"objects that no pixel shows: {int((objects['mask_pixels'] == 0).sum()):,}",
        ]
    places = {"camera": np.ptp(found.camera, 0).max(), "lights": np.ptp(found.lights, 0).max()}
    lines += [
        f"{name}: {'in one place' if spread == 0 else f'jittered over {spread:.2f} scene units'}"
        for name, spread in places.items()
    ]
    return "\n".join(lines)


def _described_pictures(path: PathLike) -> str:
    """What pictures that were not rendered are labelled with."""
    pictures, identity = read_picture_set(path)
    count, height, width, _ = pictures.images.shape
    size = Path(path).stat().st_size
    lines = [
        f"{path}: {count:,} pictures of {width} x {height}, not rendered, {size / 2**20:,.1f} MiB",
        f"made of: {identity}",
        *(
            f"{name}: {_shares(numbers, values)}"
            for name, (values, numbers) in pictures.labels.items()
        ),
    ]
    if pictures.points is not None:
        lines.append("position: a point of every picture")
    return "\n".join(lines)


def _view(settings: dict[str, Any]) -> tuple[float, float]:
    """Width to height of what the camera saw: CLEVR's, where the settings tell no other."""
    told = settings.get("view")
    if isinstance(told, list) and len(told) == 2 and all(isinstance(v, int | float) for v in told):
        width, height = told
        if 0 < width < math.inf and 0 < height < math.inf:
            return width, height
    return VIEW


@dataclass(frozen=True)
class _Contents:
    """What the shards of a dataset hold.

    ``objects`` are the rows of all objects, of their fields those that are described.
    """

    number: NDArray[Any]
    objects: NDArray[np.void]
    camera: NDArray[Any]
    lights: NDArray[Any]
    makers: set[str]


def _contents(shards: Shards) -> _Contents:
    fields = [*VOCABULARY, "visible_pixels", "mask_pixels"]
    versions = {"projcomp": "projcomp_version", "Blender": "bpy_version"}
    makers: set[str] = set()
    numbers, objects, cameras, lights = [], [], [], []

    def read(file: h5py.File, rows: slice) -> None:
        number, table = read_objects(file, file.filename)
        numbers.append(number)
        objects.append(table[fields][np.arange(table.shape[1]) < number[:, None]])
        cameras.append(dataset(file, "camera")[:])
        lights.append(dataset(file, "lights")[:])
        told = [f"{name} {attribute(file, key) or '?'}" for name, key in versions.items()]
        makers.add(" with ".join(told))

    read_parts(shards, read)
    number, rows, camera, light = map(np.concatenate, (numbers, objects, cameras, lights))
    return _Contents(number, rows, camera, light, makers)


def _shares(values: NDArray, names: list[str]) -> str:
    """Each name's number and share, those that never occur left out."""
    counts = np.bincount(values, minlength=len(names))
    total = max(int(counts.sum()), 1)
    return ", ".join(
        f"{name} {count:,} ({100 * count / total:.1f} %)"
        for name, count in zip(names, counts.tolist(), strict=True)
        if count
    )


def _spread(values: NDArray) -> str:
    low, middle, high = np.percentile(values, [0, 50, 100])
    return f"{low:.0f} to {high:.0f}, median {middle:.0f}"
