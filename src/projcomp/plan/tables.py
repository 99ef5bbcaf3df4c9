"""The tables that set cases side by side: one row each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from projcomp.config.conditions import CASE
from projcomp.config.places import GRID
from projcomp.folder import LOCALITY, REFERENCE, Folder
from projcomp.plan.clutter import clutter_of
from projcomp.plan.experiments import Experiment, exact_name
from projcomp.plan.methods import method_of
from projcomp.plan.requests import num_distributions, stack
from projcomp.plan.run import Run
from projcomp.plan.subjects import Subject
from projcomp.scenes.vocabulary import ATTRIBUTES
from projcomp.settings.case import TRUTH, Case
from projcomp.settings.report import TableSettings
from projcomp.settings.stages import model_names

Shown = tuple[str, dict[str, Any]]
"""What one table is about (a sweep, an experiment, or nothing where a run has one such table), and
the fields of its settings that say what it shows."""


@dataclass(frozen=True)
class TableRow:
    """One kind of table, computed by ``evaluation/tables/<kind>.py``.

    Attributes:
        kind: its name, and that of the kind of figure that draws it.
        format: raised by hand when it computes something else than before.
        caption: what it shows, for the report.
        shows: the tables of this kind that a run has.
        reads: the files that one is computed from.
        about: what the experiments are about that it sets side by side, or any of them.
    """

    kind: str
    format: int
    caption: str
    shows: Callable[[Run], Iterator[Shown]]
    reads: Callable[[TableSettings, Folder], list[str]]
    about: Subject | Literal["all"] = "scenes"


@dataclass(frozen=True)
class Table:
    """One table of a run."""

    row: TableRow
    settings: TableSettings

    def reads(self, folder: Folder) -> list[str]:
        """The files that it is computed from."""
        return self.row.reads(self.settings, folder)


def name_of(kind: str, subject: str) -> str:
    """What a table or a figure of a kind is called that is about ``subject``, or about the run."""
    return f"{kind}_{subject}" if subject else kind


def tables(run: Run) -> dict[str, Table]:
    """Every table of the run, by name, in the order of the report."""
    found = {}
    for row in TABLES:
        for of, shown in row.shows(run if row.about == "all" else run.about(row.about)):
            name = name_of(row.kind, of)
            settings = TableSettings(
                format=row.format,
                name=name,
                kind=row.kind,
                seed=run.config.seed,
                confidence=run.config.evaluation.confidence,
                bootstrap=run.config.evaluation.bootstrap,
                **shown,
            )
            found[name] = Table(row, settings)
    return found


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


# What each of them shows --------------------------------------------------------------------------


def _sweeps(run: Run) -> Iterator[Shown]:
    for sweep, members in run.members.items():
        # what CompLift judges has its own table: the samples are the sampler's, the cost is not
        chosen = [member for member in members if member.experiment.sampling.complift is None]
        labels = {one.experiment.name: (one.operator, one.sampler) for one in chosen}
        if labels:
            yield (
                sweep,
                {"cases": {name: list(run.cases[name]) for name in labels}, "members": labels},
            )


def _interactions(run: Run) -> Iterator[Shown]:
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


def _ceilings(run: Run) -> Iterator[Shown]:
    """Every experiment with an exact twin: networks, exact models, truth, in this order."""
    for twin, experiment in run.own.items():
        name = experiment.twin_of
        if name is not None:
            cases = [case.name for case in experiment.cases.values() if case.num_composed]
            if cases:
                yield name, {"cases": {name: cases, twin: cases, TRUTH: cases}}


def _locals(run: Run) -> Iterator[Shown]:
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


def _selected(run: Run) -> Iterator[Shown]:
    judged = {
        name: asking
        for name, experiment in run.experiments.items()
        if experiment.sampling.complift is not None
        # nothing asked for is nothing to judge: all would be accepted
        and (asking := [case.name for case in experiment.cases.values() if case.num_composed])
    }
    if judged:
        yield "", {"cases": judged}


def _densities(run: Run) -> Iterator[Shown]:
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


def _mixtures(run: Run) -> Iterator[Shown]:
    mixed = {
        name: list(experiment.cases)
        for name, experiment in run.own.items()
        if experiment.config.num_objects
    }
    if mixed:
        asked = {case for group in mixed.values() for case in group}
        truth = [case for case in run.truth if case in asked]
        yield "", {"cases": {**mixed, TRUTH: truth}, "colors": list(run.config.scene.colors)}


def _clutter(run: Run) -> Iterator[Shown]:
    clutter, cases, places = {}, {}, {}
    for name, experiment in run.experiments.items():
        found = clutter_of(run, experiment)
        if found is not None:
            clutter[name], cases[name] = found, list(experiment.cases)
            places |= {case.name: case.locations for case in experiment.cases.values()}
    if clutter:
        radius = run.config.evaluation.radius
        yield "", {"cases": cases, "clutter": clutter, "places": places, "radius": radius}


def _confusions(run: Run) -> Iterator[Shown]:
    """One for each set of places, as of the curves against k; the truth of its cases last."""
    for places in dict.fromkeys(experiment.places.name for experiment in run.own.values()):
        cases, clutter = {}, {}
        for name, experiment in run.own.items():
            chosen = [case.name for case in experiment.cases.values() if not case.avoids]
            if experiment.places.name != places or not experiment.config.num_composed or not chosen:
                continue
            cases[name] = chosen
            if found := clutter_of(run, experiment):
                clutter[name] = found
        if cases:
            asked = {case for names in cases.values() for case in names}
            cases[TRUTH] = [case for case in run.truth if case in asked]
            yield "" if places == GRID else places, {"cases": cases, "clutter": clutter}


def _leaderboard(run: Run) -> Iterator[Shown]:
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
        asked = {case for names in cases.values() for case in names}
        cases[TRUTH] = [case for case in run.truth if case in asked]
        near = [name for name, _ in _distances_by_places(run) if name in methods]
        told = {"clutter": clutter, "methods": methods, "distances": near}
        yield "", {"cases": cases, **told}


def _pairs(run: Run) -> Iterator[Shown]:
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
    config, found = experiment.config, {}
    told = [one.model for one in config.composed or [] if one.told == CASE]
    for model in [config.conditionals] if config.conditionals else told:
        found |= run.models[model].sources
    return found


def _at_places(run: Run) -> Iterator[tuple[str, dict[str, Case], bool]]:
    """Experiments that compose numbers of places, with their cases that avoid none.

    Last comes whether the rendered truth is what they should make: not where clutter is composed.
    """
    for name, experiment in run.own.items():
        cases = {case.name: case for case in experiment.cases.values() if not case.avoids}
        if experiment.config.num_composed and any(case.locations for case in cases.values()):
            yield name, cases, clutter_of(run, experiment) is None


def _projections(run: Run) -> Iterator[Shown]:
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
        places = {case.name: case.locations for case in cases.values() if case.locations}
        if true:
            yield name, {"cases": {name: list(places), TRUTH: list(places)}, "places": places}


def _distances(run: Run) -> Iterator[Shown]:
    """Case by case at numbers of places; of pairs and of attributes all cases together.

    These have few samples of each of many requests.
    """
    yield from _distances_by_places(run)
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


def _memorised(run: Run) -> Iterator[Shown]:
    """What a model learned counts whole, whatever its share."""
    for name, shown in _distances_by_places(run):
        learned: dict[str, float] = {}
        for model in model_names(run.own[name].config):
            learned |= run.models[model].sources
        radius = run.config.evaluation.radius
        yield name, {**shown, "datasets": learned, "radius": radius}


def _requests(name: str, cases: dict[str, Case]) -> dict[str, Any]:
    """What a case requests; one that avoids a colour is neither a pair nor a control."""
    asked = {case.name: case.colors for case in cases.values() if not case.avoided_colors}
    return {"cases": {name: list(cases)}, "requested": asked}


def _bindings(run: Run) -> Iterator[Shown]:
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
    told = [one.model for one in experiment.config.composed or []]
    learned = {d: share for model in told for d, share in run.models[model].sources.items()}
    return {
        "cases": {one: list(asked) for one in (*names, TRUTH)},
        "asked": asked,
        "datasets": learned,
        "radius": run.config.evaluation.radius,
    }


def _attributes(run: Run) -> Iterator[Shown]:
    """Experiments that request objects by attributes that the detector tells."""
    threshold = run.config.detector.threshold
    for name, shown in _own_bindings(run):
        kinds = {kind for asked in shown["asked"].values() for one in asked for kind in one.told}
        if kinds & set(ATTRIBUTES):
            told = {key: shown[key] for key in ("cases", "asked", "radius")}
            yield name, {**told, "threshold": threshold}


def _classes(run: Run) -> Iterator[Shown]:
    """Every experiment on pictures from files, where there is a classifier."""
    chosen, experiments = run.config.evaluation.classifier, run.experiments.items()
    if chosen is None or not experiments:
        return
    asked = {n: case.asked for _, one in experiments for n, case in one.cases.items() if case.asked}
    cases = {name: list(experiment.cases) for name, experiment in experiments}
    judged = {"label": chosen.label, "published": chosen.published or ""}
    yield "", {"cases": cases, "asked": asked, **judged}


def _prompts(run: Run) -> Iterator[Shown]:
    """All experiments that tell prompts, members of sweeps too."""
    judge = run.config.evaluation.judge
    if run.experiments:
        cases = {name: list(experiment.cases) for name, experiment in run.experiments.items()}
        yield "", {"cases": cases, "judge": judge.label if judge else ""}


# What each of them reads --------------------------------------------------------------------------


def reads_summary(_: object, folder: Folder) -> list[str]:
    """The summary alone."""
    return [folder.summary()]


def _counted(table: TableSettings, folder: Folder) -> list[str]:
    return [folder.counted(name, case) for name, cases in table.cases.items() for case in cases]


def _ranked(table: TableSettings, folder: Folder) -> list[str]:
    ranked = {name: cases for name, cases in table.cases.items() if name != TRUTH}
    counted = _counted(table.model_copy(update={"cases": ranked}), folder)
    far = [folder.table(name_of("distance", name)) for name in table.distances]
    return [folder.summary(), *counted, *far]


def _ceilings_and_localities(table: TableSettings, folder: Folder) -> list[str]:
    models = dict.fromkeys(model for model, _ in table.deltas.values())
    ceilings = [folder.table(name_of("ceiling", name)) for name in table.cases]
    return [*ceilings, *(folder.model(name, LOCALITY) for name in models)]


def _clutter_datasets(table: TableSettings, folder: Folder) -> list[str]:
    names = [name for clutter in table.clutter.values() for name in clutter.datasets]
    return [folder.index(name) for name in dict.fromkeys(names)]


def _counted_and_datasets(table: TableSettings, folder: Folder) -> list[str]:
    return [*_counted(table, folder), *(folder.index(name) for name in table.datasets)]


def _counted_and_samples(table: TableSettings, folder: Folder) -> list[str]:
    shown = [(name, case) for name, cases in table.cases.items() for case in cases]
    return [*_counted(table, folder), *(folder.samples(name, case) for name, case in shown)]


def _samples(table: TableSettings, folder: Folder) -> list[str]:
    return [folder.samples(name, case) for name, cases in table.cases.items() for case in cases]


def _samples_and_detector(table: TableSettings, folder: Folder) -> list[str]:
    return [*_samples(table, folder), *folder.detector_files()]


def _projected(table: TableSettings, folder: Folder) -> list[str]:
    """The detector says the colours of what stands at places."""
    return _samples_and_detector(table, folder) if table.threshold else _samples(table, folder)


def _counted_samples_and_datasets(table: TableSettings, folder: Folder) -> list[str]:
    return [
        *_counted_and_samples(table, folder),
        *(folder.index(name) for name in table.datasets),
    ]


def _classified(table: TableSettings, folder: Folder) -> list[str]:
    shown = [(name, case) for name, cases in table.cases.items() for case in cases]
    return [folder.classifier(REFERENCE), *(folder.classified(*one) for one in shown)]


def _samples_and_scores(table: TableSettings, folder: Folder) -> list[str]:
    shown = [(name, case) for name, cases in table.cases.items() for case in cases]
    scores = [folder.scored(*one) for one in shown] if table.judge else []
    return [*_samples(table, folder), *scores]


TABLES = (
    TableRow(
        "prompts",
        format=2,
        caption=(
            "Prompts that pipelines were told, composed, with bootstrap intervals over samples: a "
            "superposition's weights at the last step (*kappa*), log-densities where they were "
            "followed (*log_q*, nats) and the *gap* between the greatest and the least, the cosine "
            "of every pair's score deltas over the path (*interaction*), what a picture cost, and "
            "a judge's *score* of each prompt with the *least* over a picture's prompts, if any."
        ),
        shows=_prompts,
        reads=_samples_and_scores,
        about="prompts",
    ),
    TableRow(
        "classes",
        format=3,
        caption=(
            "Samples of pictures that were not rendered, as a small classifier sees them: shares "
            "of classes with Wilson intervals beside those of the reference pictures, their total "
            "variation from these, and distances to the reference in the classifier's features: "
            "Frechet (no FID: not Inception's features), as fitted and without its bias, kernel, "
            "diversity, density, coverage; perhaps in a published network's too. The rows *all* "
            "have all samples of an experiment's cases together, against the classes as they were "
            "asked for. The rows *reference* are the reference's own: the classifier's errors, and "
            "one half of its pictures against the other."
        ),
        shows=_classes,
        reads=_classified,
        about="files",
    ),
    TableRow(
        "leaderboard",
        format=4,
        caption=(
            "Everything that composes locations, by set of places and number composed. Ranked "
            "among themselves are methods of one kind (networks, or exact models) for which the "
            "same is right: by *success* where k objects are right and nothing else, by "
            "*all_places* where clutter is composed, whose right counts stand beside it. "
            "*behind* is the distance from the best of these, with Newcombe's interval, paired "
            "where both started from the same noise; *tied* rows cannot be told from the best. "
            "*distance* is that to the rendered truth in the detector's features (frechet without "
            "its bias, of the table *distance*), where an experiment has one; 0 is as near as the "
            "truth itself. *unsure* is the share of images that the detector doubts; it ranks "
            "nothing, and where it is high, so a rank by success is one of guesses. Costs are per "
            "image."
        ),
        shows=_leaderboard,
        reads=_ranked,
    ),
    TableRow(
        "ceiling",
        format=2,
        caption=(
            "The rendered truth, exact models and networks on the same requests, the latter two "
            "from the same noise: what the composition loses (truth - exact) and what the network "
            "loses (exact - trained), with Newcombe's intervals for rates and bootstrap intervals "
            "for means. The row *all* has the rank correlation of exact and trained values over "
            "the cases."
        ),
        shows=_ceilings,
        reads=_counted,
    ),
    TableRow(
        "local",
        format=2,
        caption=(
            "Networks that learned the same pictures, how local their deltas are and what they "
            "lack of their exact twins. *pixels*: the share of the delta's Jacobian within a "
            "distance; *condition*: the share of the delta's square within a distance of the "
            "requested location; both as means over the noise levels. The gap is that of the "
            "all-places rate, its mean over two and more composed locations; *unsure* and "
            "*exact_unsure* are the shares of the networks' and the exact twins' images in them "
            "that the detector doubts. The rows *all* have "
            "Spearman's rank correlation over the experiments; it is negative where more local "
            "networks lack less."
        ),
        shows=_locals,
        reads=_ceilings_and_localities,
    ),
    TableRow(
        "clutter",
        format=1,
        caption=(
            "What is right where clutter is composed: mean count and exact-count rate of the exact "
            "Bayes composition, by the numbers of objects in the training pictures, and how often "
            "clutter of which nothing is requested fills the requested places by chance. Empty "
            "where no training picture has so many objects."
        ),
        shows=_clutter,
        reads=_clutter_datasets,
    ),
    TableRow(
        "projection",
        format=3,
        caption=(
            "Definition 4.1 of Bradley et al. 2025: windows around the requested places, and the "
            "rest of the picture, of composed samples against the rendered truth of the same "
            "request, the conditional's own samples and the background's; and the same of the "
            "truth, whose halves against each other are the floor. *energy*: 0 for equal laws, 1 "
            "for two points; *classifier*: about 1/2 for equal laws; *color*, *shape*, *material* "
            "and *size*: total variation from the law of the renders, for *all* the mean over the "
            "places. P-values are of permutations, those of attributes of objects drawn by the "
            "law, for *all* the places' least times their number; each is of its row alone. "
            "*floor* and *critical*: mean and upper quantile of equal laws at these numbers; "
            "*detects*: the least share of samples without the object that would be told in 4 of "
            "5 runs; *unsure*: the share of the subject's images that the detector doubts."
        ),
        shows=_projections,
        reads=_projected,
    ),
    TableRow(
        "distance",
        format=4,
        caption=(
            "Distance to the rendered truth of the same requests in the detector's features (of "
            "pairs and of attributes over all requests together): the "
            "Frechet distance (no FID: not Inception's features), as fitted and without its bias, "
            "the kernel distance, diversity, density and coverage. Rows of the truth hold its "
            "halves against each other; *floor* is what equal laws have at these numbers of "
            "images, and *unsure* the share of the subject's images that the detector doubts."
        ),
        shows=_distances,
        reads=_samples_and_detector,
    ),
    TableRow(
        "memorised",
        format=2,
        caption=(
            "Nearest training image, of the samples that came out right and of renders of the same "
            "requests that no model has learned from: the probability that the sample is the "
            "nearer one, 1/2 where nothing was copied, of whole pictures and of windows around the "
            "places. Exact models copy: their experiments show what that looks like. *unsure* and "
            "*unsure_of_truth*: the share of these images that the detector doubts."
        ),
        shows=_memorised,
        reads=_counted_samples_and_datasets,
    ),
    TableRow(
        "confusion",
        format=2,
        caption=(
            "Requested against found: in how many images of every case so many objects were "
            "found, with Wilson intervals, and the share that is right: all images with what was "
            "requested, or the exact Bayes composition's law where clutter is composed. The rows "
            "*truth* are the detector's own confusion."
        ),
        shows=_confusions,
        reads=_counted,
    ),
    TableRow(
        "sweep",
        format=5,
        caption=(
            "Operators and samplers side by side: success with Wilson interval, cost per image, "
            "acceptance of proposals and effective size of swarms. What CompLift judges stands in "
            "the table *selected*."
        ),
        shows=_sweeps,
        reads=reads_summary,
    ),
    TableRow(
        "pairs",
        format=2,
        caption=(
            "What was found of every pair of colours, with Wilson intervals: both colours; "
            "*together*, one object in the place of two (*mixed*: of neither colour); one beside "
            "something else; neither. Independent objects may overlap: *apart*, the share of pairs "
            "of training pictures in which no pixel shows both, is the ceiling of *both*. Single "
            "colours are controls; the row *all* has the means over the pairs."
        ),
        shows=_pairs,
        reads=_counted_and_datasets,
    ),
    TableRow(
        "binding",
        format=3,
        caption=(
            "What became of requests for attributes, with Wilson intervals: the *right* objects; "
            "*unbound*, all that was asked for but not on the objects that should have it; some of "
            "it and an object too few (*lost*); some of it otherwise (*partial*); nothing of it "
            "(*neither*). *success*: right, and no further object. *chance*: how often pictures "
            "are right that the models learned from, of which nothing was requested. *unsure*: "
            "images that the detector doubts. The rows *all* are means over the cases."
        ),
        shows=_bindings,
        reads=_counted_and_datasets,
    ),
    TableRow(
        "attributes",
        format=2,
        caption=(
            "Requested against found, attribute by attribute: of the object that is everything "
            "else that was requested, how often it has which value, with Wilson intervals; *none* "
            "where there is no such object. The rows *truth* are the detector's own confusion."
        ),
        shows=_attributes,
        reads=_samples_and_detector,
    ),
    TableRow(
        "interaction",
        format=5,
        caption=(
            "Interaction of every pair with bootstrap interval, what it would be over the control "
            "instead of the background, the control's zero and error in the same units, the noise "
            "level at which the interaction is greatest, and success; *absolute* adds up the "
            "interaction's sizes over the noise levels, in nats; the row *all* has Spearman's rank "
            "correlation."
        ),
        shows=_interactions,
        reads=_counted_and_samples,
    ),
    TableRow(
        "selected",
        format=5,
        caption=(
            "What CompLift accepted: the share of samples, the success among these alone, and the "
            "network evaluations that an accepted sample costs."
        ),
        shows=_selected,
        reads=_counted,
    ),
    TableRow(
        "densities",
        format=1,
        caption=(
            "How far apart the log-densities of the composed distributions are at the samples "
            "(*gap*, nats, with bootstrap interval), noised along straight lines that no sampler "
            "made, at every noise level; the *error* that the lines' noise leaves; and the gap "
            "that the sampler *followed* to its least level."
        ),
        shows=_densities,
        reads=_samples,
        about="all",
    ),
    TableRow(
        "mixture",
        format=5,
        caption=(
            "Exact counts, colour shares and total variation from uniform of unconditional models "
            "and their mixtures."
        ),
        shows=_mixtures,
        reads=_counted,
    ),
)
"""Every kind of table, in the order of the report."""
