"""What each table of a run shows: what it is about, and the fields of its settings."""

from collections.abc import Iterator
from typing import Any

from projcomp.config.conditions import CASE
from projcomp.plan.clutter import clutter_of
from projcomp.plan.experiments import Experiment, exact_name
from projcomp.plan.methods import method_of
from projcomp.plan.requests import num_distributions, stack
from projcomp.plan.rows import Shown
from projcomp.plan.run import Run
from projcomp.scenes.vocabulary import ATTRIBUTES
from projcomp.settings.case import TRUTH, Case
from projcomp.settings.stages import model_names


def records_interaction(experiment: Experiment) -> bool:
    """Whether an experiment adds conditions to a background and records how they interact.

    Without a background the deltas would be whole scores; churned steps do not follow each other;
    and unconditional models would stand among the conditions.
    """
    operator = experiment.config.operator
    return (
        operator.measures_interaction
        and experiment.config.models is None
        and all(weight >= 0 for weight in operator.weights_of(2))
        and all(one.weight >= 0 for one in experiment.config.composed or [])
        and experiment.sampling.sampler.unweighed is None
    )


def sweeps(run: Run) -> Iterator[Shown]:
    """The members of every sweep, with their operators and samplers."""
    for sweep, members in run.members.items():
        # what CompLift judges has its own table: the samples are the sampler's, the cost is not
        chosen = [member for member in members if member.experiment.sampling.complift is None]
        labels = {one.experiment.name: (one.operator, one.sampler) for one in chosen}
        if labels:
            yield (
                sweep,
                {"cases": {name: list(run.cases[name]) for name in labels}, "members": labels},
            )


def interactions(run: Run) -> Iterator[Shown]:
    """The pairs of every own experiment that records how its conditions interact."""
    for name, experiment in run.own.items():
        pairs = pairs_of(run, experiment)
        if pairs:
            yield name, {"cases": {name: pairs}}


def pairs_of(run: Run, experiment: Experiment) -> list[str]:
    """Its cases of two distributions whose interaction it records."""
    if not records_interaction(experiment):
        return []
    return [case.name for case in experiment.cases.values() if _is_pair(run, experiment, case)]


def _is_pair(run: Run, experiment: Experiment, case: Case) -> bool:
    """Two colours, two places, or two values of one object, each a distribution of its own."""
    config = experiment.config
    if not case.asked:
        paired = case.num_conditions == 2 and bool(config.color_pairs or config.location_pairs)
        return paired and num_distributions(config, case, run.composable) == 2
    parts = stack(config, case, run.composable)
    told = [set(one.condition) for one in parts if isinstance(one.condition, dict)]
    alike = len(case.asked) == 1 and len(parts) == len(told) == case.num_conditions == 2
    return alike and set.union(*told) == set(case.asked[0].told) and not set.intersection(*told)


def ceilings(run: Run) -> Iterator[Shown]:
    """Every experiment with an exact twin: networks, exact models, truth, in this order."""
    for twin, experiment in run.own.items():
        name = experiment.twin_of
        if name is not None:
            cases = [case.name for case in experiment.cases.values() if case.num_composed]
            if cases:
                yield name, {"cases": {name: cases, twin: cases, TRUTH: cases}}


def local(run: Run) -> Iterator[Shown]:
    """Experiments with exact twins that compose the same by other networks, their deltas followed.

    A table is named after the first of them.
    """
    groups: dict[tuple[object, ...], dict[str, tuple[str, str]]] = {}
    for name, experiment in run.own.items():
        config, background = experiment.config, experiment.background
        model = config.conditionals
        if not config.exact or experiment.twin_of is not None or background is None:
            continue
        if model not in run.followed or not _several(experiment):
            continue
        same = (config.operator, experiment.sampling, experiment.places.name, config.num_composed)
        same = (*same, config.num_samples, background.model == model, background.condition)
        known = run.models[model]
        learned = (sorted(known.sources.items()), known.bandwidth, known.features)
        delta = (model, f"{background.model} {background.condition}")
        groups.setdefault((*map(repr, (*same, *learned)),), {})[name] = delta
    for deltas in groups.values():
        if len({model for model, _ in deltas.values()}) > 1:
            cases = {name: _several(run.own[name]) for name in deltas}
            yield next(iter(deltas)), {"cases": cases, "deltas": deltas}


def _several(experiment: Experiment) -> list[str]:
    """Its cases of several places, where it composes numbers of them."""
    if not experiment.config.num_composed:
        return []
    return [case.name for case in experiment.cases.values() if len(case.locations) > 1]


def selected(run: Run) -> Iterator[Shown]:
    """Experiments whose samples CompLift judges."""
    judged = {
        name: asking
        for name, experiment in run.experiments.items()
        if experiment.sampling.complift is not None
        # nothing asked for is nothing to judge: all would be accepted
        and (asking := [case.name for case in experiment.cases.values() if case.num_composed])
    }
    if judged:
        yield "", {"cases": judged}


def densities(run: Run) -> Iterator[Shown]:
    """Cases of several distributions, of the experiments that measure log-densities apart."""
    found = {
        name: [
            case.name
            for case in experiment.cases.values()
            if num_distributions(experiment.config, case, run.composable) > 1
        ]
        for name, experiment in run.experiments.items()
        if experiment.sampling.densities is not None
    }
    found = {name: names for name, names in found.items() if names}
    if found:
        yield "", {"cases": found}


def mixtures(run: Run) -> Iterator[Shown]:
    """Unconditional models and their mixtures."""
    mixed = {
        name: list(experiment.cases)
        for name, experiment in run.own.items()
        if experiment.config.num_objects
    }
    if mixed:
        cases = {**mixed, TRUTH: run.truth_of(mixed)}
        yield "", {"cases": cases, "colors": list(run.config.scene.colors)}


def clutter(run: Run) -> Iterator[Shown]:
    """Experiments that compose clutter, with the laws that they are held against."""
    clutter, cases, places = {}, {}, {}
    for name, experiment in run.experiments.items():
        found = clutter_of(run, experiment)
        if found is not None:
            clutter[name], cases[name] = found, list(experiment.cases)
            places |= {case.name: case.locations for case in experiment.cases.values()}
    if clutter:
        radius = run.config.evaluation.radius
        yield "", {"cases": cases, "clutter": clutter, "places": places, "radius": radius}


def confusions(run: Run) -> Iterator[Shown]:
    """One for each set of places, as of the curves against k; the truth of its cases last."""
    for places, experiments in run.by_places():
        cases, clutter = {}, {}
        for name, experiment in experiments.items():
            chosen = [case.name for case in experiment.cases.values() if not case.avoids]
            if not experiment.config.num_composed or not chosen:
                continue
            cases[name] = chosen
            if found := clutter_of(run, experiment):
                clutter[name] = found
        if cases:
            cases[TRUTH] = run.truth_of(cases)
            yield places, {"cases": cases, "clutter": clutter}


def leaderboard(run: Run) -> Iterator[Shown]:
    """Whatever composes locations, members of sweeps too; the truth of its cases last.

    What CompLift judges is left out: its samples are another row's, and cost more.
    """
    cases, clutter, methods = {}, {}, {}
    for name, experiment in run.experiments.items():
        asking = [c.name for c in experiment.cases.values() if c.locations and not c.avoids]
        if experiment.config.num_composed and asking and experiment.sampling.complift is None:
            cases[name], methods[name] = asking, method_of(run, experiment)
            if found := clutter_of(run, experiment):
                clutter[name] = found
    if cases:
        cases[TRUTH] = run.truth_of(cases)
        near = {
            name: of
            for of, shown in (*_distances_by_places(run), *_distances_of_sweeps(run))
            for name in shown["cases"]
            if name in methods
        }
        told = {"clutter": clutter, "methods": methods, "distances": near}
        yield "", {"cases": cases, **told}


def pairs(run: Run) -> Iterator[Shown]:
    """The experiments with pairs of colours, and the truth of them, which learned from nothing."""
    config, truth = run.config, {}
    for name, experiment in run.own.items():
        if experiment.config.color_pairs:
            truth |= experiment.cases
            learned = _learned(run, experiment)
            shares = {d: share for d, share in learned.items() if config.rendered[d].max_objects}
            yield name, {**_requests(name, experiment.cases), "datasets": shares}
    if truth:
        yield TRUTH, _requests(TRUTH, {n: case for n, case in run.truth.items() if n in truth})


def _learned(run: Run, experiment: Experiment) -> dict[str, float]:
    """What the models that are told the case learned from."""
    config = experiment.config
    told = [one.model for one in config.composed or [] if one.told == CASE]
    return run.sources([config.conditionals] if config.conditionals else told)


def _at_places(run: Run) -> Iterator[tuple[str, dict[str, Case], bool]]:
    """Experiments that compose numbers of places, with their cases that avoid none.

    Last comes whether the rendered truth is what they should make: not where clutter is composed.
    """
    for name, experiment in run.own.items():
        if cases := _cases_at_places(experiment):
            yield name, cases, clutter_of(run, experiment) is None


def _cases_at_places(experiment: Experiment) -> dict[str, Case]:
    """Its cases that avoid no place, if it composes numbers of places."""
    cases = {case.name: case for case in experiment.cases.values() if not case.avoids}
    asking = experiment.config.num_composed and any(case.locations for case in cases.values())
    return cases if asking else {}


def projections(run: Run) -> Iterator[Shown]:
    """Experiments that compose places or colours, and the truth where there is one."""
    for name, cases, true in _at_places(run):
        shown = {name: list(cases), **({TRUTH: list(cases)} if true else {})}
        scene, threshold = run.config.scene, run.config.detector.threshold
        drawn = {kind: getattr(scene, f"{kind}s") for kind in ATTRIBUTES}
        told = {"cases": shown, "radius": run.config.evaluation.radius}
        yield name, {**told, "threshold": threshold, "drawn": drawn}
    for name, experiment in run.own.items():
        cases = [case.name for case in experiment.cases.values() if not case.avoids]
        if experiment.config.color_pairs and cases:
            yield name, {"cases": {name: cases, TRUTH: cases}}


def _distances_by_places(run: Run) -> Iterator[Shown]:
    for name, cases, true in _at_places(run):
        if true:
            yield name, _far([name], cases)


def _distances_of_sweeps(run: Run) -> Iterator[Shown]:
    """Members beside each other that compose places, but for what CompLift judges."""
    for sweep, members in run.members.items():
        chosen = [
            one.experiment
            for one in members
            if one.experiment.sampling.complift is None
            and _cases_at_places(one.experiment)
            and clutter_of(run, one.experiment) is None
        ]
        if chosen:
            yield sweep, _far([one.name for one in chosen], _cases_at_places(chosen[0]))


def _far(names: list[str], cases: dict[str, Case]) -> dict[str, Any]:
    """Experiments of the same cases, held against the truth."""
    places = {case.name: case.locations for case in cases.values() if case.locations}
    return {"cases": {name: list(places) for name in (*names, TRUTH)}, "places": places}


def distances(run: Run) -> Iterator[Shown]:
    """Case by case at numbers of places; of pairs and of attributes all cases together.

    These have few samples of each of many requests.
    """
    yield from _distances_by_places(run)
    yield from _distances_of_sweeps(run)
    for name, experiment in run.own.items():
        config, cases = experiment.config, experiment.cases.values()
        if clutter_of(run, experiment) is not None:
            continue
        if config.color_pairs or config.location_pairs:
            cases = [case for case in cases if case.num_conditions == 2]
        elif not config.cases:
            continue
        asked = [case.name for case in cases if case.num_composed and not case.avoids]
        if asked:
            yield name, {"cases": {name: asked, TRUTH: asked}}


def memorised(run: Run) -> Iterator[Shown]:
    """What a model learned counts whole, whatever its share."""
    for name, shown in _distances_by_places(run):
        learned = run.sources(model_names(run.own[name].config))
        radius = run.config.evaluation.radius
        yield name, {**shown, "datasets": learned, "radius": radius}


def _requests(name: str, cases: dict[str, Case]) -> dict[str, Any]:
    """What a case requests; one that avoids a colour is neither a pair nor a control."""
    asked = {case.name: case.colors for case in cases.values() if not case.avoided_colors}
    return {"cases": {name: list(cases)}, "requested": asked}


def bindings(run: Run) -> Iterator[Shown]:
    """Experiments and sweeps that request objects by their attributes; exact twins, and truth."""
    yield from _own_bindings(run)
    for sweep, members in run.members.items():
        chosen = [member.experiment for member in members]
        if chosen and any(case.asked for case in chosen[0].cases.values()):
            yield sweep, _bound(run, chosen[0], [one.name for one in chosen])


def _own_bindings(run: Run) -> Iterator[Shown]:
    """The same of experiments alone."""
    for name, experiment in run.own.items():
        if experiment.twin_of is None and any(case.asked for case in experiment.cases.values()):
            twins = [exact_name(name)] if experiment.config.exact else []
            yield name, _bound(run, experiment, [name, *twins])


def _bound(run: Run, experiment: Experiment, names: list[str]) -> dict[str, Any]:
    """What experiments of the same cases are held against, whose models learned the same."""
    asked = {case.name: case.asked for case in experiment.cases.values() if case.asked}
    return {
        "cases": {one: list(asked) for one in (*names, TRUTH)},
        "asked": asked,
        "datasets": run.sources(one.model for one in experiment.config.composed or []),
        "radius": run.config.evaluation.radius,
    }


def attributes(run: Run) -> Iterator[Shown]:
    """Experiments that request objects by attributes that the detector tells."""
    threshold = run.config.detector.threshold
    for name, shown in _own_bindings(run):
        kinds = {kind for asked in shown["asked"].values() for one in asked for kind in one.told}
        if kinds & set(ATTRIBUTES):
            told = {key: shown[key] for key in ("cases", "asked", "radius")}
            yield name, {**told, "threshold": threshold}


def classes(run: Run) -> Iterator[Shown]:
    """Every experiment on pictures from files, where there is a classifier."""
    chosen, experiments = run.config.evaluation.classifier, run.experiments.items()
    if chosen is None or not experiments:
        return
    asked = {n: case.asked for _, one in experiments for n, case in one.cases.items() if case.asked}
    cases = {name: list(experiment.cases) for name, experiment in experiments}
    judged = {"label": chosen.label, "published": chosen.published or ""}
    yield "", {"cases": cases, "asked": asked, **judged}


def prompts(run: Run) -> Iterator[Shown]:
    """All experiments that tell prompts, members of sweeps too."""
    judge = run.config.evaluation.judge
    if run.experiments:
        cases = {name: list(experiment.cases) for name, experiment in run.experiments.items()}
        yield "", {"cases": cases, "judge": judge.label if judge else ""}
