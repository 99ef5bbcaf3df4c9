"""Rates of samples, corrected for the detector's own errors.

A detector that says "right" of a share ``Se`` of the images that are right (its sensitivity) and
"wrong" of a share ``Sp`` of the others (its specificity) says "right" of

    q = p Se + (1 - p) (1 - Sp)

of images of which p are right, so that ``p = (q + Sp - 1) / (Se + Sp - 1)`` (Rogan and Gladen 1978,
American Journal of Epidemiology 107, 71). Both are measured on renders: the sensitivity on the
rendered truth of the same request where there is one, because objects at other places may hide each
other more or less; all else on held-out renders of the detector's own dataset (``check.csv``). They
are those of samples only as far as the detector errs on samples as it does on renders.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtri

from projcomp.evaluation.read_table import read_table


class Trials(NamedTuple):
    """How often something happened."""

    successes: float
    trials: float


class Errors(NamedTuple):
    """What the detector says of held-out renders."""

    right: Trials
    """of those that are right: how often it says so"""
    wrong: Trials
    """of those that are wrong: how often it says that they are right"""


class Corrected(NamedTuple):
    """A corrected rate and its interval, in [0, 1]; NaN where nothing can be corrected."""

    rate: float
    low: float
    high: float


UNKNOWN = Corrected(float("nan"), float("nan"), float("nan"))


def corrected_rate(said: Trials, errors: Errors, confidence: float) -> Corrected:
    """Rogan and Gladen's estimate, with an interval that carries the errors' own uncertainty.

    The interval is the delta method's,

        var p = [var q + p^2 var Se + (1 - p)^2 var Sp] / (Se + Sp - 1)^2,

    around an estimate from rates that are moved towards one half, each by ``z^2 / 2`` successes and
    as many failures (Agresti and Coull 1998): without that it would have no width where all
    outcomes are equal, as those of a good detector are.

    Args:
        said: how many of the samples the detector says are right.
        errors: the detector's own, on renders.
        confidence: level of the interval, in (0, 1).

    Returns:
        NaN throughout without samples or renders, or where the detector is no better than chance.
    """
    if min(said.trials, errors.right.trials, errors.wrong.trials) < 1:
        return UNKNOWN
    q, se, fp = (one.successes / one.trials for one in (said, *errors))
    if se <= fp:
        return UNKNOWN
    z2 = float(ndtri(0.5 + confidence / 2)) ** 2
    moved = [Trials(one.successes + z2 / 2, one.trials + z2) for one in (said, *errors)]
    middle_q, middle_se, middle_fp = (one.successes / one.trials for one in moved)
    var_q, var_se, var_fp = (
        rate * (1 - rate) / one.trials
        for rate, one in zip((middle_q, middle_se, middle_fp), moved, strict=True)
    )
    gain = middle_se - middle_fp
    if gain <= 0:
        return UNKNOWN
    rate = float(np.clip((q - fp) / (se - fp), 0, 1))
    middle = float(np.clip((middle_q - middle_fp) / gain, 0, 1))
    half = (z2 * (var_q + middle**2 * var_se + (1 - middle) ** 2 * var_fp)) ** 0.5 / gain
    return Corrected(rate, min(max(middle - half, 0.0), rate), max(min(middle + half, 1.0), rate))


def count_errors(check: pd.DataFrame, number: int) -> Errors:
    """Of "exactly ``number`` objects": renders of as many are right, of one less or more wrong.

    A render with two objects too many or too few is hardly ever taken for right, and would make the
    detector look better than it is where samples miss by one.

    Args:
        check: a detector's ``check.csv``, by ``num_objects``, texts.
        number: of objects.
    """
    below, above = _of(check, number - 1, "one_more"), _of(check, number + 1, "one_less")
    wrong = Trials(below.successes + above.successes, below.trials + above.trials)
    return Errors(_of(check, number, "exact_count"), wrong)


def place_errors(check: pd.DataFrame, number: int) -> Errors:
    """Of "an object at each of ``number`` places".

    Right are renders of as many objects; what is found at a place where nothing is can be no more
    than what is found anywhere in renders of one object less, so that the correction of wrong ones
    is never too small.
    """
    return Errors(_of(check, number, "all_found"), _of(check, number - 1, "some_false"))


CORRECTED = {"exact_count": count_errors, "all_places": place_errors}
"""Measures that stand beside themselves corrected for the detector's errors."""


def read_check(path: Path) -> pd.DataFrame:
    """A detector's errors on held-out renders, by ``num_objects``, texts.

    Raises:
        FileFormatError: ``path`` is missing or damaged.
    """
    columns = ["images", "exact_count", "one_less", "one_more", "all_found", "some_false"]
    table = read_table(path, ["num_objects", *columns], "train-detector", text=("num_objects",))
    return table.set_index("num_objects")


def corrected_measure(
    values: np.ndarray,
    measure: str,
    number: int,
    check: pd.DataFrame,
    confidence: float,
    truth: np.ndarray | None = None,
) -> Corrected:
    """One of CORRECTED over images that asked for ``number`` objects.

    Args:
        values: what the detector says of each image, 0 or 1, NaN where the measure is none.
        measure: one of CORRECTED.
        number: of objects.
        check: as ``read_check`` returns it.
        confidence: level of the interval, in (0, 1).
        truth: what the detector says of each render of the same request, as ``values``.
    """
    errors = CORRECTED[measure](check, number)
    if truth is not None:
        errors = errors._replace(right=_trials(truth))
    return corrected_rate(_trials(values), errors, confidence)


def _trials(values: np.ndarray) -> Trials:
    """Of those that are numbers."""
    known = values[~np.isnan(values)]
    return Trials(float(known.sum()), len(known))


def _of(check: pd.DataFrame, number: int, rate: str) -> Trials:
    """A rate of the renders with ``number`` objects; none where there are no such renders."""
    if str(number) not in check.index:
        return Trials(0.0, 0.0)
    row = check.loc[str(number)]
    return Trials(float(row[rate] * row["images"]), float(row["images"]))
