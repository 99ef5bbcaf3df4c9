"""Reading all of a dataset, to be sure that all of it can be read and agrees with itself."""

import h5py
import numpy as np
from tqdm import tqdm

from projcomp.data.hdf5 import PathLike, dataset, is_unwritten, reading, wrong
from projcomp.data.index import Shards, find_shards
from projcomp.data.picture import mask_boxes
from projcomp.data.picture_sets import is_picture_set, read_picture_set
from projcomp.data.shards import read_objects
from projcomp.errors import FileFormatError


def validate(path: PathLike) -> list[str]:
    """Problems of the dataset or shard at ``path``, one line each; empty when all is well.

    Every image and mask is decompressed, which finds damaged bytes (gzip has check sums); masks are
    held against the pixels and boxes that the table of objects tells, the rest of the table against
    the vocabulary; and the shards of an index against its settings, their numbers and its length.
    Where the file itself is missing, damaged or foreign, that is the one problem.
    """
    if is_picture_set(path):
        return _pictures_problem(path)
    try:
        shards = find_shards(path)
    except FileFormatError as error:
        return [str(error)]
    problems = (
        _shard_problem(shards, number)
        for number in tqdm(range(len(shards.parts)), desc=f"checking {path}", disable=None)
    )
    return [problem for problem in problems if problem]


def _pictures_problem(path: PathLike) -> list[str]:
    """What is wrong with pictures that were not rendered: all of them are read and summed."""
    try:
        read_picture_set(path)
    except FileFormatError as error:
        return [str(error)]
    return []


def _shard_problem(shards: Shards, number: int) -> str:
    """What is wrong with a shard, in one line; empty when nothing is."""
    path = shards.parts[number].path
    try:
        with shards.open(number) as file, reading(path, "readable, consistent images"):
            problem = _content_problem(file)
        if problem:
            raise wrong(path, "readable, consistent images", problem)
    except FileFormatError as error:
        return str(error)
    return ""


def _content_problem(file: h5py.File) -> str:
    number, rows = read_objects(file, file.filename)
    for name in ("camera", "lights"):
        if not np.isfinite(dataset(file, name)[:]).all():
            return f"{name} in places that are no numbers"
    images, masks = dataset(file, "images"), dataset(file, "masks")
    for name, stored in {"images": images, "masks": masks}.items():
        if is_unwritten(stored):
            return f"{name} that were never written"
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
