"""The figures of the report: one row each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from projcomp.config.places import GRID
from projcomp.config.theory import EXACT
from projcomp.folder import CHECK, LOCALITY, RELIABILITY, Folder
from projcomp.plan.clutter import clutter_of
from projcomp.plan.prompts import asked_prompts
from projcomp.plan.run import Run
from projcomp.plan.subjects import Subject
from projcomp.plan.tables import (
    TABLES,
    Shown,
    name_of,
    pairs_of,
    reads_summary,
    records_interaction,
)
from projcomp.settings.case import TRUTH, Case
from projcomp.settings.report import FigureSettings
from projcomp.settings.stages import model_names


@dataclass(frozen=True)
class FigureRow:
    """One kind of figure, drawn by ``reporting/figures/<kind>.py``.

    Attributes:
        kind: its name.
        format: raised by hand when it is drawn in another way.
        caption: what it shows, for the report.
        shows: the figures of this kind that a run has, and all that each of them shows: the drawing
            draws what its settings say and leaves nothing out.
        reads: the files that one is drawn from.
        about: what the experiments are about that it shows; all of them where it shows models.
    """

    kind: str
    format: int
    caption: str
    shows: Callable[[Run], Iterator[Shown]]
    reads: Callable[[FigureSettings, Folder], list[str]]
    about: Subject | Literal["all"] = "scenes"


@dataclass(frozen=True)
class Figure:
    """One figure of a run."""

    row: FigureRow
    settings: FigureSettings

    def reads(self, folder: Folder) -> list[str]:
        """The files that it is drawn from."""
        return self.row.reads(self.settings, folder)


def figures(run: Run) -> dict[str, Figure]:
    """Every figure of the run, by name, in the order of the report."""
    found = {}
    for row in FIGURES:
        for of, shown in row.shows(run if row.about == "all" else run.about(row.about)):
            name = name_of(row.kind, of)
            settings = FigureSettings(format=row.format, name=name, kind=row.kind, **shown)
            found[name] = Figure(row, settings)
    return found


# What each of them shows --------------------------------------------------------------------------


def _asking(
    run: Run, field: str, which: Callable[[Case], bool] = lambda _: True, places: str | None = None
) -> dict[str, list[str]]:
    """Cases of the own experiments that ask by ``field``, with the truth of them last.

    Args:
        run: the run.
        field: the key of the experiments by which they ask.
        which: the cases meant.
        places: the set of places that the experiments meant count in; None for any.
    """
    found = {
        name: [case.name for case in experiment.cases.values() if which(case)]
        for name, experiment in run.own.items()
        if getattr(experiment.config, field) and places in (None, experiment.places.name)
    }
    found = {name: names for name, names in found.items() if names}
    shown = {case for names in found.values() for case in names}
    truth = [name for name in run.truth if name in shown]
    return {**found, TRUTH: truth} if found else {}


def _against_k(run: Run) -> Iterator[Shown]:
    """One for each set of places: k places of one are as many of another, and harder or easier.

    A case that avoids a place would stand beside one of as many that avoids none.
    """
    for places in dict.fromkeys(experiment.places.name for experiment in run.own.values()):
        found = _asking(run, "num_composed", lambda case: not case.avoids, places)
        if found:
            clutter = [name for name in found if name != TRUTH and clutter_of(run, run.own[name])]
            yield "" if places == GRID else places, {"cases": found, "clutter": clutter}


def _grids(run: Run) -> Iterator[Shown]:
    """The background only where there is nothing else."""
    composed = _asking(run, "num_composed", lambda case: case.num_conditions > 0)
    for name, names in _asking(run, "num_composed").items():
        yield name, {"cases": {name: composed.get(name, names)}}


def _galleries(run: Run) -> Iterator[Shown]:
    """Every own experiment, and the truth of all cases: the detector's own failures."""
    for name, cases in {**{n: e.cases for n, e in run.own.items()}, TRUTH: run.truth}.items():
        if cases:
            over = name != TRUTH and clutter_of(run, run.own[name])
            yield name, {"cases": {name: list(cases)}, "clutter": [name] if over else []}


def _fours(run: Run) -> Iterator[Shown]:
    found = _asking(run, "num_composed", lambda case: case.num_conditions == 4 and not case.avoids)
    for name, names in found.items():
        yield name, {"cases": {name: names}}


def _single_colors(run: Run) -> Iterator[Shown]:
    """Single colours, the truth of them, and the datasets that show nothing but the background."""
    config = run.config
    for name, experiment in run.own.items():
        if experiment.config.single_colors:
            shown = [case.name for case in experiment.cases.values() if case.num_conditions == 1]
            learned = [run.models[model].sources for model in model_names(experiment.config)]
            known = dict.fromkeys(dataset for datasets in learned for dataset in datasets)
            empty = [dataset for dataset in known if not config.rendered[dataset].max_objects]
            yield name, {"cases": {name: shown, TRUTH: shown}, "datasets": empty}


def _of_table(kind: str) -> Callable[[Run], Iterator[Shown]]:
    """Every table of the kind has a figure of the same name."""
    (row,) = (row for row in TABLES if row.kind == kind)

    def shows(run: Run) -> Iterator[Shown]:
        for subject, shown in row.shows(run):
            yield subject, {"cases": shown["cases"]}

    return shows


def _of_places(kind: str) -> Callable[[Run], Iterator[Shown]]:
    """Tables of numbers of places; there is nothing to be drawn against k of others."""

    def shows(run: Run) -> Iterator[Shown]:
        for name, shown in _of_table(kind)(run):
            if run.own[name].config.num_composed:
                yield name, shown

    return shows


def _memorised(run: Run) -> Iterator[Shown]:
    """One for all experiments, so that exact models, which copy, stand beside networks."""
    (row,) = (row for row in TABLES if row.kind == "memorised")
    found = {name: shown["cases"][name] for name, shown in row.shows(run)}
    if found:
        yield "", {"cases": found}


def _overlaps(run: Run) -> Iterator[Shown]:
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


def _backgrounds(run: Run) -> Iterator[Shown]:
    found = _asking(run, "num_composed", lambda case: case.num_conditions == 0)
    if found:
        yield "", {"cases": found}


def _models(run: Run) -> Iterator[Shown]:
    if run.networks:
        yield "", {"models": run.networks}


def _followed(run: Run) -> Iterator[Shown]:
    if run.followed:
        yield "", {"models": run.followed}


def _pictures(run: Run) -> Iterator[Shown]:
    """Experiments on pictures from files: those of one case together, each other one by itself."""
    alone = {name: list(one.cases) for name, one in run.experiments.items() if len(one.cases) == 1}
    if alone:
        yield "", {"cases": alone}
    for name, experiment in run.experiments.items():
        if name not in alone:
            yield name, {"cases": {name: list(experiment.cases)}}


def _prompts(run: Run) -> Iterator[Shown]:
    """One for each experiment that tells prompts, each case under what is asked for."""
    for name, experiment in run.experiments.items():
        titles = {case.name: " + ".join(asked_prompts(case)) for case in experiment.cases.values()}
        yield name, {"cases": {name: list(experiment.cases)}, "titles": titles}


def _detector(run: Run) -> Iterator[Shown]:
    if run.experiments:
        yield "", {}


def _exact(name: str) -> Callable[[Run], Iterator[Shown]]:
    def shows(run: Run) -> Iterator[Shown]:
        if name in run.config.theory.experiments:
            yield name, {}

    return shows


# What each of them reads --------------------------------------------------------------------------


def _summary_and_clutter(figure: FigureSettings, folder: Folder) -> list[str]:
    clutter = [folder.table("clutter")] if figure.clutter else []
    return [*reads_summary(figure, folder), *clutter]


def _own_table(figure: FigureSettings, folder: Folder) -> list[str]:
    return [folder.table(figure.name)]


def _samples(figure: FigureSettings, folder: Folder) -> list[str]:
    return [folder.samples(name, case) for name, cases in figure.cases.items() for case in cases]


def _cases(figure: FigureSettings, folder: Folder) -> list[str]:
    shown = [(name, case) for name, cases in figure.cases.items() for case in cases]
    return [*_samples(figure, folder), *(folder.counted(name, case) for name, case in shown)]


def _samples_and_datasets(figure: FigureSettings, folder: Folder) -> list[str]:
    return [*_samples(figure, folder), *(folder.index(name) for name in figure.datasets)]


def _table_and_cases(figure: FigureSettings, folder: Folder) -> list[str]:
    return [*_own_table(figure, folder), *_cases(figure, folder)]


def _checks(figure: FigureSettings, folder: Folder) -> list[str]:
    return [folder.model(name, CHECK) for name in figure.models]


def _localities(figure: FigureSettings, folder: Folder) -> list[str]:
    return [folder.model(name, LOCALITY) for name in figure.models]


def _table_and_ceilings(figure: FigureSettings, folder: Folder) -> list[str]:
    ceilings = [folder.table(name_of("ceiling", name)) for name in figure.cases]
    return [*_own_table(figure, folder), *ceilings]


def _each_memorised(figure: FigureSettings, folder: Folder) -> list[str]:
    return [folder.table(name_of("memorised", name)) for name in figure.cases]


def _detector_check(_: FigureSettings, folder: Folder) -> list[str]:
    return [folder.detector(CHECK), folder.detector(RELIABILITY)]


def _exact_table(name: str) -> Callable[[FigureSettings, Folder], list[str]]:
    return lambda _, folder: [folder.exact(name)]


FIGURES = (
    FigureRow(
        "classes",
        format=1,
        caption=(
            "Samples of pictures that were not rendered, as a small classifier sees them: the "
            "shares of its classes, their total variation from the reference's (marks: what as "
            "many true pictures have), and the Frechet distance to the reference in the "
            "classifier's features, without its bias, with intervals; *all* are the samples of all "
            "cases of an experiment. It is no FID: its features are not Inception's."
        ),
        shows=_of_table("classes"),
        reads=_own_table,
        about="files",
    ),
    FigureRow(
        "pictures",
        format=2,
        caption="The first samples of every case, unselected: pictures as none was rendered.",
        shows=_pictures,
        reads=_samples,
        about="files",
    ),
    FigureRow(
        "prompts",
        format=1,
        caption="The first pictures of every case, unselected, under the prompts composed.",
        shows=_prompts,
        reads=_samples,
        about="prompts",
    ),
    FigureRow(
        "leaderboard",
        format=2,
        caption=(
            "Everything that composes locations, percent by number composed: success where k "
            "objects and nothing else are right, all places where clutter is composed. Rows are "
            "sorted by their mean; the rendered truth, counted by the same detector, stands above "
            "exact models (what perfect networks would do), and these above networks. Frames: the "
            "best of a kind; dots: what cannot be told from it, by the interval of the difference. "
            "Doubt ranks nothing: a question mark stands where the detector is unsure of more than "
            "half of the images, whose counts are guesses. Numbers of samples differ between rows. "
            "Right: network evaluations and seconds per image where most locations are composed."
        ),
        shows=_of_table("leaderboard"),
        reads=_own_table,
    ),
    FigureRow(
        "ceiling",
        format=1,
        caption=(
            "The rendered truth, exact models (what perfect networks would do) and networks, on "
            "the same requests. Between truth and exact lies what the composition loses; between "
            "exact and trained what the network loses, with the interval of that difference."
        ),
        shows=_of_table("ceiling"),
        reads=_own_table,
    ),
    FigureRow(
        "local",
        format=1,
        caption=(
            "Networks that learned in different ways, on the same requests: share of samples with "
            "an object at every requested location, with the mean of their exact twins (dashed); "
            "and what each lacks of its twin against how local it is. Above: the share of its "
            "deltas' Jacobians within a distance (which pixels they depend on); below: the share "
            "of the deltas' squares within a distance of the requested location (which pixels the "
            "condition changes). Titles: Spearman's rank correlation with its bootstrap interval "
            "over the networks."
        ),
        shows=_of_table("local"),
        reads=_table_and_ceilings,
    ),
    FigureRow(
        "projection",
        format=3,
        caption=(
            "Definition 4.1 of Bradley et al. 2025 against the number of composed locations: how "
            "far windows around the requested places, and the rest of the picture, are from what "
            "they should show (energy coefficient, 0 for equal laws). Lines: the composed samples, "
            "and the rendered truth by the same measure; bars: jackknife intervals; dots: single "
            "places; filled where a test tells the two apart (p at most 0.05). Last: colour, "
            "shape, material and size at the places: the mean over these of the total variation "
            "from the law of the renders, and what as many objects drawn by that law have; none of "
            "an attribute with one value."
        ),
        shows=_of_places("projection"),
        reads=_own_table,
    ),
    FigureRow(
        "distance",
        format=1,
        caption=(
            "Distance of composed samples to the rendered truth of the same requests in the "
            "detector's features, against the number of composed locations, with intervals. "
            "Dashed: the truth, one half against the other; dotted: what equal laws have at as "
            "many images. The Frechet distance is no FID: its features are not Inception's."
        ),
        shows=_of_places("distance"),
        reads=_own_table,
    ),
    FigureRow(
        "memorised",
        format=1,
        caption=(
            "The probability that a sample that came out right is nearer to its nearest training "
            "image than a render of the same request that no model has learned from, against the "
            "number of composed locations, with jackknife intervals: 1/2 (dashed) where nothing "
            "was copied. Whole pictures, and windows around the places. Exact models are made of "
            "their renders: what copying looks like."
        ),
        shows=_memorised,
        reads=_each_memorised,
    ),
    FigureRow(
        "counts",
        format=6,
        caption=(
            "Mean number of objects against the number of composed locations, with bootstrap "
            "intervals. The grey diagonal is what was requested; *truth* is the rendered ground "
            "truth, counted by the same detector, so that its own errors show; where clutter is "
            "composed, the dashed line is what is right there, the exact Bayes composition. Cases "
            "that avoid a location are not drawn."
        ),
        shows=_against_k,
        reads=_summary_and_clutter,
    ),
    FigureRow(
        "rates",
        format=6,
        caption=(
            "Share of images with exactly the requested number of objects, and share with an "
            "object at every requested location, against the number of composed locations, with "
            "Wilson intervals. Where clutter is composed, the dashed line is what is right there, "
            "the exact Bayes composition, and the dotted one how often clutter fills the locations "
            "of which none is requested. Cases that avoid a location are not drawn."
        ),
        shows=_against_k,
        reads=_summary_and_clutter,
    ),
    FigureRow(
        "confusion",
        format=1,
        caption=(
            "Requested against found, percent of the images of every case (columns): all in the "
            "framed cells is right, but where clutter is composed, where the panel *what is right* "
            "is the exact Bayes composition's law. *rendered truth* is the detector's own "
            "confusion. Cases that avoid a location are not drawn."
        ),
        shows=_of_table("confusion"),
        reads=_own_table,
    ),
    FigureRow(
        "grid",
        format=6,
        caption=(
            "Samples against the number of composed locations, the first samples of each case, "
            "unselected, over what was counted, with a question mark where the detector doubts the "
            "image. Circles mark the requested locations. Compare A (empty background), B "
            "(unconditional background) and C (cluttered training scenes) with the rendered truth "
            "(Bradley et al. 2025, Fig. 3)."
        ),
        shows=_grids,
        reads=_cases,
    ),
    FigureRow(
        "binding",
        format=3,
        caption=(
            "What became of requests for attributes, by networks, by exact models and in the "
            "rendered truth (which is the detector's own error): the right objects; all that was "
            "asked for, but not on the objects that should have it; some of it, and an object too "
            "few; some of it otherwise; nothing of it. Of a sweep the means over its cases, a bar "
            "for each member. Lines are Wilson intervals of *right*; strokes mark how often "
            "unrequested pictures are right; *all* is the mean over the cases. Titles have the "
            "share of images that the detector doubts."
        ),
        shows=_of_table("binding"),
        reads=_own_table,
    ),
    FigureRow(
        "attributes",
        format=1,
        caption=(
            "Requested against found, in percent, attribute by attribute: which value the object "
            "has that is everything else that was requested; *none* where there is no such object. "
            "The rendered truth is the detector's own confusion. Titles have the share of images "
            "that the detector doubts."
        ),
        shows=_of_table("attributes"),
        reads=_own_table,
    ),
    FigureRow(
        "gallery",
        format=4,
        caption=(
            "The first samples of every case, unselected, with what the detector found: circles in "
            "the colours of the objects, crosses at the requested locations. Framed is what "
            "failed: an image without everything that was requested, or with anything else; where "
            "clutter is composed, one with a requested location empty. A question mark follows the "
            "count of an image that the detector doubts."
        ),
        shows=_galleries,
        reads=_cases,
    ),
    FigureRow(
        "samples4",
        format=6,
        caption=(
            "The first samples of four composed locations, unselected (Bradley et al. 2025, Figs. "
            "2 and 9)."
        ),
        shows=_fours,
        reads=_cases,
    ),
    FigureRow(
        "pairs",
        format=7,
        caption=(
            "The first samples of every pair of composed colours and of single colours, unselected "
            "(Bradley et al. 2025, Figs. 5 and 10), and what was found: below the diagonal both "
            "colours, above it one object in the place of two, on it single colours. Independent "
            "objects may overlap: the share of pairs that are apart is what a right composition "
            "reaches. A pair of which one colour is avoided has no rates."
        ),
        shows=_of_table("pairs"),
        reads=_table_and_cases,
    ),
    FigureRow(
        "rgb",
        format=6,
        caption=(
            "Histograms of red, green and blue of single colours, sampled and rendered, against "
            "those of the background (Bradley et al. 2025, Fig. 5): where a colour differs from "
            "the background, another must not, for the two to compose."
        ),
        shows=_single_colors,
        reads=_samples_and_datasets,
    ),
    FigureRow(
        "sweep",
        format=5,
        caption=(
            "Success against network evaluations per image (logarithmic), for operators (shapes) "
            "and samplers (colours) that compose the same models for the same requests from the "
            "same noise, with Wilson intervals. Combinations that are not valid are left out, and "
            "so is what CompLift judges, which the figure *selected* shows."
        ),
        shows=_of_table("sweep"),
        reads=_own_table,
    ),
    FigureRow(
        "interaction",
        format=6,
        caption=(
            "The interaction of every pair (cosine of the score deltas over the path; 0 where they "
            "do not interact) beside the share of samples in which the pair came out, and their "
            "rank correlation with its bootstrap interval over pairs. Rings: the same pairs if the "
            "control, a second model of the background, took its place."
        ),
        shows=_of_table("interaction"),
        reads=_own_table,
    ),
    FigureRow(
        "selected",
        format=5,
        caption=(
            "What CompLift accepts: the share of samples, and the success among the accepted "
            "alone, with Wilson intervals and what an accepted sample costs. Selected samples; the "
            "other figures and tables show all."
        ),
        shows=_of_table("selected"),
        reads=_own_table,
    ),
    FigureRow(
        "densities",
        format=1,
        caption=(
            "How far apart the log-densities of the composed distributions are at the samples, "
            "noised along straight lines, against the noise level, with bootstrap intervals. "
            "Dotted: what the lines' noise leaves of error. Crosses: what the sampler followed, "
            "and a superposition steered by."
        ),
        shows=_of_table("densities"),
        reads=_own_table,
        about="all",
    ),
    FigureRow(
        "mixture",
        format=5,
        caption=(
            "Unconditional models and their mixtures: share of images with exactly the number of "
            "objects requested, total variation of the objects' colours from uniform (the grey "
            "tick: what as many objects of uniform colours would have), and every colour's share."
        ),
        shows=_of_table("mixture"),
        reads=_own_table,
    ),
    FigureRow(
        "overlap",
        format=6,
        caption=(
            "Where in the picture the score deltas of what is composed overlap: every pixel's "
            "share of the interaction of all pairs over the path, averaged over samples, with the "
            "requested locations as rings and the sum over pixels, in nats, above each panel. "
            "White everywhere is what composing by scores needs."
        ),
        shows=_overlaps,
        reads=_samples,
    ),
    FigureRow(
        "unconditional",
        format=6,
        caption=(
            "Samples of every experiment's background alone: nothing was requested (Bradley et al. "
            "2025, Fig. 8)."
        ),
        shows=_backgrounds,
        reads=_cases,
    ),
    FigureRow(
        "denoising",
        format=6,
        caption=(
            "How well every model denoises renders held out from its training (lines) and renders "
            "of its training (dots), by noise level; a network of zeros has 1. Solid lines: "
            "conditioned on what the image shows; dashed: unconditional."
        ),
        shows=_models,
        reads=_checks,
        about="all",
    ),
    FigureRow(
        "locality",
        format=2,
        caption=(
            "Share of a denoiser's Jacobian within a distance, by noise level, with two standard "
            "errors over images. Solid: each model, told what the image shows; dashed: its "
            "difference from a background that experiments compose it over; exact twins dotted "
            "and dash-dotted. Gray: the share of pixel pairs within the distance, which a Jacobian "
            "that is even over the picture would have. A level is left out where nothing reacts "
            "to the image. Below, where conditions are places: the share of that difference "
            "itself within the distance of the requested place."
        ),
        shows=_followed,
        reads=_localities,
        about="all",
    ),
    FigureRow(
        "detector",
        format=6,
        caption=(
            "The detector's own errors on held-out renders, by the true number of objects, and the "
            "share of its peaks that are objects, by their height: on the diagonal heights are "
            "probabilities. Every rate of this report carries these errors."
        ),
        shows=_detector,
        reads=_detector_check,
    ),
    *(
        FigureRow(
            "theory",
            format=experiment.figure_format,
            caption=experiment.caption,
            shows=_exact(name),
            reads=_exact_table(name),
        )
        for name, experiment in EXACT.items()
    ),
)
"""Every kind of figure, in the order of the report; the exact experiments have a row each."""
