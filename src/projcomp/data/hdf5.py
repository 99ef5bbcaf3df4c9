"""What all HDF5 files here share: a kind, a format number, and errors that name the file."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import h5py

from projcomp.errors import FileFormatError

PathLike = str | os.PathLike[str]

FORMAT = 2
"""Format of shards, indices and samples; raise it when a layout changes."""

IMAGE_STORAGE: dict[str, Any] = {"compression": "gzip", "compression_opts": 4}
"""Images lie in chunks of one, so that each can be read alone."""

TABLE_STORAGE: dict[str, Any] = {"chunks": True, "fletcher32": True}
"""Tables carry check sums, as gzip's own are the images', so that damage is noticed."""


def open_checked(path: PathLike, kind: str, datasets: Iterable[str]) -> h5py.File:
    """Open a file for reading after checking its kind, its format and that ``datasets`` are there.

    Raises:
        FileFormatError: the file is missing, damaged, foreign, or of another format.
    """
    if not Path(path).is_file():
        raise FileFormatError(
            f"{path}: a {kind} file expected, got no file: run the stage that makes it"
        )
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise FileFormatError(
            f"{path}: a {kind} file expected, got a file that HDF5 cannot open ({error}): "
            "delete it and run the stage that makes it again"
        ) from None
    problem = _problem(file, kind, datasets)
    if problem:
        file.close()
        raise FileFormatError(
            f"{path}: a {kind} file of format {FORMAT} expected, got {problem}: "
            "delete it and run the stage that makes it again"
        )
    return file


def _problem(file: h5py.File, kind: str, datasets: Iterable[str]) -> str | None:
    """What is wrong with an open file, or None."""
    found = file.attrs.get("kind")
    if found != kind:
        return "a file of unknown kind" if found is None else f"a {found} file"
    if file.attrs.get("format") != FORMAT:
        return f"format {file.attrs.get('format')}"
    for name in datasets:
        if not isinstance(file.get(name), h5py.Dataset):
            return f"no dataset {name!r}"
    return None


def dataset(file: h5py.File, name: str) -> h5py.Dataset:
    """The dataset ``name`` of an open file, known to be there."""
    item = file[name]
    assert isinstance(item, h5py.Dataset)
    return item


def text(file: h5py.File, name: str) -> str:
    """The attribute ``name`` of an open file as text; empty if it is missing."""
    return str(file.attrs.get(name, ""))
