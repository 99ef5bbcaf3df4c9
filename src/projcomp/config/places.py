"""Sets of places: image points where objects are requested, and where datasets have them."""

from typing import Annotated

from pydantic import Field

from projcomp.config.section import Unit

GRID = "grid"
"""Name of the nine default locations, which are no setting (``scenes/locations.py``)."""

MAX_PLACES = 20
"""Places of one set, at most."""

MAX_PLACES_NAME = 40
"""Letters of a set's name, which stands in the names of its cases."""

Point = tuple[Unit, Unit]

Places = Annotated[list[Point], Field(min_length=1, max_length=MAX_PLACES)]
