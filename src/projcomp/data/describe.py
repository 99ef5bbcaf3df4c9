"""What a dataset holds, in words: counts, distributions of attributes, settings, versions, size."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from projcomp.data.hdf5 import PathLike, dataset, text
from projcomp.data.index import is_shard, open_any, shard_paths
from projcomp.data.shard_format import SHARD_KIND, VOCABULARY, open_layout
from projcomp.scenes.vocabulary import REFERENCE_SIZE


def describe(path: PathLike) -> str:
    """What the index or shard at ``path`` holds, as lines of text.

    Raises:
        FileFormatError: the index or a shard is missing, damaged, or foreign.
    """
    with open_any(path) as file:
        count, height, width, _ = dataset(file, "images").shape
        settings = json.loads(text(file, "settings"))
        number = dataset(file, "num_objects")[:]
        camera, lights = dataset(file, "camera")[:], dataset(file, "lights")[:]
    shards = [Path(path)] if is_shard(path) else shard_paths(path)
    size = sum(shard.stat().st_size for shard in shards)
    objects, makers = _contents(shards)
    lines = [
        f"{path}: {count:,} images of {width} x {height} in {len(shards):,} "
        f"{'shard' if len(shards) == 1 else 'shards'}, {size / 2**20:,.1f} MiB "
        f"({size / max(count, 1):,.0f} bytes an image)",
        f"made by: {', '.join(sorted(makers))}",
        *(f"setting {name}: {json.dumps(value)}" for name, value in settings.items()),
        f"objects per image: {_shares(number, [str(i) for i in range(int(number.max()) + 1)])}",
        f"objects: {len(objects):,}",
    ]
    if len(objects):
        lines += [f"{name}: {_shares(objects[name], names)}" for name, names in VOCABULARY.items()]
        w, h = REFERENCE_SIZE
        lines += [
            f"visible pixels at {w} x {h}: {_spread(objects['visible_pixels'])}",
            f"visible pixels in the images: {_spread(objects['mask_pixels'])}",
            f"objects that no pixel shows: {int((objects['mask_pixels'] == 0).sum()):,}",
        ]
    places = {"camera": np.ptp(camera, 0).max(), "lights": np.ptp(lights, 0).max()}
    lines += [
        f"{name}: {'in one place' if spread == 0 else f'jittered over {spread:.2f} scene units'}"
        for name, spread in places.items()
    ]
    return "\n".join(lines)


def _contents(shards: list[Path]) -> tuple[NDArray[np.void], set[str]]:
    """The rows of all objects, of their fields those that are described; what made the shards."""
    fields = [*VOCABULARY, "visible_pixels", "mask_pixels"]
    versions = {"projcomp": "projcomp_version", "Blender": "bpy_version"}
    found, makers = [], set()
    for path in shards:
        with open_layout(path, SHARD_KIND) as file:
            rows, number = dataset(file, "objects")[:], dataset(file, "num_objects")[:]
            told = [f"{name} {text(file, key) or '?'}" for name, key in versions.items()]
        found.append(rows[fields][np.arange(rows.shape[1]) < number[:, None]])
        makers.add(" with ".join(told))
    return np.concatenate(found), makers


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
