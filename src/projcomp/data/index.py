"""The index of a dataset: one HDF5 file with virtual datasets over the shards."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from projcomp.data.hdf5 import (
    PathLike,
    attribute,
    checking,
    dataset,
    open_hdf5,
    reading,
    text,
    write_hdf5,
    wrong,
)
from projcomp.data.shard_format import (
    DATASETS,
    INDEX_KIND,
    SHARD_KIND,
    canonical_json,
    common_attributes,
    open_layout,
    settings_of,
)
from projcomp.data.shards import check_shard, open_shard
from projcomp.errors import FileFormatError


class Part(NamedTuple):
    """A shard of a dataset: its file, and which rows of the dataset it holds."""

    path: Path
    rows: slice


@dataclass(frozen=True)
class Shards:
    """The shards of a dataset, and what they must agree with.

    Attributes:
        path: the index, or the single shard.
        parts: the shards in order.
        shape: of all images, (N, H, W, 3).
        settings: what all images were rendered with.
        indexed: whether there is an index.
    """

    path: Path
    parts: list[Part]
    shape: tuple[int, ...]
    settings: dict[str, Any]
    indexed: bool = True

    def open(self, number: int, **options: Any) -> h5py.File:
        """Open the shard of that number, known to be the right one.

        Raises:
            FileFormatError: it is missing, damaged, foreign, or another dataset's.
        """
        part = self.parts[number]
        if not self.indexed:
            return open_shard(part.path, **options)
        whose = f"the settings of {self.path}"
        file = open_shard(part.path, self.settings, number, whose=whose, **options)
        shape, wanted = dataset(file, "images").shape, part.rows.stop - part.rows.start
        if shape != (wanted, *self.shape[1:]):
            file.close()
            raise wrong(part.path, f"{wanted} images {self.shape[1:]}", f"{shape[0]} {shape[1:]}")
        return file

    def reopen(self, number: int, **options: Any) -> h5py.File:
        """As :meth:`open`, of an index's shard that has been checked before: its name tags alone.

        Raises:
            FileFormatError: it is missing, damaged, or another one by now.
        """
        part = self.parts[number]
        file = open_hdf5(part.path, f"a {SHARD_KIND} file", check_seal=False, **options)
        with checking(file, part.path, f"a {SHARD_KIND} file"):
            same = (
                text(file, "settings") == canonical_json(self.settings)
                and attribute(file, "shard") == number
                and len(dataset(file, "images")) == part.rows.stop - part.rows.start
            )
        if same:
            return file
        file.close()
        return self.open(number, **options)


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
        if attributes["shard"] != number:
            raise FileFormatError(
                f"{path}: shard {number} expected, got shard {attributes['shard']}: "
                "give all shards in order, starting with shard 0"
            )
    with write_hdf5(out, libver="latest") as file:
        for name in DATASETS:
            file.create_virtual_dataset(name, _layout(shards, Path(out), name))
        file.attrs.update(
            {**common_attributes(INDEX_KIND, first["settings"]), "shards": len(shards)}
        )


def open_index(path: PathLike) -> h5py.File:
    """Open an index for reading, its own layout checked; its shards are not looked at.

    Raises:
        FileFormatError: the index is missing, damaged, or foreign.
    """
    return open_layout(path, INDEX_KIND)


def is_shard(path: PathLike) -> bool:
    """Whether the file is a single shard; False for whatever cannot be opened."""
    try:
        with open_hdf5(path, "a file") as file, reading(path, "a file"):
            return text(file, "kind") == SHARD_KIND
    except FileFormatError:
        return False


def find_shards(path: PathLike) -> Shards:
    """The shards of an index, or a single one, whether they are there or not.

    Raises:
        FileFormatError: the index is missing, damaged, or foreign.
    """
    if is_shard(path):
        with open_shard(path) as file:
            shape, settings = dataset(file, "images").shape, settings_of(file)
        parts = [Part(Path(path), slice(0, shape[0]))]
        return Shards(Path(path), parts, shape, settings, indexed=False)
    with open_index(path) as file:
        return shards_behind(file)


def shards_behind(index: h5py.File) -> Shards:
    """The shards of an open index, whether they are there or not.

    They lie beside the index; where it is a link and they do not lie beside that, beside the file
    that it leads to.

    Raises:
        FileFormatError: it does not say where all of its images are.
    """
    path, expected = Path(index.filename), "an index over shards"
    with reading(path, expected):
        images = dataset(index, "images")
        if not images.is_virtual:
            raise wrong(path, expected, "images of its own")
        shape, settings = images.shape, settings_of(index)
        sources = sorted(
            (*_bounds(source.vspace), source.file_name) for source in images.virtual_sources()
        )
    ends = [0, *(stop for _, stop, _ in sources)]
    if [start for start, _, _ in sources] != ends[:-1] or ends[-1] != shape[0]:
        raise wrong(path, expected, f"shards that do not make up its {shape[0]:,} images")
    beside, beside_the_file = (
        [Path(find(path)).parent / name for _, _, name in sources]
        for find in (os.path.abspath, os.path.realpath)
    )
    files = beside if any(map(os.path.lexists, beside)) else beside_the_file
    parts = [
        Part(file, slice(start, stop))
        for file, (start, stop, _) in zip(files, sources, strict=True)
    ]
    return Shards(path, parts, shape, settings)


def read_parts(shards: Shards, read: Callable[[h5py.File, slice], None]) -> None:
    """Give every shard of a dataset, open and known to be the right one, to ``read``, in order.

    Not through the index's virtual datasets: HDF5 does not say which shard is damaged, and takes
    one that it cannot open (for lack of open files, say) for zeros.

    Args:
        shards: the shards.
        read: gets the shard and the rows of the dataset that it holds; what fails while it reads
            is an error that names the shard.

    Raises:
        FileFormatError: a shard is missing, damaged, foreign, or another dataset's.
    """
    for number, part in enumerate(shards.parts):
        with shards.open(number) as file, reading(part.path, f"a {SHARD_KIND} file"):
            read(file, part.rows)


def read_first(shards: Shards, names: Sequence[str], count: int) -> list[NDArray[Any]]:
    """The first ``count`` rows, if there are as many, of datasets by name; all shards are checked.

    Raises:
        FileFormatError: a shard is missing, damaged, foreign, or another dataset's.
    """
    found: list[list[NDArray[Any]]] = [[] for _ in names]

    def read(file: h5py.File, rows: slice) -> None:
        for pieces, name in zip(found, names, strict=True):
            pieces.append(dataset(file, name)[: max(count - rows.start, 0)])

    read_parts(shards, read)
    return [np.concatenate(pieces) for pieces in found]


def _bounds(space: h5py.h5s.SpaceID) -> tuple[int, int]:
    """First and last row of a selection, the last one exclusive."""
    first, last = space.get_select_bounds()
    return int(first[0]), int(last[0]) + 1


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
