"""Reading all of a dataset, to be sure that all of it can be read and agrees with itself."""

import json
from pathlib import Path

import h5py
import numpy as np
from tqdm import tqdm

from projcomp.data.hdf5 import PathLike, dataset, text
from projcomp.data.index import is_shard, shard_paths
from projcomp.data.picture import mask_boxes
from projcomp.data.shard_format import INDEX_KIND, SHARD_KIND, VOCABULARY, open_layout
from projcomp.data.shards import check_shard
from projcomp.errors import FileFormatError


def validate(path: PathLike) -> list[str]:
    """Problems of the index or shard at ``path``, one line each; empty when all is well.

    Every image and mask is decompressed, which finds damaged bytes (gzip has check sums); masks are
    held against the pixels and boxes that the table of objects tells, the rest of the table against
    the vocabulary; and the shards of an index against its settings, their numbers and its length.

    Raises:
        FileFormatError: the index itself is missing, damaged, or foreign.
    """
    if is_shard(path):
        return [problem for problem in [_shard_problem(Path(path))] if problem]
    with open_layout(path, INDEX_KIND) as file:
        settings, total = json.loads(text(file, "settings")), len(dataset(file, "images"))
    found, seen = [], 0
    shards = shard_paths(path)
    for number, shard in enumerate(tqdm(shards, desc=f"checking {path}", disable=None)):
        problem = _shard_problem(shard, settings, number)
        if problem:
            found.append(problem)
        else:
            with open_layout(shard, SHARD_KIND) as file:
                seen += len(dataset(file, "images"))
    if not found and seen != total:
        found.append(f"{path}: an index over {seen:,} images expected, got {total:,}: make it anew")
    return found


def _shard_problem(path: Path, settings: dict | None = None, number: int | None = None) -> str:
    """What is wrong with a shard, in one line; empty when nothing is."""
    try:
        attributes = check_shard(path, settings)
        if number is not None and attributes.get("shard") != number:
            return f"{path}: shard {number} expected, got shard {attributes.get('shard')}"
        with open_layout(path, SHARD_KIND) as file:
            problem = _content_problem(file)
    except FileFormatError as error:
        return str(error)
    except (OSError, RuntimeError, KeyError) as error:  # what HDF5 makes of damaged bytes
        problem = f"damaged data ({error})"
    mend = "delete it and run the stage that makes it again"
    return f"{path}: readable, consistent images expected, got {problem}: {mend}" if problem else ""


def _content_problem(file: h5py.File) -> str:
    number, rows = dataset(file, "num_objects")[:], dataset(file, "objects")[:]
    if int(number.max(initial=0)) > rows.shape[1]:
        return f"{number.max()} objects where there is room for {rows.shape[1]}"
    for field, names in VOCABULARY.items():
        if int(rows[field].max(initial=0)) >= len(names):
            return f"a {field} of number {rows[field].max()} among {len(names)}"
    for name in ("xyz", "rotation", "pixel", "depth"):
        if not np.isfinite(rows[name]).all():
            return f"objects whose {name} is no number"
    for name in ("camera", "lights"):
        if not np.isfinite(dataset(file, name)[:]).all():
            return f"{name} in places that are no numbers"
    images, masks = dataset(file, "images"), dataset(file, "masks")
    for index, count in enumerate(number.tolist()):
        _ = images[index]
        mask = masks[index]
        if int(mask.max()) > count:
            return f"image {index} with object {mask.max()} in its mask, of {count}"
        told = rows[index][:count]
        pixels, boxes = mask_boxes(mask, count)
        if not (np.array_equal(pixels, told["mask_pixels"]) and np.array_equal(boxes, told["box"])):
            return f"image {index} whose mask does not show what its table tells"
    return ""
