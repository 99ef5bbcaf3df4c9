"""Everything that composes locations, ranked where it can be compared: success beside its cost.

What is compared answers the same requests: the same set of places, the same number of them, and the
same kind of model, for exact models are no rivals of networks but their ceiling. Where clutter is
composed another picture is right than k objects and nothing else (``evaluation/bayes_counts.py``),
so that these have a ranking of their own, by all places, with the right counts beside theirs.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from projcomp.evaluation.counted import read_counted
from projcomp.evaluation.intervals import difference_of_rates
from projcomp.evaluation.read_table import read_table
from projcomp.evaluation.summary import CORRECTED_COLUMNS, ENDS, read_summary
from projcomp.evaluation.tables import distance
from projcomp.evaluation.tables.confusion import right_counts
from projcomp.folder import Folder
from projcomp.settings.case import TRUTH

if TYPE_CHECKING:
    from projcomp.settings.report import Method, TableSettings

OBJECTS, CLUTTER = "k objects", "clutter"
"""What is right: what was requested and nothing else, or the exact law over clutter."""

SCORES = {OBJECTS: "success", CLUTTER: "all_places"}
"""By what is ranked."""

_MEASURES = ("success", "exact_count", "all_places", "extra_objects", "mean_count", "unsure")
_COSTS = ("network_evaluations", "seconds")
_DISTANCES = {"distance": "value", "distance_low": "low", "distance_high": "high"}
"""Columns by those of the table ``distance``."""

TEXT = ("places", "right", "kind", "background", "model", "score")
"""Columns of words beside those that every table may have."""

COLUMNS = [
    "places",
    "num_composed",
    "right",
    "kind",
    "rank",
    "tied",
    "experiment",
    "case",
    "operator",
    "background",
    "sampler",
    "model",
    "num_samples",
    "score",
    "behind",
    "behind_low",
    "behind_high",
    "paired",
    *(f"{measure}{end}" for measure in _MEASURES for end in ENDS),
    *CORRECTED_COLUMNS,
    "right_mean_count",
    "right_exact_count",
    *_DISTANCES,
    *_COSTS,
]
"""One row per experiment and case. ``rank`` is 1 for the best ``score`` of its group and equal for
equal scores; ``tied`` is 1 where the interval of ``behind``, the distance from the best, holds 0.
The truth has no rank; ``success`` is empty where ``right`` is clutter's law. ``unsure`` is the
share of images that the detector doubts, whose counts are guesses. Rates in ``_corrected`` are the
summary's, corrected for the detector's own errors; they rank nothing. ``distance`` is the
``frechet`` of the table ``distance``, in units of the truth's spread over that table's cases; it
ranks nothing, and is empty where an experiment has no such table."""


def table(settings: "TableSettings", folder: Folder) -> pd.DataFrame:
    """Groups in order of places and number composed, the best of each first.

    Raises:
        FileFormatError: the summary or a case's table is missing or damaged.
    """
    rows: list[dict[str, Any]] = []
    for experiment, cases in settings.cases.items():
        far = _distances(settings, folder, experiment)
        for found in read_summary(folder, experiment, cases).to_dict("records"):
            rows += [row | far.get(row["case"], {}) for row in _rows(settings, experiment, found)]
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in COLUMNS[:4]), []).append(row)
    for (*_, kind), group in groups.items():
        if kind != TRUTH:
            _rank(settings, folder, group)
    rows.sort(key=lambda row: (*(row[key] for key in COLUMNS[:4]), row.get("rank", 0)))
    return pd.DataFrame(rows).reindex(columns=pd.Index(COLUMNS))


def _rows(
    settings: "TableSettings", experiment: str, found: dict[Any, Any]
) -> list[dict[str, Any]]:
    """The row of one case; the truth has one in every set of places that its case is of."""
    asked = int(found["num_composed"])
    clutter = settings.clutter.get(experiment)
    prior = clutter.counts if clutter else None
    law = right_counts(asked, max(asked, len(prior or ()) - 1), prior)
    row = {
        "experiment": experiment,
        "right": CLUTTER if clutter else OBJECTS,
        "score": SCORES[CLUTTER if clutter else OBJECTS],
        "right_mean_count": float(law @ np.arange(len(law))),
        "right_exact_count": float(law[asked]),
        **{key: found[key] for key in ("case", "num_composed", "num_samples", *_COSTS)},
    }
    for measure in _MEASURES:
        if clutter is None or measure != "success":
            row |= {f"{measure}{end}": found[f"{measure}{end}"] for end in ENDS}
    # which a summary without a detector's check has not
    row |= {column: found.get(column) for column in CORRECTED_COLUMNS}
    if experiment != TRUTH:
        return [row | _told(settings.methods[experiment])]
    places = {
        settings.methods[name].places: None
        for name, cases in settings.cases.items()
        if name != TRUTH and found["case"] in cases
    }
    return [row | {"places": name, "kind": TRUTH, "model": TRUTH} for name in places]


def _distances(
    settings: "TableSettings", folder: Folder, experiment: str
) -> dict[str, dict[str, float]]:
    """How far an experiment's samples are from the truth, by case; nothing without such a table."""
    if experiment not in settings.distances:
        return {}
    path = folder.table(f"distance_{settings.distances[experiment]}")
    table = read_table(path, distance.COLUMNS, "table", distance.WORDS)
    chosen = table[(table["experiment"] == experiment) & (table["measure"] == "frechet")]
    return {
        row["case"]: {name: row[column] for name, column in _DISTANCES.items()}
        for row in pd.DataFrame(chosen).to_dict("records")
    }


def _told(method: "Method") -> dict[str, str]:
    told = ("places", "kind", "operator", "background", "sampler", "model")
    return {name: getattr(method, name) for name in told}


def _rank(settings: "TableSettings", folder: Folder, group: list[dict[str, Any]]) -> None:
    """Rank the rows of one group, and set each beside the best, of the best the cheapest."""
    score = group[0]["score"]

    def order(row: dict[str, Any]) -> tuple[Any, ...]:
        cost = row["network_evaluations"]
        return -row[score], cost if cost == cost else np.inf, row["experiment"]

    outcomes = {
        row["experiment"]: read_counted(
            folder.counted(row["experiment"], row["case"]), row["experiment"], row["case"]
        )[score].to_numpy(dtype=float)
        for row in group
    }
    best = min(group, key=order)
    first, stream = outcomes[best["experiment"]], _stream(settings, best)
    for row in group:
        other = outcomes[row["experiment"]]
        paired = _stream(settings, row) == stream and len(other) == len(first)
        low, high = difference_of_rates(first, other, settings.confidence, paired=paired)
        if row is best:
            low = high = 0.0
        row |= {
            "rank": 1 + sum(one[score] > row[score] for one in group),
            "behind": best[score] - row[score],
            "behind_low": low,
            "behind_high": high,
            "paired": int(paired),
            "tied": int(low <= 0),
        }


def _stream(settings: "TableSettings", row: dict[str, Any]) -> str:
    return settings.methods[row["experiment"]].stream
