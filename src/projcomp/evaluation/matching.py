"""Which detected object stands at which requested place."""

import numpy as np


def match(found: np.ndarray, wanted: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """The one-to-one matching with most pairs within ``radius``, then least total distance.

    Args:
        found: ``(n, 2)`` points.
        wanted: ``(m, 2)`` points.
        radius: greatest distance of a pair, in the unit of the points.

    Returns:
        indices into ``found`` and into ``wanted`` of the pairs, by increasing index into ``found``.
    """
    found = np.asarray(found, dtype=float).reshape(-1, 2)
    wanted = np.asarray(wanted, dtype=float).reshape(-1, 2)
    distance = np.linalg.norm(found[:, None] - wanted[None, :], axis=-1)
    allowed = distance <= radius
    if not _contested(allowed):
        rows, columns = np.nonzero(allowed)
        return rows, columns
    from scipy.optimize import linear_sum_assignment  # its import takes longer than most cases

    # A forbidden pair costs more than all allowed ones together, so none is taken needlessly.
    forbidden = radius * (min(distance.shape) + 1) + 1.0
    rows, columns = linear_sum_assignment(np.where(allowed, distance, forbidden))
    kept = allowed[rows, columns]
    return rows[kept], columns[kept]


def _contested(allowed: np.ndarray) -> bool:
    """Whether some point could be in more than one pair."""
    return bool((allowed.sum(0) > 1).any() or (allowed.sum(1) > 1).any())
