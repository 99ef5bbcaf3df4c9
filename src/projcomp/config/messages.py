"""What is wrong with a value that a user wrote, as one line."""

import difflib
import types
import typing
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, Tag, ValidationError

from projcomp.config.compute import MOVED
from projcomp.words import quoted, short

_NAMED = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of fewer digits",
    "finite_number": "a finite number",
    "single_precision": "a number that single precision holds (0, or 1.2e-38 to 3.4e38)",
    "one_line": "a line of text without control characters",
    "float_parsing": "a number",
    "float_type": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a section with keys",
    "model_type": "a section with keys",
    "model_attributes_type": "a name or a section with keys",
    "union_tag_not_found": "a name",
}


_MENDS = {
    "label_value": "rename the folder, or map the values of the file's column, to such names",
}
"""What to do, by the kind of error, where the expected does not tell it."""


_GONE = {
    "datasets.colored": "; the demo has no dataset colored any more, colours are learned from "
    "single: leave it out, or write all of it"
}
"""Entries of earlier demos, which presets of somebody may still change."""


_BOUNDS = {
    "greater_than": ("greater than", "gt"),
    "greater_than_equal": ("of at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("of at most", "le"),
}


def first_line(error: ValidationError, model: type[BaseModel]) -> str:
    """The first error against ``model`` as one line, and how many more keys have one."""
    by_key: dict[tuple[str, ...], list[Any]] = {}
    parents: dict[tuple[str, ...], type[BaseModel] | None] = {}
    for item in error.errors(include_url=False):
        path, parent = _resolve(model, item["loc"])
        by_key.setdefault(path, []).append(item)
        parents[path] = parent
    # Where one side of a union went deeper than the other, the deeper error is the telling one.
    keys = [key for key in by_key if not any(o[: len(key)] == key != o for o in by_key)]
    # An unknown key is the likeliest cause of a missing one beside it, so it goes first.
    keys.sort(key=lambda key: by_key[key][0]["type"] != "extra_forbidden")
    return _line(keys[0], by_key[keys[0]], parents[keys[0]]) + and_more(len(keys) - 1)


def _line(path: tuple[str, ...], items: list[Any], parent: type[BaseModel] | None) -> str:
    key = ".".join(short(part) for part in path) or "the top level"
    first = items[0]
    if first["type"] == "extra_forbidden":
        moved = MOVED.get(key)
        if moved:
            return f"{key}: expected {moved} instead, which changes nothing that comes out"
        return f"{key}: {_unknown(path[-1], parent)}"
    if first["type"] == "missing":
        gone = _GONE.get(".".join(path[:-1]), "")
        return f"{key}: expected {_describe(path[-1], parent)}, got nothing" + gone
    if first["type"] == "union_tag_invalid":
        key, expected = f"{key}.name", str(first["ctx"]["expected_tags"]).replace("'", "")
        return f"{key}: expected one of {expected}, got {_shown(first['ctx']['tag'])}"
    expected = " or ".join(dict.fromkeys(_expected(item) for item in items))
    line = f"{key}: expected {expected}, got {_shown(first['input'])}"
    # YAML reads no, on, 1, ~ as something else
    unquoted = first["input"] is None or isinstance(first["input"], bool | int | float)
    mend = "put it in quotes" if expected == "text" and unquoted else _MENDS.get(first["type"])
    return f"{line}; {mend}" if mend else line


def and_more(count: int) -> str:
    """How many more lines there would be."""
    return f" (and {count} more)" if count > 0 else ""


def _shown(value: Any) -> str:
    if value is None:
        return "nothing (null)"
    try:
        return short(repr(value))
    except ValueError:  # of a number, too long for Python to write out
        return "a number of thousands of digits"


def _expected(item: Any) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind in _NAMED:
        return _NAMED[kind]
    if kind == "literal_error":
        options = str(context["expected"]).replace("'", "").replace(" or ", ", ")
        return f"one of {options}" if "," in options else options
    if kind == "too_short":
        least = context["min_length"]
        return f"at least {least} {'entry' if least == 1 else 'entries'}"
    if kind == "too_long":
        return f"at most {context['max_length']} entries"
    if kind in _BOUNDS:
        word, bound = _BOUNDS[kind]
        return f"a number {word} {context[bound]:g}"
    return item["msg"].removeprefix("Input should be ")


def _unknown(key: str, parent: type[BaseModel] | None) -> str:
    known = list(parent.model_fields) if parent else []
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"expected one of the keys {', '.join(known)}, got an unknown key{hint}"


def _describe(key: str, parent: type[BaseModel] | None) -> str:
    field = parent.model_fields.get(key) if parent else None
    return f"a value ({field.description})" if field and field.description else "a value"


def _resolve(
    model: type[BaseModel], location: tuple[int | str, ...]
) -> tuple[tuple[str, ...], type[BaseModel] | None]:
    """The dotted path of an error and the section it lies in, without pydantic's union tags."""
    path: list[str] = []
    here: Any = model
    parent: type[BaseModel] | None = None
    for part in location:
        if isinstance(here, dict):  # the tag of a union of named sections
            here = here.get(part)
            continue
        if isinstance(here, type) and issubclass(here, BaseModel):
            parent = here
            field = here.model_fields.get(str(part))
            here = field.annotation if field else None
        elif isinstance(part, str) and typing.get_origin(here) is not dict:
            # A tag such as "list[...]": inside a union, only dicts are keyed by text.
            continue
        else:
            arguments = typing.get_args(here)
            here = arguments[-1] if arguments else None
        path.append(str(part))
        here = _plain(here)
    return tuple(path), parent


def _plain(annotation: Any) -> Any:
    """The annotation without ``Annotated`` and without the ``None`` or text side of a union.

    A union of named sections becomes a mapping from their names.
    """
    if typing.get_origin(annotation) is typing.Annotated:
        return _plain(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        tagged = _by_tag(annotation)
        if tagged:
            return tagged
        options = [_plain(option) for option in typing.get_args(annotation)]
        structured = [o for o in options if typing.get_origin(o) in (list, dict)]
        sections = [o for o in options if isinstance(o, type) and issubclass(o, BaseModel)]
        if len(sections) > 1:
            return {section.model_fields["name"].default: section for section in sections}
        mappings = [o for o in options if isinstance(o, dict)]
        return next(iter([*mappings, *sections, *structured]), None)
    return annotation


def _by_tag(union: Any) -> dict[str, Any]:
    """The sides of a union that are told apart by tags, by these; none where they are not."""
    sides = [typing.get_args(option) for option in typing.get_args(union)]
    return {mark.tag: side[0] for side in sides for mark in side[1:] if isinstance(mark, Tag)}


def unknown_name(key: str, section: str, name: str, known: Iterable[str]) -> str:
    """The line about a name that is not there."""
    names = short(", ".join(known), 200) or "none"
    return f"{key}: expected a name under {section} ({names}), got {quoted(name)}"


def repeated(key: str, values: Iterable[object]) -> Iterator[str]:
    """A line where an entry stands twice."""
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        yield f"{key}: expected every entry once, got {twice[0]} twice"
