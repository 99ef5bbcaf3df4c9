"""Checks across settings: what pydantic's bounds on single values cannot see.

Every problem is one line: the key, what was expected, what was got, and what to change.
"""

import math
import re
from collections.abc import Iterator

from projcomp import experiment_checks
from projcomp.cases import TRUTH
from projcomp.clevr_files import find_clevr_files
from projcomp.config import Config, ModelConfig
from projcomp.errors import ConfigError
from projcomp.experiment_checks import repeated, unknown_name
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
        experiment_checks.problems,
        _detector,
        _theory,
    )
    return [problem for check in checks for problem in check(config)]


def _names(config: Config) -> Iterator[str]:
    reserved = {"models": ("detector",), "experiments": (TRUTH, "theory")}
    sections = {key: list(getattr(config, key)) for key in ("datasets", "models", "experiments")}
    sections["sweeps"] = list(config.sweeps)
    for name, sweep in config.sweeps.items():
        sections[f"sweeps.{name}.operators"] = list(sweep.operators)
        sections[f"sweeps.{name}.samplers"] = list(sweep.samplers)
    for section, names in sections.items():
        for name in names:
            if not _NAME.fullmatch(name):
                yield f"{section}: expected names of letters, digits, _ and -, got {name!r}"
            if name in reserved.get(section, ()):
                yield f"{section}.{name}: expected another name, got one that is reserved"
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
        yield from repeated(f"scene.{field}", getattr(scene, field))
    fitting = _most_objects(config)
    for name, dataset in config.datasets.items():
        yield from repeated(f"datasets.{name}.colors", dataset.colors or [])
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
    yield from repeated("network.attention_resolutions", network.attention_resolutions)


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
            yield unknown_name(key, "datasets", unknown[0], config.datasets)
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


def _detector(config: Config) -> Iterator[str]:
    detector = config.detector
    if detector.dataset not in config.datasets:
        yield unknown_name("detector.dataset", "datasets", detector.dataset, config.datasets)
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
    yield from experiment_checks.repeated("theory.experiments", config.theory.experiments)
