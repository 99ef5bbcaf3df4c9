"""The kinds of condition, a row each: whoever asks for one by its name asks here."""

from projcomp.conditions.attribute import Attribute
from projcomp.conditions.count import Count
from projcomp.conditions.joint import TOGETHER, Joint
from projcomp.conditions.kind import Kind
from projcomp.conditions.position import Position
from projcomp.scenes.vocabulary import ATTRIBUTES

NONE = "none"
"""The condition of a model that is told nothing."""

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Position(),
        *(Attribute(name, ATTRIBUTES[name]) for name in ("color", "shape", "size", "material")),
        Count(),
    )
}


def kinds_in(condition: str) -> list[str]:
    """The names of the kinds that a model's condition is made of; none of :data:`NONE`."""
    return [] if condition == NONE else condition.split(TOGETHER)


def kind_of(name: str) -> Kind:
    """The kind ``name``: of :data:`KINDS`, or several of them joined by a plus.

    Raises:
        KeyError: there is no such kind; :data:`NONE` is none.
    """
    parts = [KINDS[part] for part in name.split(TOGETHER)]
    return parts[0] if len(parts) == 1 else Joint(parts)


def width_of(name: str) -> int:
    """How many numbers tell a model of this condition something; 0 where it is told nothing."""
    return 0 if name == NONE else kind_of(name).width
