"""Sets of places by name, as cases count in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from projcomp.config.places import GRID
from projcomp.config.root import Config
from projcomp.settings.case import Case

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class PlaceSet:
    """A named set of image points; the names of its cases tell it, those of ``grid`` apart."""

    name: str
    points: Points

    def case(self, name: str, asked: Sequence[int], avoided: Sequence[int]) -> Case:
        """The case of places by number, from 1; without any it is the same for all sets."""
        apart = self.name != GRID and (asked or avoided)
        return Case(
            name=f"{self.name}-{name}" if apart else name,
            locations=[self.points[place - 1] for place in asked],
            avoided_locations=[self.points[place - 1] for place in avoided],
        )


@cache
def grid_places() -> PlaceSet:
    """The nine default locations; every run asks for some, and the camera is always the same."""
    from projcomp.scenes.locations import default_locations

    return PlaceSet(GRID, [(float(x), float(y)) for x, y in default_locations()])


def place_set(config: Config, name: str) -> PlaceSet:
    """The set ``name``; one that is not in the config has no places, as the checks will say."""
    return grid_places() if name == GRID else PlaceSet(name, config.places.get(name, []))
