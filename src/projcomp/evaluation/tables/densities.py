"""How far apart the log-densities of what is composed are at finished samples.

Measured along straight lines of noise (``composition/line_density.py``), not by the sampler's path.
The *gap* of a sample is the greatest log-density less the least, of the sample noised to a level
and averaged over its lines first; at the least level stands, where the sampler followed
log-densities, the gap that it took for true, *followed*. *error* is what noise and probes of the
lines leave in a sample's gap: the root of the mean square, over samples, of the standard error of
the signed difference between those two models. It does not know what the levels leave, which is the
same on all lines. Gaps that are no larger than the error are error: a greatest less a least is
never negative.
"""

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from projcomp import seeds
from projcomp.config.samplers import SamplingConfig
from projcomp.data.images import SampleSet, read_samples
from projcomp.errors import FileFormatError
from projcomp.evaluation.intervals import bootstrap_mean
from projcomp.folder import Folder

if TYPE_CHECKING:
    from projcomp.settings.report import TableSettings

COLUMNS = ["experiment", "sigma", "num_samples", "gap", "gap_low", "gap_high", "error"]
COLUMNS += ["followed", "followed_low", "followed_high"]
"""One row per experiment and noise level, over the samples of all its cases; nats."""


def table(settings: "TableSettings", folder: Folder) -> pd.DataFrame:
    """The rows of all experiments.

    Raises:
        FileFormatError: a file is missing or damaged, or holds no such measurement.
    """
    rows = [
        row
        for experiment, names in settings.cases.items()
        for row in _rows(settings, folder, experiment, names)
    ]
    return pd.DataFrame(rows).reindex(columns=pd.Index(COLUMNS))


def _rows(
    settings: "TableSettings", folder: Folder, experiment: str, names: list[str]
) -> list[dict[str, Any]]:
    found = []
    for name in names:
        path = folder.samples(experiment, name)
        samples = read_samples(path, name, experiment)
        levels = _levels(samples)
        lines = samples.measured.get("line_log_q")
        if lines is None or lines.ndim != 4 or lines.shape[2] != len(levels):
            raise FileFormatError(
                f"{path}: expected log-densities along lines, got samples without them; set "
                "sampling.densities of the experiment and sample the case again"
            )
        found.append((lines.astype(float), samples.measured.get("log_q")))
    gaps = np.concatenate([np.ptp(lines.mean(1), axis=2) for lines, _ in found])
    errors = np.sqrt(np.mean(np.concatenate([_squared_errors(lines) for lines, _ in found]), 0))
    followed = None
    if all(log_q is not None and log_q.shape == lines.shape[::3] for lines, log_q in found):
        followed = np.concatenate([np.ptp(log_q.astype(float), axis=1) for _, log_q in found])

    def mean(name: str, values: NDArray[np.float64], *stream: Any) -> dict[str, float]:
        rng = seeds.generator(settings.seed, "bootstrap", settings.name, experiment, name, *stream)
        low, high = bootstrap_mean(values, settings.confidence, settings.bootstrap, rng=rng)
        return {name: float(values.mean()), f"{name}_low": low, f"{name}_high": high}

    rows: list[dict[str, Any]] = []
    for number, sigma in enumerate(levels):
        row = {"experiment": experiment, "sigma": sigma, "num_samples": len(gaps)}
        row |= mean("gap", gaps[:, number], number)
        row["error"] = float(errors[number])
        if followed is not None and number == len(levels) - 1:
            row |= mean("followed", followed)
        rows.append(row)
    return rows


def _levels(samples: SampleSet) -> list[float]:
    """The noise levels of the lines, by the settings that made the samples."""
    sampling = SamplingConfig.model_validate(json.loads(samples.attrs["settings"])["sampling"])
    if sampling.densities is None:
        return []
    return sampling.densities.levels(sampling.sigma_max, sampling.sigma_min)


def _squared_errors(lines: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the gap of the mean over lines ``(N, lines, levels, models)``: ``(N, levels)``."""
    order = lines.mean(1, keepdims=True).argsort(3)
    ends = order[..., -1:], order[..., :1]
    most, least = (np.take_along_axis(lines, end, axis=3)[..., 0] for end in ends)
    return (most - least).var(1, ddof=1) / lines.shape[1]
