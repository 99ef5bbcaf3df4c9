"""Cases of objects with attributes, and what each composed model is told of a case."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from projcomp.conditions.kind import Kind
from projcomp.conditions.kinds import KINDS, kinds_in
from projcomp.config.conditions import CASE, NOT, PLACE, Told, Value
from projcomp.config.experiments import CaseConfig, ComposedConfig, RequestConfig
from projcomp.config.places import GRID
from projcomp.config.root import AnyModel
from projcomp.plan.places import PlaceSet
from projcomp.plan.prompts import PROMPT, listed, told_of
from projcomp.settings.case import Case, Wanted
from projcomp.settings.stages import Composed

BETWEEN_OBJECTS, BETWEEN_VALUES = "_", "-"
"""What stands in a case's name between its objects, and between an object's values."""


def asked_cases(
    entry: CaseConfig, places: PlaceSet, kinds: Mapping[str, Kind] = KINDS
) -> list[Case]:
    """The cases that an entry of ``cases`` stands for: one, or one for every point of its grid."""
    return [
        _case([*first, *entry.asked], entry.same, places)
        for first in _combinations(entry.grid, len(places.points), kinds)
    ]


def grid_values(
    kind: str, asked: object, places: int, kinds: Mapping[str, Kind] = KINDS
) -> list[Any]:
    """The values of a kind in a grid; none of a kind that is not there."""
    if isinstance(asked, list):  # numbers are names of digits, but those of places
        return asked if kind == PLACE else [str(value) for value in asked]
    if kind == PLACE:
        return list(range(1, places + 1))
    return list(kinds[kind].values) if kind in kinds else []


def _combinations(
    grid: Mapping[str, object], places: int, kinds: Mapping[str, Kind]
) -> Iterator[list[dict[str, Any]]]:
    """The objects that a grid puts first: none without a grid."""
    if not grid:
        yield []
        return
    each = [grid_values(kind, asked, places, kinds) for kind, asked in grid.items()]
    for values in product(*each):
        yield [dict(zip(grid, values, strict=True))]


def _case(asked: list[dict[str, Any]], same: bool, places: PlaceSet) -> Case:
    if same:
        asked = [_together(asked)]
    names = [BETWEEN_VALUES.join(_words(one)) for one in asked]
    numbered = places.name != GRID and any(PLACE in {**one.get(NOT, {}), **one} for one in asked)
    start = [places.name] if numbered else []
    name = BETWEEN_VALUES.join([*start, BETWEEN_OBJECTS.join(names)])
    return Case(name=name, asked=[_wanted(one, places) for one in asked])


def _together(asked: list[dict[str, Any]]) -> dict[str, Any]:
    """One object that is everything that the objects are."""
    found: dict[str, Any] = {}
    avoided: dict[str, Value] = {}
    for one in asked:
        found |= {kind: value for kind, value in one.items() if kind != NOT}
        avoided |= one.get(NOT, {})
    return {**found, NOT: avoided} if avoided else found


def _words(asked: Mapping[str, Any]) -> Iterator[str]:
    for kind, value in asked.items():
        if kind == NOT:
            yield from (f"not-{word}" for word in _words(value))
        elif kind == PLACE:
            yield f"p{value}"
        elif isinstance(value, str):
            yield value
        else:
            yield "at" + "x".join(f"{1000 * x:.0f}" for x in value)


def _wanted(asked: Mapping[str, Any], places: PlaceSet) -> Wanted:
    told = {kind: value for kind, value in asked.items() if kind != NOT}
    return Wanted(told=_at_points(told, places), avoided=_at_points(asked.get(NOT, {}), places))


def _at_points(values: Mapping[str, Any], places: PlaceSet) -> dict[str, Any]:
    """Values by kind, a place by its point, which comes first."""
    found = {kind: value for kind, value in values.items() if kind != PLACE}
    number = values.get(PLACE)
    if number is not None and 1 <= number <= len(places.points):
        found = {"position": places.points[number - 1], **found}
    return found


def stack(entry: RequestConfig, case: Case, models: Mapping[str, AnyModel]) -> list[Composed]:
    """The distributions that ``composed`` stacks for a case, each with its weight."""
    return [one for chosen in listed(entry) for one in _told(chosen, case, models)]


def num_distributions(entry: RequestConfig, case: Case, models: Mapping[str, AnyModel]) -> int:
    """How many distributions a case composes, without background and control."""
    if listed(entry):
        return len(stack(entry, case, models))
    return case.num_conditions + len(entry.models or [])


def _told(chosen: ComposedConfig, case: Case, models: Mapping[str, AnyModel]) -> Iterator[Composed]:
    """What one model is told: of every object as much as it can be."""
    name, weight = chosen.model, chosen.weight
    if chosen.told != CASE:
        yield Composed(model=name, condition=chosen.told, weight=weight)
        return
    if models[name].condition == PROMPT:
        for text in told_of(chosen, case):
            yield Composed(model=name, condition={PROMPT: text}, weight=weight)
        return
    kinds = told_kinds(chosen, models)
    for wanted in case.objects:
        for values, sign in ((wanted.told, 1), (wanted.avoided, -1)):
            known: Told = {kind: values[kind] for kind in kinds if kind in values}
            if known:
                yield Composed(model=name, condition=known, weight=sign * weight)


def told_kinds(chosen: ComposedConfig, models: Mapping[str, AnyModel]) -> list[str]:
    """What a model is told of a case's objects."""
    kinds = kinds_in(models[chosen.model].condition)
    return [kind for kind in kinds if chosen.only is None or kind in chosen.only]
