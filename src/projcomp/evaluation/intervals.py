"""Confidence intervals: Wilson's and Newcombe's for rates, the bootstrap for means and ranks."""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import ndtri

_CHUNK = 2**22
"""Numbers that are drawn at a time; a bootstrap's memory does not grow with its resamples."""


def wilson(successes: int, trials: int, confidence: float) -> tuple[float, float]:
    """Wilson's score interval of a rate (Wilson 1927): where a z-test would not reject.

    Without trials it is (0, 1).

    Raises:
        ValueError: ``successes`` is not in [0, trials], or ``confidence`` not in (0, 1).
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"successes: expected 0 to {trials}, got {successes}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence: expected a number between 0 and 1, got {confidence}")
    if trials == 0:
        return 0.0, 1.0
    z2 = float(ndtri(0.5 + confidence / 2)) ** 2
    rate = successes / trials
    middle = (rate + z2 / (2 * trials)) / (1 + z2 / trials)
    half = np.sqrt(z2 * (rate * (1 - rate) / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)
    # At the ends the bound is exact in theory; rounding must not move it past the rate.
    low = 0.0 if successes == 0 else float(middle - half)
    high = 1.0 if successes == trials else float(middle + half)
    return low, high


def rate_columns(name: str, hits: int, trials: int, confidence: float) -> dict[str, float]:
    """A rate and its Wilson interval as a table's columns ``name``, ``_low`` and ``_high``.

    Empty of nothing.
    """
    value, low, high = float("nan"), float("nan"), float("nan")
    if trials:
        value, (low, high) = hits / trials, wilson(hits, trials, confidence)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def difference_of_rates(
    first: np.ndarray, second: np.ndarray, confidence: float, *, paired: bool
) -> tuple[float, float]:
    """Interval of the difference of two rates, ``first - second``, from Wilson's intervals.

    Newcombe's hybrid scores: of independent samples (1998, Statistics in Medicine 17, 873, method
    10), and of paired ones with the correlation of the pairs (17, 2635, method 10). Unlike the
    bootstrap's, it has a width where all outcomes are equal.

    Args:
        first: outcomes 0 or 1, ``(n,)``.
        second: outcomes 0 or 1, ``(m,)``; paired ones stand in the same order, and m = n.
        confidence: level of the interval, in (0, 1).
        paired: whether row i of both is the same request.
    """
    ours, theirs = (
        (values.mean(), *wilson(round(values.sum()), len(values), confidence))
        for values in (np.asarray(first, float), np.asarray(second, float))
    )
    return hybrid_difference(ours, theirs, _correlation_of_pairs(first, second) if paired else 0.0)


def hybrid_difference(
    first: tuple[float, float, float], second: tuple[float, float, float], phi: float = 0.0
) -> tuple[float, float]:
    """Interval of ``first - second``, from the interval of each.

    The squared distances to the intervals' ends are estimates of variances there, and add (Zou and
    Donner 2008, Statistics in Medicine 27, 1693).

    Args:
        first: a value, and the lower and upper end of its interval.
        second: another.
        phi: how the two estimates correlate, in [-1, 1].
    """
    (a, low_a, high_a), (b, low_b, high_b) = first, second

    def width(up: float, down: float) -> float:
        return float(np.sqrt(max(up**2 - 2 * phi * up * down + down**2, 0.0)))

    difference = float(a - b)
    low = difference - width(a - low_a, high_b - b)
    return low, difference + width(high_a - a, b - low_b)


def _correlation_of_pairs(first: np.ndarray, second: np.ndarray) -> float:
    """The pairs' phi coefficient, corrected for continuity where it is positive."""
    first, second = np.asarray(first, bool), np.asarray(second, bool)
    both, neither = int((first & second).sum()), int((~first & ~second).sum())
    only, other = int((first & ~second).sum()), int((~first & second).sum())
    margins = (both + only) * (other + neither) * (both + other) * (only + neither)
    if not margins:
        return 0.0
    excess = both * neither - only * other
    if excess > 0:
        excess = max(excess - len(first) / 2, 0.0)
    return float(excess / np.sqrt(margins))


def bootstrap_difference(
    first: np.ndarray,
    second: np.ndarray,
    confidence: float,
    resamples: int,
    *,
    paired: bool,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Percentile bootstrap interval of the difference of two means, ``first - second``.

    Args:
        first: ``(n,)``, n at least 1.
        second: ``(m,)``, m at least 1; paired values stand in the same order, and m = n.
        confidence: level of the interval, in (0, 1).
        resamples: number of samples drawn with replacement.
        paired: whether row i of both is the same request; their differences are drawn then.
        rng: the stream they come from.
    """
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if paired:
        return bootstrap_mean(first - second, confidence, resamples, rng=rng)
    means = [_resampled_means(values, resamples, rng) for values in (first, second)]
    low, high = np.quantile(means[0] - means[1], [(1 - confidence) / 2, (1 + confidence) / 2])
    middle = float(first.mean() - second.mean())
    return min(float(low), middle), max(float(high), middle)


def bootstrap_mean(
    values: np.ndarray, confidence: float, resamples: int, *, rng: np.random.Generator
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of ``values`` (Efron 1979).

    Args:
        values: ``(n,)``, n at least 1.
        confidence: level of the interval, in (0, 1).
        resamples: number of samples drawn with replacement.
        rng: the stream they come from.

    Raises:
        ValueError: ``values`` is empty.
    """
    values = np.asarray(values, dtype=float)
    if values.size == 0:
        raise ValueError("values: expected at least one, got none")
    means = _resampled_means(values, resamples, rng)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    # A resample's mean may differ from equal values by rounding; an interval never leaves its mean.
    return min(float(low), float(values.mean())), max(float(high), float(values.mean()))


def bootstrap_spearman(
    x: np.ndarray, y: np.ndarray, confidence: float, resamples: int, *, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Spearman's rank correlation of pairs ``(n,)`` with its percentile bootstrap interval.

    Resamples in which all values of one are equal have no correlation and are left out; where the
    pairs themselves have none, all three numbers are NaN. Pairs so few that no order of them would
    be unlikely by chance (of n pairs, one in n! is the same order, and one its reverse) have the
    interval [-1, 1]: resamples of them are mostly of the same order.
    """
    middle = float(_spearman(np.asarray(x)[None], np.asarray(y)[None])[0])
    if np.isnan(middle):
        return middle, middle, middle
    if 2 / math.factorial(len(x)) > 1 - confidence:
        return middle, -1.0, 1.0
    found = [
        _spearman(np.asarray(x)[drawn], np.asarray(y)[drawn])
        for drawn in _resamples(len(x), resamples, rng)
    ]
    low, high = np.nanquantile(np.concatenate(found), [(1 - confidence) / 2, (1 + confidence) / 2])
    return middle, float(low), float(high)


def _resampled_means(values: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Means of ``resamples`` samples of ``(n,)`` drawn with replacement, ``(resamples,)``."""
    means = [values[drawn].mean(1) for drawn in _resamples(len(values), resamples, rng)]
    return np.concatenate(means)


def _resamples(size: int, resamples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Rows drawn with replacement, ``(some, size)``: as many at a time as memory has room for."""
    rows = max(1, _CHUNK // size)
    for start in range(0, resamples, rows):
        yield rng.integers(size, size=(min(rows, resamples - start), size))


def _spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Correlations of the mean ranks along the last axis: ``(m, n)`` twice to ``(m,)``."""
    a, b = (pd.DataFrame(values).rank(axis=1).to_numpy() for values in (x, y))
    a, b = (ranks - ranks.mean(1, keepdims=True) for ranks in (a, b))
    lengths = np.sqrt((a**2).sum(1) * (b**2).sum(1))
    return np.divide((a * b).sum(1), lengths, out=np.full(len(a), np.nan), where=lengths > 0)
