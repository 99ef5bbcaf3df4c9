"""Reading the tables of the evaluation."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from projcomp.errors import FileFormatError


def read_table(path: Path, columns: Sequence[str], maker: str) -> pd.DataFrame:
    """The CSV file ``path``, which must have ``columns`` and at least one row.

    Args:
        path: the file.
        columns: columns it must have; it may have more.
        maker: what to run again when it is not as expected, for the message.

    Raises:
        FileFormatError: it is missing, damaged, empty, or lacks a column.
    """
    if not Path(path).is_file():
        raise FileFormatError(f"{path}: expected a table, got no such file; run {maker}")
    try:
        table = pd.read_csv(path, dtype={"case": str, "experiment": str, "colors": str})
    except (ValueError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise FileFormatError(
            f"{path}: expected a table, got {reason}; run {maker} again"
        ) from None
    missing = [name for name in columns if name not in table.columns]
    if missing or table.empty:
        lack = f"no column {', '.join(missing)}" if missing else "no rows"
        raise FileFormatError(f"{path}: expected a table, got one with {lack}; run {maker} again")
    return table
