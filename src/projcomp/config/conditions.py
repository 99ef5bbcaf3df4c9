"""What a model is told, and what is asked of an object: kinds of condition, and their values."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, TypeAdapter
from pydantic_core import PydanticCustomError

from projcomp.conditions.joint import TOGETHER
from projcomp.conditions.kinds import KINDS, NONE
from projcomp.config.section import Text


def joined(kinds: list[str]) -> str:
    """The one name of a set of kinds: joined by a plus, in the order of the kinds."""
    ranks = {kind: rank for rank, kind in enumerate(KINDS)}
    return TOGETHER.join(sorted(kinds, key=lambda kind: ranks.get(kind, len(ranks))))


def _one_name(value: Any) -> Any:
    is_list = isinstance(value, list) and all(isinstance(kind, str) for kind in value)
    return joined(value) if is_list and value else value


def _known(value: str) -> str:
    parts = value.split(TOGETHER)
    if value != NONE and (not set(parts) <= set(KINDS) or len(set(parts)) < len(parts)):
        known = {"kinds": ", ".join([NONE, *KINDS])}
        raise PydanticCustomError(
            "condition", "one of {kinds}, or a list of them without none", known
        )
    return value


Condition = Annotated[
    str,
    BeforeValidator(_one_name, json_schema_input_type=str | list[str]),
    AfterValidator(_known),
]
"""What a model is conditioned on: "none", the name of a kind, or names joined by a plus."""

Value = str | tuple[float, float]
"""A value of a kind: a name, or an image point."""

Told = dict[str, Value]
"""Values by the name of their kind, of one object."""

EMPTY, UNCONDITIONAL, CASE = "empty", "unconditional", "case"
_EXAMPLE = "{color: red}"


def _value(value: Any) -> Value:
    """A name, or an image point as a list; a number is a name of digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return _line(value)
    if isinstance(value, list | tuple) and len(value) == 2:
        x, y = value
        if all(isinstance(one, int | float) and 0 <= one <= 1 for one in (x, y)):
            return float(x), float(y)
    raise PydanticCustomError("value", "a name, or an image point [x, y] of shares in [0, 1]")


def _values(value: Any) -> Any:
    if not isinstance(value, dict):
        raise PydanticCustomError("told", "values by kind such as {example}", {"example": _EXAMPLE})
    return {_line(str(kind)): _value(of_kind) for kind, of_kind in value.items()}


def _line(value: str) -> str:
    return TypeAdapter(Text).validate_python(value)


def _one_of(*names: str) -> BeforeValidator:
    """A distribution by one of ``names``, or by what is told."""

    def distribution(value: Any) -> Any:
        if value in names:
            return value
        if isinstance(value, dict) and value:
            return _values(value)
        expected = {"names": ", ".join(names), "example": _EXAMPLE}
        raise PydanticCustomError(
            "distribution", "{names}, or what is told such as {example}", expected
        )

    return BeforeValidator(distribution, json_schema_input_type=str | dict[str, Any])


def _asked(value: Any) -> Any:
    """An object of a case: ``place`` holds a number, ``not`` values of its own."""
    if not isinstance(value, dict) or not value:
        raise PydanticCustomError("asked", "an object such as {place: 1, color: red}")
    found = dict(value)
    if PLACE in found and (isinstance(found[PLACE], bool) or not isinstance(found[PLACE], int)):
        raise PydanticCustomError("place", "place and the number of a place, from 1")
    plain = {kind: one for kind, one in found.items() if kind not in (PLACE, NOT)}
    found |= _values(plain)
    if NOT in found:
        found[NOT] = _values(found[NOT])
    return found


Distribution = Annotated[str | Told, _one_of(EMPTY, UNCONDITIONAL)]
"""One of a model's distributions: where no object is, where nothing is told, or what is told."""

ToldByCase = Annotated[str | Told, _one_of(CASE, EMPTY, UNCONDITIONAL)]
"""The same, or ``case``: what the case asks for."""

PLACE, NOT = "place", "not"

Asked = Annotated[dict[str, Any], BeforeValidator(_asked, json_schema_input_type=dict[str, Any])]
"""As a config asks for an object: values by kind, ``place`` and its number, and ``not``."""
