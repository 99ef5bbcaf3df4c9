"""Checks across settings: what pydantic's bounds on single values cannot see.

Every problem is one line: the key, what was expected, what was got, and what to change.
"""

import math
import re
import sys
from collections.abc import Iterator

from projcomp.config.learning import ModelConfig
from projcomp.config.messages import repeated, unknown_name
from projcomp.config.paths import MAX_NAME, root_problem
from projcomp.config.places import GRID
from projcomp.config.root import Config
from projcomp.config.scenes import SceneConfig
from projcomp.config.section import merged
from projcomp.config.wandb_names import wandb_project_problem
from projcomp.errors import ConfigError
from projcomp.plan import experiment_checks, file_checks, place_checks, prompt_checks
from projcomp.plan.run import Run
from projcomp.scenes.clevr_files import find_clevr_files
from projcomp.scenes.vocabulary import SIZES
from projcomp.settings import training_checks
from projcomp.settings.case import TRUTH
from projcomp.words import quoted

RANDOM_PACKING = 0.547
"""Covered share at which equal discs thrown one by one into the plane jam (Feder 1980)."""

RANDOM_PARKING = 0.7476
"""The same on a line: Renyi's parking constant."""

MAX_SHARDS = 100_000
"""Files of shards are numbered by five digits."""

VISIBLE_ANYWHERE = 300
"""Pixels that a small object in the middle shows (400), and CLEVR's own rule asks for half of."""

_NAME = re.compile(r"[A-Za-z0-9_-]+")


def problems(run: Run) -> list[str]:
    """Everything that does not fit together in a run's config, the most basic first."""
    config = run.config
    data = (_root, _names, _assets, place_checks.problems, _datasets, file_checks.dataset_problems)
    learned = (_network, _training, _models, prompt_checks.model_problems)
    counted = (_detector,) if run.rendered.experiments else ()
    rest = (_references, *counted, _locality, file_checks.classifier_problems, _theory, _wandb)
    found = [
        *(problem for check in (*data, *learned) for problem in check(config)),
        *experiment_checks.problems(run),
        *(problem for check in rest for problem in check(config)),
    ]
    return found or list(experiment_checks.case_problems(run))


def _names(config: Config) -> Iterator[str]:
    reserved = {"places": (GRID,), "models": ("detector",), "experiments": (TRUTH, "theory")}
    named = ("places", "datasets", "models", "experiments", "sweeps")
    sections = {key: list(getattr(config, key)) for key in named}
    for name, sweep in config.sweeps.items():
        sections[f"sweeps.{name}.operators"] = list(sweep.operators)
        sections[f"sweeps.{name}.samplers"] = list(sweep.samplers)
    for section, names in sections.items():
        for name in names:
            if not _NAME.fullmatch(name):
                yield f"{section}: expected names of letters, digits, _ and -, got {quoted(name)}"
            elif len(name) > MAX_NAME:
                yield f"{section}: expected names of at most {MAX_NAME} letters, got {name[:40]}..."
            if name in reserved.get(section, ()):
                yield f"{section}.{name}: expected another name, got one that is reserved"
        yield from _one_folder(section, names)


def _one_folder(section: str, names: list[str]) -> Iterator[str]:
    """Names that differ in capitals alone are one file where the file system does not see them."""
    if sys.platform not in ("darwin", "win32"):
        return
    known: dict[str, str] = {}
    for name in names:
        other = known.setdefault(name.casefold(), name)
        if other != name:
            yield f"{section}: expected names that differ not only in capitals, got {other}, {name}"


def _root(config: Config) -> Iterator[str]:
    problem = root_problem(config.root)
    if problem:
        yield f"root: {problem}"


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
    for name, dataset in config.rendered.items():
        fitting = _most_objects(config.scene_of(name))
        yield from repeated(f"datasets.{name}.colors", dataset.colors or [])
        yield from repeated(f"datasets.{name}.sizes", dataset.sizes or [])
        yield from place_checks.dataset_problems(config, f"datasets.{name}", dataset)
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
        if dataset.num_images // size > MAX_SHARDS:
            yield (
                f"render.shard_size: expected at most {MAX_SHARDS:,} shards of a dataset, got "
                f"{dataset.num_images // size:,} of datasets.{name}; raise it"
            )
    shown = [config.scene_of(name) for name, one in config.rendered.items() if one.max_objects]
    for scene in {tuple(scene.sizes): scene for scene in shown}.values():
        yield from _visibility(scene)


def _visibility(scene: SceneConfig) -> Iterator[str]:
    """Whether any object that may be drawn can show as many pixels as are asked for."""
    if scene.min_visible_pixels <= VISIBLE_ANYWHERE:
        return
    from projcomp.scenes.visibility import most_visible_pixels

    most = most_visible_pixels(scene.shapes, scene.sizes, scene.extent, scene.camera_jitter)
    if scene.min_visible_pixels > most:
        yield (
            f"scene.min_visible_pixels: expected at most {most:,}, which the nearest and largest "
            f"object shows, got {scene.min_visible_pixels:,}; lower it"
        )


def _references(config: Config) -> Iterator[str]:
    """The true composition of every case is rendered by the rules that datasets are."""
    fitting = _most_objects(config.scene)
    entries = {f"experiments.{name}": entry for name, entry in config.experiments.items()}
    entries |= {f"sweeps.{name}": entry for name, entry in config.sweeps.items()}
    for key, entry in entries.items():
        asked = {"num_objects": max(entry.num_objects or [0])}
        asked["color_pairs"] = 2 if entry.color_pairs else 0
        for field, most in asked.items():
            if most > fitting:
                yield (
                    f"{key}.{field}: expected at most {fitting} objects, which is what fits in a "
                    f"true composition, got {most}; lower it or scene.min_distance or "
                    "scene.margin, or raise scene.extent"
                )


def _most_objects(scene: SceneConfig) -> int:
    """How many objects placing one by one at random can hope to fit on the ground.

    Discs of each object's radius plus half of ``min_distance``, centres in the square of side
    ``2 extent``; and the margin along the camera's directions, which lie diagonally to it.
    """
    radii = [SIZES[size] + scene.min_distance / 2 for size in scene.sizes]
    disc = sum(math.pi * radius**2 for radius in radii) / len(radii)
    ground = (2 * scene.extent + 2 * max(radii)) ** 2
    fitting = RANDOM_PACKING * ground / disc
    nearest = 2 * min(SIZES[size] for size in scene.sizes) + scene.min_distance
    if 2 * math.sqrt(2) * scene.extent < nearest:
        return 1
    if scene.margin > 0:
        diagonal = 2 * math.sqrt(2) * scene.extent
        fitting = min(fitting, RANDOM_PARKING * (diagonal + scene.margin) / scene.margin)
    return max(1, int(fitting))


def _network(config: Config) -> Iterator[str]:
    yield from training_checks.network_problems("network", config.network, config.resolution)
    for name, model in config.of_data.items():
        if model.network is not None and not model.exact:
            own = merged(config.network, model.network)
            key = f"models.{name}.network"
            yield from training_checks.network_problems(key, own, config.resolution)


def _training(config: Config) -> Iterator[str]:
    training, compute = config.training, config.compute.training
    shared = training_checks.shared_update_problem(
        training.batch_size, compute.devices, compute.nodes
    )
    if shared:
        yield shared
    for name, model in config.of_data.items():
        if model.images_seen is None or model.exact:
            continue
        key, batch = f"models.{name}.images_seen", training.batch_size
        short = training_checks.length_problem(key, model.images_seen, "training.batch_size", batch)
        if short:
            yield short


def _models(config: Config) -> Iterator[str]:
    for name, model in config.of_data.items():
        key = f"models.{name}.{'exact' if model.exact else 'datasets'}"
        yield from _kind_of_model(f"models.{name}", model)
        unknown = [dataset for dataset in model.sources if dataset not in config.datasets]
        wrong = training_checks.features_problem(f"models.{name}.features", model.features)
        if wrong:
            yield wrong
        if unknown:
            yield unknown_name(key, "datasets", unknown[0], config.datasets)
            continue
        problems = [*file_checks.model_problems(config, name, model)]
        yield from problems
        if model.condition != "none" and not problems:
            yield from _conditional_data(config, key, model)


def _kind_of_model(key: str, model: ModelConfig) -> Iterator[str]:
    """A model is a network or exact, and has what its kind has."""
    if not model.exact:
        if not model.datasets:
            yield f"{key}.datasets: expected the name of at least one dataset, got none"
        if model.images_seen is None:
            yield f"{key}.images_seen: expected the length of the training, in images, got nothing"
    given = [field for field in ("datasets", "images_seen") if getattr(model, field)]
    if model.exact and given:
        yield f"{key}.{given[0]}: expected none, because {key} is exact, got one; remove either"
    if model.exact and model.network is not None:
        yield f"{key}.network: expected none, because {key} is exact, got one; remove either"
    if model.window is not None and not model.exact:
        yield f"{key}.window: expected none, because {key} is a network, got one; remove it"
    if model.window is not None and model.window % 2 == 0:
        yield (
            f"{key}.window: expected an odd number of pixels, got {model.window}; make it "
            f"{model.window + 1}"
        )


def _conditional_data(config: Config, key: str, model: ModelConfig) -> Iterator[str]:
    """A condition names one object of the image: every image has one, or none has."""
    chosen = {name: config.rendered[name] for name in model.sources if name in config.rendered}
    objects = {name: (data.min_objects, data.max_objects) for name, data in chosen.items()}
    if not objects:  # of pictures from files each has its labels
        return
    yield from training_checks.condition_problems(key, model.condition, objects)


def _detector(config: Config) -> Iterator[str]:
    detector = config.detector
    too_small = training_checks.detector_resolution_problem(config.resolution)
    if too_small:
        yield too_small
    if detector.dataset not in config.rendered:
        yield unknown_name("detector.dataset", "datasets", detector.dataset, config.rendered)
        return
    if config.rendered[detector.dataset].max_objects == 0:
        yield (
            f"detector.dataset: expected a dataset with objects, got {detector.dataset} "
            "(max_objects 0), by which it would learn to see none"
        )
    available = config.rendered[detector.dataset].num_images
    if detector.holdout >= available:
        yield (
            f"detector.holdout: expected less than the {available} images of dataset "
            f"{detector.dataset}, got {detector.holdout}"
        )
    short = training_checks.length_problem(
        "detector.images_seen", detector.images_seen, "detector.batch_size", detector.batch_size
    )
    if short:
        yield short


def _locality(config: Config) -> Iterator[str]:
    if config.evaluation.locality:
        yield from repeated("evaluation.locality.distances", config.evaluation.locality.distances)


def _theory(config: Config) -> Iterator[str]:
    yield from repeated("theory.experiments", config.theory.experiments)


def _wandb(config: Config) -> Iterator[str]:
    problem = wandb_project_problem(config.wandb.project) if config.wandb.enabled else None
    if problem:
        yield f"wandb.project: {problem}"
