"""The composition operators by the names that a configuration gives them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from projcomp.composition.product import product_field
from projcomp.diffusion.field import ScoreField, ScoreStack
from projcomp.errors import ConfigError


@dataclass(frozen=True)
class OperatorSpec:
    """How one operator is built.

    Attributes:
        field: from stacked scores (the background first, then the conditionals) and one weight per
            conditional to the composed score field.
        background: where the background comes from: ``given`` by the experiment, or the
            ``unconditional`` distribution of the model that also gives the conditionals.
    """

    field: Callable[[ScoreStack, Sequence[float]], ScoreField]
    background: Literal["given", "unconditional"]


OPERATORS: dict[str, OperatorSpec] = {
    "product": OperatorSpec(product_field, background="given"),
    "bayes": OperatorSpec(product_field, background="unconditional"),
}


def get_operator(name: str) -> OperatorSpec:
    """The operator called ``name``.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in OPERATORS:
        raise ConfigError(f"operator: expected one of {', '.join(OPERATORS)}, got {name!r}")
    return OPERATORS[name]
