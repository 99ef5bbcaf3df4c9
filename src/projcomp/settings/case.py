"""One request: the contract between what is asked for, sampled, rendered and counted."""

from pydantic import Field, model_validator

from projcomp.config.conditions import Told
from projcomp.config.section import Color, Section

TRUTH = "truth"
"""Name under which the rendered true compositions appear beside the experiments."""


def pair_in(name: str) -> tuple[str, str]:
    """The conditions that a pair's case is named after: p1 and p5 of ``spread-p1-p5``."""
    first, second = name.split("-")[-2:]
    return first, second


class Wanted(Section):
    """One requested object: values by kind (``conditions/``) that it has, and that it has not."""

    told: Told = Field({})
    avoided: Told = Field({}, exclude_if=lambda values: not values)


class Case(Section):
    """One request: ``locations``, ``colors``, ``asked`` or ``num_objects``.

    Without any of these it is the background alone.

    What is avoided has a negative weight in the composition: an object there answers to nothing.
    """

    name: str = Field(description="file name of the case: k3, spread-k3, p1-p5, red-blue, n1")
    locations: list[tuple[float, float]] = Field(
        default=[], description="requested places, x right and y down, as shares of the image side"
    )
    colors: list[Color] = Field(default=[], description="requested colours")
    num_objects: int | None = Field(
        default=None, description="requested number of objects, wherever and whatever they are"
    )
    avoided_locations: list[tuple[float, float]] = Field(
        default=[], description="places whose conditionals are negated"
    )
    avoided_colors: list[Color] = Field(
        default=[], description="colours whose conditionals are negated"
    )

    asked: list[Wanted] = Field(
        default=[],
        exclude_if=lambda asked: not asked,
        description="requested objects by any of their attributes",
    )

    @model_validator(mode="after")
    def _one_kind(self) -> "Case":
        asked = [*map(bool, (self.locations, self.colors, self.asked))]
        if sum([*asked, self.num_objects is not None]) > 1:
            raise ValueError(
                "expected locations, colors, asked or num_objects, got more than one of them"
            )
        return self

    @property
    def objects(self) -> list[Wanted]:
        """Every requested object, whichever way it is requested."""
        told: list[Told] = [{"position": point} for point in self.locations]
        for color in self.colors:
            told.append({"color": color})
        return [*(Wanted(told=values, avoided={}) for values in told), *self.asked]

    @property
    def num_composed(self) -> int:
        """Number of requested objects, of which one entry of ``asked`` may name several."""
        if self.asked:
            from projcomp.conditions.holding import num_objects  # numpy: not for every command

            return num_objects(self.asked)
        return self.num_objects or len(self.objects)

    @property
    def avoids(self) -> bool:
        """Whether some condition is negated."""
        negated = any(wanted.avoided for wanted in self.asked)
        return bool(self.avoided_locations or self.avoided_colors) or negated

    @property
    def num_conditions(self) -> int:
        """Number of conditions that it names, the avoided ones included."""
        avoided = len(self.avoided_locations) + len(self.avoided_colors)
        each = sum(len(wanted.told) + len(wanted.avoided) for wanted in self.asked)
        return len(self.locations) + len(self.colors) + avoided + each
