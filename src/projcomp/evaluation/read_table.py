"""Reading the tables of the evaluation."""

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from projcomp.errors import FileFormatError
from projcomp.files.inputs import check_input
from projcomp.words import first_line

TEXT = (
    "experiment",
    "case",
    "colors",
    "outcome",
    "objects",
    "dataset",
    "part",
    "told",
    "operator",
    "sampler",
    "panel",
    "setting",
    "quantity",
    "measure",
)
"""Columns that hold words; all others hold numbers."""


_AS_WRITTEN: Any = {"keep_default_na": False, "na_values": [""]}
"""An experiment may be called NA or None; what is missing is written as nothing."""


def read_table(
    path: str | Path, columns: Sequence[str], maker: str, text: Sequence[str] = ()
) -> pd.DataFrame:
    """The CSV file ``path``, which must have ``columns`` and at least one row.

    Args:
        path: the file.
        columns: columns it must have; it may have more.
        maker: what to run again when it is not as expected, for the message.
        text: those of ``columns`` that hold words, besides TEXT; all others must hold numbers.

    Raises:
        FileFormatError: it is missing, damaged, empty, lacks a column, or has words for numbers.
    """
    if not os.path.lexists(path):
        raise FileFormatError(f"{path}: expected a table, got no such file; run {maker}")
    check_input(path, "a table", f"run {maker}")
    try:
        content = Path(path).read_text(encoding="utf-8")
        lack = _ragged(content)
        how: Any = _AS_WRITTEN | {"dtype": dict.fromkeys((*TEXT, *text), str)}
        table = pd.DataFrame() if lack else pd.read_csv(io.StringIO(content), **how)
    except (ValueError, csv.Error) as error:
        raise _wrong(path, first_line(error), maker) from None
    missing = [name for name in columns if name not in table.columns]
    if lack:
        raise _wrong(path, lack, maker)
    if missing or table.empty:
        lack = f"no column {', '.join(missing)}" if missing else "no rows"
        raise _wrong(path, f"one with {lack}", maker)
    for name in columns:
        if name not in (*TEXT, *text) and table[name].dtype.kind not in "biuf":
            odd = next(value for value in table[name] if not _is_number(value))
            raise _wrong(path, f"one with {odd!r} for a number in {name}", maker)
    return table


def check_rates(table: pd.DataFrame, columns: Sequence[str], path: str | Path, maker: str) -> None:
    """Refuse a table whose truth values are no such values; they may be missing.

    Raises:
        FileFormatError: one of them is neither 0 nor 1.
    """
    for name in columns:
        odd = set(table[name].dropna()) - {0, 1}
        if odd:
            raise _wrong(path, f"one with {min(odd)} for 0 or 1 in {name}", maker)


def _wrong(path: str | Path, got: str, maker: str) -> FileFormatError:
    return FileFormatError(f"{path}: expected a table, got {got}; run {maker} again")


def _ragged(content: str) -> str:
    """What is wrong with the rows' lengths; pandas would fill short rows and shift long ones."""
    if "\0" in content:
        return "one with bytes that are no text"
    rows = csv.reader(io.StringIO(content), strict=True)
    width = len(next(rows, []))
    for row in rows:
        if len(row) not in (0, width):
            return f"one with {len(row)} fields in line {rows.line_num}, not {width}"
    return ""


def _is_number(value: object) -> bool:
    """Whether pandas reads it as one, which Python's own ``float`` does of more: of 1_000, say."""
    return not isinstance(value, str) or bool(pd.notna(pd.to_numeric(value, errors="coerce")))
