"""Which experiments compose over clutter, so that k objects are not what is right."""

from projcomp.config.conditions import CASE, UNCONDITIONAL
from projcomp.config.root import Config
from projcomp.plan.experiments import Experiment
from projcomp.plan.requests import stack
from projcomp.plan.run import Run
from projcomp.settings.report import Clutter


def clutter_of(run: Run, experiment: Experiment) -> Clutter | None:
    """What the pictures hold that an experiment composes over; None where its ideal is k objects.

    Its ideal is another where the background is the unconditional model of the pictures that the
    conditionals learned from, and some of these hold several objects; all conditions with weight 1.
    """
    operator, given = experiment.config.operator, experiment.config.background
    models = _told_every_condition_once(run, experiment)
    if not models or not operator.measures_interaction:
        return None
    learned = _pictures(run, models[0])
    unconditional = [given.model] if given is not None else []
    if given is not None and given.condition != UNCONDITIONAL:
        return None
    if any(_pictures(run, name) != learned for name in [*models, *unconditional]):
        return None
    if all(run.config.rendered[name].max_objects < 2 for name in learned):
        return None
    return Clutter(datasets=learned, counts=_counts(run.config, learned))


def _told_every_condition_once(run: Run, experiment: Experiment) -> list[str]:
    """The models that are told all that is requested, each thing once and with weight 1; or none.

    Objects with several attributes have another law, even if each is told once.
    """
    chosen, cases = experiment.config, experiment.cases.values()
    if chosen.composed is None:
        sizes = [case.num_conditions for case in cases]
        weights = [weight for size in sizes for weight in chosen.operator.weights_of(size)]
        models = [chosen.conditionals] if chosen.conditionals and not chosen.models else []
    elif chosen.cases is None and all(one.told == CASE for one in chosen.composed):
        stacks = [stack(chosen, case, run.models) for case in cases]
        weights = [one.weight for each in stacks for one in each]
        once = all(
            len(each) == case.num_conditions for case, each in zip(cases, stacks, strict=True)
        )
        models = [one.model for one in chosen.composed] if once else []
    else:
        return []
    return models if all(weight == 1 for weight in weights) else []


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
