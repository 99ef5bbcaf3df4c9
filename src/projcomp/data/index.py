"""The index of a dataset: one HDF5 file with virtual datasets over the shards."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py

from projcomp.data.hdf5 import PathLike, dataset
from projcomp.data.shard_format import (
    DATASETS,
    INDEX_KIND,
    SHARD_KIND,
    common_attributes,
    open_layout,
)
from projcomp.data.shards import check_shard
from projcomp.errors import FileFormatError
from projcomp.files import atomic_path


def build_index(shards: Sequence[PathLike], out: PathLike) -> None:
    """Write the index ``out`` over ``shards``, in their order.

    Paths are stored relative to the index, so that the folder can move as a whole.

    Raises:
        FileFormatError: a shard is damaged, or the shards do not belong to one dataset.
    """
    if not shards:
        raise FileFormatError(f"{out}: at least one shard expected, got none")
    first = check_shard(shards[0])
    for number, path in enumerate(shards):
        attributes = check_shard(path, first["settings"])
        if attributes.get("shard") != number:
            raise FileFormatError(
                f"{path}: shard {number} expected, got shard {attributes.get('shard')}: "
                "give all shards in order, starting with shard 0"
            )
    with atomic_path(out) as temporary, h5py.File(temporary, "w", libver="latest") as file:
        for name in DATASETS:
            file.create_virtual_dataset(name, _layout(shards, Path(out), name))
        file.attrs.update(
            {**common_attributes(INDEX_KIND, first["settings"]), "shards": len(shards)}
        )


def open_dataset(path: PathLike) -> h5py.File:
    """Open an index for reading, having checked that every shard is there and readable.

    HDF5 itself silently returns zeros for a shard that is missing.

    Raises:
        FileFormatError: the index or a shard is missing, damaged, or foreign.
    """
    for shard in shard_paths(path):
        check_shard(shard)
    return open_layout(path, INDEX_KIND)


def open_any(path: PathLike) -> h5py.File:
    """An index or a single shard, open for reading, every shard behind it known to be there.

    Raises:
        FileFormatError: the index or a shard is missing, damaged, or foreign.
    """
    return open_layout(path, SHARD_KIND) if is_shard(path) else open_dataset(path)


def is_shard(path: PathLike) -> bool:
    """Whether the file is a single shard; False for whatever cannot be opened."""
    try:
        with h5py.File(path, "r") as file:
            return file.attrs.get("kind") == SHARD_KIND
    except OSError:
        return False


def shard_paths(path: PathLike) -> list[Path]:
    """The shards behind an index, in order, whether they are there or not.

    Raises:
        FileFormatError: the index is missing, damaged, or foreign.
    """
    folder = Path(os.path.abspath(path)).parent
    with open_layout(path, INDEX_KIND) as file:
        sources = dataset(file, "images").virtual_sources()
    return [folder / source.file_name for source in sources]


def _layout(shards: Sequence[PathLike], out: Path, name: str) -> h5py.VirtualLayout:
    sources: list[Any] = []
    for path in shards:
        with h5py.File(path, "r") as shard:
            relative = os.path.relpath(path, out.parent)
            data = dataset(shard, name)
            sources.append(h5py.VirtualSource(relative, name, shape=data.shape, dtype=data.dtype))
    total = sum(source.shape[0] for source in sources)
    layout = h5py.VirtualLayout((total, *sources[0].shape[1:]), sources[0].dtype)
    start = 0
    for source in sources:
        layout[start : start + source.shape[0]] = source
        start += source.shape[0]
    return layout
