"""The cases of an experiment: which places or colours are asked for at once."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from projcomp.conditions.kind import Kind
from projcomp.conditions.kinds import KINDS
from projcomp.config.experiments import RequestConfig
from projcomp.config.section import Color
from projcomp.plan.places import PlaceSet, grid_places
from projcomp.plan.prompts import prompt_case
from projcomp.plan.requests import asked_cases
from projcomp.scenes.vocabulary import COLORS
from projcomp.settings.case import Case

ANYTHING = "any"
"""The one case of an experiment that asks for nothing."""


def location_case(
    num_composed: int, wanted: Sequence[bool] = (), places: PlaceSet | None = None
) -> Case:
    """The case of the first ``num_composed`` places.

    Args:
        num_composed: how many.
        wanted: which of them are requested, the others being avoided; empty for all.
        places: the set that they are of; None for the default locations.
    """
    places = places or grid_places()
    asked, avoided = _split(range(1, num_composed + 1), wanted)
    if asked + avoided != sorted(asked + avoided):
        return _numbered(places, asked, avoided)  # k and the number avoided do not tell which
    return places.case(
        f"k{len(asked)}" + (f"-not{len(avoided)}" if avoided else ""), asked, avoided
    )


def place_pair_case(
    pair: Sequence[int], wanted: Sequence[bool] = (), places: PlaceSet | None = None
) -> Case:
    """The case of two places, by number from 1; arguments as of :func:`location_case`."""
    return _numbered(places or grid_places(), *_split(pair, wanted))


def _numbered(places: PlaceSet, asked: Sequence[int], avoided: Sequence[int]) -> Case:
    names = [f"p{place}" for place in asked] + [f"not-p{place}" for place in avoided]
    return places.case("-".join(names), asked, avoided)


def color_case(colors: Sequence[Color], wanted: Sequence[bool] = ()) -> Case:
    """The case of the given colours, named after them."""
    asked, avoided = _split(colors, wanted)
    name = "-".join([*asked, *(f"not-{color}" for color in avoided)])
    return Case(name=name, colors=list(asked), avoided_colors=list(avoided))


def all_color_pairs() -> list[tuple[Color, Color]]:
    """All unordered pairs of CLEVR's eight colours, 28 of them, in the vocabulary's order."""
    return list(combinations(COLORS, 2))  # pyright: ignore[reportReturnType]


def all_place_pairs(count: int) -> list[tuple[int, int]]:
    """All unordered pairs of ``count`` places by number, from 1."""
    return list(combinations(range(1, count + 1), 2))


def experiment_cases(
    experiment: RequestConfig,
    places: PlaceSet,
    signed: bool = True,
    kinds: Mapping[str, Kind] = KINDS,
) -> list[Case]:
    """The cases that ``experiment`` samples, in order.

    Args:
        experiment: what is requested.
        places: the set of places that it counts in.
        signed: whether negative weights of its operator negate; else everything is asked for.
        kinds: what can be asked for, by name.
    """
    signed = signed and experiment.composed is None  # which has signs of its own
    operator = getattr(experiment, "operator", None) if signed else None

    def wanted(count: int) -> list[bool]:
        if operator is None:
            return [True] * count
        return [weight >= 0 for weight in operator.listed_weights(count)[:count]]

    if experiment.prompts is not None:
        return [prompt_case(prompts) for prompts in experiment.prompts]
    if experiment.cases is not None:
        return [case for entry in experiment.cases for case in asked_cases(entry, places, kinds)]
    if experiment.num_objects is not None:
        return [Case(name=f"n{count}", num_objects=count) for count in experiment.num_objects]
    if experiment.num_composed is not None:
        return [location_case(k, wanted(k), places) for k in experiment.num_composed]
    if experiment.location_pairs is not None:
        pairs = experiment.location_pairs
        numbers = all_place_pairs(len(places.points)) if pairs == "all" else pairs
        return [place_pair_case(pair, wanted(2), places) for pair in numbers]
    pairs, singles = experiment.color_pairs, experiment.single_colors
    if pairs is None and singles is None and experiment.conditionals is None:
        return [Case(name=ANYTHING)]
    colors = all_color_pairs() if pairs == "all" else pairs or []
    alone = [(color,) for color in (COLORS if singles == "all" else singles or [])]
    return [color_case(asked, wanted(len(asked))) for asked in [*colors, *alone]]


def in_order(cases: Iterable[Case]) -> list[Case]:
    """Cases as the report shows them: places before colours, few objects before many."""
    return sorted(cases, key=lambda case: (bool(case.colors), case.num_composed))


def _split(items: Iterable, wanted: Sequence[bool]) -> tuple[list, list]:
    """What is requested and what is avoided, in order."""
    items = list(items)
    signs = wanted or [True] * len(items)
    asked = [item for item, sign in zip(items, signs, strict=True) if sign]
    return asked, [item for item, sign in zip(items, signs, strict=True) if not sign]
