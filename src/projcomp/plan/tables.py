"""The tables that set cases side by side: one row each."""

from projcomp.plan import table_inputs as inputs
from projcomp.plan import table_scope as scope
from projcomp.plan.rows import Planned, Row
from projcomp.plan.run import Run
from projcomp.settings.report import TableSettings

Table = Planned[TableSettings]
TableRow = Row[TableSettings]
"""One kind of table, computed by ``evaluation/tables/<kind>.py``."""


def tables(run: Run) -> dict[str, Table]:
    """Every table of the run, by name, in the order of the report."""
    config, found = run.config, {}
    for row in TABLES:
        for name, shown in row.found(run):
            settings = TableSettings(
                format=row.format,
                name=name,
                kind=row.kind,
                seed=config.seed,
                confidence=config.evaluation.confidence,
                bootstrap=config.evaluation.bootstrap,
                **shown,
            )
            found[name] = Table(row, settings)
    return found


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
        shows=scope.prompts,
        reads=inputs.samples_and_scores,
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
        shows=scope.classes,
        reads=inputs.classified,
        about="files",
    ),
    TableRow(
        "leaderboard",
        format=5,
        caption=(
            "Everything that composes locations, by set of places and number composed. Ranked "
            "among themselves are methods of one kind (networks, or exact models) for which the "
            "same is right: by *success* where k objects are right and nothing else, by "
            "*all_places* where clutter is composed, whose right counts stand beside it. "
            "*behind* is the distance from the best of these, with Newcombe's interval, paired "
            "where both started from the same noise; *tied* rows cannot be told from the best. "
            "*distance* is that to the rendered truth in the detector's features (frechet without "
            "its bias, of the table *distance*), where an experiment has one; 0 is as near as the "
            "truth itself. Its unit is the truth's spread over that table's cases, which a sweep "
            "may have others of. *unsure* is the share of images that the detector doubts; it "
            "ranks nothing, and where it is high, so a rank by success is one of guesses. "
            "*_corrected* rates are corrected for the detector's own errors. Costs are per image."
        ),
        shows=scope.leaderboard,
        reads=inputs.ranked,
    ),
    TableRow(
        "ceiling",
        format=5,
        caption=(
            "The rendered truth, exact models and networks on the same requests, the latter two "
            "from the same noise: what the composition loses (truth - exact) and what the network "
            "loses (exact - trained), with Newcombe's intervals for rates and bootstrap intervals "
            "for means. Measures *_corrected* are rates corrected for the detector's own errors. "
            "The row *all* has the rank correlation of exact and trained values over the cases."
        ),
        shows=scope.ceilings,
        reads=inputs.counted_and_check,
    ),
    TableRow(
        "local",
        format=3,
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
        shows=scope.local,
        reads=inputs.ceilings_and_localities,
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
        shows=scope.clutter,
        reads=inputs.clutter_datasets,
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
        shows=scope.projections,
        reads=inputs.projected,
    ),
    TableRow(
        "distance",
        format=5,
        caption=(
            "Distance to the rendered truth of the same requests in the detector's features (of "
            "pairs and of attributes over all requests together, of a sweep for each member): the "
            "Frechet distance (no FID: not Inception's features), as fitted and without its bias, "
            "the kernel distance, diversity, density and coverage. Rows of the truth hold its "
            "halves against each other. Lengths are in units of the truth's spread over the cases "
            "of this table; *floor* is what equal laws have at these numbers of "
            "images, and *unsure* the share of the subject's images that the detector doubts."
        ),
        shows=scope.distances,
        reads=inputs.counted_samples_and_detector,
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
        shows=scope.memorised,
        reads=inputs.counted_samples_and_datasets,
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
        shows=scope.confusions,
        reads=inputs.counted,
    ),
    TableRow(
        "sweep",
        format=6,
        caption=(
            "Operators and samplers side by side: success with Wilson interval, cost per image, "
            "acceptance of proposals and effective size of swarms; *_corrected* rates are the "
            "summary's, corrected for the detector's own errors. What CompLift judges stands in "
            "the table *selected*."
        ),
        shows=scope.sweeps,
        reads=inputs.summary,
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
        shows=scope.pairs,
        reads=inputs.counted_and_datasets,
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
        shows=scope.bindings,
        reads=inputs.counted_and_datasets,
    ),
    TableRow(
        "attributes",
        format=2,
        caption=(
            "Requested against found, attribute by attribute: of the object that is everything "
            "else that was requested, how often it has which value, with Wilson intervals; *none* "
            "where there is no such object. The rows *truth* are the detector's own confusion."
        ),
        shows=scope.attributes,
        reads=inputs.samples_and_detector,
    ),
    TableRow(
        "interaction",
        format=6,
        caption=(
            "Interaction of every pair with bootstrap interval, what it would be over the control "
            "instead of the background, the control's zero and error in the same units, the noise "
            "level at which the interaction is greatest, and success; *absolute* adds up the "
            "interaction's sizes over the noise levels, in nats; the row *all* has Spearman's rank "
            "correlation."
        ),
        shows=scope.interactions,
        reads=inputs.counted_and_samples,
    ),
    TableRow(
        "selected",
        format=5,
        caption=(
            "What CompLift accepted: the share of samples, the success among these alone, and the "
            "network evaluations that an accepted sample costs."
        ),
        shows=scope.selected,
        reads=inputs.counted,
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
        shows=scope.densities,
        reads=inputs.samples,
        about="all",
    ),
    TableRow(
        "mixture",
        format=5,
        caption=(
            "Exact counts, colour shares and total variation from uniform of unconditional models "
            "and their mixtures."
        ),
        shows=scope.mixtures,
        reads=inputs.counted,
    ),
)
"""Every kind of table, in the order of the report."""
