"""What the composition loses, and what the network loses: truth, exact models, networks.

An experiment on networks and its exact twin ask for the same, from the same noise. What the exact
models lack of the rendered truth, the distributions, the operator or the sampler lost (``truth -
exact``); what the networks lack of the exact models, the networks lost (``exact - trained``). Rates
that can be corrected for the detector's own errors have a row ``M_corrected`` below their own.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from projcomp import seeds
from projcomp.errors import FileFormatError
from projcomp.evaluation.corrected import CORRECTED, corrected_measure, read_check
from projcomp.evaluation.counted import read_counted
from projcomp.evaluation.intervals import (
    bootstrap_difference,
    bootstrap_spearman,
    difference_of_rates,
    hybrid_difference,
)
from projcomp.evaluation.summary import MEANS, MEASURES
from projcomp.folder import CHECK, Folder

if TYPE_CHECKING:
    from projcomp.settings.report import TableSettings

COMPARED = tuple(one for one in MEASURES if one not in ("accepted", "place_distance"))
"""What is compared: CompLift's verdict is none on the truth, and an image that hits no place has no
distance to compare."""

COLUMNS = [
    "case",
    "num_composed",
    "measure",
    "truth",
    "exact",
    "trained",
    "composition_loss",
    "composition_loss_low",
    "composition_loss_high",
    "network_loss",
    "network_loss_low",
    "network_loss_high",
    "spearman",
    "spearman_low",
    "spearman_high",
]
"""One row per case and measure; a row ``all`` per measure has the rank correlation of exact and
trained values over the cases."""


def table(settings: "TableSettings", folder: Folder) -> pd.DataFrame:
    """One row per case and measure of one experiment, its exact twin and the truth.

    The settings' cases name these three in this order.

    Raises:
        FileFormatError: a table is missing or damaged, or the twins have other numbers of samples.
    """
    trained, exact, _ = settings.cases
    check = read_check(Path(folder.detector(CHECK)))
    rows: list[dict[str, Any]] = []
    for name in settings.cases[trained]:
        parts = [read_counted(folder.counted(one, name), one, name) for one in settings.cases]
        if len(parts[0]) != len(parts[1]):
            raise FileFormatError(
                f"{folder.counted(exact, name)}: expected as many samples as {trained} has, "
                f"{len(parts[0])}, got {len(parts[1])}; sample both again"
            )
        for row in _case(settings, name, *parts):
            rows.append(row)
            if row["measure"] in CORRECTED:
                rows += _corrected(settings, row, parts, check)
    rows += _correlations(settings, rows)
    return pd.DataFrame(rows).reindex(columns=pd.Index(COLUMNS))


def _case(
    settings: "TableSettings",
    name: str,
    trained: pd.DataFrame,
    exact: pd.DataFrame,
    truth: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """One row per measure that the case has."""
    for measure in COMPARED:
        column = MEANS.get(measure, measure)
        values = [part[column].to_numpy(dtype=float) for part in (trained, exact, truth)]
        if any(np.isnan(one).any() for one in values):
            continue
        ours, perfect, true = values
        loss = {
            "composition_loss": (true, perfect, False),
            "network_loss": (perfect, ours, True),
        }
        row: dict[str, Any] = {
            "case": name,
            "num_composed": trained["num_composed"].iloc[0],
            "measure": measure,
            "truth": true.mean(),
            "exact": perfect.mean(),
            "trained": ours.mean(),
        }
        for key, (more, less, paired) in loss.items():
            low, high = _interval(settings, f"{name} {measure} {key}", measure, more, less, paired)
            row |= {key: more.mean() - less.mean(), f"{key}_low": low, f"{key}_high": high}
        yield row


def _corrected(
    settings: "TableSettings", row: dict[str, Any], parts: list[pd.DataFrame], check: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    """A measure's row once more, corrected; none where the detector's errors are not known.

    What the detector says of the truth is its error, so that the truth's own rate is 1. Pairs tell
    nothing here: the interval of a difference is as wide as that of independent samples.
    """
    measure, number = row["measure"], int(row["num_composed"])
    values = [part[measure].to_numpy(dtype=float) for part in parts]
    trained, exact, truth = (
        corrected_measure(one, measure, number, check, settings.confidence, values[-1])
        for one in values
    )
    if np.isnan([*trained, *exact, *truth]).any():
        return
    corrected = {"case": row["case"], "num_composed": number, "measure": f"{measure}_corrected"}
    corrected |= {"truth": truth.rate, "exact": exact.rate, "trained": trained.rate}
    for key, more, less in (
        ("composition_loss", truth, exact),
        ("network_loss", exact, trained),
    ):
        low, high = hybrid_difference(more, less)
        corrected |= {key: more.rate - less.rate, f"{key}_low": low, f"{key}_high": high}
    yield corrected


def _interval(
    settings: "TableSettings",
    stream: str,
    measure: str,
    first: np.ndarray,
    second: np.ndarray,
    paired: bool,
) -> tuple[float, float]:
    if measure not in MEANS:
        return difference_of_rates(first, second, settings.confidence, paired=paired)
    rng = seeds.generator(settings.seed, "bootstrap", settings.name, stream)
    return bootstrap_difference(
        first, second, settings.confidence, settings.bootstrap, paired=paired, rng=rng
    )


def _correlations(
    settings: "TableSettings", rows: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    for measure in COMPARED:
        found = [row for row in rows if row["measure"] == measure]
        if len(found) < 3:
            continue
        exact, trained = (np.array([row[key] for row in found]) for key in ("exact", "trained"))
        rng = seeds.generator(settings.seed, "bootstrap", settings.name, f"all {measure}")
        rho, low, high = bootstrap_spearman(
            exact, trained, settings.confidence, settings.bootstrap, rng=rng
        )
        yield {
            "case": "all",
            "measure": measure,
            "spearman": rho,
            "spearman_low": low,
            "spearman_high": high,
        }
