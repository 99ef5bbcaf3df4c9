"""One row per case, with intervals, from the tables of one row per image."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from projcomp import seeds
from projcomp.errors import FileFormatError
from projcomp.evaluation.corrected import CORRECTED, corrected_measure, read_check
from projcomp.evaluation.counted import read_counted
from projcomp.evaluation.intervals import bootstrap_mean, wilson
from projcomp.evaluation.read_table import read_table
from projcomp.files.atomic import atomic_path
from projcomp.folder import Folder
from projcomp.settings.case import TRUTH

if TYPE_CHECKING:
    from projcomp.settings.stages import SummarySettings

MEANS = {
    "mean_count": "num_objects",
    "places_hit": "places_hit",
    "place_distance": "place_distance",
    "extra_objects": "extra_objects",
}
"""Means with bootstrap intervals, and the columns they are means of."""

MEASURES = (
    "mean_count",
    "exact_count",
    "all_places",
    "places_hit",
    "place_distance",
    "extra_objects",
    "all_colors",
    "success",
    "accepted",
    "unsure",
)
"""Measures of the summary; each has the columns M, M_low and M_high, empty where not asked for. All
but MEANS are rates, with Wilson intervals; ``accepted`` is CompLift's (``tables/selected.py``),
``unsure`` the share of images that the detector doubts."""

ENDS = ("", "_low", "_high")
"""Of the columns of a measure: itself, and its interval."""

CORRECTED_COLUMNS = [f"{measure}_corrected{end}" for measure in CORRECTED for end in ENDS]
"""Measures corrected for the detector's own errors; empty where ``check.csv`` has no such renders.
"""

COSTS = ("network_evaluations", "seconds", "acceptance", "effective_size")
"""Means over a case's images without intervals, empty where the sampler has no such thing."""


def summarize(
    tables: Sequence[Path], settings: "SummarySettings", out: Path, check: Path | None = None
) -> None:
    """Write one row per case: experiment, case, num_composed, num_samples, MEASURES and COSTS.

    Last are CORRECTED_COLUMNS, by the errors of the detector's ``check``, if given.

    Rows are sorted by experiment (the truth last), number of composed conditions, and case.

    Raises:
        FileFormatError: a table is missing, damaged, or holds more than one case.
    """
    errors = read_check(check) if check else None
    counted = [read_counted(path) for path in tables]
    truths = {
        case: table
        for table in counted
        for case in table.loc[table["experiment"] == TRUTH, "case"].unique()
    }
    rows = [
        summarize_case(table, settings, path, errors, truths)
        for table, path in zip(counted, tables, strict=True)
    ]
    seen: dict[tuple[str, str], Path] = {}
    for path, row in zip(tables, rows, strict=True):
        first = seen.setdefault((row["experiment"], row["case"]), path)
        if first != path:
            raise FileFormatError(
                f"{path}: expected a case of its own, got {row['case']} of {row['experiment']} "
                f"as in {first}; run evaluate again"
            )
    rows.sort(
        key=lambda row: (
            row["experiment"] == TRUTH,
            row["experiment"],
            row["num_composed"],
            row["case"],
        )
    )
    with atomic_path(out) as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False, float_format="%.6g")


def summarize_case(
    table: pd.DataFrame,
    settings: "SummarySettings",
    path: Path | str = "table",
    check: pd.DataFrame | None = None,
    truths: Mapping[str, pd.DataFrame] | None = None,
) -> dict[str, Any]:
    """The summary row of one case's table; ``path`` names it in messages.

    For CORRECTED_COLUMNS ``check`` has the detector's errors by ``num_objects``, and ``truths``
    what was counted of rendered cases, by case. Bootstrap resamples come from the stream (seed,
    "bootstrap", experiment, case, measure), so that a row does not depend on which other cases
    there are.

    Raises:
        FileFormatError: the table holds more than one case.
    """
    keys = table[["experiment", "case", "num_composed"]].drop_duplicates()
    if len(keys) != 1:
        raise FileFormatError(
            f"{path}: expected images of one case, got {len(keys)} cases; run evaluate again"
        )
    experiment, case, num_composed = keys.iloc[0].tolist()
    row: dict[str, Any] = {
        "experiment": experiment,
        "case": case,
        "num_composed": int(num_composed),
        "num_samples": len(table),
    }
    for measure in MEASURES:
        values = table[MEANS.get(measure, measure)].dropna().to_numpy(dtype=float)
        middle, low, high = float("nan"), float("nan"), float("nan")
        if len(values):
            middle = float(values.mean())
            if measure not in MEANS:
                low, high = wilson(round(values.sum()), len(values), settings.confidence)
            else:
                rng = seeds.generator(settings.seed, "bootstrap", experiment, case, measure)
                low, high = bootstrap_mean(values, settings.confidence, settings.bootstrap, rng=rng)
        row |= {measure: middle, f"{measure}_low": low, f"{measure}_high": high}
    row |= {cost: table[cost].mean() for cost in COSTS}
    if check is not None:
        truth = (truths or {}).get(case) if experiment != TRUTH else None
        for measure in CORRECTED:
            found = corrected_measure(
                table[measure].to_numpy(dtype=float),
                measure,
                row["num_composed"],
                check,
                settings.confidence,
                truth[measure].to_numpy(dtype=float) if truth is not None else None,
            )
            row |= dict(zip((f"{measure}_corrected{end}" for end in ENDS), found, strict=True))
    return row


def read_summary(folder: Folder, experiment: str, cases: list[str]) -> pd.DataFrame:
    """The rows of ``results/summary.csv`` of the given cases, by number of composed conditions.

    Raises:
        FileFormatError: the summary is missing or damaged, or lacks a case.
    """
    path = folder.summary()
    columns = ["experiment", "case", "num_composed", *MEASURES, *COSTS]
    table = read_table(path, columns, "summarize")
    table = table.query("experiment == @experiment and case in @cases")
    lacking = sorted(set(cases) - set(table["case"]))
    if lacking:
        raise FileFormatError(
            f"{path}: expected cases {', '.join(lacking)} of {experiment}, got no such rows; "
            "run summarize again"
        )
    return table.sort_values("num_composed")
