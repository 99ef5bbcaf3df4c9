"""The cases of an experiment: which places or colours are asked for at once."""

from collections.abc import Sequence
from itertools import combinations

from pydantic import Field

from projcomp.config import Color, Config, ExperimentConfig, Section
from projcomp.scenes.vocabulary import COLORS

TRUTH = "truth"
"""Name under which the rendered true compositions appear beside the experiments."""


class Case(Section):
    """One request: ``locations`` or ``colors``, or neither (the background alone)."""

    name: str = Field(description="file name of the case: k0 to k9, or red-blue")
    locations: list[tuple[float, float]] = Field(
        default=[], description="requested places, x right and y down, as shares of the image side"
    )
    colors: list[Color] = Field(default=[], description="requested colours")

    @property
    def num_composed(self) -> int:
        """Number of composed conditions."""
        return len(self.locations) + len(self.colors)


def location_case(num_composed: int) -> Case:
    """The case of the first ``num_composed`` (0 to 9) default locations."""
    from projcomp.scenes.locations import default_locations

    points = default_locations()[:num_composed]
    return Case(name=f"k{num_composed}", locations=[(float(x), float(y)) for x, y in points])


def color_case(colors: Sequence[Color]) -> Case:
    """The case of the given colours, named after them."""
    return Case(name="-".join(colors), colors=list(colors))


def all_color_pairs() -> list[tuple[Color, Color]]:
    """All unordered pairs of CLEVR's eight colours, 28 of them, in the vocabulary's order."""
    return list(combinations(COLORS, 2))  # pyright: ignore[reportReturnType]


def experiment_cases(experiment: ExperimentConfig) -> list[Case]:
    """The cases that ``experiment`` sweeps, in order."""
    if experiment.num_composed is not None:
        return [location_case(k) for k in experiment.num_composed]
    pairs = experiment.color_pairs
    return [color_case(pair) for pair in (all_color_pairs() if pairs == "all" else pairs or [])]


def cases(config: Config, experiment: str) -> list[Case]:
    """The cases of the experiment of that name; ``truth`` stands for the rendered compositions."""
    if experiment == TRUTH:
        return reference_cases(config)
    return experiment_cases(config.experiments[experiment])


def reference_cases(config: Config) -> list[Case]:
    """The cases of all experiments, each once: what the true compositions are rendered for."""
    found = {c.name: c for e in config.experiments.values() for c in experiment_cases(e)}
    return sorted(found.values(), key=lambda case: (bool(case.colors), case.num_composed))
