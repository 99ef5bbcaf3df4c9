"""What all HDF5 files here share: a kind, a format number, and errors that name the file."""

import errno
import hashlib
import math
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from projcomp.data.places import is_a_stages_place
from projcomp.errors import FileFormatError, UserError, is_out_of_memory
from projcomp.files.atomic import atomic_path, error_number
from projcomp.files.contents import HDF5, NOTHING_OF_ANYONE, what_is
from projcomp.files.inputs import check_input, unreadable
from projcomp.words import first_line

PathLike = str | os.PathLike[str]

FORMAT = 2
"""Format of shards, indices and samples; raise it when a layout changes."""

IMAGE_STORAGE: dict[str, Any] = {"compression": "gzip", "compression_opts": 4}
"""Images lie in chunks of one, so that each can be read alone."""

TABLE_STORAGE: dict[str, Any] = {"chunks": True, "fletcher32": True}
"""Tables carry check sums, as gzip's own are the images', so that damage is noticed."""

_SEAL = b"\nprojcomp sha256 "
_SEAL_LENGTH = len(_SEAL) + hashlib.sha256().digest_size

_MOST_VALUES = 2**20
"""Numbers of an attribute; more are damage."""

_HELD = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES)
"""What the system says of a lock that another process has."""


def open_hdf5(
    path: PathLike, expected: str, *, check_seal: bool = True, **options: Any
) -> h5py.File:
    """Open any HDF5 file for reading.

    Args:
        path: the file.
        expected: what it should be, for messages, as in "a projcomp shard file".
        check_seal: whether to look at the check sum of one of ours, for which all of it is read.
        options: what ``h5py.File`` takes.

    Raises:
        FileFormatError: it is missing, no regular file, not HDF5, damaged, held open by another
            process, or may not be read.
        MemoryError: there is not enough memory, which no file is to blame for.
    """
    mend = "run the stage that makes it" if is_a_stages_place(path) else "check its name"
    check_input(path, expected, mend)
    try:
        file = h5py.File(path, "r", **options)  # this alone survives whatever the bytes are
    except Exception as error:  # damaged bytes make HDF5 and h5py fail in every possible way
        if _is_lack_of_memory(error):
            raise
        raise (_refused(path, expected, error, mend) or _not_hdf5(path, expected, error)) from None
    with checking(file, path, expected):
        if check_seal and is_broken(path):
            raise wrong(path, expected, "one that is not as it was written (its check sum differs)")
    return file


@contextmanager
def write_hdf5(path: PathLike, **options: Any) -> Iterator[h5py.File]:
    """Yield an HDF5 file to fill, which appears as ``path`` complete, or not at all.

    It ends with a check sum of all its bytes, its seal, which HDF5 itself does not mind: HDF5
    crashes or never ends over some damaged bytes of its own bookkeeping, so a file must be known
    to be whole before HDF5 reads what is in it. Whoever opens the file for writing cuts the seal
    off, and the file is then read as one without.

    Args:
        path: the file.
        options: what ``h5py.File`` takes.

    Raises:
        DiskError: there is no room for the file.
        OutputError: no file can be written there, or what is there must not be replaced.
    """
    with atomic_path(path) as temporary:
        with h5py.File(temporary, "w", **options) as file:
            yield file
        with temporary.open("r+b") as raw:
            found = _sum(raw, raw.seek(0, os.SEEK_END))
            raw.write(_SEAL + found)


def is_broken(path: PathLike) -> bool:
    """Whether a sealed file is not what it was when it was sealed; False of one without a seal.

    Raises:
        OSError: it cannot be read.
    """
    with Path(path).open("rb") as file:
        end = max(file.seek(0, os.SEEK_END) - _SEAL_LENGTH, 0)
        file.seek(end)
        stored = file.read()
        return stored.startswith(_SEAL) and stored != _SEAL + _sum(file, end)


def _sum(file: BinaryIO, length: int) -> bytes:
    """Of the first ``length`` bytes, after which the file then stands."""
    file.seek(0)
    total = hashlib.sha256()
    while length and (block := file.read(min(length, 2**20))):
        total.update(block)
        length -= len(block)
    return total.digest()


@contextmanager
def reading(path: PathLike, expected: str) -> Iterator[None]:
    """Name the file where what is read from it in this block is damaged.

    Raises:
        FileFormatError: reading failed.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # damaged bytes make HDF5 and h5py fail in every possible way
        if _is_lack_of_memory(error):
            raise
        refused = _refused(path, expected, error, "check its name")
        if refused:
            raise refused from None
        if "filter" in str(error) and "not registered" in str(error):
            raise FileFormatError(
                f"{path}: {expected} expected, got one compressed by what HDF5 lacks here "
                f"({first_line(error)}): install its plugin, or repack the file (h5repack)"
            ) from None
        raise FileFormatError(
            f"{path}: {expected} expected, got damaged data ({first_line(error)}): "
            f"{mend_damage(path)}"
        ) from None


@contextmanager
def checking(file: h5py.File, path: PathLike, expected: str) -> Iterator[None]:
    """As :func:`reading`; where that or the block refuses the open ``file``, it is closed.

    Raises:
        FileFormatError: as the block does, or reading failed.
    """
    try:
        with reading(path, expected):
            yield
    except FileFormatError:
        file.close()
        raise


def open_checked(path: PathLike, kind: str, datasets: Iterable[str], **options: Any) -> h5py.File:
    """Open a file for reading after checking its kind, its format and that ``datasets`` are there.

    Raises:
        FileFormatError: the file is missing, damaged, foreign, or of another format.
    """
    file = open_hdf5(path, f"a {kind} file", **options)
    with checking(file, path, f"a {kind} file"):
        _check(file, path, kind, datasets)
    return file


def _check(file: h5py.File, path: PathLike, kind: str, datasets: Iterable[str]) -> None:
    found = text(file, "kind")
    if found != kind:
        ours = found.startswith("projcomp ")
        got = f"a {found} file" if ours else "an HDF5 file that is none of projcomp's"
        # a file of ours may well be where it belongs, and only its name given by mistake
        mend = "name another file" if ours else mend_foreign(path)
        raise FileFormatError(f"{path}: a {kind} file expected, got {got}: {mend}")
    number = attribute(file, "format")
    if number != FORMAT:
        raise wrong(path, f"a {kind} file of format {FORMAT}", f"format {number}")
    for name in datasets:
        if not isinstance(file.get(name), h5py.Dataset):
            raise wrong(path, f"a {kind} file of format {FORMAT}", f"no dataset {name!r}")


def wrong(path: PathLike, expected: str, got: str) -> FileFormatError:
    """The error of a file of ours that does not hold what it should."""
    return FileFormatError(f"{path}: {expected} expected, got {got}: {mend_damage(path)}")


def mend_damage(path: PathLike) -> str:
    """What to do about a file that is damaged; one that no stage wrote is not ours to delete."""
    if is_a_stages_place(path):
        return "delete it and run the stage that makes it again"
    return "take a whole copy of it, or make it again"


def mend_foreign(path: PathLike) -> str:
    """What to do about a whole file of another kind."""
    if is_a_stages_place(path):
        return "move it away and run the stage that makes the right one"
    return "name another file"


def unlockable(error: BaseException) -> tuple[str, str] | None:
    """What HDF5 met that could not lock a file, and how to mend that; None at other errors."""
    number = error_number(error)
    about_locks = "unable to lock file" in str(error).lower()
    if number is None or not (about_locks or number in (errno.EAGAIN, errno.EWOULDBLOCK)):
        return None
    if number in _HELD:
        return (
            "one in use, which another process holds open for writing (a notebook, a viewer or a "
            "job, maybe on another machine; lsof and fuser tell)",
            "wait until it ends, or, where there is none, set HDF5_USE_FILE_LOCKING=FALSE in the "
            "environment, for file systems without locks",
        )
    return (
        f"one on a file system without locks ({os.strerror(number)})",
        "set HDF5_USE_FILE_LOCKING=FALSE in the environment",
    )


def _is_lack_of_memory(error: BaseException) -> bool:
    """Whether Python or the system says so; HDF5 alone does over damaged sizes, too."""
    return is_out_of_memory(error) and (
        isinstance(error, MemoryError) or error_number(error) is not None
    )


def _refused(path: PathLike, expected: str, error: Exception, mend: str) -> FileFormatError | None:
    """The line of what is no damage of the file; None where it may be."""
    locked = unlockable(error)
    if locked:
        return FileFormatError(f"{path}: {expected} expected, got {locked[0]}: {locked[1]}")
    number = error_number(error)
    if isinstance(error, OSError) and number is not None:
        return unreadable(path, expected, OSError(number, ""), mend)
    if "allocat" in str(error):
        return FileFormatError(
            f"{path}: {expected} expected, got one that memory does not suffice to read "
            f"({first_line(error)}): it may be damaged, or too large for this machine"
        )
    return None


def _not_hdf5(path: PathLike, expected: str, error: Exception) -> FileFormatError:
    try:
        looks = what_is(path)
    except OSError as failed:
        return unreadable(path, expected, failed, "check its name")
    if looks not in NOTHING_OF_ANYONE:
        return FileFormatError(f"{path}: {expected} expected, got {looks}: {mend_foreign(path)}")
    got = f"{'a damaged HDF5 file' if looks == HDF5 else looks} that HDF5 cannot open"
    return FileFormatError(
        f"{path}: {expected} expected, got {got} ({first_line(error)}): {mend_damage(path)}"
    )


def dataset(file: h5py.File, name: str) -> h5py.Dataset:
    """The dataset ``name`` of an open file, known to be there."""
    item = file[name]
    assert isinstance(item, h5py.Dataset)
    return item


def attribute(file: h5py.File, name: str) -> Any:
    """The attribute ``name`` as a number or a text; None if it is missing or anything else."""
    value = _stored(file, name)
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str | int | float) else None


def attributes(file: h5py.File) -> dict[str, Any]:
    """All attributes of an open file that can be read, by name."""
    return {name: value for name in file.attrs if (value := _stored(file, name)) is not None}


def _stored(file: h5py.File, name: str) -> Any:
    """The attribute as h5py gives it; None where it is missing or odd.

    Texts lie outside the attribute, and HDF5 takes the process along where damage has made many
    of one: so the shape is looked at first.
    """
    if name not in file.attrs:
        return None
    found = file.attrs.get_id(name)
    if h5py.check_string_dtype(found.dtype) is not None and found.shape not in ((), (1,)):
        return None
    return file.attrs[name] if math.prod(found.shape or ()) <= _MOST_VALUES else None


def text(file: h5py.File, name: str) -> str:
    """The attribute ``name`` of an open file as text; empty if it is missing or no text."""
    value = attribute(file, name)
    return value if isinstance(value, str) else ""


def is_unwritten(stored: h5py.Dataset) -> bool:
    """Whether some of a dataset was never written, which HDF5 reads as zeros."""
    if stored.chunks is None:
        return 0 not in stored.shape and stored.id.get_storage_size() == 0 and not stored.external
    chunks = math.prod(-(-n // c) for n, c in zip(stored.shape, stored.chunks, strict=True))
    return stored.id.get_num_chunks() < chunks
