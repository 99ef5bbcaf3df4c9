"""Which experiments compose over clutter, so that k objects are not what is right."""

from projcomp.config.root import Config
from projcomp.plan.experiments import Experiment
from projcomp.plan.run import Run
from projcomp.settings.report import Clutter


def clutter_of(run: Run, experiment: Experiment) -> Clutter | None:
    """What the pictures hold that an experiment composes over; None where its ideal is k objects.

    Its ideal is another where the background is the unconditional model of the pictures that the
    conditionals learned from, and some of these hold several objects; all conditions with weight 1.
    """
    chosen = experiment.config
    operator, given = chosen.operator, chosen.background
    if chosen.conditionals is None or chosen.models or not operator.measures_interaction:
        return None
    learned = _pictures(run, chosen.conditionals)
    if given is not None and (given.condition == "empty" or _pictures(run, given.model) != learned):
        return None
    sizes = [case.num_conditions for case in experiment.cases.values()]
    if any(weight != 1 for size in sizes for weight in operator.weights_of(size)):
        return None
    if all(run.config.rendered[name].max_objects < 2 for name in learned):
        return None
    return Clutter(datasets=learned, counts=_counts(run.config, learned))


def _pictures(run: Run, model: str) -> dict[str, float]:
    """The clutter that a model knows; objects that were moved to places stood elsewhere in it."""
    sources = run.models[model].sources
    return {run.config.rendered[name].moved_from or name: share for name, share in sources.items()}


def _counts(config: Config, shares: dict[str, float]) -> list[float]:
    """``p(n)`` of the pictures, n from 0 on: uniform from each dataset's least to its greatest."""
    most = max(config.rendered[name].max_objects for name in shares)
    counts = [0.0] * (most + 1)
    for name, share in shares.items():
        numbers = range(config.rendered[name].min_objects, config.rendered[name].max_objects + 1)
        for number in numbers:
            counts[number] += share / sum(shares.values()) / len(numbers)
    return counts
