"""A column of labels beside anybody's images, as conditions."""

import numpy as np
from numpy.typing import NDArray

from projcomp.data.arrays import Stored
from projcomp.data.column import check_length, points_of, texts_of
from projcomp.prediction.places import Division


def read_labels(stored: Stored, by: str, division: Division, count: int) -> NDArray[np.str_]:
    """The labels of ``count`` images in the column ``by`` as texts; empty where one has none.

    A column ``position`` of points ``(N, 2)`` in [0, 1] is divided as a dataset's positions are.

    Raises:
        FileFormatError: it is of another length, or holds what is no label.
    """
    column = stored.read(by)
    check_length(stored.path, by, column, count)
    if by == "position" and column.shape == (count, 2):
        return division.labels(points_of(stored.path, by, column, count))
    return texts_of(stored.path, by, column, count)
