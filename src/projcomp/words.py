"""What a user wrote, as it goes into a message: one line, nothing that moves a cursor, not long."""

LONGEST = 60


def short(text: object, most: int = LONGEST) -> str:
    """``text`` on one line, signs that do not print written out, cut to ``most`` letters."""
    line = " ".join(str(text)[: 4 * most].split())
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
    return line if len(line) <= most else line[: most - 3] + "..."


def quoted(text: str, most: int = LONGEST) -> str:
    """The same in quotes, blanks kept."""
    return short(repr(text[: 4 * most]), most)
