"""How far composed samples are from rendered true compositions of the same requests, in features.

The features are the means of the detector's deepest level (``Detector.features``): fixed, trained
on renders of its own, and kept with every run. They are none of Inception's, and the Frechet
distance in them is no FID: numbers of two detectors do not compare. Lengths are in units of the
truth's spread over all cases of the table, so that two experiments compare if their cases do.
"""

from collections.abc import Mapping
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

COLUMNS = ["case", "num_composed", "subject", "measure"]
COLUMNS += ["value", "low", "high", "p_value", "floor", "critical"]
COLUMNS += ["unsure", "num_samples", "num_reference"]
"""One row per case, subject and measure, or of pairs and attributes per subject and measure of all
requests together, the case ``all``. Subjects: ``composed`` samples against the truth, and the
``truth``, one half against the other. Measures: ``frechet_raw``, the Frechet distance of Gaussians
fitted along the greatest axes of both sets together; ``frechet``, without its bias; ``kernel``, the
kernel distance of all features; ``diversity``, the mean distance of two samples over that of two
true pictures; ``density`` and ``coverage``. ``floor`` and ``critical`` are mean and upper quantile
where both have one law, at these numbers of images; of coverage the floor is exact, and of frechet
it is 0. ``unsure`` is the share of the subject's images that the detector doubts, of the truth's in
both halves."""

WORDS = ("subject",)
"""Those of COLUMNS that hold words, besides the common ones."""

MOST = 500
"""Images taken of a case, at most, the first ones."""


class _Described(NamedTuple):
    """What the detector has said of images: features ``(N, F)``, and which it doubts, ``(N,)``."""

    points: NDArray[np.float64]
    doubted: NDArray[np.bool_]


def table(settings: "TableSettings", folder: Folder) -> pd.DataFrame:
    """The rows of one experiment; the settings' cases name it and the truth.

    Raises:
        FileFormatError: a file is missing or damaged.
    """
    detector = load_detector(Path(folder.detector(DETECTOR)).parent)
    ((experiment, names),) = ((n, cases) for n, cases in settings.cases.items() if n != TRUTH)
    truth = {name: _described(detector, folder, TRUTH, name) for name in settings.cases[TRUTH]}
    ours = {name: _described(detector, folder, experiment, name) for name in names}
    if not settings.places:  # few samples of each of many requests
        ours, truth = ({ALL: _together(some)} for some in (ours, truth))
    unit = Unit(_together(truth).points)
    true = {name: unit.of(found.points) for name, found in truth.items()}
    rows: list[dict[str, Any]] = []
    for name, made in ours.items():
        composed = unit.of(made.points)
        doubts = {COMPOSED: made.doubted.mean(), TRUTH: truth[name].doubted.mean()}
        order = seeds.generator(settings.seed, "permutations", settings.name, name, "halves")
        halves = np.array_split(order.permutation(len(true[name])), 2)
        pairs = {
            COMPOSED: (composed, true[name]),
            TRUTH: (true[name][halves[0]], true[name][halves[1]]),
        }
        for subject, (x, y) in pairs.items():
            asked = len(settings.places[name]) if settings.places else None
            known = {"case": name, "num_composed": asked, "subject": subject}
            counts = {"unsure": doubts[subject], "num_samples": len(x), "num_reference": len(y)}
            stream = (settings.seed, "permutations", settings.name, f"{name} {subject}")
            for measure, found in measures(
                x,
                y,
                confidence=settings.confidence,
                bootstrap=settings.bootstrap,
                rng=partial(seeds.generator, *stream),
            ):
                rows.append({**known, "measure": measure, **vars(found), **counts})
    return pd.DataFrame(rows).reindex(columns=pd.Index(COLUMNS))


def _described(detector: Forward, folder: Folder, experiment: str, case: str) -> _Described:
    images = case_samples(folder, experiment, case).images
    doubted = counted_of(folder, experiment, case, len(images))["unsure"] == 1
    points = features(detector, images[:MOST]).astype(float)
    return _Described(points, doubted.to_numpy()[:MOST])


def _together(some: Mapping[str, _Described]) -> _Described:
    """Those of several cases, in their order."""
    return _Described(*map(np.concatenate, zip(*some.values(), strict=True)))
