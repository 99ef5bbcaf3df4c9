"""Which tables and figures a run has, and what each of them shows."""

from typing import Any, Literal

from pydantic import Field

from projcomp.cases import TRUTH, experiment_cases, reference_cases
from projcomp.config import Config
from projcomp.config_operators import Bayes, Product
from projcomp.config_samplers import Heun
from projcomp.config_section import Section
from projcomp.experiments import all_experiments, members, resolve
from projcomp.stages import FORMATS, case_names, used_models

TableKind = Literal["sweep", "interaction", "mixture", "selected"]
RunKind = Literal[
    "grid",
    "samples4",
    "counts",
    "rates",
    "pairs",
    "rgb",
    "overlap",
    "unconditional",
    "denoising",
    "detector",
    "theory",
]
FigureKind = RunKind | TableKind


class TableSettings(Section):
    """One table that sets cases side by side.

    ``members`` names operator and sampler of every experiment of a sweep; ``colors`` are those that
    a mixture should show in equal shares.
    """

    format: int = FORMATS["table"]
    name: str
    kind: TableKind
    seed: int
    confidence: float
    bootstrap: int
    cases: dict[str, list[str]]
    members: dict[str, tuple[str, str]] = Field(default={})
    colors: list[str] = Field(default=[])


class FigureSettings(Section):
    """One figure: the names of the cases it shows, by experiment, or of the models."""

    format: int = FORMATS["figure"]
    name: str
    kind: FigureKind
    cases: dict[str, list[str]] = Field(default={})
    models: list[str] = Field(default=[])


def _cases_asking(config: Config, field: str, *, negated: bool = True) -> dict[str, list[str]]:
    """Cases of the experiments that ask by ``field``, with the truth of them last.

    Those that avoid something too are left out where they are not ``negated``.
    """
    found = {
        name: [
            case.name
            for case in experiment_cases(experiment)
            if negated or not (case.avoided_locations or case.avoided_colors)
        ]
        for name, experiment in config.experiments.items()
        if getattr(experiment, field)
    }
    found = {name: names for name, names in found.items() if names}
    shown = {case for names in found.values() for case in names}
    truth = [case.name for case in reference_cases(config) if case.name in shown]
    return {**found, TRUTH: truth} if found else {}


def tables(config: Config) -> dict[str, TableSettings]:
    """Every table that sets cases side by side, by name; each has a figure of the same name."""
    found: dict[str, TableSettings] = {}

    def add(kind: TableKind, subject: str, cases: dict[str, list[str]], **more: Any) -> None:
        name = f"{kind}_{subject}" if subject else kind
        found[name] = TableSettings(
            name=name,
            kind=kind,
            seed=config.seed,
            confidence=config.evaluation.confidence,
            bootstrap=config.evaluation.bootstrap,
            cases=cases,
            **more,
        )

    names = case_names(config)
    for sweep in config.sweeps:
        # what CompLift judges has its own table: the samples are the sampler's, the cost is not
        chosen = [
            member
            for member in members(config, sweep)
            if member.refused is None and member.experiment.sampling.complift is None
        ]
        labels = {one.experiment.name: (one.operator, one.sampler) for one in chosen}
        if labels:
            add("sweep", sweep, {name: names[name] for name in labels}, members=labels)
    for name in config.experiments:
        if _measures_pairs(config, name):
            add("interaction", name, {name: names[name]})
    judged = {
        name: asking
        for name, experiment in all_experiments(config).items()
        if experiment.sampling.complift is not None
        # nothing asked for is nothing to judge: all would be accepted
        and (asking := [c.name for c in experiment_cases(experiment.config) if c.num_composed])
    }
    if judged:
        add("selected", "", judged)
    mixed = {n: names[n] for n, entry in config.experiments.items() if entry.num_objects}
    if mixed:
        asked = {case for group in mixed.values() for case in group}
        truth = [case for case in names[TRUTH] if case in asked]
        add("mixture", "", {**mixed, TRUTH: truth}, colors=list(config.scene.colors))
    return found


def _measures_pairs(config: Config, name: str) -> bool:
    """Whether the samples of an experiment tell the interaction of pairs over a background."""
    asked = config.experiments[name]
    return bool(asked.color_pairs or asked.location_pairs) and _records_interaction(config, name)


def _records_interaction(config: Config, name: str) -> bool:
    """Whether an experiment adds conditions to a background and records how they interact.

    Without a background the deltas would be whole scores; churned steps do not follow each other;
    and models told nothing would stand among the conditions.
    """
    experiment = resolve(config, name)
    sampler, operator = experiment.sampling.sampler, experiment.config.operator
    return (
        isinstance(operator, Product | Bayes)
        and experiment.config.models is None
        and all(weight >= 0 for weight in operator.weights_of(2))
        and not (isinstance(sampler, Heun) and sampler.churn > 0)
    )


def figures(config: Config) -> dict[str, FigureSettings]:
    """Every figure of the run with its settings, by name, in the order of the report."""
    places = _cases_asking(config, "num_composed")
    colors = _cases_asking(config, "color_pairs")
    found: dict[str, FigureSettings] = {}

    def add(kind: FigureKind, shown: dict[str, list[str]], subject: str = "") -> None:
        name = f"{kind}_{subject}" if subject else kind
        found[name] = FigureSettings(name=name, kind=kind, cases=shown)

    # Against k: a case that avoids a place would stand beside one of as many that avoids none.
    against_k = _cases_asking(config, "num_composed", negated=False)
    for kind in ("counts", "rates"):
        if against_k:
            add(kind, against_k)
    for name, names in places.items():
        add("grid", {name: names}, name)
    for name, names in places.items():
        if "k4" in names:
            add("samples4", {name: ["k4"]}, name)
    for name, names in colors.items():
        add("pairs", {name: names}, name)
    for name, names in colors.items():
        if name != TRUTH:
            add("rgb", {name: names, TRUTH: names}, name)
    for name, table in tables(config).items():
        found[name] = FigureSettings(name=name, kind=table.kind, cases=table.cases)
    several = _several_places(config)
    if several:
        add("overlap", several)
    background = {name: ["k0"] for name, names in places.items() if "k0" in names}
    if background:
        add("unconditional", background)
    found["denoising"] = FigureSettings(
        name="denoising", kind="denoising", models=used_models(config)
    )
    add("detector", {})
    for experiment in config.theory.experiments:
        add("theory", {}, experiment)
    return found


def _several_places(config: Config) -> dict[str, list[str]]:
    """Cases with two places or more, of the experiments that record how those interact."""
    found = {
        name: [
            case.name
            for case in experiment_cases(config.experiments[name])
            if len(case.locations) > 1
        ]
        for name in config.experiments
        if config.experiments[name].num_composed
    }
    return {
        name: names for name, names in found.items() if names and _records_interaction(config, name)
    }


def figure_names(config: Config) -> list[str]:
    """Names of all figures of the run."""
    return list(figures(config))
