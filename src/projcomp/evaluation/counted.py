"""The table of a case, read and checked."""

from pathlib import Path

import pandas as pd

from projcomp.errors import FileFormatError
from projcomp.evaluation.evaluate import COLUMNS, TRUTHS
from projcomp.evaluation.read_table import check_rates, read_table
from projcomp.folder import Folder


def read_counted(
    path: str | Path, experiment: str | None = None, case: str | None = None
) -> pd.DataFrame:
    """The table of a case, as :func:`~projcomp.evaluation.evaluate.evaluate` writes it.

    Args:
        path: the file.
        experiment: the experiment that it must be of, if given.
        case: the case that it must be of, if given.

    Raises:
        FileFormatError: it is missing, damaged, or another case's.
    """
    table = read_table(path, COLUMNS, "evaluate")
    check_rates(table, TRUTHS, path, "evaluate")
    for column, wanted in {"experiment": experiment, "case": case}.items():
        other = table[column].dropna().unique() if wanted is not None else []
        if any(name != wanted for name in other):
            raise FileFormatError(
                f"{path}: expected the {column} {wanted}, got a table of {', '.join(other)}; "
                "run evaluate again"
            )
    return table


def counted_of(folder: Folder, experiment: str, case: str, number: int) -> pd.DataFrame:
    """The table of a case of a run, a row for each of its ``number`` images.

    Raises:
        FileFormatError: it is missing, damaged, another case's, or has more rows or fewer.
    """
    path = folder.counted(experiment, case)
    table = read_counted(path, experiment, case)
    if len(table) != number:
        raise FileFormatError(
            f"{path}: expected a row for each of {number} images, got {len(table)}; "
            "run evaluate again"
        )
    return table
