"""Confidence intervals: Wilson's for rates, the bootstrap for means and rank correlations."""

import numpy as np
import pandas as pd
from scipy.special import ndtri

_CHUNK = 2**22


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
    rows = max(1, _CHUNK // values.size)
    means = np.empty(resamples)
    for start in range(0, resamples, rows):
        stop = min(start + rows, resamples)
        means[start:stop] = values[
            rng.integers(values.size, size=(stop - start, values.size))
        ].mean(1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    # A resample's mean may differ from equal values by rounding; an interval never leaves its mean.
    return min(float(low), float(values.mean())), max(float(high), float(values.mean()))


def bootstrap_spearman(
    x: np.ndarray, y: np.ndarray, confidence: float, resamples: int, *, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Spearman's rank correlation of pairs ``(n,)`` with its percentile bootstrap interval.

    Resamples in which all values of one are equal have no correlation and are left out; where the
    pairs themselves have none, all three numbers are NaN.
    """
    middle = float(_spearman(np.asarray(x)[None], np.asarray(y)[None])[0])
    if np.isnan(middle):
        return middle, middle, middle
    drawn = rng.integers(len(x), size=(resamples, len(x)))
    low, high = np.nanquantile(
        _spearman(np.asarray(x)[drawn], np.asarray(y)[drawn]),
        [(1 - confidence) / 2, (1 + confidence) / 2],
    )
    return middle, float(low), float(high)


def _spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Correlations of the mean ranks along the last axis: ``(m, n)`` twice to ``(m,)``."""
    a, b = (pd.DataFrame(values).rank(axis=1).to_numpy() for values in (x, y))
    a, b = (ranks - ranks.mean(1, keepdims=True) for ranks in (a, b))
    lengths = np.sqrt((a**2).sum(1) * (b**2).sum(1))
    return np.divide((a * b).sum(1), lengths, out=np.full(len(a), np.nan), where=lengths > 0)
