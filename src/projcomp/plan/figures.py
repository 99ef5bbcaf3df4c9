"""The figures of the report: one row each."""

from projcomp.config.theory import EXACT
from projcomp.plan import figure_inputs as inputs
from projcomp.plan import figure_scope as scope
from projcomp.plan.rows import Planned, Row
from projcomp.plan.run import Run
from projcomp.settings.report import FigureSettings

Figure = Planned[FigureSettings]
FigureRow = Row[FigureSettings]
"""One kind of figure, drawn by ``reporting/figures/<kind>.py``."""


def figures(run: Run) -> dict[str, Figure]:
    """Every figure of the run, by name, in the order of the report."""
    found = {}
    for row in FIGURES:
        for name, shown in row.found(run):
            settings = FigureSettings(format=row.format, name=name, kind=row.kind, **shown)
            found[name] = Figure(row, settings)
    return found


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
        shows=scope.of_table("classes"),
        reads=inputs.own_table,
        about="files",
    ),
    FigureRow(
        "pictures",
        format=3,
        caption="The first samples of every case, unselected: pictures as none was rendered.",
        shows=scope.pictures,
        reads=inputs.samples,
        about="files",
    ),
    FigureRow(
        "prompts",
        format=1,
        caption="The first pictures of every case, unselected, under the prompts composed.",
        shows=scope.prompts,
        reads=inputs.samples,
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
        shows=scope.of_table("leaderboard"),
        reads=inputs.own_table,
    ),
    FigureRow(
        "ceiling",
        format=1,
        caption=(
            "The rendered truth, exact models (what perfect networks would do) and networks, on "
            "the same requests. Between truth and exact lies what the composition loses; between "
            "exact and trained what the network loses, with the interval of that difference."
        ),
        shows=scope.of_table("ceiling"),
        reads=inputs.own_table,
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
        shows=scope.of_table("local"),
        reads=inputs.table_and_ceilings,
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
        shows=scope.of_places("projection"),
        reads=inputs.own_table,
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
        shows=scope.of_places("distance"),
        reads=inputs.own_table,
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
        shows=scope.memorised,
        reads=inputs.each_memorised,
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
        shows=scope.against_k,
        reads=inputs.summary_and_clutter,
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
        shows=scope.against_k,
        reads=inputs.summary_and_clutter,
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
        shows=scope.of_table("confusion"),
        reads=inputs.own_table,
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
        shows=scope.grids,
        reads=inputs.cases,
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
        shows=scope.of_table("binding"),
        reads=inputs.own_table,
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
        shows=scope.of_table("attributes"),
        reads=inputs.own_table,
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
        shows=scope.galleries,
        reads=inputs.cases,
    ),
    FigureRow(
        "samples4",
        format=6,
        caption=(
            "The first samples of four composed locations, unselected (Bradley et al. 2025, Figs. "
            "2 and 9)."
        ),
        shows=scope.fours,
        reads=inputs.cases,
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
        shows=scope.of_table("pairs"),
        reads=inputs.table_and_cases,
    ),
    FigureRow(
        "rgb",
        format=6,
        caption=(
            "Histograms of red, green and blue of single colours, sampled and rendered, against "
            "those of the background (Bradley et al. 2025, Fig. 5): where a colour differs from "
            "the background, another must not, for the two to compose."
        ),
        shows=scope.single_colors,
        reads=inputs.samples_and_datasets,
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
        shows=scope.of_table("sweep"),
        reads=inputs.own_table,
    ),
    FigureRow(
        "interaction",
        format=7,
        caption=(
            "The interaction of every pair (cosine of the score deltas over the path; 0 where they "
            "do not interact) beside the share of samples in which the pair came out, and their "
            "rank correlation with its bootstrap interval over pairs. Rings: the same pairs if the "
            "control, a second model of the background, took its place."
        ),
        shows=scope.of_table("interaction"),
        reads=inputs.own_table,
    ),
    FigureRow(
        "selected",
        format=5,
        caption=(
            "What CompLift accepts: the share of samples, and the success among the accepted "
            "alone, with Wilson intervals and what an accepted sample costs. Selected samples; the "
            "other figures and tables show all."
        ),
        shows=scope.of_table("selected"),
        reads=inputs.own_table,
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
        shows=scope.of_table("densities"),
        reads=inputs.own_table,
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
        shows=scope.of_table("mixture"),
        reads=inputs.own_table,
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
        shows=scope.overlaps,
        reads=inputs.samples,
    ),
    FigureRow(
        "unconditional",
        format=7,
        caption=(
            "Samples of every experiment's background alone: nothing was requested (Bradley et al. "
            "2025, Fig. 8)."
        ),
        shows=scope.backgrounds,
        reads=inputs.cases,
    ),
    FigureRow(
        "denoising",
        format=6,
        caption=(
            "How well every model denoises renders held out from its training (lines) and renders "
            "of its training (dots), by noise level; a network of zeros has 1. Solid lines: "
            "conditioned on what the image shows; dashed: unconditional."
        ),
        shows=scope.models,
        reads=inputs.checks,
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
        shows=scope.followed,
        reads=inputs.localities,
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
        shows=scope.detector,
        reads=inputs.detector_check,
    ),
    *(
        FigureRow(
            "theory",
            format=experiment.figure_format,
            caption=experiment.caption,
            shows=scope.exact(name),
            reads=inputs.exact_table(name),
        )
        for name, experiment in EXACT.items()
    ),
)
"""Every kind of figure, in the order of the report; the exact experiments have a row each."""
