"""Checks of what is composed as a list, and of cases of objects with attributes."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from projcomp.conditions.kinds import NONE, kinds_in
from projcomp.config.conditions import CASE, EMPTY, NOT, PLACE, UNCONDITIONAL
from projcomp.config.experiments import CaseConfig, RequestConfig
from projcomp.config.messages import unknown_name
from projcomp.config.operators import AnyOperator
from projcomp.config.root import Config
from projcomp.plan.cases import experiment_cases
from projcomp.plan.kinds import kinds_of
from projcomp.plan.places import place_set
from projcomp.plan.requests import grid_values, stack, told_kinds
from projcomp.plan.subjects import subject_of
from projcomp.scenes.vocabulary import COLORS
from projcomp.settings.case import Case

_SHORT = ("conditionals", "models")
"""Short forms of ``composed``."""


def problems(
    config: Config, key: str, entry: RequestConfig, operators: list[AnyOperator]
) -> Iterator[str]:
    """What is wrong with ``composed`` and ``cases``; nothing where an experiment has neither."""
    if entry.composed is None:
        if entry.cases is not None:
            yield (
                f"{key}.composed: expected the models that are told what `cases` ask for, such as "
                "[{model: NAME, told: case}], got nothing"
            )
        return
    for field in _SHORT:
        if getattr(entry, field) is not None:
            yield f"{key}.{field}: expected none beside composed, got one; list it in composed"
            return
    found = [*_models(config, key, entry), *_cases(config, key, entry)]
    yield from found
    if not found:
        yield from _who_is_told(config, key, entry, operators)


def told_problem(config: Config, key: str, model: str, told: Mapping[str, Any]) -> str | None:
    """Why a model cannot be told values by kind; None if it can."""
    kinds = kinds_in(config.of_data[model].condition)
    for kind, value in told.items():
        if kind not in kinds:
            can = f"told {' and '.join(kinds)}" if kinds else "told nothing (condition none)"
            return f"{key}: expected what {model} can be told, which is {can}, got {kind}"
        problem = _value_problem(config, kind, value)
        if problem:
            return f"{key}.{kind}: {problem}"
    return None


def _value_problem(config: Config, kind: str, value: object) -> str | None:
    kinds = kinds_of(config)
    if kind not in kinds:  # which is told where the model is
        return None
    try:
        kinds[kind].numbers(value)
    except ValueError as error:
        return str(error)
    return None


def _models(config: Config, key: str, entry: RequestConfig) -> Iterator[str]:
    """Every composed model is there, and can be told what it is."""
    for number, one in enumerate(entry.composed or []):
        here = f"{key}.composed.{number}"
        if one.model not in config.of_data:
            yield unknown_name(f"{here}.model", "models", one.model, config.of_data)
            continue
        condition = config.of_data[one.model].condition
        if one.told in (CASE, EMPTY) and condition == NONE:
            yield (
                f"{here}.told: expected {UNCONDITIONAL}, because model {one.model} has condition "
                f"none, got {one.told}"
            )
        foreign = [kind for kind in one.only or [] if kind not in kinds_in(condition)]
        if foreign:
            yield f"{here}.only: expected some of {kinds_in(condition)}, got {foreign[0]}"
        if one.only and one.told != CASE:
            yield f"{here}.only: expected told: {CASE} beside it, got {one.told}; remove it"
        if one.joined is not None:
            yield f"{here}.joined: expected none, because no model of it has a pipeline, got one"
        if isinstance(one.told, dict):
            problem = told_problem(config, f"{here}.told", one.model, one.told)
            if problem:
                yield problem


def _cases(config: Config, key: str, entry: RequestConfig) -> Iterator[str]:
    """What is asked for is there: kinds, values, places."""
    others = ("num_composed", "location_pairs", "color_pairs", "single_colors")
    if entry.num_objects is not None:
        yield f"{key}.num_objects: expected cases or {others[0]} beside composed, got num_objects"
        return
    given = [field for field in others if getattr(entry, field) is not None]
    if entry.cases is None:
        told = [one.model for one in entry.composed or [] if one.told == CASE]
        if not given and (told or subject_of(config, entry) != "files"):
            yield f"{key}.cases: expected what is asked for, got nothing"
        return
    if given:
        yield f"{key}.{given[0]}: expected none beside cases, got one; ask for it in cases"
        return
    for number, case in enumerate(entry.cases):
        here = f"{key}.cases.{number}"
        count = len(place_set(config, entry.places).points)
        found = [*_grid(config, here, case, count), *_asked(config, here, case, count)]
        yield from found
        if found:
            return
    names = Counter(case.name for case in _all_cases(config, entry))
    twice = [name for name, times in names.items() if times > 1]
    if twice:
        yield f"{key}.cases: expected each case once, got {twice[0]} twice; remove one of them"


def _all_cases(config: Config, entry: RequestConfig) -> list[Case]:
    """The cases of an experiment, everything in them asked for."""
    places = place_set(config, entry.places)
    return experiment_cases(entry, places, signed=False, kinds=kinds_of(config))


def _grid(config: Config, key: str, case: CaseConfig, places: int) -> Iterator[str]:
    kinds = kinds_of(config)
    if not case.grid and not case.asked:
        yield f"{key}: expected objects in `asked`, or a grid in `for`, got neither"
    for kind, asked in case.grid.items():
        here = f"{key}.for.{kind}"
        if kind != PLACE and kind not in kinds:
            yield unknown_name(here, "for", kind, [PLACE, *kinds])
            continue
        for value in grid_values(kind, asked, places, kinds):
            yield from _value(config, here, kind, value, places)
        if not grid_values(kind, asked, places, kinds):
            yield f"{here}: expected at least one value, got none"


def _asked(config: Config, key: str, case: CaseConfig, places: int) -> Iterator[str]:
    for number, one in enumerate(case.asked):
        here = f"{key}.asked.{number}"
        for kind, value in one.items():
            if kind == NOT:
                for other, avoided in value.items():
                    yield from _value(config, f"{here}.{NOT}.{other}", other, avoided, places)
                continue
            yield from _value(config, f"{here}.{kind}", kind, value, places)
        if PLACE in one and "position" in one:
            yield f"{here}: expected place or position, got both"
    if case.same:
        kinds = Counter(kind for one in [*case.asked, case.grid] for kind in one if kind != NOT)
        for kind, times in kinds.items():
            if times > 1:
                yield f"{key}.same: expected one {kind} of one object, got {times}"


def _value(config: Config, key: str, kind: str, value: Any, places: int) -> Iterator[str]:
    kinds = kinds_of(config)
    if kind == PLACE:
        if not isinstance(value, int) or not 1 <= value <= places:
            yield f"{key}: expected a place from 1 to {places}, got {value}"
    elif kind not in kinds:
        yield unknown_name(key, "conditions", kind, [PLACE, *kinds, NOT])
    else:
        problem = _value_problem(config, kind, value)
        if problem:
            yield f"{key}: {problem}"


def _who_is_told(
    config: Config, key: str, entry: RequestConfig, operators: list[AnyOperator]
) -> Iterator[str]:
    """Whatever is asked for is told to some model, and what is negated has a weight."""
    weightless = [operator.name for operator in operators if not operator.keeps_weights]
    for case in _all_cases(config, entry):
        composed = stack(entry, case, config.of_data)
        missing = _untold(case, entry, config)
        if missing:
            yield (
                f"{key}.composed: expected a model that is told {missing} (case {case.name}), got "
                f"none; add one with told: {CASE}"
            )
            return
        if weightless and any(one.weight != 1 for one in composed):
            yield (
                f"{key}.operator: expected one with weights for what is negated or weighed "
                f"(case {case.name}), got {weightless[0]}; set operator to product"
            )
            return
    yield from _seen(config, key, entry)


def _untold(case: Case, entry: RequestConfig, config: Config) -> str | None:
    """A kind that the case asks for, and that no model is told of it."""
    chosen = [one for one in entry.composed or [] if one.told == CASE]
    known = {kind for one in chosen for kind in told_kinds(one, config.of_data)}
    for wanted in case.objects:
        for kind in [*wanted.told, *wanted.avoided]:
            if kind not in known:
                return kind
    return None


def seen_colors(config: Config, model: str) -> set[str]:
    """The colours of the objects that a model learns from; none where it learns from none."""
    known = [config.rendered[d] for d in config.of_data[model].sources if d in config.rendered]
    shown = [dataset.colors or config.scene.colors for dataset in known if dataset.max_objects]
    return {color for colors in shown for color in colors}


def seen_values(config: Config, model: str, label: str) -> list[str]:
    """The values of a label among the pictures from files that a model learns from."""
    known = [config.filed[d] for d in config.of_data[model].sources if d in config.filed]
    every = config.labels[label]
    shown = {value for dataset in known for value in dataset.only.get(label, every)}
    return [value for value in every if value in shown]


def _seen(config: Config, key: str, entry: RequestConfig) -> Iterator[str]:
    """Colours, and values of labels, are composed that the models have seen."""
    cases = _all_cases(config, entry)
    for number, one in enumerate(entry.composed or []):
        told: Iterable[Any] = [one.told]
        if one.told == CASE:
            wanted = [one for case in cases for one in case.objects]
            told = [values for one in wanted for values in (one.told, one.avoided)]
        here = f"{key}.composed.{number}"
        for kind in kinds_in(config.of_data[one.model].condition):
            asked = {values.get(kind) for values in told if isinstance(values, dict)}
            if kind == "color":
                seen = sorted(seen_colors(config, one.model))
                yield from _unseen(f"{here}: expected colours", COLORS, seen, asked, one.model)
            elif kind in config.labels:
                seen, every = seen_values(config, one.model, kind), config.labels[kind]
                yield from _unseen(f"{here}: expected values", every, seen, asked, one.model)


def _unseen(
    start: str, every: Iterable[str], seen: list[str], asked: set[Any], model: str
) -> Iterator[str]:
    """The first of the values asked for that a model does not learn, if it learns any."""
    unseen = [value for value in every if value in asked and value not in seen]
    if unseen and seen:
        yield f"{start} that {model} learns ({', '.join(seen)}), got {unseen[0]}"
