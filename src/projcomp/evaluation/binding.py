"""Whether attributes that are asked for of one object are found on one object."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from projcomp.conditions.holding import holding
from projcomp.conditions.table import THERE, Table

if TYPE_CHECKING:
    from projcomp.config.conditions import Told
    from projcomp.settings.case import Wanted

RIGHT, UNBOUND, LOST, PARTIAL, NEITHER = "right", "unbound", "lost", "partial", "neither"
OUTCOMES = (RIGHT, UNBOUND, LOST, PARTIAL, NEITHER)
"""What became of a request: every requested object is there; everything that is asked for is there,
but not on the objects that should have it (a red sphere and a blue cube for a red cube and a blue
sphere, or a red object and a cube for a red cube); some of it, and fewer objects than were
requested (a red cube alone for a red cube and a blue sphere); some of it otherwise, or an object
with all of it and with what it should not have (a red cube for a cube that is not red); nothing of
it."""


def outcome(objects: Table, asked: "Sequence[Wanted]", bandwidth: float) -> str:
    """One of :data:`OUTCOMES` for the objects found in one image; further objects do not count.

    Args:
        objects: found in the image (``conditions/table.py``).
        asked: the requested objects.
        bandwidth: how near an image point counts as there, as a share of the image's side.
    """
    if len(holding(objects, asked, bandwidth)) == len(asked):
        return RIGHT
    wanted = found = 0
    for kind in dict.fromkeys(kind for one in asked for kind in one.told):
        alone = [_of(one, {kind: one.told[kind]}) for one in asked if kind in one.told]
        wanted += len(alone)
        found += len(holding(objects, alone, bandwidth))
    whole = [_of(one, one.told) for one in asked if one.told]
    if found == wanted and len(holding(objects, whole, bandwidth)) < len(whole):
        return UNBOUND
    if not found:
        return NEITHER
    return LOST if np.sum(objects[THERE]) < len(asked) else PARTIAL


def _of(one: "Wanted", told: "Told") -> "Wanted":
    """A request for these values, whatever else the object has."""
    return one.model_copy(update={"told": told, "avoided": {}})
