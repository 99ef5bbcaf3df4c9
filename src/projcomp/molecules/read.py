"""Files of molecules: one SMILES a line, or a column of a CSV."""

import csv
import io
from pathlib import Path

from projcomp.errors import ConfigError, FileFormatError
from projcomp.files.inputs import check_input

COLUMN = "smiles"
"""The column of a CSV that is read where none is named."""

MOST_SIGNS = 5_000
"""Of one SMILES: RDKit would take very long for a longer one, and no drug has one."""

_EXPECTED = "molecules (one SMILES a line, or a .csv with a column of them)"


def read_smiles(path: Path, column: str | None = None) -> list[str]:
    """The SMILES of a file, in its order, as they stand there.

    An empty line, or an empty cell, is a sample without a molecule.

    Args:
        path: a text file, or a CSV (by its suffix) with a header.
        column: which column of a CSV; ``smiles`` by default, in capitals or not.

    Raises:
        ConfigError: a column is named, and the file is no CSV.
        FileFormatError: the file is missing, empty, no text in UTF-8, or holds something else than
            one SMILES a line; a CSV has no such column, or rows of other lengths.
    """
    check_input(path, _EXPECTED, "name a file of molecules")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise FileFormatError(
            f"{path}: {_EXPECTED} expected, got bytes that are no text in UTF-8: save it as text"
        ) from None
    if path.suffix.lower() == ".csv":
        found = _cells(path, text, column)
    elif column is not None:
        raise ConfigError(
            f"--column: a .csv expected, got {path}; leave the column out, or name the file so"
        )
    else:
        found = _lines(path, text)
    if not found:
        raise FileFormatError(f"{path}: {_EXPECTED} expected, got none: name another file")
    longest = max(map(len, found))
    if longest > MOST_SIGNS:
        raise FileFormatError(
            f"{path}: SMILES of at most {MOST_SIGNS:,} signs expected, got one of {longest:,}: "
            "is this a file of molecules?"
        )
    return found


def _lines(path: Path, text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines()]
    for number, line in enumerate(lines, 1):
        # no SMILES has a blank or a comma; names beside it would else count as no molecules
        if len(line.split()) > 1 or "," in line or line.lower() == COLUMN:
            raise FileFormatError(
                f"{path}, line {number}: one SMILES a line expected, got {_short(line)}: take "
                "headers and names away, or save a .csv with a column of SMILES"
            )
    return lines


def _cells(path: Path, text: str, column: str | None) -> list[str]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(rows, [])
        index = _index(path, header, column)
        found = []
        for row in rows:
            if row and len(row) != len(header):
                raise FileFormatError(
                    f"{path}, line {rows.line_num}: {len(header)} columns expected, as its header "
                    f"has, got {len(row)}: quote cells with commas in them"
                )
            if row:  # what is empty altogether is no row of a CSV
                found.append(row[index].strip())
    except csv.Error as error:
        raise FileFormatError(
            f"{path}, line {rows.line_num}: a CSV expected, got what is none ({error}): save it "
            "again, with cells in double quotes where they hold commas"
        ) from None
    return found


def _index(path: Path, header: list[str], column: str | None) -> int:
    """Where the column stands."""
    names = [name.strip() for name in header]
    known = names if column else [name.lower() for name in names]
    wanted = column or COLUMN
    if known.count(wanted) != 1:
        got = "several of that name" if wanted in known else ", ".join(names) or "no header"
        raise FileFormatError(
            f"{path}: a column {wanted!r} expected, got {_short(got)}: name the column of SMILES "
            "with --column"
        )
    return known.index(wanted)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
