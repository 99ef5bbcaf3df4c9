"""What a user wrote, as it goes into a message: one line, nothing that moves a cursor, not long."""

import os

LONGEST = 60


def short(text: object, most: int = LONGEST) -> str:
    """``text`` on one line, signs that do not print written out, cut to ``most`` letters."""
    line = " ".join(str(text)[: 4 * most].split())
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
    return line if len(line) <= most else line[: most - 3] + "..."


def brief(label: str) -> str:
    """A label among others in a sentence or a figure; it may be a whole page."""
    return short(label, 30)


def quoted(text: str, most: int = LONGEST) -> str:
    """The same in quotes, blanks kept."""
    return short(repr(text[: 4 * most]), most)


def in_utf8(name: str) -> str:
    """A file's name whose bytes may be no UTF-8: those that are none are written out in digits."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def first_line(error: BaseException) -> str:
    """What ``error`` says, on one line; its type where it says nothing."""
    told = str(error)
    if isinstance(error, KeyError) and error.args:  # which quotes what it says
        told = str(error.args[0])
        if told and not any(c.isspace() for c in told):  # a key, and no sentence of h5py
            told = f"no {told}"
    lines = told.strip().splitlines()
    return short(lines[0], 5 * LONGEST) if lines else type(error).__name__
