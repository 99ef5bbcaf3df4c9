"""What became of requests for attributes, beside the truth, exact models and chance.

Of an image one of five things is found (``evaluation/binding.py``): the right objects; all that
was asked for, but not on the objects that should have it; some of it, and an object too few; some
of it otherwise; nothing of it. Chance is how often the pictures that the models learned from are
right, of which nothing was requested.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from projcomp.conditions.holding import holding
from projcomp.conditions.table import Table
from projcomp.data.objects import read_shares
from projcomp.evaluation.binding import OUTCOMES
from projcomp.evaluation.counted import read_counted
from projcomp.evaluation.intervals import rate_columns
from projcomp.folder import Folder

if TYPE_CHECKING:
    from projcomp.settings.case import Wanted
    from projcomp.settings.report import TableSettings

_RATES = (*OUTCOMES, "success", "unsure")
COLUMNS = [
    "experiment",
    "case",
    "num_samples",
    *(f"{rate}{end}" for rate in _RATES for end in ("", "_low", "_high")),
    "chance",
]
"""One row per experiment and case, and a row ``all`` per experiment, the means over its cases.
``success`` is right, with no further object; ``unsure`` are images that the detector doubts. Rates
of cases have Wilson intervals."""

MOST = 2_000
"""Pictures in which chance is counted, at most."""


def table(settings: "TableSettings", folder: Folder) -> pd.DataFrame:
    """One row per case of an experiment, of its exact twin and of the truth.

    Raises:
        FileFormatError: a table or a dataset is missing or damaged.
    """
    paths = {Path(folder.index(name)): share for name, share in settings.datasets.items()}
    pictures = [picture for part in read_shares(paths, MOST) for picture in _each(part.table)]
    chances = {
        name: _chance(pictures, asked, settings.radius) for name, asked in settings.asked.items()
    }
    rows: list[dict[str, Any]] = []
    for experiment, names in settings.cases.items():
        found = [_row(settings, folder, experiment, name) for name in names]
        found = [row | {"chance": chances[row["case"]]} for row in found]
        means = {key: np.mean([row[key] for row in found]) for key in (*_RATES, "chance")}
        total = sum(row["num_samples"] for row in found)
        rows += [*found, {"experiment": experiment, "case": "all", "num_samples": total, **means}]
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def _row(settings: "TableSettings", folder: Folder, experiment: str, name: str) -> dict[str, Any]:
    counted = read_counted(folder.counted(experiment, name), experiment, name)
    found = {outcome: counted["outcome"] == outcome for outcome in OUTCOMES}
    found |= {rate: counted[rate] == 1 for rate in ("success", "unsure")}
    row: dict[str, Any] = {"experiment": experiment, "case": name, "num_samples": len(counted)}
    for rate, values in found.items():
        row |= rate_columns(rate, int(values.sum()), len(counted), settings.confidence)
    return row


def _each(table: Table) -> Iterator[Table]:
    """The pictures of a table one by one."""
    for number in range(len(table["there"])):
        yield {field: values[number : number + 1] for field, values in table.items()}


def _chance(pictures: list[Table], asked: "list[Wanted]", radius: float) -> float:
    """How often pictures of which nothing was requested are right."""
    if not pictures:
        return float("nan")
    return float(np.mean([len(holding(one, asked, radius)) == len(asked) for one in pictures]))
