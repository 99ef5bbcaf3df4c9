"""The kinds of condition, a row each: whoever asks for one by its name asks here.

Labels of pictures that were not rendered are kinds too. Which there are, a config says; so the name
by which stages know one tells its values, and nobody has to look them up.
"""

from collections.abc import Sequence

from projcomp.conditions.attribute import Attribute
from projcomp.conditions.count import Count
from projcomp.conditions.joint import TOGETHER, Joint
from projcomp.conditions.kind import Kind
from projcomp.conditions.position import Position
from projcomp.scenes.vocabulary import ATTRIBUTES

NONE = "none"
"""The condition of a model that is told nothing."""

OF, OR = ":", "|"
"""What stands in the name of a label with its values: ``garment:boot|coat|dress``."""

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Position(),
        *(Attribute(name, ATTRIBUTES[name]) for name in ("color", "shape", "size", "material")),
        Count(),
    )
}


def label(name: str, values: Sequence[str]) -> Kind:
    """A kind of condition on pictures that were not rendered: one of a file's labels."""
    return Attribute(name, values)


def with_values(kind: Kind) -> str:
    """The name by which :func:`kind_of` makes this kind: a label's tells its values too."""
    return kind.name if kind.name in KINDS else f"{kind.name}{OF}{OR.join(kind.values)}"


def kinds_in(condition: str) -> list[str]:
    """The names of the kinds that a model's condition is made of; none of :data:`NONE`."""
    if condition == NONE:
        return []
    return [part.partition(OF)[0] for part in condition.split(TOGETHER)]


def kind_of(name: str) -> Kind:
    """The kind ``name``: of :data:`KINDS`, a label with its values, or several joined by a plus.

    Raises:
        KeyError: there is no such kind; :data:`NONE` is none.
    """
    parts = [_one_kind(part) for part in name.split(TOGETHER)]
    return parts[0] if len(parts) == 1 else Joint(parts)


def width_of(name: str) -> int:
    """How many numbers tell a model of this condition something; 0 where it is told nothing."""
    return 0 if name == NONE else kind_of(name).width


def _one_kind(text: str) -> Kind:
    name, _, values = text.partition(OF)
    return label(name, values.split(OR)) if values else KINDS[name]
