"""Which objects of a picture answer to what is asked for, each object to one request."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from projcomp.conditions.kinds import KINDS
from projcomp.conditions.table import THERE, Table

if TYPE_CHECKING:
    from projcomp.settings.case import Wanted


def answering(objects: Table, wanted: "Wanted", bandwidth: float) -> NDArray[np.bool_]:
    """Which of K objects are what is asked of one: ``(K,)``.

    Args:
        objects: of one picture (``table.py``).
        wanted: what is asked of one object.
        bandwidth: how near an image point counts as there, as a share of the image's side.
    """
    answer = objects[THERE][0].copy()
    for values, has in ((wanted.told, True), (wanted.avoided, False)):
        for name, value in values.items():
            kind = KINDS[name]
            told = np.array(kind.numbers(value), dtype=np.float32)
            answer &= kind.answers(kind.labels(objects)[0], told, bandwidth) == has
    return answer


def holding(objects: Table, asked: "Sequence[Wanted]", bandwidth: float) -> dict[int, int]:
    """The largest one-to-one matching of requests and objects that answer to them.

    Augmenting paths (Kuhn 1955); there are a handful of each. Of two objects that answer to one
    request the first is taken.

    Returns:
        object by request, for the requests that are met.
    """
    able = [np.flatnonzero(answering(objects, wanted, bandwidth)).tolist() for wanted in asked]
    taken: dict[int, int] = {}  # request by object

    def placed(request: int, tried: set[int]) -> bool:
        for item in able[request]:
            if item in tried:
                continue
            tried.add(item)
            if item not in taken or placed(taken[item], tried):
                taken[item] = request
                return True
        return False

    for request in range(len(asked)):
        placed(request, set())
    return {request: item for item, request in taken.items()}


def num_objects(asked: "Sequence[Wanted]") -> int:
    """How many objects a picture of exactly what is asked for has."""
    least = [KINDS[kind].least(value) for one in asked for kind, value in one.told.items()]
    return max([len(asked), *least])
