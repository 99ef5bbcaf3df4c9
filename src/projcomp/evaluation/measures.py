"""What one image holds, against what was asked of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from projcomp.conditions.holding import holding
from projcomp.conditions.holding import num_objects as num_objects_of
from projcomp.conditions.table import of_detections
from projcomp.config.section import Color
from projcomp.evaluation.binding import RIGHT, outcome
from projcomp.evaluation.heatmaps import Detections
from projcomp.evaluation.matching import match

if TYPE_CHECKING:
    from projcomp.settings.case import Wanted


@dataclass(frozen=True)
class Measures:
    """The measures of one image; None where the case does not ask for it.

    Nothing is asked of a sample of the background alone: every object in it is an extra one.
    """

    num_objects: int
    num_hit: int | None
    """requested places that hold an object"""
    all_places: bool | None
    places_hit: float | None
    """share of the requested places that hold an object"""
    place_distance: float | None
    """mean distance of the objects there from their places, as a share of the image side"""
    extra_objects: int
    """objects that answer to no requested place or colour"""
    exact_count: bool
    """as many objects as were asked for, wherever they are"""
    colors: tuple[str, ...]
    """colours of the objects, sorted"""
    colors_hit: int | None
    """requested colours that some object has, each object answering to one"""
    all_colors: bool | None
    outcome: str | None = None
    """what became of objects that were requested by any of their attributes (``binding.py``)"""

    @property
    def success(self) -> bool:
        """Everything that was asked for, and nothing else."""
        asked = (self.all_places, self.all_colors, self.outcome in (None, RIGHT))
        return self.exact_count and False not in asked


def measure(
    found: Detections,
    locations: np.ndarray,
    colors: Sequence[Color],
    radius: float,
    vocabulary: Sequence[str],
    asked: int | None = None,
    described: "Sequence[Wanted]" = (),
) -> Measures:
    """Measure one image.

    Args:
        found: the objects detected in it.
        locations: ``(k, 2)`` requested places in [0, 1]; empty when colours were requested.
        colors: requested colours; empty when places were requested.
        radius: a place holds an object whose centre lies this near, one object per place.
        vocabulary: names of the colour indices.
        asked: requested number of objects, where neither places nor colours are requested.
        described: objects requested by any of their attributes, where nothing else is.
    """
    locations = np.asarray(locations, dtype=float).reshape(-1, 2)
    num_objects = len(found.xy)
    names = tuple(sorted(str(vocabulary[int(index)]) for index in found.color))
    there, places = match(found.xy, locations, radius)
    num_hit = len(places) if len(locations) else None
    colors_hit = (Counter(names) & Counter(map(str, colors))).total() if len(colors) else None
    wanted = asked or len(locations) + len(colors)
    answered = min(num_objects, asked or 0) + (num_hit or 0) + (colors_hit or 0)
    became = None
    if described:
        objects = of_detections(found)
        became = outcome(objects, described, radius)
        wanted = num_objects_of(described)
        met = len(holding(objects, described, radius))
        answered = min(num_objects, met + wanted - len(described))
    return Measures(
        num_objects=num_objects,
        num_hit=num_hit,
        all_places=None if num_hit is None else num_hit == len(locations),
        places_hit=None if num_hit is None else num_hit / len(locations),
        place_distance=_mean_distance(found.xy[there], locations[places]) if num_hit else None,
        extra_objects=num_objects - answered,
        exact_count=num_objects == wanted,
        colors=names,
        colors_hit=colors_hit,
        all_colors=None if colors_hit is None else colors_hit == len(colors),
        outcome=became,
    )


def _mean_distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.linalg.norm(first - second, axis=1).mean())
