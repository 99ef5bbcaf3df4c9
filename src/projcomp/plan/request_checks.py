"""Checks of what is composed as a list, and of cases of objects with attributes."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from projcomp.conditions.kinds import KINDS, NONE, kinds_in
from projcomp.config.conditions import CASE, EMPTY, NOT, PLACE, UNCONDITIONAL
from projcomp.config.experiments import CaseConfig, RequestConfig
from projcomp.config.messages import unknown_name
from projcomp.config.operators import AnyOperator
from projcomp.config.paths import MAX_NAME
from projcomp.config.root import Config
from projcomp.plan.cases import experiment_cases
from projcomp.plan.kinds import kinds_of
from projcomp.plan.places import place_set
from projcomp.plan.requests import grid_values, stack, told_kinds
from projcomp.plan.subjects import subject_of
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


def distribution_problems(
    config: Config, key: str, model: str, told: str | Mapping[str, Any]
) -> Iterator[str]:
    """Why a model has no distribution of this name, or cannot be told these values."""
    if told == EMPTY:
        yield from _has_empty(config, key, model)
    elif told == UNCONDITIONAL:
        yield from unconditional_problems(config, key, model)
    elif told != CASE:
        assert not isinstance(told, str)
        problem = told_problem(config, key, model, told)
        if problem:
            yield problem
        else:
            yield from _unseen(config, key, model, [told])


def unconditional_problems(config: Config, key: str, name: str) -> Iterator[str]:
    """Whether the model learns to be unconditional: it has no condition, or drops it."""
    if name in config.pipelines:  # which are trained to be
        return
    model = config.of_data[name]
    learned = model.condition != NONE and not model.exact
    if learned and config.training.condition_dropout == 0:
        yield (
            f"{key}: expected a model that can be unconditional, got {name}, which never "
            "drops its condition; raise training.condition_dropout above 0"
        )


def _has_empty(config: Config, key: str, name: str) -> Iterator[str]:
    """Whether the model learns the condition 'empty': conditional, with empty scenes mixed in."""
    model = config.of_data[name]
    if model.condition == NONE:
        yield (
            f"{key}: expected {UNCONDITIONAL}, because model {name} has condition none, got {EMPTY}"
        )
        return
    filed = [d for d in model.sources if d in config.filed]
    if filed:
        yield (
            f"{key}: expected {UNCONDITIONAL} or what is told, because {filed[0]} was not "
            f"rendered and has no empty scenes, got {EMPTY}"
        )
        return
    known = [config.rendered[d] for d in model.sources if d in config.rendered]
    if known and all(dataset.max_objects > 0 for dataset in known):
        yield (
            f"{key}: expected a model that also learns from empty scenes "
            f"(max_objects 0), got {name} on {', '.join(model.sources)}; add such a dataset to "
            f"models.{name}.{'exact' if model.exact else 'datasets'}"
        )


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
        if one.told == CASE and one.weight < 0:
            yield (
                f"{here}.weight: expected at least 0 beside told: {CASE}, got {one.weight:g}; ask "
                f"for what is negated by `{NOT}` in cases"
            )
        if condition != NONE:
            yield from distribution_problems(config, f"{here}.told", one.model, one.told)


def _cases(config: Config, key: str, entry: RequestConfig) -> Iterator[str]:
    """What is asked for is there: kinds, values, places."""
    others = ("num_composed", "location_pairs", "color_pairs", "single_colors")
    told = [one.model for one in entry.composed or [] if one.told == CASE]
    given = [field for field in others if getattr(entry, field) is not None]
    if entry.num_objects is not None:
        if told or given or entry.cases is not None:
            yield (
                f"{key}.num_objects: expected cases or {others[0]} beside composed, got num_objects"
            )
        return
    if entry.cases is None:
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
    cases = _all_cases(config, entry)
    for case in cases:
        problem = _impossible(config, case)
        if problem:
            yield f"{key}.cases: {problem}"
            return
    names = Counter(case.name for case in cases)
    twice = [name for name, times in names.items() if times > 1]
    if twice:
        yield f"{key}.cases: expected each case once, got {twice[0]} twice; remove one of them"


def _impossible(config: Config, case: Case) -> str | None:
    """Why no picture is what a case asks for, or no file can be named after it; None if one can."""
    if len(case.name) > MAX_NAME:
        return (
            f"expected names of at most {MAX_NAME} letters, got {len(case.name)} of "
            f"{case.name[:40]}...; ask for less at once"
        )
    for wanted in case.asked:
        for kind, value in wanted.told.items():
            if wanted.avoided.get(kind) == value:
                return (
                    f"expected {kind} asked for or in `{NOT}` of one object, got {value} in both "
                    f"(case {case.name})"
                )
    for name, kind in kinds_of(config).items():
        values = {wanted.told[name] for wanted in case.asked if name in wanted.told}
        if kind.of_picture and len(values) > 1:
            return f"expected one {name} of a picture, got {' and '.join(map(str, sorted(values)))}"
        few = [value for value in values if kind.least(value) < len(case.asked)]
        if kind.of_picture and few:
            return f"expected a {name} of at least the {len(case.asked)} objects, got {few[0]}"
    return None


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
        for values in (one, one.get(NOT, {})):
            if PLACE in values and "position" in values:
                yield f"{here}: expected place or position, got both"
    if case.same:
        negated = [one.get(NOT, {}) for one in case.asked]
        for where, objects in (("", [*case.asked, case.grid]), (f" in `{NOT}`", negated)):
            kinds = Counter(
                "position" if kind == PLACE else kind for one in objects for kind in one
            )
            for kind, times in kinds.items():
                if times > 1 and kind != NOT:
                    yield f"{key}.same: expected one {kind}{where} of one object, got {times}"


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
        for operator in operators:
            listed = operator.listed_weights(len(composed))
            total = sum(one.weight * weight for one, weight in zip(composed, listed, strict=False))
            needs_sum = operator.keeps_weights and operator.background_from == "none"
            if needs_sum and len(listed) == len(composed) and not total > 0:
                yield (
                    f"{key}.composed: expected weights of a positive sum (nothing could be started "
                    f"from; case {case.name}), got {total:g}; raise them, or set operator to "
                    f"product over a background"
                )
                return
    yield from _seen(config, key, entry)


def _untold(case: Case, entry: RequestConfig, config: Config) -> str | None:
    """A kind that the case asks for, and that no model is told of it."""
    chosen = [one for one in entry.composed or [] if one.told == CASE]
    known = {kind for one in chosen for kind in told_kinds(one, config.of_data)}
    fixed = [(one.told, one.weight > 0) for one in entry.composed or [] if one.told != CASE]
    always = {(item, has) for told, has in fixed if isinstance(told, dict) for item in told.items()}
    for wanted in case.objects:
        for values, has in ((wanted.told, True), (wanted.avoided, False)):
            for kind, value in values.items():
                if kind not in known and ((kind, value), has) not in always:
                    return kind
    return None


def seen_values(config: Config, model: str, kind: str) -> list[str]:
    """The values of a kind among what a model learns from; none where no setting decides them."""
    sources, known = config.of_data[model].sources, kinds_of(config)[kind].values
    shown: set[str] = set()
    for dataset in (config.rendered[name] for name in sources if name in config.rendered):
        if kind in KINDS and dataset.max_objects:
            scene = config.scene.model_copy(
                update={"colors": dataset.colors or config.scene.colors}
            )
            counts = range(max(dataset.min_objects, 1), dataset.max_objects + 1)
            shown.update(KINDS[kind].drawn(scene, counts))
    for dataset in (config.filed[name] for name in sources if name in config.filed):
        shown.update(dataset.only.get(kind, config.labels.get(kind, [])))
    return [value for value in known if value in shown]


def _seen(config: Config, key: str, entry: RequestConfig) -> Iterator[str]:
    """What cases ask for is what the models that are told it have seen."""
    wanted = [one for case in _all_cases(config, entry) for one in case.objects]
    told = [values for one in wanted for values in (one.told, one.avoided)]
    for number, one in enumerate(entry.composed or []):
        if one.told == CASE:
            yield from _unseen(config, f"{key}.composed.{number}", one.model, told)


def _unseen(
    config: Config, key: str, model: str, told: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """The first value of every kind that a model is told and does not learn, if it learns any."""
    for kind in kinds_in(config.of_data[model].condition):
        asked, seen = {values.get(kind) for values in told}, seen_values(config, model, kind)
        unseen = [one for one in kinds_of(config)[kind].values if one in asked and one not in seen]
        if unseen and seen:
            yield (
                f"{key}: expected a {kind} that {model} learns ({', '.join(seen)}), got {unseen[0]}"
            )
