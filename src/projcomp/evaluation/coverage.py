"""Do samples lie where the truth lies, and everywhere there? Density and coverage.

Naeem et al. 2020 (arXiv 2002.09797): around every true point is a ball that reaches its k-th
nearest true neighbour. *Density* is in how many balls a sample lies, over k: 1 for equal laws, less
for samples that lie apart. *Coverage* is the share of balls that hold a sample: it falls where
samples leave something of the truth out.
"""

from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = 5


def density_and_coverage(
    distances: NDArray[Any], num_samples: int, neighbours: int = NEIGHBOURS
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The density at every sample ``(n,)``, and which of the true balls ``(m,)`` hold one.

    Args:
        distances: between all points ``(n + m, n + m)``, the samples first.
        num_samples: n.
        neighbours: k, less than m.
    """
    true = distances[num_samples:, num_samples:]
    # a point is its own nearest
    radius = np.partition(true, neighbours, axis=1)[:, neighbours]
    inside = distances[num_samples:, :num_samples] <= radius[:, None]
    return inside.sum(0) / neighbours, inside.any(1)


def coverage_of_equals(num_true: int, num_samples: int, neighbours: int = NEIGHBOURS) -> float:
    """The expected coverage where both have one law without ties (ibid., Lemma 2).

    A ball is empty where the k points nearest to its middle, of all others, are true ones.
    """
    others = num_true - 1
    return 1 - comb(others, neighbours) / comb(others + num_samples, neighbours)
