"""The interaction of composed pairs beside their measured success.

The interaction of a pair is the cosine of its score deltas over the path, ``sum dv <delta_i,
delta_j> / sqrt(sum dv |delta_i|^2 sum dv |delta_j|^2)`` (docs/method.md, section 5), averaged over
samples. Parts of either sign cancel in it; ``absolute`` adds up their sizes, ``sum |dv <delta_i,
delta_j>|`` over the noise levels in nats, which is what predicts the error of exact examples
(docs/theory.md, ``repair``). A control is a second model of the background, whose delta should
vanish: ``zero`` is its inner product with the two deltas and ``error`` its own square, in the
units of the cosine; ``replaced`` is the cosine that the pair would have if the control were the
background.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from projcomp import seeds
from projcomp.data.images import SampleSet, read_samples
from projcomp.errors import FileFormatError
from projcomp.evaluation.counted import read_counted
from projcomp.evaluation.intervals import bootstrap_mean, bootstrap_spearman, rate_columns
from projcomp.folder import Folder

if TYPE_CHECKING:
    from projcomp.settings.report import TableSettings

COLUMNS = [
    "case",
    "num_samples",
    "interaction",
    "interaction_low",
    "interaction_high",
    "absolute",
    "replaced",
    "zero",
    "error",
    "peak_sigma",
    "success",
    "success_low",
    "success_high",
    "unsure",
    "spearman",
    "spearman_low",
    "spearman_high",
    "absolute_spearman",
    "absolute_spearman_low",
    "absolute_spearman_high",
]
"""One row per pair, and the row ``all`` with the rank correlations of both forms of the
interaction with success."""


def table(settings: "TableSettings", folder: Folder) -> pd.DataFrame:
    """One row per pair of the one experiment, and the row ``all``.

    Raises:
        FileFormatError: a file is missing or damaged, or holds no interaction of a pair.
    """
    ((experiment, names),) = settings.cases.items()
    rows = [_row(settings, folder, experiment, name) for name in names]
    total = {
        "case": "all",
        "num_samples": sum(row["num_samples"] for row in rows),
        **_correlation(settings, rows, "interaction", "spearman"),
        **_correlation(settings, rows, "absolute", "absolute_spearman"),
    }
    return pd.DataFrame([*rows, total]).reindex(columns=pd.Index(COLUMNS))


def _correlation(
    settings: "TableSettings", rows: list[dict[str, Any]], column: str, name: str
) -> dict[str, float]:
    """Spearman's correlation of a column with success, with its interval over pairs."""
    x, y = (np.array([row[key] for row in rows]) for key in (column, "success"))
    rng = seeds.generator(settings.seed, "bootstrap", settings.name, name)
    rho, low, high = bootstrap_spearman(x, y, settings.confidence, settings.bootstrap, rng=rng)
    return {name: rho, f"{name}_low": low, f"{name}_high": high}


def _row(settings: "TableSettings", folder: Folder, experiment: str, name: str) -> dict[str, Any]:
    path = folder.samples(experiment, name)
    measured = pair_interaction(read_samples(path, name, experiment), path)
    counted = read_counted(folder.counted(experiment, name), experiment, name)
    success = counted["success"].to_numpy(dtype=float)
    rng = seeds.generator(settings.seed, "bootstrap", settings.name, name)
    cosines = measured.pop("interaction")
    low, high = bootstrap_mean(cosines, settings.confidence, settings.bootstrap, rng=rng)
    return {
        "case": name,
        "num_samples": len(cosines),
        "interaction": cosines.mean(),
        "interaction_low": low,
        "interaction_high": high,
        **{key: float(value) for key, value in measured.items()},
        **rate_columns("success", round(success.sum()), len(success), settings.confidence),
        "unsure": counted["unsure"].mean(),
    }


def pair_interaction(samples: SampleSet, path: str | Path) -> dict[str, Any]:
    """What the samples of one pair measured.

    Returns:
        ``interaction`` ``(N,)``, cosines per sample; ``absolute``, nats; ``replaced``, ``zero`` and
        ``error``, means in the units of the cosine, NaN without a control; and ``peak_sigma``, the
        noise level where the inner product is greatest.

    Raises:
        FileFormatError: they did not measure the interaction of two conditions.
    """
    recorded = samples.measured.get("interaction")
    sigmas = np.asarray(samples.attrs.get("sigmas", []))
    if (
        recorded is None
        or recorded.ndim != 4
        or recorded.shape[2:] not in ((2, 2), (3, 3))
        or len(sigmas) < recorded.shape[1]
    ):
        raise FileFormatError(
            f"{path}: expected the interaction of two conditions, got samples without it; compose "
            "them by product or bayes without churn and sample the case again"
        )
    total = recorded.astype(float).sum(1)
    length = np.sqrt(total[:, 0, 0] * total[:, 1, 1])
    found = {
        "interaction": total[:, 0, 1] / length,
        "absolute": np.abs(recorded[:, :, 0, 1].astype(float)).sum(1).mean(),
        "replaced": np.nan,
        "zero": np.nan,
        "error": np.nan,
        "peak_sigma": sigmas[np.abs(recorded[:, :, 0, 1].mean(0)).argmax()],
    }
    if recorded.shape[2] == 3:
        # deltas from the control: delta_i - delta_c
        i, j, c = (total[:, k, k] for k in range(3))
        ic, jc = total[:, 0, 2], total[:, 1, 2]
        replaced = (total[:, 0, 1] - ic - jc + c) / np.sqrt((i - 2 * ic + c) * (j - 2 * jc + c))
        found["replaced"] = replaced.mean()
        found["zero"] = ((total[:, 0, 2] + total[:, 1, 2]) / 2 / length).mean()
        found["error"] = (total[:, 2, 2] / length).mean()
    return found
