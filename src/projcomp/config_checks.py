"""Checks across settings: what pydantic's bounds on single values cannot see.

Every problem is one line: the key, what was expected, what was got, and what to change.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from projcomp.cases import TRUTH, experiment_cases
from projcomp.clevr_files import find_clevr_files
from projcomp.config import Config, ExperimentConfig, ModelConfig
from projcomp.errors import ConfigError
from projcomp.scenes.vocabulary import SIZES

RANDOM_PACKING = 0.547
"""Covered share at which equal discs thrown one by one into the plane jam (Feder 1980)."""

RANDOM_PARKING = 0.7476
"""The same on a line: Renyi's parking constant."""

_NAME = re.compile(r"[A-Za-z0-9_-]+")


def problems(config: Config) -> list[str]:
    """Everything that does not fit together in ``config``, the most basic first."""
    checks = (
        _names,
        _assets,
        _datasets,
        _network,
        _training,
        _models,
        _experiments,
        _sampling,
        _detector,
        _theory,
    )
    return [problem for check in checks for problem in check(config)]


def _names(config: Config) -> Iterator[str]:
    reserved = {"models": ("detector",), "experiments": (TRUTH, "theory")}
    for section in ("datasets", "models", "experiments"):
        for name in getattr(config, section):
            if not _NAME.fullmatch(name):
                yield f"{section}: expected names of letters, digits, _ and -, got {name!r}"
            if name in reserved.get(section, ()):
                yield f"{section}.{name}: expected another name, got one that is reserved"
    if not config.experiments:
        yield "experiments: expected at least one experiment, got none"
    if any(character in config.root for character in " {}'\"\\$"):
        yield f"root: expected a path without blanks, quotes, braces and $, got {config.root!r}"


def _assets(config: Config) -> Iterator[str]:
    if config.render.assets is None:
        return
    try:
        find_clevr_files(config.render.assets)
    except ConfigError as error:
        yield str(error)


def _datasets(config: Config) -> Iterator[str]:
    scene, size = config.scene, config.render.shard_size
    for field in ("shapes", "sizes", "materials", "colors"):
        yield from _repeated(f"scene.{field}", getattr(scene, field))
    fitting = _most_objects(config)
    for name, dataset in config.datasets.items():
        low, high = dataset.min_objects, dataset.max_objects
        if low > high:
            yield (f"datasets.{name}.min_objects: expected at most max_objects = {high}, got {low}")
        if high > fitting:
            yield (
                f"datasets.{name}.max_objects: expected at most {fitting} objects, which is what "
                f"fits, got {high}; lower it or scene.min_distance or scene.margin, or raise "
                "scene.extent"
            )
        if dataset.num_images % size:
            yield (
                f"datasets.{name}.num_images: expected a multiple of render.shard_size = {size}, "
                f"got {dataset.num_images}"
            )


def _most_objects(config: Config) -> int:
    """How many objects placing one by one at random can hope to fit on the ground.

    Discs of each object's radius plus half of ``min_distance``, centres in the square of side
    ``2 extent``; and the margin along the camera's directions, which lie diagonally to it.
    """
    scene = config.scene
    radii = [SIZES[size] + scene.min_distance / 2 for size in scene.sizes]
    disc = sum(math.pi * radius**2 for radius in radii) / len(radii)
    ground = (2 * scene.extent + 2 * max(radii)) ** 2
    fitting = RANDOM_PACKING * ground / disc
    if scene.margin > 0:
        diagonal = 2 * math.sqrt(2) * scene.extent
        fitting = min(fitting, RANDOM_PARKING * (diagonal + scene.margin) / scene.margin)
    return max(1, int(fitting))


def _network(config: Config) -> Iterator[str]:
    network, side = config.network, config.resolution
    levels = len(network.multipliers)
    if side % 2 ** (levels - 1):
        yield (
            f"resolution: expected a multiple of {2 ** (levels - 1)}, because network.multipliers "
            f"has {levels} levels and each halves it, got {side}"
        )
        return
    sides = [side >> level for level in range(levels)]
    for attention in network.attention_resolutions:
        if attention not in sides:
            yield (
                f"network.attention_resolutions: expected some of {sides}, the sides of the "
                f"network's levels, got {attention}"
            )
    yield from _repeated("network.attention_resolutions", network.attention_resolutions)


def _training(config: Config) -> Iterator[str]:
    batch = config.training.batch_size
    processes = config.training.devices * config.training.nodes
    if batch % processes:
        yield (
            f"training.batch_size: expected a multiple of {processes}, the number of processes "
            f"(training.devices x training.nodes) that share each update, got {batch}"
        )
    for name, model in config.models.items():
        if model.images_seen < batch:
            yield (
                f"models.{name}.images_seen: expected at least training.batch_size = {batch}, "
                f"got {model.images_seen}"
            )


def _models(config: Config) -> Iterator[str]:
    for name, model in config.models.items():
        key = f"models.{name}.datasets"
        if not model.datasets:
            yield f"{key}: expected the name of at least one dataset, got none"
        unknown = [dataset for dataset in model.datasets if dataset not in config.datasets]
        if unknown:
            yield _unknown(key, "datasets", unknown[0], config.datasets)
        elif model.condition != "none":
            yield from _conditional_data(config, key, model)


def _conditional_data(config: Config, key: str, model: ModelConfig) -> Iterator[str]:
    """A condition names one object of the image: every image has one, or none has."""
    chosen = {name: config.datasets[name] for name in model.datasets}
    for name, dataset in chosen.items():
        if dataset.min_objects == 0 < dataset.max_objects:
            yield (
                f"{key}: expected datasets with an object in every image or in none, because "
                f"condition is {model.condition}, got {name} (min_objects 0); set "
                f"datasets.{name}.min_objects to 1"
            )
    if all(dataset.max_objects == 0 for dataset in chosen.values()):
        yield (
            f"{key}: expected a dataset with objects, because condition is {model.condition}, "
            f"got only {', '.join(chosen)}; set condition to none"
        )


def _experiments(config: Config) -> Iterator[str]:
    for name, experiment in config.experiments.items():
        key = f"experiments.{name}"
        if experiment.conditionals not in config.models:
            yield _unknown(f"{key}.conditionals", "models", experiment.conditionals, config.models)
            continue
        yield from _swept(key, experiment, config.models[experiment.conditionals])
        yield from _background(config, key, experiment)


def _swept(key: str, experiment: ExperimentConfig, model: ModelConfig) -> Iterator[str]:
    """An experiment sweeps places or colours, whichever its model is told."""
    wanted = {"position": "num_composed", "color": "color_pairs"}.get(model.condition)
    if wanted is None:
        yield (
            f"{key}.conditionals: expected a model with condition position or color, got "
            f"{experiment.conditionals} (condition none)"
        )
        return
    other = "color_pairs" if wanted == "num_composed" else "num_composed"
    if getattr(experiment, other) is not None:
        yield (
            f"{key}.{other}: expected {wanted} instead, because model {experiment.conditionals} "
            f"has condition {model.condition}, got {other}"
        )
    elif not getattr(experiment, wanted):
        yield f"{key}.{wanted}: expected a list of cases, got none"
    else:
        pairs = experiment.color_pairs
        for pair in pairs if isinstance(pairs, list) else []:
            if pair[0] == pair[1]:
                yield f"{key}.color_pairs: expected two different colours, got {list(pair)}"
        names = [case.name for case in experiment_cases(experiment)]
        yield from _repeated(f"{key}.{wanted}", names)


def _background(config: Config, key: str, experiment: ExperimentConfig) -> Iterator[str]:
    chosen = experiment.background
    if experiment.operator == "bayes":
        if chosen is not None:
            yield (
                f"{key}.background: expected none, because operator bayes takes the conditionals' "
                f"own unconditional model, got {chosen.model}; remove it or set operator to product"
            )
        yield from _unconditional(config, f"{key}.conditionals", experiment.conditionals)
        return
    if chosen is None:
        yield (
            f"{key}.background: expected a model and a condition, because operator product "
            "needs a background, got nothing"
        )
    elif chosen.model not in config.models:
        yield _unknown(f"{key}.background.model", "models", chosen.model, config.models)
    elif chosen.condition == "unconditional":
        yield from _unconditional(config, f"{key}.background", chosen.model)
    else:
        yield from _has_empty(config, f"{key}.background", chosen.model)


def _unconditional(config: Config, key: str, name: str) -> Iterator[str]:
    """Whether the model learns to be unconditional: it has no condition, or drops it."""
    if config.models[name].condition != "none" and config.training.condition_dropout == 0:
        yield (
            f"{key}: expected a model that can be unconditional, got {name}, which never "
            "drops its condition; raise training.condition_dropout above 0"
        )


def _has_empty(config: Config, key: str, name: str) -> Iterator[str]:
    """Whether the model learns the condition 'empty': conditional, with empty scenes mixed in."""
    model = config.models[name]
    if model.condition == "none":
        yield (
            f"{key}.condition: expected unconditional, because model {name} has condition none, "
            "got empty"
        )
        return
    known = [config.datasets[d] for d in model.datasets if d in config.datasets]
    if known and all(dataset.max_objects > 0 for dataset in known):
        yield (
            f"{key}.condition: expected a model that also learns from empty scenes "
            f"(max_objects 0), got {name} on {', '.join(model.datasets)}; add such a dataset to "
            f"models.{name}.datasets"
        )


def _sampling(config: Config) -> Iterator[str]:
    sampling = config.sampling
    if sampling.sigma_min >= sampling.sigma_max:
        yield (
            f"sampling.sigma_min: expected less than sampling.sigma_max = {sampling.sigma_max:g}, "
            f"got {sampling.sigma_min:g}"
        )


def _detector(config: Config) -> Iterator[str]:
    detector = config.detector
    if detector.dataset not in config.datasets:
        yield _unknown("detector.dataset", "datasets", detector.dataset, config.datasets)
        return
    available = config.datasets[detector.dataset].num_images
    if detector.holdout >= available:
        yield (
            f"detector.holdout: expected less than the {available} images of dataset "
            f"{detector.dataset}, got {detector.holdout}"
        )
    if detector.images_seen < detector.batch_size:
        yield (
            f"detector.images_seen: expected at least detector.batch_size = "
            f"{detector.batch_size}, got {detector.images_seen}"
        )


def _theory(config: Config) -> Iterator[str]:
    yield from _repeated("theory.experiments", config.theory.experiments)


def _unknown(key: str, section: str, name: str, known: Iterable[str]) -> str:
    names = ", ".join(known) or "none"
    return f"{key}: expected a name under {section} ({names}), got {name!r}"


def _repeated(key: str, values: Iterable[object]) -> Iterator[str]:
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        yield f"{key}: expected every entry once, got {twice[0]} twice"
