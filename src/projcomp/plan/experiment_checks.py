"""Checks of experiments and sweeps: models, backgrounds, cases, operators and samplers together."""

from collections.abc import Iterator
from typing import Literal

from projcomp.config.compatibility import refusal
from projcomp.config.conditions import UNCONDITIONAL
from projcomp.config.experiments import BackgroundConfig, RequestConfig
from projcomp.config.messages import repeated, unknown_name
from projcomp.config.operators import OPERATORS, AnyOperator
from projcomp.config.paths import MAX_NAME
from projcomp.config.root import Config
from projcomp.config.samplers import AnyCorrector, SamplingConfig, Swarm
from projcomp.config.section import Color
from projcomp.plan import file_checks, place_checks, prompt_checks, request_checks
from projcomp.plan.cases import experiment_cases
from projcomp.plan.experiments import Experiment, exact_name, own_background
from projcomp.plan.prompts import listed
from projcomp.plan.requests import num_distributions
from projcomp.plan.run import Run
from projcomp.plan.subjects import subject_of
from projcomp.scenes.vocabulary import COLORS
from projcomp.settings.case import Case
from projcomp.settings.stages import model_names

_REQUESTS = {
    "position": ("num_composed", "location_pairs"),
    "color": ("color_pairs", "single_colors"),
    None: ("num_objects",),
}
"""What can be requested of models by their condition; None: of unconditional models."""

_TOGETHER = ("color_pairs", "single_colors")
"""What one experiment may request both of: pairs, and their colours alone as controls."""


def problems(run: Run) -> Iterator[str]:
    """Everything that does not fit together in experiments and sweeps."""
    config = run.config
    for name, entry in config.experiments.items():
        key = f"experiments.{name}"
        yield from _entry(config, key, entry, [entry.operator])
        if entry.noise_of is not None:
            yield from _noise(config, f"{key}.noise_of", entry.noise_of)
    for name, sweep in config.sweeps.items():
        operators = list(sweep.operators.values())
        yield from _entry(config, f"sweeps.{name}", sweep, operators)
        grid = run.grids[name]
        if all(member.refused for member in grid):
            yield (
                f"sweeps.{name}.samplers: expected one that is compatible with an operator, got "
                f"none ({grid[0].refused})"
            )
    yield from _collisions(run)
    yield from _twins(config)
    yield from _sampling("sampling", config.sampling)
    for experiment in run.experiments.values():
        if _has_cases(run, experiment):
            yield from _composition(run, experiment)
    if not config.experiments and not config.sweeps:
        yield "experiments: expected at least one experiment, got none"


def _noise(config: Config, key: str, name: str) -> Iterator[str]:
    """Noise is of an experiment that has its own, so that one name says whose it is."""
    if name not in config.experiments:
        yield unknown_name(key, "experiments", name, config.experiments)
    elif config.experiments[name].noise_of is not None:
        yield (
            f"{key}: expected another experiment, with noise of its own, got {name}; name one that "
            "has no noise_of"
        )


def _has_cases(run: Run, experiment: Experiment) -> bool:
    """Whether its requests make cases; where they do not, that was told already."""
    entry = experiment.config
    if experiment.twin_of is not None:  # whose models are no names of the config
        entry = run.experiments[experiment.twin_of].config
    if subject_of(run.config, entry) == "prompts":
        return not any(prompt_checks.request_problems(run.config, "", entry, [entry.operator]))
    places = place_checks.request_problems(run.config, "", entry)
    asked = request_checks.problems(run.config, "", entry, [entry.operator])
    return not any(places) and not any(asked)


def _collisions(run: Run) -> Iterator[str]:
    """Two experiments of one name would write the same files: one would be lost."""
    known = {name: f"experiments.{name}" for name in run.own}
    for sweep, members in run.members.items():
        if sweep in known:  # a table of either has its name
            yield (
                f"sweeps.{sweep}: expected another name than an experiment's or its exact twin's, "
                f"got {sweep}; rename one of them"
            )
        for member in members:
            name = member.experiment.name
            here = f"sweeps.{sweep} (operator {member.operator}, sampler {member.sampler})"
            if name in known:
                yield (
                    f"{here}: expected experiments of different names, got {name} from it and from "
                    f"{known[name]}; rename one of them"
                )
            elif len(name) > MAX_NAME:
                yield (
                    f"{here}: expected names that together have at most {MAX_NAME} letters, got "
                    f"{len(name)}; shorten them"
                )
            known.setdefault(name, here)


def _twins(config: Config) -> Iterator[str]:
    """An exact twin replaces networks, and has a name that nothing else has."""
    asked = [("experiments", name, entry) for name, entry in config.experiments.items()]
    asked += [("sweeps", name, entry) for name, entry in config.sweeps.items()]
    for where, name, entry in asked:
        if not entry.exact:
            continue
        key, models = f"{where}.{name}.exact", model_names(entry)
        known = [config.of_data[model] for model in models if model in config.of_data]
        if known and all(model.exact for model in known):
            yield f"{key}: expected networks to replace, got exact models alone; remove it"
        for label in config.sweeps[name].operators if where == "sweeps" else ():
            if exact_name(label) in config.sweeps[name].operators:
                yield f"{key}: expected no operator {exact_name(label)}, a twin's; rename that one"
        named = [name] if where == "experiments" else []  # a sweep's members are looked at by name
        sections = (("experiments", named, config.experiments), ("models", models, config.models))
        for section, names, taken in sections:
            for twin in map(exact_name, names):
                if twin in taken:
                    yield f"{key}: expected no {section}.{twin}, its twin's name; rename that one"
                elif len(twin) > MAX_NAME:
                    yield f"{key}: expected names that leave room for -exact, got {name[:40]}..."


def case_problems(run: Run) -> Iterator[str]:
    """What is wrong with the names of cases, of a run that fits else.

    The truth of a case is kept by its name: one name, one request.
    """
    yield from _noise_of_nobody(run)
    known: dict[str, tuple[Case, str]] = {}
    for experiment in run.rendered.experiments.values():
        for case in experiment.cases.values():
            first, where = known.setdefault(case.name, (case, experiment.key))
            if first == case:
                continue
            if case.locations:
                yield (
                    f"{experiment.key}.places: expected cases of other names than those of another "
                    f"set, got {case.name}; rename {experiment.places.name}"
                )
            else:
                yield (
                    f"{experiment.key}: expected cases of other names than those of {where} that "
                    f"ask for something else, got {case.name}; ask for it in the same way in both"
                )
            return


def _noise_of_nobody(run: Run) -> Iterator[str]:
    """Noise is of a case's name: without one in common another experiment's is nobody's."""
    for name, experiment in run.own.items():
        other = experiment.config.noise_of
        if other is not None and not set(experiment.cases) & set(run.cases[other]):
            yield (
                f"experiments.{name}.noise_of: expected an experiment with cases of these names, "
                f"got {other}, which has none of {', '.join([*experiment.cases][:3])}; remove it"
            )


# What is composed and asked for -------------------------------------------------------------------


def _entry(
    config: Config, key: str, entry: RequestConfig, operators: list[AnyOperator]
) -> Iterator[str]:
    if subject_of(config, entry) == "prompts":
        found = [*prompt_checks.request_problems(config, key, entry, operators)]
        yield from found or _background(config, key, entry, operators)
        return
    if entry.prompts is not None:
        yield f"{key}.prompts: expected none, because no model of it has a pipeline, got some"
        return
    not_asked = [*file_checks.request_problems(config, key, entry)]
    if not_asked:
        yield from not_asked
        return
    if entry.composed is not None or entry.cases is not None:
        found = [*request_checks.problems(config, key, entry, operators)]
        yield from found
        if not found:
            yield from place_checks.request_problems(config, key, entry)
            yield from _background(config, key, entry, operators)
            yield from _features(config, key, entry)
        return
    if entry.conditionals is None and entry.models is None:
        yield f"{key}.conditionals: expected conditionals, models or both, got neither"
        return
    asked = [("conditionals", entry.conditionals)] if entry.conditionals else []
    asked += [("models", name) for name in entry.models or []]
    for field, name in asked:
        if name not in config.of_data:
            yield unknown_name(f"{key}.{field}", "models", name, config.of_data)
            return
    yield from _requests(config, key, entry)
    yield from place_checks.request_problems(config, key, entry)
    yield from repeated(f"{key}.models", entry.models or [])
    for name in entry.models or []:
        yield from request_checks.unconditional_problems(config, f"{key}.models", name)
    yield from _background(config, key, entry, operators)
    yield from _features(config, key, entry)


def _features(config: Config, key: str, entry: RequestConfig) -> Iterator[str]:
    """Scores are composed where they are of the same space."""
    first, *others = [name for name in model_names(entry) if name in config.of_data]
    for name in others:
        if config.of_data[name].features != config.of_data[first].features:
            told = [_features_of(config, model) for model in (first, name)]
            yield (
                f"{key}: expected models with the same features, got {told[0]} and {told[1]}; set "
                f"models.{name}.features as models.{first}.features, or compose others"
            )
            return


def _features_of(config: Config, model: str) -> str:
    chosen = config.of_data[model].features
    return f"{model} ({chosen.told if chosen else 'none'})"


def _requests(config: Config, key: str, entry: RequestConfig) -> Iterator[str]:
    """An experiment asks for what its models can be asked."""
    told = config.of_data[entry.conditionals].condition if entry.conditionals else None
    if told == "none":
        yield (
            f"{key}.conditionals: expected a model with condition position or color, got "
            f"{entry.conditionals} (condition none)"
        )
        return
    if told not in _REQUESTS:
        yield (
            f"{key}.conditionals: expected a model with condition position or color, got "
            f"{entry.conditionals} (condition {told}); list it in composed"
        )
        return
    wanted = _REQUESTS[told]
    every = [field for fields in _REQUESTS.values() for field in fields]
    given = [field for field in every if getattr(entry, field) is not None]
    why = f"model {entry.conditionals} has condition {told}" if told else "models are unconditional"
    other = [field for field in given if field not in wanted]
    if other:
        yield f"{key}.{other[0]}: expected {wanted[0]} instead, because {why}, got {other[0]}"
    elif len(given) > 1 and tuple(given) != _TOGETHER:
        yield f"{key}.{given[1]}: expected one kind of cases, got {' and '.join(given)}"
    elif not given and told is None and subject_of(config, entry) == "files":
        return
    elif not any(getattr(entry, field) for field in given):
        yield f"{key}.{wanted[0]}: expected a list of cases, got none"
    else:
        for field in given:
            asked = getattr(entry, field)
            yield from _asked(key, field, asked)
            if entry.conditionals and told == "color" and asked:
                yield from _colors(config, f"{key}.{field}", entry.conditionals, asked)


def _colors(
    config: Config,
    key: str,
    model: str,
    requests: Literal["all"] | list[tuple[Color, Color]] | list[Color],
) -> Iterator[str]:
    """A model composes colours that it has seen; the others' embeddings were never trained."""
    known = any(name in config.datasets for name in config.of_data[model].sources)
    seen = request_checks.seen_values(config, model, "color")
    each = [(one,) if isinstance(one, str) else one for one in requests]
    asked = COLORS if requests == "all" else dict.fromkeys(color for one in each for color in one)
    unseen = [color for color in asked if color not in seen]
    if unseen and known:
        yield (
            f"{key}: expected colours that {model} learns ({', '.join(seen) or 'none'}), "
            f"got {'all of them' if requests == 'all' else unseen[0]}; list "
            f"{'pairs' if key.endswith('pairs') else 'some'} of these"
        )


def _asked(key: str, field: str, asked: object) -> Iterator[str]:
    if not isinstance(asked, list):
        return
    yield from repeated(f"{key}.{field}", asked)
    kind = "colours" if field == "color_pairs" else "places"
    for pair in asked:
        if isinstance(pair, tuple) and pair[0] == pair[1]:
            yield f"{key}.{field}: expected two different {kind}, got {list(pair)}"


def _background(
    config: Config, key: str, entry: RequestConfig, operators: list[AnyOperator]
) -> Iterator[str]:
    wanted = {operator.background_from: operator.name for operator in operators}
    if "own" in wanted:
        own, field = own_background(entry), "composed" if entry.composed else "conditionals"
        if own is None:
            got = "several" if entry.composed else "models"
            yield f"{key}.{field}: expected a model for operator {wanted['own']}, got {got}"
        else:
            yield from request_checks.unconditional_problems(config, f"{key}.{field}", own)
    if "given" not in wanted:
        for field in ("background", "control"):
            yield from _unwanted(f"{key}.{field}", getattr(entry, field), operators[0])
    elif entry.background is None:
        yield (
            f"{key}.background: expected a model and a condition, because operator "
            f"{wanted['given']} needs a background, got nothing"
        )
    else:
        for field in ("background", "control"):
            yield from _distribution(config, f"{key}.{field}", getattr(entry, field))
        if entry.control and not any(operator.measures_interaction for operator in operators):
            yield (
                f"{key}.control: expected none, because operator {operators[0].label} records no "
                f"interaction, got {entry.control.model}; remove it"
            )
        if entry.control == entry.background:
            yield (
                f"{key}.control: expected another model of the background than background, got "
                f"{entry.background.model} ({entry.background.condition}) for both"
            )


def _unwanted(key: str, chosen: BackgroundConfig | None, operator: AnyOperator) -> Iterator[str]:
    if chosen is None:
        return
    why = "takes no background"
    if operator.background_from == "own":
        why = "takes the conditionals' own unconditional model"
    yield (
        f"{key}: expected none, because operator {operator.name} {why}, got {chosen.model}; "
        f"remove it or set operator to {_over_a_given_background()}"
    )


def _over_a_given_background() -> str:
    """The first operator that takes the background which an experiment gives."""
    return next(o.default_name() for o in OPERATORS if o.needs == "given")


def _distribution(config: Config, key: str, chosen: BackgroundConfig | None) -> Iterator[str]:
    """Whether a model has learnt the distribution that is asked of it."""
    if chosen is None:
        return
    if chosen.model in config.pipelines:
        yield from prompt_checks.distribution_problems(key, chosen)
    elif chosen.model not in config.of_data:
        yield unknown_name(f"{key}.model", "models", chosen.model, config.of_data)
    else:
        here = key if chosen.condition == UNCONDITIONAL else f"{key}.condition"
        yield from request_checks.distribution_problems(
            config, here, chosen.model, chosen.condition
        )


# How it is composed and sampled -------------------------------------------------------------------


def _composition(run: Run, experiment: Experiment) -> Iterator[str]:
    config, entry, sampling = run.config, experiment.config, experiment.sampling
    key = experiment.key
    refused = refusal(entry.operator, sampling) if experiment.sweep is None else None
    if refused:
        yield f"{key}.{refused}"
    if subject_of(config, entry) == "prompts":
        yield from prompt_checks.sampling_problems(f"{key}.sampling", entry, sampling)
    elif entry.sampling is not None:
        yield from _sampling(f"{key}.sampling", sampling)
    if sampling.complift is not None:
        if entry.conditionals is None:
            yield f"{key}.sampling.complift: expected conditionals to explain samples, got models"
        elif entry.conditionals in config.of_data:
            yield from request_checks.unconditional_problems(
                config, f"{key}.sampling.complift", entry.conditionals
            )
    for case, count in _case_sizes(run, experiment):
        wrong = entry.operator.size_problem(count)
        if wrong:
            yield f"{key}.{wrong} (case {case})"
            return


def _case_sizes(run: Run, experiment: Experiment) -> list[tuple[str, int]]:
    """Every case and how many distributions it composes, whatever the operator's weights are."""
    config = experiment.config
    if listed(config):
        cases = list(experiment.cases.values())
    else:  # there may be too few weights
        cases = experiment_cases(config, experiment.places, signed=False)
    return [(case.name, num_distributions(config, case, run.composable)) for case in cases]


def _sampling(key: str, sampling: SamplingConfig) -> Iterator[str]:
    wrong = sampling.sampler.problem()
    if wrong:
        yield f"{key}.sampler.{wrong}"
    if sampling.sigma_min >= sampling.sigma_max:
        yield (
            f"{key}.sigma_min: expected less than {key}.sigma_max = {sampling.sigma_max:g}, "
            f"got {sampling.sigma_min:g}"
        )
    inner = {
        "corrector": sampling.corrector,
        "swarm": sampling.swarm,
        "complift": sampling.complift,
    }
    for field, part in inner.items():
        if part and part.sigma_max is not None and part.sigma_min >= part.sigma_max:
            yield (
                f"{key}.{field}.sigma_min: expected less than its sigma_max = {part.sigma_max:g}, "
                f"got {part.sigma_min:g}"
            )
    if sampling.num_steps == 1 and (sampling.corrector or sampling.swarm):
        yield (
            f"{key}.num_steps: expected at least 2 with a corrector or a swarm, which come after "
            "every step but the last, got 1"
        )
    elif sampling.num_steps > 1:
        if sampling.corrector:
            yield from _window(f"{key}.corrector", sampling, sampling.corrector, "run")
        if sampling.swarm:
            yield from _window(f"{key}.swarm", sampling, sampling.swarm, "be weighed")


def _window(
    key: str, sampling: SamplingConfig, part: AnyCorrector | Swarm, acts: str
) -> Iterator[str]:
    """Whether there is a level of the path in the window of a corrector or a swarm."""
    if sampling.levels_of(part):
        return
    low, high = part.sigma_min, part.sigma_max or sampling.sigma_max
    levels = sampling.levels_after_the_first()
    nearest = sorted(levels, key=lambda level: min(abs(level - low), abs(level - high)))[:2]
    known = " and ".join(f"{level:.4g}" for level in nearest)
    yield (
        f"{key}.sigma_min: expected a window with a noise level of the path in it, but for the "
        f"first (nearest: {known}), got {low:g} to {high:g}: the {key.rpartition('.')[2]} would "
        f"never {acts}"
    )
