"""What a model is told, and what is asked of an object: kinds of condition, and their values."""

import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, TypeAdapter
from pydantic_core import PydanticCustomError

from projcomp.conditions.joint import TOGETHER
from projcomp.conditions.kinds import KINDS, NONE, OF, OR
from projcomp.config.section import Text

LABEL_NAME = r"[A-Za-z][A-Za-z0-9_]*"
"""Names of labels, as a pattern; their values stand in the names of cases, which are files."""

LABEL_VALUE = r"[A-Za-z0-9_-]+"

_WITH_VALUES = re.compile(rf"{LABEL_NAME}{OF}{LABEL_VALUE}({re.escape(OR)}{LABEL_VALUE})*")


def joined(kinds: list[str]) -> str:
    """The one name of a set of kinds: joined by a plus, in the order of the kinds, labels last."""
    ranks = {kind: rank for rank, kind in enumerate(KINDS)}
    return TOGETHER.join(sorted(kinds, key=lambda kind: (ranks.get(kind, len(ranks)), kind)))


def _one_name(value: Any) -> Any:
    is_list = isinstance(value, list) and all(isinstance(kind, str) for kind in value)
    return joined(value) if is_list and value else value


def kinds_expected(labels: Iterable[str] = ()) -> str:
    """What a condition may be, in words."""
    return f"one of {', '.join([NONE, *KINDS, *labels])}, or a list of them without none"


def _known(value: str) -> str:
    parts = value.split(TOGETHER)
    unknown = [part for part in parts if part not in KINDS and not _WITH_VALUES.fullmatch(part)]
    if value != NONE and (unknown or len(set(parts)) < len(parts)):
        raise PydanticCustomError("condition", "{expected}", {"expected": kinds_expected()})
    return value


def _named(value: str) -> str:
    parts = value.split(TOGETHER)
    odd = [part for part in parts if not re.fullmatch(LABEL_NAME, part)]
    if value != NONE and (odd or NONE in parts or len(set(parts)) < len(parts)):
        raise PydanticCustomError("condition", "{expected}", {"expected": kinds_expected()})
    return value


_NAMES = BeforeValidator(_one_name, json_schema_input_type=str | list[str])

Condition = Annotated[str, _NAMES, AfterValidator(_known)]
"""What a model is conditioned on: "none", the name of a kind, or names joined by a plus; a label's
name tells its values too (``conditions/kinds.py``)."""

NamedCondition = Annotated[str, _NAMES, AfterValidator(_named)]
"""The same as a config writes it, by names alone: which labels there are, the config says."""

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
    """An object of a case: ``not`` holds values of its own."""
    if not isinstance(value, dict) or not value:
        raise PydanticCustomError("asked", "an object such as {place: 1, color: red}")
    found = dict(value)
    found |= _placed({kind: one for kind, one in found.items() if kind != NOT})
    if NOT in found:
        found[NOT] = _placed(found[NOT])
        if not found[NOT]:
            raise PydanticCustomError("not", "something in not, such as {color: red}")
    return found


def _placed(value: Any) -> Any:
    """Values by kind, where ``place`` holds a number."""
    if not isinstance(value, dict) or PLACE not in value:
        return _values(value)
    place = value[PLACE]
    if isinstance(place, bool) or not isinstance(place, int):
        raise PydanticCustomError("place", "place and the number of a place, from 1")
    return {**value, **_values({kind: one for kind, one in value.items() if kind != PLACE})}


Distribution = Annotated[str | Told, _one_of(EMPTY, UNCONDITIONAL)]
"""One of a model's distributions: where no object is, where nothing is told, or what is told."""

ToldByCase = Annotated[str | Told, _one_of(CASE, EMPTY, UNCONDITIONAL)]
"""The same, or ``case``: what the case asks for."""

PLACE, NOT = "place", "not"

Asked = Annotated[dict[str, Any], BeforeValidator(_asked, json_schema_input_type=dict[str, Any])]
"""As a config asks for an object: values by kind, ``place`` and its number, and ``not``."""
