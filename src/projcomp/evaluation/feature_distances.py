"""How far two sets of pictures are in features: Frechet, kernel, diversity, density, coverage."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projcomp.evaluation.coverage import NEIGHBOURS, coverage_of_equals, density_and_coverage
from projcomp.evaluation.frechet import Axes, frechet
from projcomp.evaluation.intervals import bootstrap_mean, wilson
from projcomp.evaluation.two_sample import (
    Compared,
    compare,
    distances,
    kernel_discrepancy,
    polynomial_kernel,
)


class Unit:
    """Features in which the truth has its mean at 0, and mean square 1 a feature.

    Args:
        points: the truth's, ``(N, D)``.
    """

    def __init__(self, points: NDArray[Any]) -> None:
        self._mean = points.mean(0)
        self._spread = max(float(np.sqrt(points.var(0).mean())), 1e-12)

    def of(self, points: NDArray[Any]) -> NDArray[Any]:
        """Points ``(M, D)`` in these units."""
        return (points - self._mean) / self._spread


def measures(
    x: NDArray[Any],
    y: NDArray[Any],
    *,
    confidence: float,
    bootstrap: int,
    rng: Callable[[str], np.random.Generator],
) -> Iterator[tuple[str, Compared]]:
    """Every measure by its name, of points ``x`` ``(N, D)`` against ``y`` ``(M, D)``.

    Args:
        x: what is judged.
        y: what it is held against.
        confidence: level of intervals.
        bootstrap: resamples behind the interval of a mean.
        rng: the random stream of a measure.
    """
    first, both = len(x), np.concatenate([x, y])
    # of both sets: axes of one alone leave less of it beside them than of another from its own law
    axes = Axes.of(both)
    raw, right = frechet(axes.along(x), axes.along(y), confidence, rng=rng("frechet"))
    yield "frechet_raw", raw
    yield "frechet", right
    kernel = polynomial_kernel(both)
    yield "kernel", compare(kernel, first, kernel_discrepancy, confidence, rng=rng("kernel"))
    apart = distances(both)
    yield "diversity", compare(apart, first, _diversity, confidence, rng=rng("diversity"))
    if len(y) <= NEIGHBOURS:
        return
    dense, covered = density_and_coverage(apart, first)
    ends = bootstrap_mean(dense, confidence, bootstrap, rng=rng("density"))
    yield "density", Compared(float(dense.mean()), *ends, floor=1.0)
    ends = wilson(int(covered.sum()), len(y), confidence)
    floor = coverage_of_equals(len(y), first)
    yield "coverage", Compared(float(covered.mean()), *ends, floor=floor)


def _diversity(xx: Any, yy: Any, xy: Any) -> Any:
    """Mean distance within the first set over that within the second."""
    del xy
    yy = np.asarray(yy, float)
    return np.divide(xx, yy, out=np.full_like(yy, np.nan), where=yy > 0)[()]
