"""Whether more local networks come nearer to the exact ceiling: locality against the loss.

Theory says that composing by scores is projective where the scores' deltas are local (Bradley,
"Local Mechanisms of Compositional Generalization in Conditional Diffusion"). Networks that learned
the same pictures in different ways are set side by side: how much of their deltas' Jacobians lies
near, and how much all-places rate they lack of their exact twins.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from projcomp import seeds
from projcomp.errors import FileFormatError
from projcomp.evaluation.intervals import bootstrap_spearman
from projcomp.evaluation.read_table import read_table
from projcomp.evaluation.tables import ceiling
from projcomp.folder import LOCALITY, Folder

if TYPE_CHECKING:
    from projcomp.settings.report import TableSettings

MEASURE = "all_places"
COLUMNS = ["experiment", "model", "distance", "locality", "exact", "trained", "gap", "num_cases"]
COLUMNS += ["spearman", "spearman_low", "spearman_high"]
"""One row per experiment and distance; a row ``all`` per distance with the rank correlation of
locality and gap over the experiments, negative where more local networks lack less."""


def table(settings: "TableSettings", folder: Folder) -> pd.DataFrame:
    """One row per experiment and distance.

    ``locality`` is the share of the delta's Jacobian within the distance, its mean over the noise
    levels; ``exact``, ``trained`` and ``gap``, their difference, are means over the cases of the
    all-places rate.

    Raises:
        FileFormatError: a table is missing or damaged, or nothing was measured of a delta.
    """
    rows: list[dict[str, Any]] = []
    for name, (model, background) in settings.deltas.items():
        rates = _rates(settings, folder, name)
        for distance, share in _localities(folder, model, background).items():
            rows.append(
                {
                    "experiment": name,
                    "model": model,
                    "distance": distance,
                    "locality": share,
                    "exact": rates["exact"].mean(),
                    "trained": rates["trained"].mean(),
                    "gap": rates["network_loss"].mean(),
                    "num_cases": len(rates),
                }
            )
    found = pd.DataFrame(rows)
    totals = [_correlation(settings, found, distance) for distance in found["distance"].unique()]
    return pd.concat([found, pd.DataFrame(totals)]).reindex(columns=pd.Index(COLUMNS))


def _rates(settings: "TableSettings", folder: Folder, name: str) -> pd.DataFrame:
    """The all-places rates of the experiment's cases, by exact models and by networks."""
    path = folder.table(f"ceiling_{name}")
    losses = read_table(path, ceiling.COLUMNS, "table")
    chosen = losses["case"].isin(settings.cases[name]) & (losses["measure"] == MEASURE)
    return pd.DataFrame(losses[chosen])


def _localities(folder: Folder, model: str, background: str) -> dict[int, float]:
    """By distance, the mean over noise levels of the share of the delta's Jacobian within it."""
    path = folder.model(model, LOCALITY)
    columns = ["model", "background", "sigma", "distance", "share"]
    measured = read_table(path, columns, "locality", ["model", "background"])
    of_delta = pd.DataFrame(measured[measured["background"] == background])
    of_delta = of_delta.dropna(subset=["share"])
    if of_delta.empty:
        raise FileFormatError(
            f"{path}: expected the locality of the difference from {background}, got none; run "
            "locality again"
        )
    return of_delta.groupby("distance")["share"].mean().to_dict()


def _correlation(settings: "TableSettings", rows: pd.DataFrame, distance: int) -> dict[str, Any]:
    chosen = rows[rows["distance"] == distance]
    locality, gap = (np.array(chosen[key], dtype=float) for key in ("locality", "gap"))
    rng = seeds.generator(settings.seed, "bootstrap", settings.name, f"distance {distance}")
    rho, low, high = bootstrap_spearman(
        locality, gap, settings.confidence, settings.bootstrap, rng=rng
    )
    return {
        "experiment": "all",
        "distance": distance,
        "spearman": rho,
        "spearman_low": low,
        "spearman_high": high,
    }
