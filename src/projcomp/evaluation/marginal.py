"""Are attributes of objects drawn from the law that they should have?

Of several places Definition 4.1 asks for each by itself: what stands at the places of one image may
depend on each other as it likes. So no draw of whole images is known to be right where all places
are, and what is said of them together is made of what is said of each.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projcomp.evaluation.tables.mixture import total_variation
from projcomp.evaluation.two_sample import PERMUTATIONS, Compared, null


def against_law(
    counts: NDArray[Any], law: Sequence[float], confidence: float, *, rng: np.random.Generator
) -> Compared:
    """Total variation of the counted shares from ``law``.

    Args:
        counts: how many objects of every image have each value, ``(N, V)``: colours, shapes, ...
        law: of the V values.
        confidence: level of the interval, the bootstrap's over images. It is too far up, as shares
            of few objects are never quite the law's: the floor says by how much.
        rng: the stream of the resamples, and of as many objects drawn from the law, of which floor,
            critical value and p-value are: these hold for objects that do not depend on each other,
            as those at one place of several images.

    Returns:
        NaN throughout where there is no object.
    """
    counts, target = np.asarray(counts), np.asarray(law, float)
    total = int(counts.sum())
    if not total:
        return Compared()
    value = float(_far(counts.sum(0), target))
    low, high = _ends(_far(_resampled(counts, rng), target), confidence)
    drawn = _far(rng.multinomial(total, target, PERMUTATIONS), target)
    return Compared(value, low, high, *null(value, drawn, confidence))


def over_places(
    counts: NDArray[Any],
    each: Sequence[Compared],
    law: Sequence[float],
    confidence: float,
    *,
    rng: np.random.Generator,
) -> Compared:
    """The mean over places of the total variation at each; that of one place is the place's.

    Shares of all places together would be right where places make up for each other. The p-value is
    Bonferroni's, the least of the places' times their number: valid however the places of an image
    depend on each other, and small only where some place by itself differs. The floor is the mean
    of the places', since means add up whatever depends on what. There is no critical value: a
    quantile of the mean does depend on it.

    Args:
        counts: how many objects of every image have each value at every place, ``(N, P, V)``.
        each: what :func:`against_law` says of each of the P places.
        law: of the V values.
        confidence: level of the interval, the bootstrap's over whole images, which is too far up as
            that of one place is.
        rng: the stream of the resamples.

    Returns:
        of the places that hold an object in some image; NaN throughout where there is none.
    """
    some = [place for place, one in enumerate(each) if not np.isnan(one.value)]
    told = [each[place] for place in some]
    if len(told) < 2:
        return told[0] if told else Compared()
    kept = np.asarray(counts)[:, some]
    resampled = _resampled(kept.reshape(len(kept), -1), rng).reshape(-1, *kept.shape[1:])
    low, high = _ends(np.nanmean(_far(resampled, np.asarray(law, float)), axis=1), confidence)
    value, p_value, floor = (
        np.array([getattr(one, name) for one in told]) for name in ("value", "p_value", "floor")
    )
    p = min(1.0, len(told) * float(p_value.min()))
    return Compared(float(value.mean()), low, high, p, float(floor.mean()))


def _far(counts: NDArray[Any], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Total variation of counts ``(..., V)``; NaN where there are none."""
    total = counts.sum(-1, keepdims=True)
    shares = np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)
    return total_variation(shares, target)


def _resampled(counts: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Sums ``(R, V)`` over images drawn with replacement, those without an object left out."""
    even = np.full(len(counts), 1 / len(counts))
    sums = rng.multinomial(len(counts), even, PERMUTATIONS) @ counts
    return sums[sums.sum(1) > 0]


def _ends(drawn: NDArray[Any], confidence: float) -> tuple[float, float]:
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
