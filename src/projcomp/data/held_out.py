"""Which images of a dataset no training sees."""

import numpy as np
from numpy.typing import NDArray

HELD_OUT_EVERY = 50
"""Every image of this number is never trained on; enlarging a dataset keeps it so."""


def rows_held_out(count: int) -> NDArray[np.bool_]:
    """Which rows of a dataset of ``count`` images (at least 2) are held out, ``(count,)``.

    A dataset too small for one in ``HELD_OUT_EVERY`` holds out its last image.
    """
    every = min(HELD_OUT_EVERY, count)
    return np.arange(count) % every == every - 1
