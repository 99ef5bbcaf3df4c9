"""Are attributes of objects drawn from the law that they should have?"""

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
            critical value and p-value are.

    Returns:
        NaN throughout where there is no object.
    """
    counts, target = np.asarray(counts), np.asarray(law, float)
    total = int(counts.sum())
    if not total:
        return Compared()

    def far(drawn: NDArray[Any]) -> NDArray[Any]:
        return total_variation(drawn / drawn.sum(-1, keepdims=True), target)

    value = float(far(counts.sum(0)))
    even = np.full(len(counts), 1 / len(counts))
    resampled = rng.multinomial(len(counts), even, PERMUTATIONS) @ counts
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(far(resampled[resampled.sum(1) > 0]), ends)
    drawn = far(rng.multinomial(total, target, PERMUTATIONS))
    return Compared(value, float(low), float(high), *null(value, drawn, confidence))
