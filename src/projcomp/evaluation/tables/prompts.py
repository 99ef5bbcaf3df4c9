"""What was measured of prompts that are composed, and how well the pictures show them.

Of every case, as means over its samples with bootstrap intervals: the weights of a superposition at
the last step (*kappa*); the log-densities of the models where they were followed (*log_q*, nats),
and their *gap*, the greatest less the least of a sample; the cosine of every pair's score deltas
over the path (*interaction*, as in ``tables/interaction.py``); and, where there is a judge, the
*score* of every prompt, and of every picture the *least* score of its prompts.
"""

import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from projcomp import seeds
from projcomp.config.pipelines import PROMPT
from projcomp.data.images import SampleSet, read_samples
from projcomp.evaluation.intervals import bootstrap_mean
from projcomp.evaluation.scored import read_scored
from projcomp.folder import Folder

if TYPE_CHECKING:
    from projcomp.settings.report import TableSettings

COLUMNS = ["experiment", "case", "measure", "prompt", "other"]
COLUMNS += ["value", "low", "high", "num_samples"]
"""One row per case, measure, and prompt or pair of prompts. A prompt is named after its model too
where several are composed. ``network_evaluations`` and ``seconds`` are of one picture."""

Measured = tuple[str, str, str, np.ndarray]
"""A measure, the prompt and the other one that it is of, and its value for every sample."""


def table(settings: "TableSettings", folder: Folder) -> pd.DataFrame:
    """The rows of all cases.

    Raises:
        FileFormatError: a file is missing or damaged.
    """
    rows: list[dict[str, Any]] = []
    for experiment, names in settings.cases.items():
        for name in names:
            samples = read_samples(folder.samples(experiment, name), name, experiment)
            known = {"experiment": experiment, "case": name, "num_samples": len(samples.images)}
            found = [*_measured(samples)]
            if settings.judge:
                found += _scores(folder, experiment, name, len(samples.images))
            rng = seeds.generator(settings.seed, "bootstrap", settings.name, experiment, name)
            for measure, prompt, other, values in found:
                low, high = bootstrap_mean(values, settings.confidence, settings.bootstrap, rng=rng)
                told = {"measure": measure, "prompt": prompt, "other": other}
                ends = {"value": float(values.mean()), "low": low, "high": high}
                rows.append({**known, **told, **ends})
            rows += [{**known, **row} for row in _cost(samples)]
    return pd.DataFrame(rows).reindex(columns=pd.Index(COLUMNS))


def _measured(samples: SampleSet) -> Iterator[Measured]:
    """What composition and sampler recorded of the distributions that are composed."""
    told = _told(samples)
    control = json.loads(samples.attrs["settings"]).get("control") is not None
    for measure in ("kappa", "log_q"):
        values = samples.measured.get(measure)
        if values is None or values.shape[1:] not in ((len(told),), (len(told) + control,)):
            continue
        values = values[:, : len(told)].astype(float)  # a control comes after them
        for number, prompt in enumerate(told):
            yield measure, prompt, "", values[:, number]
        if measure == "log_q" and len(told) > 1:
            yield "gap", "", "", np.ptp(values, axis=1)
    recorded = samples.measured.get("interaction")
    if recorded is not None and recorded.ndim == 4 and recorded.shape[2] >= len(told):
        total = recorded.astype(float).sum(1)
        for i, j in combinations(range(len(told)), 2):
            length = np.sqrt(total[:, i, i] * total[:, j, j])
            yield "interaction", told[i], told[j], total[:, i, j] / length


def _told(samples: SampleSet) -> list[str]:
    """The distributions that are composed, in order, in words."""
    composed = json.loads(samples.attrs["settings"])["composed"]
    several = len({one["model"] for one in composed}) > 1
    words = []
    for one in composed:
        condition = one["condition"]
        told = condition[PROMPT] if isinstance(condition, dict) else f"({condition})"
        words.append(f"{one['model']}: {told}" if several else told)
    return words


def _scores(folder: Folder, experiment: str, case: str, count: int) -> Iterator[Measured]:
    found = read_scored(Path(folder.scored(experiment, case)), count)
    for number, prompt in enumerate(found.prompts):
        yield "score", prompt, "", found.scores[:, number].astype(float)
    if found.prompts:
        yield "least", "", "", found.scores.astype(float).min(1)


def _cost(samples: SampleSet) -> Iterator[dict[str, Any]]:
    """What one picture cost."""
    names = {"network_evaluations": "network_evaluations_per_image", "seconds": "seconds_per_image"}
    for measure, name in names.items():
        if name in samples.attrs:
            yield {"measure": measure, "value": float(samples.attrs[name])}
