"""Atomic writes: a file appears under its final name complete, or not at all."""

import errno
import hashlib
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from projcomp.errors import DiskError, OutputError
from projcomp.files.inputs import kind_of_place
from projcomp.machine.processes import alive, numbering

_FULL = {errno.ENOSPC: "a full disk", errno.EDQUOT: "a full quota", errno.EFBIG: "a size limit"}
_FAILING = (errno.EIO, errno.ESTALE)
_NOTHING_TO_WAIT_FOR = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EACCES)
"""What file systems say that cannot be told to store a folder, and folders that may not be read."""

_LONGEST_STEM, _LONGEST_SUFFIX = 80, 16
"""Bytes of a file's own name in its temporary one, which must not be too long where that is not."""


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it is renamed to ``path``, else removed.

    The temporary name keeps the suffix (writers such as matplotlib choose the format by it) and
    holds machine, numbering of processes and process, so that no two processes share one, and so
    that what a killed process has left behind is known as such and removed by the next one that
    writes ``path``.
    What is no regular file (a folder, a link, a device) is never replaced.

    Raises:
        DiskError: there is no room for the file.
        OutputError: no file can be written there, or what is there must not be replaced.
    """
    final = Path(path)
    temporary = _begin(final)
    try:
        yield temporary
        _reach_disk(temporary)
        _refuse_what_is_no_file(final)  # it may have come while the file was made
        os.replace(temporary, final)
        _keep_names(final.parent)
    except (OSError, RuntimeError) as error:  # h5py raises either, depending on what failed first
        ours = str(temporary) in str(error) or getattr(error, "filename", "") == str(final.parent)
        if ours or disk_failed(error):
            raise _not_writable(final, error_number(error)) from error
        raise
    finally:
        # closing what could not be written may have failed too
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def check_place(path: str | os.PathLike[str]) -> None:
    """Refuse a path where :func:`atomic_path` could not write, before any work; nothing is left.

    Raises:
        OutputError: no file can be written there, or what is there must not be replaced.
    """
    final = Path(path)
    try:
        _refuse_what_is_no_file(final)
        folder = _nearest_folder(final.parent)
        _refuse_long_names(final, folder)
        probe = folder / _temporary_name(final)
        _create(probe)
        probe.unlink()
    except OSError as error:
        raise _not_writable(final, error.errno) from None


def check_room(folder: str | os.PathLike[str], size: int) -> None:
    """Refuse a disk or a quota without room for ``size`` more bytes, before any work.

    Args:
        folder: where files will lie; where it is still to be made, the one above it.
        size: bytes that are written there, and removed again.

    Raises:
        DiskError: there is no such room. Whatever else forbids writing is told by who writes.
    """
    with suppress(OSError, OutputError):
        place = _nearest_folder(Path(folder))
        remove_leftovers(place)
        probe = place / _temporary_name(Path("room"))
        try:
            _create(probe)
            probe.write_bytes(bytes(size))
            _reach_disk(probe)
        except OSError as error:
            if is_full(error):
                raise no_room(place, error) from None
        finally:
            probe.unlink(missing_ok=True)


def is_full(error: OSError) -> bool:
    """Whether a disk or a quota is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def no_room(place: str | os.PathLike[str], error: OSError) -> DiskError:
    """What to say of a place that is full."""
    return DiskError(
        f"{place}: room to write expected, got {_FULL[error.errno or errno.ENOSPC]}: free some "
        "space and run the same command again"
    )


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` to ``path`` atomically, as UTF-8."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _begin(final: Path) -> Path:
    """The temporary file of ``final``, there and empty, so that what forbids it is known now."""
    try:
        _refuse_what_is_no_file(final)
        temporary = final.with_name(_temporary_name(final))
        _refuse_long_names(final, _nearest_folder(final.parent))
        _make_folder(final.parent)
        remove_leftovers(final.parent)
        _create(temporary)
    except OSError as error:
        raise _not_writable(final, error.errno) from None
    return temporary


def _create(path: Path) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    os.close(os.open(path, flags, 0o666))


def _refuse_what_is_no_file(final: Path) -> None:
    try:
        kind = kind_of_place(os.lstat(final).st_mode)
    except FileNotFoundError:
        return
    if kind == "a link":
        raise OutputError(
            f"{final}: a file to write expected, got a link to {os.readlink(final)}: "
            "remove the link, or name the file that it leads to"
        )
    if kind is not None:
        raise OutputError(f"{final}: a file to write expected, got {kind}: name another file")


def _nearest_folder(folder: Path) -> Path:
    """The folder, or the one above it in which it would be made.

    Raises:
        OSError: something on the way is no folder.
    """
    for place in (folder, *folder.parents):
        if os.path.lexists(place):
            if place.is_symlink() and not place.exists():
                raise OutputError(
                    f"{place}: a folder to write in expected, got a link to {os.readlink(place)}, "
                    "which is not there: make that folder, or mend the link"
                )
            if not place.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(place))
            return place
    return Path()


def _refuse_long_names(final: Path, folder: Path) -> None:
    """Folders that are still to be made must not have names that are too long."""
    longest = os.pathconf(folder, "PC_NAME_MAX") if hasattr(os, "pathconf") else 255
    if any(len(os.fsencode(part)) > longest for part in final.parts):
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), str(final))


def _not_writable(final: Path, number: int | None) -> OutputError | DiskError:
    """What to say where writing failed with the system's error ``number``."""
    if number in _FULL:
        return DiskError(
            f"{final}: room to write the file expected, got {_FULL[number]}; nothing half-written "
            "is left: free some space and run the same command again"
        )
    why = os.strerror(number or errno.EIO)
    if number in _FAILING:
        return DiskError(
            f"{final}: a disk that can be written expected, got one that fails ({why}); nothing "
            "half-written is left: look after the disk, or name a place on another"
        )
    got, mend = {
        errno.ENOTDIR: ("a place below a file", "name a folder"),
        errno.EEXIST: ("a place below a file", "name a folder"),
        errno.ENAMETOOLONG: ("a name that is too long", "name another"),
        errno.EACCES: ("one in a folder without permission to write", "name another folder"),
        errno.EPERM: ("one in a folder without permission to write", "name another folder"),
        errno.EROFS: ("one on a disk that can only be read", "name another folder"),
    }.get(number or 0, (f"a place that fails ({why})", "name another folder"))
    return OutputError(f"{final}: a file that can be written expected, got {got}: {mend}")


def _reach_disk(path: Path) -> None:
    """Wait until the file is stored: some file systems find out only then that there is no room."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each stored by the one that it lies in."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _keep_names(folder.parent)


def _keep_names(folder: Path) -> None:
    """Wait until the names in a folder are stored: a rename lives in the folder, not in the file.

    Without it a machine that loses its power may come back with the old file, or with none.
    """
    if os.name != "posix":  # elsewhere folders cannot be opened
        return
    try:
        opened = os.open(str(folder), os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
    except OSError as error:
        if error.errno not in _NOTHING_TO_WAIT_FOR:
            raise


def _temporary_name(final: Path) -> str:
    stem, suffix = final.stem, final.suffix
    if len(os.fsencode(final.name)) > _LONGEST_STEM:
        stem = hashlib.sha256(os.fsencode(final.name)).hexdigest()[:16]
        suffix = suffix if len(os.fsencode(suffix)) <= _LONGEST_SUFFIX else ""
    process = "-".join(filter(None, (socket.gethostname(), numbering(), str(os.getpid()))))
    return f".{stem}.{process}.tmp{suffix}"


_ANYWHERE = re.compile(r"\..*-\d+\.tmp(\..*)?", re.DOTALL)
"""What :func:`_temporary_name` makes on whatever machine."""


def remove_leftovers(folder: str | os.PathLike[str], *, alone: bool = False) -> None:
    """Remove the temporaries of whatever file in ``folder`` whose process is no more.

    Args:
        folder: where they lie; it may be missing.
        alone: whether the caller knows that nobody else writes there (it holds a lock). Those of
            other machines and containers go then too, whose processes cannot be looked for from
            here.
    """
    if not Path(folder).is_dir():
        return
    # those of before their names held the numbering of processes are taken for this one's
    host, same = re.escape(socket.gethostname()), f"({numbering()}-)?" if numbering() else ""
    here = re.compile(rf"\..*\.{host}-{same}(?P<process>\d+)\.tmp(\..*)?", re.DOTALL)
    for entry in os.scandir(folder):
        match = here.fullmatch(entry.name)
        foreign = alone and _ANYWHERE.fullmatch(entry.name)
        stale = not alive(int(match["process"])) if match else foreign
        if stale:
            with suppress(PermissionError):  # another user's, in a folder such as /tmp
                Path(entry.path).unlink(missing_ok=True)


def disk_failed(error: BaseException) -> bool:
    """Whether an error tells of a disk that is full or fails."""
    number = error_number(error)
    return number in _FULL or number in _FAILING


def error_number(error: BaseException) -> int | None:
    """The system's number of an error: its own, or the one in HDF5's message."""
    number = getattr(error, "errno", None)
    if number is None:
        found = re.search(r"errno = (\d+)", str(error))
        number = int(found[1]) if found else None
    return number
