from itertools import permutations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from projcomp.evaluation.matching import match

points = st.lists(
    st.tuples(st.floats(0, 1, width=32), st.floats(0, 1, width=32)), min_size=0, max_size=5
)


def best_by_trying_all(found, wanted, radius):
    """Most pairs and the least total distance for that number, over all assignments."""
    best = (0, 0.0)
    slots = [*range(len(wanted)), *[None] * len(found)]
    for chosen in set(permutations(slots, len(found))):
        taken = [(f, w) for f, w in enumerate(chosen) if w is not None]
        distances = [np.linalg.norm(np.subtract(found[f], wanted[w])) for f, w in taken]
        if all(d <= radius for d in distances):
            best = min(best, (-len(taken), float(sum(distances))))
    return best


@settings(deadline=None)  # the first contested point imports scipy
@given(
    points.filter(lambda p: len(p) <= 3), points.filter(lambda p: len(p) <= 3), st.floats(0.05, 1)
)
def test_matching_is_the_best_of_all(found, wanted, radius):
    rows, columns = match(np.array(found), np.array(wanted), radius)
    assert len(set(rows)) == len(rows)
    assert len(set(columns)) == len(columns)
    distances = [
        np.linalg.norm(np.subtract(found[r], wanted[c])) for r, c in zip(rows, columns, strict=True)
    ]
    assert all(d <= radius for d in distances)
    number, total = best_by_trying_all(found, wanted, radius)
    assert len(rows) == -number
    assert abs(sum(distances) - total) < 1e-9
