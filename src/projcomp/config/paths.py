"""Which folders a run may lie in: their names go through a shell, Snakemake and the file system.

Rules hand paths to their shell line as they are, so a path holds nothing that a shell would read.
(Quoting them in the rules would do as well, but Snakemake runs a job again when the text of its
rule changes: everybody's finished runs would start anew.)
"""

import os
import re
import unicodedata
from pathlib import Path

from projcomp.words import quoted

MAX_NAME = 200
"""Bytes of a name of the config; files made of it have up to 55 more, and a name may have 255."""

MAX_ROOT = 1024
"""Bytes of the root's absolute path. A system takes 4096 of a path (macOS 1024 of its own), and
Snakemake notes each file under an encoded path that is a third longer."""

_PLAIN = set("/._-+=,@%:~#!^")
_FIRST = ("-", "#", "~")
"""Signs that a shell or a command reads at the beginning of a word."""


def normal_path(path: str) -> str:
    """``path`` without what says nothing: ``./x`` and ``x//y/`` become ``x`` and ``x/y``.

    ``..`` stays: behind a link it means something else than the text before it.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    start = "/" if path.startswith("/") else ""
    if not start and parts and parts[0].startswith(_FIRST) and path.startswith("./"):
        start = "./"  # which keeps a shell and a command from reading what follows
    return (start + "/".join(parts)) or "."


def root_problem(root: str) -> str | None:
    """Why a run cannot lie in the folder ``root``, as the rest of a line; None if it can."""
    odd = [character for character in root if not _plain(character)]
    if odd:
        shown = "a blank" if odd[0].isspace() else repr(odd[0])
        return (
            "expected a path without blanks, quotes, brackets and other signs that a shell reads "
            f"($ & ; | < > * ? \\ `), got {shown} in {quoted(root)}; rename the folder"
        )
    if re.match(r"[A-Za-z][A-Za-z0-9+]+:/", root):
        return f"expected a folder of this machine, got the address {quoted(root)}"
    if re.search("[=:]~", root):
        return f"expected a path without ~ after = or :, got {quoted(root)}; rename the folder"
    if root.startswith(_FIRST):
        whole = os.path.expanduser(root)
        mend = f"write {whole}" if whole != root else "rename the folder"
        return f"expected a path that does not begin with {root[0]}, got {quoted(root)}; {mend}"
    return _system_problem(root)


def _plain(character: str) -> bool:
    """Whether a shell, Snakemake's patterns and people read a character as itself."""
    if character.isascii():
        return character.isalnum() or character in _PLAIN
    return unicodedata.category(character)[0] not in "ZC"


def _system_problem(root: str) -> str | None:
    """Whether the file system could hold the folder, and a folder it is if it is there already."""
    names = root.split("/")
    longest = max(names, key=lambda name: len(os.fsencode(name)))
    if len(os.fsencode(longest)) > 255:
        return f"expected names of at most 255 bytes, got {len(os.fsencode(longest))}"
    whole = len(os.fsencode(os.path.abspath(root)))
    if whole > MAX_ROOT:
        return f"expected a path of at most {MAX_ROOT} bytes, got one of {whole}; shorten it"
    folder = Path(root)
    for part in (folder, *folder.parents):
        if os.path.isdir(part):
            return None
        if os.path.lexists(part):
            kind = "a file" if os.path.isfile(part) else "no folder"
            return f"expected a folder, got {quoted(str(part))}, which is {kind}; name another"
    return None
