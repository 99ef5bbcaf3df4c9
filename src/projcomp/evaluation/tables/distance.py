"""How far composed samples are from rendered true compositions of the same requests, in features.

The features are the means of the detector's deepest level (``Detector.features``): fixed, trained
on renders of its own, and kept with every run. They are none of Inception's, and the Frechet
distance in them is no FID: numbers of two detectors do not compare. Lengths are in units of the
truth's spread over all cases of the table, so that two experiments compare if their cases do.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from projcomp import seeds
from projcomp.data.images import read_samples
from projcomp.evaluation.coverage import NEIGHBOURS, coverage_of_equals, density_and_coverage
from projcomp.evaluation.detect import features
from projcomp.evaluation.forward import Forward, load_detector
from projcomp.evaluation.frechet import Axes, frechet
from projcomp.evaluation.intervals import bootstrap_mean, wilson
from projcomp.evaluation.two_sample import (
    Compared,
    compare,
    distances,
    kernel_discrepancy,
    polynomial_kernel,
)
from projcomp.folder import DETECTOR, Folder
from projcomp.settings.case import TRUTH

if TYPE_CHECKING:
    from projcomp.settings.report import TableSettings

COMPOSED = "composed"

COLUMNS = ["case", "num_composed", "subject", "measure"]
COLUMNS += ["value", "low", "high", "p_value", "floor", "critical"]
COLUMNS += ["num_samples", "num_reference"]
"""One row per case, subject and measure. Subjects: ``composed`` samples against the truth, and the
``truth``, one half against the other. Measures: ``frechet_raw``, the Frechet distance of Gaussians
fitted along the truth's greatest axes; ``frechet``, without its bias; ``kernel``, the kernel
distance of all features; ``diversity``, the mean distance of two samples over that of two true
pictures; ``density`` and ``coverage``. ``floor`` and ``critical`` are mean and upper quantile where
both have one law, at these numbers of images; of coverage the floor is exact, and of frechet it is
0."""

WORDS = ("subject",)
"""Those of COLUMNS that hold words, besides the common ones."""

MOST = 500
"""Images taken of a case, at most, the first ones."""


def table(settings: "TableSettings", folder: Folder) -> pd.DataFrame:
    """The rows of one experiment; the settings' cases name it and the truth.

    Raises:
        FileFormatError: a file is missing or damaged.
    """
    detector = load_detector(Path(folder.detector(DETECTOR)).parent)
    ((experiment, names),) = ((n, cases) for n, cases in settings.cases.items() if n != TRUTH)
    true = {name: _described(detector, folder, TRUTH, name) for name in settings.cases[TRUTH]}
    unit = _Unit(np.concatenate(list(true.values())))
    true = {name: unit.of(points) for name, points in true.items()}
    axes = Axes.of(np.concatenate(list(true.values())))
    rows: list[dict[str, Any]] = []
    for name in names:
        composed = unit.of(_described(detector, folder, experiment, name))
        order = seeds.generator(settings.seed, "permutations", settings.name, name, "halves")
        halves = np.array_split(order.permutation(len(true[name])), 2)
        pairs = {
            COMPOSED: (composed, true[name]),
            TRUTH: (true[name][halves[0]], true[name][halves[1]]),
        }
        for subject, (x, y) in pairs.items():
            known = {"case": name, "num_composed": len(settings.places[name]), "subject": subject}
            counts = {"num_samples": len(x), "num_reference": len(y)}
            for measure, found in _measures(settings, axes, x, y, f"{name} {subject}"):
                rows.append({**known, "measure": measure, **vars(found), **counts})
    return pd.DataFrame(rows).reindex(columns=pd.Index(COLUMNS))


def _described(detector: Forward, folder: Folder, experiment: str, case: str) -> NDArray[Any]:
    path = folder.samples(experiment, case)
    samples = read_samples(path, case, None if experiment == TRUTH else experiment)
    return features(detector, samples.images[:MOST]).astype(float)


class _Unit:
    """Features in which the truth of all cases has its mean at 0, and mean square 1 a feature."""

    def __init__(self, points: NDArray[Any]) -> None:
        self._mean = points.mean(0)
        self._spread = max(float(np.sqrt(points.var(0).mean())), 1e-12)

    def of(self, points: NDArray[Any]) -> NDArray[Any]:
        return (points - self._mean) / self._spread


def _measures(
    settings: "TableSettings", axes: Axes, x: NDArray[Any], y: NDArray[Any], stream: str
) -> Iterator[tuple[str, Compared]]:
    def rng(measure: str) -> np.random.Generator:
        return seeds.generator(settings.seed, "permutations", settings.name, stream, measure)

    confidence, first = settings.confidence, len(x)
    raw, right = frechet(axes.along(x), axes.along(y), confidence, rng=rng("frechet"))
    yield "frechet_raw", raw
    yield "frechet", right
    both = np.concatenate([x, y])
    kernel = polynomial_kernel(both)
    yield "kernel", compare(kernel, first, kernel_discrepancy, confidence, rng=rng("kernel"))
    apart = distances(both)
    yield "diversity", compare(apart, first, _diversity, confidence, rng=rng("diversity"))
    if len(y) <= NEIGHBOURS:
        return
    dense, covered = density_and_coverage(apart, first)
    ends = bootstrap_mean(dense, confidence, settings.bootstrap, rng=rng("density"))
    yield "density", Compared(float(dense.mean()), *ends, floor=1.0)
    ends = wilson(int(covered.sum()), len(y), confidence)
    floor = coverage_of_equals(len(y), first)
    yield "coverage", Compared(float(covered.mean()), *ends, floor=floor)


def _diversity(xx: Any, yy: Any, xy: Any) -> Any:
    """Mean distance within the first set over that within the second."""
    del xy
    yy = np.asarray(yy, float)
    return np.divide(xx, yy, out=np.full_like(yy, np.nan), where=yy > 0)[()]
