"""How far composed samples are from rendered true compositions of the same requests, in features.

The features are the means of the detector's deepest level (``Detector.features``): fixed, trained
on renders of its own, and kept with every run. They are none of Inception's, and the Frechet
distance in them is no FID: numbers of two detectors do not compare. Lengths are in units of the
truth's spread over all cases of the table, so that two experiments compare if their cases do.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from projcomp import seeds
from projcomp.evaluation.case_samples import case_samples
from projcomp.evaluation.counted import counted_of
from projcomp.evaluation.detect import features
from projcomp.evaluation.feature_distances import Unit, measures
from projcomp.evaluation.forward import Forward, load_detector
from projcomp.folder import DETECTOR, Folder
from projcomp.settings.case import TRUTH

if TYPE_CHECKING:
    from projcomp.settings.report import TableSettings

COMPOSED = "composed"
ALL = "all"
"""The case of all requests together."""

COLUMNS = ["experiment", "case", "num_composed", "subject", "measure"]
COLUMNS += ["value", "low", "high", "p_value", "floor", "critical"]
COLUMNS += ["unsure", "num_samples", "num_reference"]
"""One row per experiment, case and measure, or of pairs and attributes per experiment and measure
of all requests together, the case ``all``; a sweep's members are experiments of one table.
Subjects: ``composed`` samples against the truth, and the ``truth``, one half against the other.
Measures: ``frechet_raw``, the Frechet distance of Gaussians fitted along the greatest axes of both
sets together; ``frechet``, without its bias; ``kernel``, the kernel distance of all features;
``diversity``, the mean distance of two samples over that of two true pictures; ``density`` and
``coverage``. ``floor`` and ``critical`` are mean and upper quantile where both have one law, at
these numbers of images; of coverage the floor is exact, and of frechet it is 0. ``unsure`` is the
share of the subject's images that the detector doubts, of the truth's in both halves."""

WORDS = ("subject",)
"""Those of COLUMNS that hold words, besides the common ones."""

MOST = 500
"""Images taken of a case, at most, the first ones."""


class _Described(NamedTuple):
    """What the detector has said of images: features ``(N, F)``, and which it doubts, ``(N,)``."""

    points: NDArray[np.float64]
    doubted: NDArray[np.bool_]

    @property
    def unsure(self) -> float:
        """The share that it doubts."""
        return float(self.doubted.mean())


def table(settings: "TableSettings", folder: Folder) -> pd.DataFrame:
    """The rows of one experiment, or of a sweep's members; the settings' cases name the truth too.

    Raises:
        FileFormatError: a file is missing or damaged.
    """
    detector = load_detector(Path(folder.detector(DETECTOR)).parent)
    found = {
        experiment: {name: _described(detector, folder, experiment, name) for name in names}
        for experiment, names in settings.cases.items()
    }
    if not settings.places:  # few samples of each of many requests
        found = {experiment: {ALL: _together(some)} for experiment, some in found.items()}
    truth = found.pop(TRUTH)
    unit = Unit(_together(truth).points)
    rows: list[dict[str, Any]] = []
    for name, true in truth.items():
        pictures = unit.of(true.points)
        asked = len(settings.places[name]) if settings.places else None
        known = {"case": name, "num_composed": asked}
        for experiment, cases in found.items():
            stream = (f"distance_{experiment}", f"{name} {COMPOSED}")
            told = {"experiment": experiment, "subject": COMPOSED, "unsure": cases[name].unsure}
            pair = unit.of(cases[name].points), pictures
            rows += [{**known, **told, **row} for row in _compared(settings, *pair, stream)]
        order = seeds.generator(settings.seed, "permutations", settings.name, name, "halves")
        halves = np.array_split(order.permutation(len(pictures)), 2)
        stream = (settings.name, f"{name} {TRUTH}")
        told = {"experiment": TRUTH, "subject": TRUTH, "unsure": true.unsure}
        pair = pictures[halves[0]], pictures[halves[1]]
        rows += [{**known, **told, **row} for row in _compared(settings, *pair, stream)]
    return pd.DataFrame(rows).reindex(columns=pd.Index(COLUMNS))


def _compared(
    settings: "TableSettings",
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    stream: tuple[str, str],
) -> Iterator[dict[str, Any]]:
    """The measures of features ``x`` against ``y``; permutations are of ``stream``."""
    for measure, found in measures(
        x,
        y,
        confidence=settings.confidence,
        bootstrap=settings.bootstrap,
        rng=partial(seeds.generator, settings.seed, "permutations", *stream),
    ):
        counts = {"num_samples": len(x), "num_reference": len(y)}
        yield {"measure": measure, **vars(found), **counts}


def _described(detector: Forward, folder: Folder, experiment: str, case: str) -> _Described:
    images = case_samples(folder, experiment, case).images
    doubted = counted_of(folder, experiment, case, len(images))["unsure"] == 1
    points = features(detector, images[:MOST]).astype(float)
    return _Described(points, doubted.to_numpy()[:MOST])


def _together(some: Mapping[str, _Described]) -> _Described:
    """Those of several cases, in their order."""
    return _Described(*map(np.concatenate, zip(*some.values(), strict=True)))
