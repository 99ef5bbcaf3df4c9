"""Atomic writes: a file appears under its final name complete, or not at all."""

import errno
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from projcomp.errors import DiskError

_FULL = {errno.ENOSPC: "a full disk", errno.EDQUOT: "a full quota", errno.EFBIG: "a size limit"}


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it is renamed to ``path``, else removed.

    The temporary name keeps the suffix (writers such as matplotlib choose the format by it) and
    holds machine and process, so that no two processes share one, and so that what a killed
    process has left behind is known as such and removed by the next one that writes ``path``.

    Raises:
        DiskError: there is no room for the file.
    """
    final = Path(path)
    temporary = final.with_name(_temporary_name(final, str(os.getpid())))
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(final)
        yield temporary
        _reach_disk(temporary)
        os.replace(temporary, final)
    except (OSError, RuntimeError) as error:  # h5py raises either, depending on what failed first
        full = _what_is_full(error)
        if full is None:
            raise
        raise DiskError(
            f"{final}: room to write the file expected, got {full}; nothing half-written is left: "
            "free some space and run the same command again"
        ) from error
    finally:
        # closing what could not be written may have failed too
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _reach_disk(path: Path) -> None:
    """Wait until the file is stored: some file systems find out only then that there is no room."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` to ``path`` atomically, as UTF-8."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _temporary_name(final: Path, process: str) -> str:
    return f".{final.stem}.{socket.gethostname()}-{process}.tmp{final.suffix}"


def _remove_leftovers(final: Path) -> None:
    """Remove temporaries of ``final`` whose process, on this machine, is no more."""
    ours = re.compile(re.escape(_temporary_name(final, "\0")).replace("\0", r"(\d+)"))
    for entry in os.scandir(final.parent):
        match = ours.fullmatch(entry.name)
        if match and not _alive(int(match[1])):
            Path(entry.path).unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _what_is_full(error: BaseException) -> str | None:
    """Which lack of room an error tells of: by its number, or by HDF5's message."""
    number = getattr(error, "errno", None)
    if number is None:
        found = re.search(r"errno = (\d+)", str(error))
        number = int(found[1]) if found else None
    return _FULL.get(number) if number is not None else None
