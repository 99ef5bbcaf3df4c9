"""What a command may write over: nothing that it reads, and nothing of another kind than it makes.

Nor may it write into a folder that it reads, where its output would be an input next time.

Snakemake removes a job's outputs before it runs the job, so this is for commands run by
hand.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from projcomp.errors import OutputError
from projcomp.files.atomic import check_place
from projcomp.files.contents import EMPTY, HDF5, what_is

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Kind:
    """A kind of file that a command makes.

    Attributes:
        name: in words, as in "a contact sheet".
        is_one: whether an existing regular file, not empty, is one.
    """

    name: str
    is_one: Callable[[Path], bool]


def check_output(path: PathLike, kind: Kind, inputs: Iterable[PathLike] = ()) -> None:
    """Refuse, before any work, an output that cannot be written or must not be replaced.

    Args:
        path: the file that would be written.
        kind: what it would be; a file that is there already must be one too, or empty.
        inputs: files, and folders of them, that the command reads.

    Raises:
        OutputError: ``path`` is an input or lies in one, is no regular file, a file of another
            kind, or cannot be written.
    """
    path, inputs = Path(path), list(inputs)
    check_place(path)
    for given in inputs:
        if Path(given).is_dir() and Path(given).resolve() in path.resolve().parents:
            raise OutputError(
                f"{path}: a place outside of {given} expected, got one among the command's own "
                "inputs: name another folder"
            )
    if not path.exists():
        return
    for given in inputs:
        if _same(path, given):
            raise OutputError(
                f"{path}: {kind.name} to write expected, got the command's own input: "
                "name another file"
            )
    there, mend = _there(path)
    if there != EMPTY and not _is_one(kind, path):
        raise OutputError(f"{path}: {kind.name} to replace expected, got {there}: {mend}")


def check_outputs(folder: PathLike, kinds: Mapping[str, Kind]) -> None:
    """:func:`check_output` of every file that a command writes into ``folder``, by name.

    Raises:
        OutputError: one of them cannot be written or must not be replaced.
    """
    for name, kind in kinds.items():
        check_output(Path(folder) / name, kind)


def check_apart(path: PathLike, other: PathLike, flag: str) -> None:
    """Refuse two outputs at one place.

    Args:
        path: one of them.
        other: the other one.
        flag: the option that names ``path``.

    Raises:
        OutputError: they are one.
    """
    if os.path.realpath(path) == os.path.realpath(other) or _same(Path(path), other):
        raise OutputError(f"{flag}: another place than {other} expected, got the same: name two")


def _is_one(kind: Kind, path: Path) -> bool:
    with suppress(OSError, RuntimeError, ValueError, KeyError, RecursionError):
        return kind.is_one(path)
    return False


def _same(path: Path, other: PathLike) -> bool:
    with suppress(OSError):
        return os.path.samefile(path, other)
    return False


_OTHER = "name another file, or move this one away"


def _there(path: Path) -> tuple[str, str]:
    """What is at ``path`` now, in words, and how to mend that."""
    try:
        found = what_is(path)
    except OSError as error:
        return f"a file that cannot be read ({error.strerror})", _OTHER
    if found != HDF5:
        return found, _OTHER
    from projcomp.data.hdf5 import unlockable

    try:
        kind, _ = hdf5_attributes(path)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        return unlockable(error) or ("an HDF5 file that cannot be opened", _OTHER)
    ours = kind.startswith("projcomp ")
    return (f"a {kind} file" if ours else "an HDF5 file of another kind"), _OTHER


def hdf5_attributes(path: Path) -> tuple[str, list[str]]:
    """The kind that an HDF5 file tells, empty where it tells none, and its attributes' names."""
    import h5py

    from projcomp.data.hdf5 import is_broken, text

    with h5py.File(path, "r") as file:
        if is_broken(path):
            raise OSError(f"{path} is damaged")
        return text(file, "kind"), list(file.attrs)
