"""How many objects the exact Bayes composition over clutter holds.

Each picture of clutter has n objects with probability p(n), of which one at random is labelled.
Given the picture, the label is object j with probability 1/n, so that Bayes' rule composes k
different places as ``p(x) prod_i p(place_i | x) / p(place_i)`` ([B], Appendix E): a picture of n
objects has n!/(n - k)! ways to have one at each place, each with n^-k. Where an object stands hangs
on nothing but the ground, so that

    p_k(n) is proportional to p(n) n! / ((n - k)! n^k).

That is no picture of exactly k objects, and the right one to hold experiment C against.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def composed_counts(prior: Sequence[float], num_composed: int) -> NDArray[np.float64]:
    """The law of the number of objects when ``num_composed`` places are composed.

    Args:
        prior: ``p(n)`` of the training pictures, n from 0 on.
        num_composed: ``k``, at least 0; 0 gives the prior.

    Returns:
        ``p_k(n)``, as long as ``prior``; NaN throughout where no picture has so many objects.
    """
    ways = [
        math.perm(number, num_composed) / max(number, 1) ** num_composed
        for number in range(len(prior))
    ]
    weights = np.asarray(prior, dtype=float) * ways
    total = weights.sum()
    return weights / total if total > 0 else np.full(len(weights), np.nan)
