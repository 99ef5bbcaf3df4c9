"""Whether more local networks come nearer to the exact ceiling: locality against the loss.

Theory says that composing by scores is projective where the scores' deltas are local (Bradley,
"Local Mechanisms of Compositional Generalization in Conditional Diffusion"): where they depend on
few pixels of the picture, and where each condition changes few pixels. Networks that learned the
same pictures in different ways are set side by side: how local their deltas are in both senses,
and how much all-places rate they lack of their exact twins.
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

GAP_OF = "all_places"
SENSES = {"pixels": "share", "condition": "near"}
"""What is local, and its column: the delta's Jacobian (which pixels it depends on), or the delta
itself (which pixels the condition changes)."""

COLUMNS = ["experiment", "model", "measure", "distance", "locality", "num_levels"]
COLUMNS += ["exact", "trained", "gap", "exact_unsure", "unsure", "num_cases"]
COLUMNS += ["spearman", "spearman_low", "spearman_high"]
"""One row per experiment, sense and distance; a row ``all`` per sense and distance with the rank
correlation of locality and gap over the experiments, negative where more local networks lack
less. ``unsure`` is the mean over the cases of the share of the networks' images that the detector
doubts, ``exact_unsure`` that of their twins'."""


def table(settings: "TableSettings", folder: Folder) -> pd.DataFrame:
    """One row per experiment, sense (``measure``) and distance.

    ``locality`` is the mean over the noise levels of the share within the distance: of the delta's
    Jacobian, or of the delta's square around the requested location. Levels count at which all the
    experiments have one. ``exact``, ``trained`` and ``gap``, their difference, are means over the
    cases of the all-places rate.

    Raises:
        FileFormatError: a table is missing or damaged, or nothing was measured of a delta.
    """
    followed = {
        name: _followed(folder, model, background)
        for name, (model, background) in settings.deltas.items()
    }
    rows: list[dict[str, Any]] = []
    for sense, column in SENSES.items():
        shares = {name: part.dropna(subset=[column]) for name, part in followed.items()}
        levels = set.intersection(*(set(part["sigma"]) for part in shares.values()))
        for name, part in shares.items():
            common = part[part["sigma"].isin(sorted(levels))].groupby("distance")[column].mean()
            known = {"experiment": name, "model": settings.deltas[name][0], "measure": sense}
            rates = _rates(settings, folder, name)
            for distance, share in common.items():
                local = {"distance": distance, "locality": share, "num_levels": len(levels)}
                rows.append({**known, **local, **rates})
    found = pd.DataFrame(rows)
    totals = [
        _correlation(settings, found, sense, distance)
        for sense in SENSES
        for distance in found["distance"].unique()
    ]
    return pd.concat([found, pd.DataFrame(totals)]).reindex(columns=pd.Index(COLUMNS))


def _rates(settings: "TableSettings", folder: Folder, name: str) -> dict[str, float]:
    """Means over the experiment's cases, by exact models and by networks."""
    losses = read_table(folder.table(f"ceiling_{name}"), ceiling.COLUMNS, "table")
    asked = losses[losses["case"].isin(settings.cases[name])]
    rates, doubts = (asked[asked["measure"] == measure] for measure in (GAP_OF, "unsure"))
    columns = {"exact": "exact", "trained": "trained", "gap": "network_loss"}
    means = {name: float(rates[column].mean()) for name, column in columns.items()}
    doubted = {"exact_unsure": "exact", "unsure": "trained"}
    means |= {name: float(doubts[column].mean()) for name, column in doubted.items()}
    return {**means, "num_cases": len(rates)}


def _followed(folder: Folder, model: str, background: str) -> pd.DataFrame:
    """What was measured of a model's delta over a background, by noise level and distance."""
    path = folder.model(model, LOCALITY)
    columns = ["model", "background", "sigma", "distance", *SENSES.values()]
    measured = read_table(path, columns, "locality", ["model", "background"])
    of_delta = pd.DataFrame(measured[measured["background"] == background])
    if of_delta.dropna(subset=["share"]).empty:
        raise FileFormatError(
            f"{path}: expected the locality of the difference from {background}, got none; run "
            "locality again"
        )
    return of_delta


def _correlation(
    settings: "TableSettings", rows: pd.DataFrame, sense: str, distance: int
) -> dict[str, Any]:
    some = rows[(rows["measure"] == sense) & (rows["distance"] == distance)]
    locality, gap = (np.array(some[key], dtype=float) for key in ("locality", "gap"))
    stream = f"{sense} within {distance}"
    rng = seeds.generator(settings.seed, "bootstrap", settings.name, stream)
    rho, low, high = bootstrap_spearman(
        locality, gap, settings.confidence, settings.bootstrap, rng=rng
    )
    interval = {"spearman": rho, "spearman_low": low, "spearman_high": high}
    return {"experiment": "all", "measure": sense, "distance": distance, **interval}
