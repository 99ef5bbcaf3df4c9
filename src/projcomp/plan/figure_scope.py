"""What each figure of a run shows: all that its drawing draws."""

from collections.abc import Callable, Iterator, Mapping

from projcomp.plan.clutter import clutter_of
from projcomp.plan.experiments import Experiment
from projcomp.plan.prompts import asked_prompts
from projcomp.plan.rows import Shown, row_of
from projcomp.plan.run import Run
from projcomp.plan.table_scope import pairs_of, records_interaction
from projcomp.plan.tables import TABLES
from projcomp.settings.case import TRUTH, Case
from projcomp.settings.stages import model_names


def _composing(
    run: Run,
    which: Callable[[Case], bool] = lambda _: True,
    experiments: Mapping[str, Experiment] | None = None,
) -> dict[str, list[str]]:
    """Cases of experiments that compose numbers of places, with the truth of them last.

    Args:
        run: the run.
        which: the cases meant.
        experiments: the experiments meant; None for all own ones.
    """
    found = {
        name: [case.name for case in experiment.cases.values() if which(case)]
        for name, experiment in (run.own if experiments is None else experiments).items()
        if experiment.config.num_composed
    }
    found = {name: names for name, names in found.items() if names}
    return {**found, TRUTH: run.truth_of(found)} if found else {}


def against_k(run: Run) -> Iterator[Shown]:
    """One for each set of places: k places of one are as many of another, and harder or easier.

    A case that avoids a place would stand beside one of as many that avoids none.
    """
    for places, experiments in run.by_places():
        found = _composing(run, lambda case: not case.avoids, experiments)
        if found:
            clutter = [name for name in found if name != TRUTH and clutter_of(run, run.own[name])]
            yield places, {"cases": found, "clutter": clutter}


def grids(run: Run) -> Iterator[Shown]:
    """The background only where there is nothing else."""
    composed = _composing(run, lambda case: case.num_conditions > 0)
    for name, names in _composing(run).items():
        yield name, {"cases": {name: composed.get(name, names)}}


def galleries(run: Run) -> Iterator[Shown]:
    """Every own experiment, and the truth of all cases: the detector's own failures."""
    for name, cases in {**{n: e.cases for n, e in run.own.items()}, TRUTH: run.truth}.items():
        if cases:
            over = name != TRUTH and clutter_of(run, run.own[name])
            yield name, {"cases": {name: list(cases)}, "clutter": [name] if over else []}


def fours(run: Run) -> Iterator[Shown]:
    """Compositions of four conditions."""
    found = _composing(run, lambda case: case.num_conditions == 4 and not case.avoids)
    for name, names in found.items():
        yield name, {"cases": {name: names}}


def single_colors(run: Run) -> Iterator[Shown]:
    """Single colours, the truth of them, and the datasets that show nothing but the background."""
    config = run.config
    for name, experiment in run.own.items():
        if experiment.config.single_colors:
            shown = [case.name for case in experiment.cases.values() if case.num_conditions == 1]
            known = run.sources(model_names(experiment.config))
            empty = [dataset for dataset in known if not config.rendered[dataset].max_objects]
            yield name, {"cases": {name: shown, TRUTH: shown}, "datasets": empty}


def of_table(kind: str) -> Callable[[Run], Iterator[Shown]]:
    """Every table of the kind has a figure of the same name."""
    row = row_of(kind, TABLES)

    def shows(run: Run) -> Iterator[Shown]:
        for subject, shown in row.shows(run):
            yield subject, {"cases": shown["cases"]}

    return shows


def of_places(kind: str) -> Callable[[Run], Iterator[Shown]]:
    """Tables of numbers of places; there is nothing to be drawn against k of others."""

    def shows(run: Run) -> Iterator[Shown]:
        for name, shown in of_table(kind)(run):
            if name in run.own and run.own[name].config.num_composed:
                yield name, shown

    return shows


def memorised(run: Run) -> Iterator[Shown]:
    """One for all experiments, so that exact models, which copy, stand beside networks."""
    tables = row_of("memorised", TABLES).shows(run)
    found = {name: shown["cases"][name] for name, shown in tables}
    if found:
        yield "", {"cases": found}


def overlaps(run: Run) -> Iterator[Shown]:
    """Cases of two places or more where numbers of them are composed; pairs of attributes apart."""
    found = {
        name: [case.name for case in experiment.cases.values() if len(case.locations) > 1]
        for name, experiment in run.own.items()
        if experiment.config.num_composed and records_interaction(experiment)
    }
    found = {name: names for name, names in found.items() if names}
    if found:
        yield "", {"cases": found}
    for name, experiment in run.own.items():
        if experiment.config.cases and (pairs := pairs_of(run, experiment)):
            yield name, {"cases": {name: pairs}}


def backgrounds(run: Run) -> Iterator[Shown]:
    """The cases of no condition, together."""
    found = _composing(run, lambda case: case.num_conditions == 0)
    if found:
        yield "", {"cases": found}


def models(run: Run) -> Iterator[Shown]:
    """The networks that are composed."""
    if run.networks:
        yield "", {"models": run.networks}


def followed(run: Run) -> Iterator[Shown]:
    """The models whose locality is measured."""
    if run.followed:
        yield "", {"models": run.followed}


def pictures(run: Run) -> Iterator[Shown]:
    """Experiments on pictures from files: those of one case together, each other one by itself."""
    alone = {name: list(one.cases) for name, one in run.experiments.items() if len(one.cases) == 1}
    if alone:
        yield "", {"cases": alone}
    for name, experiment in run.experiments.items():
        if name not in alone:
            yield name, {"cases": {name: list(experiment.cases)}}


def prompts(run: Run) -> Iterator[Shown]:
    """One for each experiment that tells prompts, each case under what is asked for."""
    for name, experiment in run.experiments.items():
        titles = {case.name: " + ".join(asked_prompts(case)) for case in experiment.cases.values()}
        yield name, {"cases": {name: list(experiment.cases)}, "titles": titles}


def detector(run: Run) -> Iterator[Shown]:
    """The detector, where anything is counted."""
    if run.experiments:
        yield "", {}


def exact(name: str) -> Callable[[Run], Iterator[Shown]]:
    """An exact experiment that the run has."""

    def shows(run: Run) -> Iterator[Shown]:
        if name in run.config.theory.experiments:
            yield name, {}

    return shows
