"""A sweep's operators and samplers side by side: success and cost of every case."""

from typing import TYPE_CHECKING

import pandas as pd

from projcomp.evaluation.summary import (
    CORRECTED_COLUMNS,
    COSTS,
    ENDS,
    MEASURES,
    read_summary,
)
from projcomp.folder import Folder

if TYPE_CHECKING:
    from projcomp.settings.report import TableSettings

# what CompLift judges is in no sweep's table
_OWN = [measure for measure in MEASURES if measure != "accepted"]
_MEASURES = [f"{measure}{end}" for measure in _OWN for end in ENDS]
COLUMNS = ["case", "operator", "sampler", "num_samples", *COSTS, *_MEASURES]
COLUMNS += CORRECTED_COLUMNS
"""Columns of the table, as of the summary, but for the names of operator and sampler."""


def table(settings: "TableSettings", folder: Folder) -> pd.DataFrame:
    """The sweep's rows of ``results/summary.csv``, case by case, the cheapest first.

    Raises:
        FileFormatError: the summary is missing or damaged, or lacks a case.
    """
    rows = []
    for experiment, (operator, sampler) in settings.members.items():
        found = read_summary(folder, experiment, settings.cases[experiment])
        rows.append(found.assign(operator=operator, sampler=sampler))
    everything = pd.concat(rows, ignore_index=True)
    order = ["num_composed", "case", "network_evaluations", "operator", "sampler"]
    return everything.sort_values(order).reindex(columns=pd.Index(COLUMNS))
