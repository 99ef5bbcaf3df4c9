"""The cases of an experiment: which places or colours are asked for at once."""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import combinations

from projcomp.config.experiments import ExperimentConfig
from projcomp.config.section import Color
from projcomp.scenes.vocabulary import COLORS
from projcomp.settings.case import Case

NUM_PLACES = 9


def location_case(num_composed: int, wanted: Sequence[bool] = ()) -> Case:
    """The case of the first ``num_composed`` (0 to 9) default locations.

    Args:
        num_composed: how many.
        wanted: which of them are requested, the others being avoided; empty for all.
    """
    asked, avoided = _split(range(1, num_composed + 1), wanted)
    if asked + avoided != sorted(asked + avoided):
        return _places_case(asked, avoided)  # k and the number avoided do not tell which
    name = f"k{len(asked)}" + (f"-not{len(avoided)}" if avoided else "")
    return Case(name=name, locations=_places(asked), avoided_locations=_places(avoided))


def place_pair_case(pair: Sequence[int], wanted: Sequence[bool] = ()) -> Case:
    """The case of two of the nine default locations, by number from 1."""
    return _places_case(*_split(pair, wanted))


def _places_case(asked: Sequence[int], avoided: Sequence[int]) -> Case:
    name = "-".join([f"p{place}" for place in asked] + [f"not-p{place}" for place in avoided])
    return Case(name=name, locations=_places(asked), avoided_locations=_places(avoided))


def color_case(colors: Sequence[Color], wanted: Sequence[bool] = ()) -> Case:
    """The case of the given colours, named after them."""
    asked, avoided = _split(colors, wanted)
    name = "-".join([*asked, *(f"not-{color}" for color in avoided)])
    return Case(name=name, colors=list(asked), avoided_colors=list(avoided))


def all_color_pairs() -> list[tuple[Color, Color]]:
    """All unordered pairs of CLEVR's eight colours, 28 of them, in the vocabulary's order."""
    return list(combinations(COLORS, 2))  # pyright: ignore[reportReturnType]


def all_place_pairs() -> list[tuple[int, int]]:
    """All unordered pairs of the nine default locations, 36 of them."""
    return list(combinations(range(1, NUM_PLACES + 1), 2))


def experiment_cases(experiment: ExperimentConfig, signed: bool = True) -> list[Case]:
    """The cases that ``experiment`` samples, in order.

    Args:
        experiment: what is requested.
        signed: whether negative weights of its operator negate; else everything is asked for.
    """
    weights = getattr(experiment.operator, "weights", 1.0) if signed else 1.0

    def wanted(count: int) -> list[bool]:
        each = weights[:count] if isinstance(weights, list) else [weights] * count
        return [weight >= 0 for weight in each]

    if experiment.num_objects is not None:
        return [Case(name=f"n{count}", num_objects=count) for count in experiment.num_objects]
    if experiment.num_composed is not None:
        return [location_case(k, wanted(k)) for k in experiment.num_composed]
    if experiment.location_pairs is not None:
        pairs = experiment.location_pairs
        places = all_place_pairs() if pairs == "all" else pairs
        return [place_pair_case(pair, wanted(2)) for pair in places]
    pairs, singles = experiment.color_pairs, experiment.single_colors
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


def _places(numbers: Iterable[int]) -> list[tuple[float, float]]:
    points = _default_places()
    return [points[i - 1] for i in numbers]


@cache
def _default_places() -> list[tuple[float, float]]:
    """The nine places; every case asks for some, and the camera is always the same."""
    from projcomp.scenes.locations import default_locations

    return [(float(x), float(y)) for x, y in default_locations()]
