"""What a run has counted so far, as text for a terminal.

It reads the tables of single cases, so that a run need not have ended.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from projcomp.errors import UserError
from projcomp.evaluation.counted import read_counted
from projcomp.evaluation.intervals import wilson
from projcomp.folder import Folder
from projcomp.settings.case import TRUTH

RATES = {
    "success": "success",
    "all_places": "all places",
    "exact_count": "exact count",
    "unsure": "unsure",
}
"""Rates of a case, and their headings."""

HEAD = ["experiment", "case", "images", *RATES.values(), "mean count"]


def so_far(folder: Folder, experiments: Sequence[str], confidence: float) -> str:
    """A line for each experiment, or of the named ones a line for each case.

    Rates have Wilson intervals; an experiment's are over the images of all its cases. Empty is what
    was not requested.

    Args:
        folder: of the run.
        experiments: their names; none for all of them.
        confidence: of the intervals.

    Raises:
        UserError: nothing was counted yet, or nothing of an experiment of that name.
        FileFormatError: a table is damaged.
    """
    found = _counted_files(folder)
    if not found:
        raise UserError(
            f"{folder.root}: expected the folder of a run with counted cases (results/A/k1.csv), "
            "got none; run snakemake, or name the run's root by --root"
        )
    for name in experiments:
        if name not in found:
            near = get_close_matches(name, found) or sorted(found)[:3]
            raise UserError(
                f"experiment {name}: expected one with counted cases ({', '.join(near)}, ...), got "
                "none of it; projcomp results alone has all of them"
            )
    rows = []
    for name in experiments or sorted(found, key=lambda name: (name == TRUTH, name)):
        tables = [read_counted(path, name) for path in found[name]]
        tables.sort(key=lambda table: (table["num_composed"].iloc[0], table["case"].iloc[0]))
        if experiments:
            parts = [(table["case"].iloc[0], table) for table in tables]
        else:
            parts = [(f"{len(tables)} case{'s' * (len(tables) > 1)}", pd.concat(tables))]
        rows += [[name, case, *_cells(table, confidence)] for case, table in parts]
    return "\n".join(_aligned([HEAD, *rows]))


def _counted_files(folder: Folder) -> dict[str, list[Path]]:
    """The tables of cases by experiment."""
    found: dict[str, list[Path]] = {}
    # a name with a star is a pattern
    for path in sorted(Path(folder.root).glob(Folder("").counted("*", "*"))):
        if path.parent != Path(folder.exact("any")).parent:
            found.setdefault(path.parent.name, []).append(path)
    return found


def _cells(table: pd.DataFrame, confidence: float) -> Iterable[str]:
    yield str(len(table))
    for rate in RATES:
        values = table[rate].dropna()
        if values.empty:
            yield ""
            continue
        low, high = wilson(int(values.sum()), len(values), confidence)
        yield f"{values.mean():.2f} [{low:.2f}, {high:.2f}]"
    yield f"{table['num_objects'].mean():.2f}"


def _aligned(rows: list[list[str]]) -> list[str]:
    """Words from the left, numbers from the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if number < 2 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
