"""Whether a file can be read at all, found out without waiting for it: a pipe would hang."""

import errno
import os
import stat
from pathlib import Path

from projcomp.errors import FileFormatError

PathLike = str | os.PathLike[str]

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISLNK, "a link"),
)

_MENDS = {
    errno.EACCES: "ask its owner for permission to read it (ls -l shows who may)",
    errno.EPERM: "ask its owner for permission to read it (ls -l shows who may)",
    errno.EMFILE: "let a process open more of them (ulimit -n)",
    errno.ENFILE: "close other programs",
    errno.EIO: "look after the disk or the network that it lies on",
    errno.ESTALE: "look after the network that it lies on",
    errno.ELOOP: "mend the links",
}


def check_input(path: PathLike, expected: str, mend: str, missing: str = "no file") -> None:
    """Refuse what is no regular file that may be read, before anything opens it.

    Args:
        path: the file; a link to one will do.
        expected: what it should be, as in "a table".
        mend: what to do where there is no file.
        missing: what to call that.

    Raises:
        FileFormatError: it is missing, a folder, a pipe, a device, or may not be read.
    """
    try:
        kind = kind_of_place(os.stat(path).st_mode)
        if kind is None:
            with Path(path).open("rb"):
                return
    except OSError as error:
        raise unreadable(path, expected, error, mend, missing) from None
    raise FileFormatError(f"{path}: {expected} expected, got {kind}: name a file")


def unreadable(
    path: PathLike, expected: str, error: OSError, mend: str, missing: str = "no file"
) -> FileFormatError:
    """What to say of a file that the system does not open."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
        link = os.path.islink(path)
        got = f"a link to {os.readlink(path)}, which is not there" if link else missing
    else:
        got = f"one that cannot be read ({os.strerror(error.errno or errno.EIO)})"
        mend = _MENDS.get(error.errno or errno.EIO, mend)
    return FileFormatError(f"{path}: {expected} expected, got {got}: {mend}")


def kind_of_place(mode: int) -> str | None:
    """What stands at a place, by its ``st_mode``; None for a regular file."""
    if stat.S_ISREG(mode):
        return None
    return next((name for test, name in _KINDS if test(mode)), "something that is no file")
