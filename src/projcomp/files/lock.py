"""One holder at a time: a lock that the system takes back at whatever death of its holder.

A file that merely stands there, as Snakemake's own locks do, outlives a process that was killed,
and nobody can tell it from that of one that runs.
"""

import errno
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from projcomp.errors import LockedError, OutputError

_IN_THE_WAY = "remove the file or link that stands where its folder should be"
_MENDS = {
    errno.EEXIST: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EISDIR: "remove the folder of that name",
    errno.ELOOP: "remove the link of that name",
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
}
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)
"""What file systems say that have no locks, some of them of a network."""


@contextmanager
def held(
    path: str | os.PathLike[str], locked: str, wait: Callable[[str], None] | None = None
) -> Iterator[bool]:
    """Hold the lock ``path`` inside; the file stays, since another process may have it open.

    Args:
        path: the file of the lock; it says who holds it, or did last.
        locked: what is held, and what to do where another process has it, for the message.
        wait: told who has it, before waiting for its end; None to refuse instead.

    Yields:
        Whether the lock is held: not every file system has locks.

    Raises:
        LockedError: another process has it, and ``wait`` is None.
        OutputError: the file cannot be made.
    """
    file = _opened(Path(path))
    try:
        yield _lock(file, locked, wait)
    finally:
        os.close(file)


def _opened(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    except OSError as error:
        mend = _MENDS.get(error.errno or 0, "make its folder writable")
        raise OutputError(
            f"{path}: a file that can be written expected, got a place that cannot "
            f"({error.strerror}): {mend}, or choose another root"
        ) from None


def try_lock(file: int, *, wait: bool = False, shared: bool = False) -> bool | None:
    """Lock an open file, until it is closed or this process ends.

    Args:
        file: its descriptor.
        wait: whether to wait for the end of who has it.
        shared: with all others who share it, and with nobody else.

    Returns:
        Whether it is locked now; None where there are no locks.

    Raises:
        OSError: the lock fails for another reason.
    """
    try:
        import fcntl
    except ImportError:  # not a system with such locks
        return None
    try:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(file, kind | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return None
    return True


def _lock(file: int, locked: str, wait: Callable[[str], None] | None) -> bool:
    taken = try_lock(file)
    if taken is None:
        return False
    if not taken:
        holder = os.pread(file, 200, 0).decode("utf-8", "replace").strip() or "unknown"
        if wait is None:
            raise LockedError(f"{locked} (held by {holder})")
        wait(holder)
        try_lock(file, wait=True)
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    with suppress(OSError):  # a full disk: the lock is held all the same
        os.ftruncate(file, 0)
        os.pwrite(
            file, f"process {os.getpid()} on {socket.gethostname()} since {since}\n".encode(), 0
        )
        os.fsync(file)  # jobs on other machines read it, and the file stays open
    return True
