"""Checks of what was not rendered: datasets from files, their labels, and what asks for scenes."""

import re
from collections.abc import Container, Iterator
from importlib.util import find_spec

from projcomp.conditions.kinds import KINDS, NONE, kinds_in
from projcomp.conditions.position import POSITION
from projcomp.config.conditions import (
    CASE,
    EMPTY,
    LABEL_NAME,
    NOT,
    PLACE,
    UNCONDITIONAL,
    kinds_expected,
)
from projcomp.config.evaluation import EFFICIENTNET_PACKAGE
from projcomp.config.experiments import RequestConfig
from projcomp.config.learning import ModelConfig
from projcomp.config.messages import repeated, unknown_name
from projcomp.config.pictures import FileDatasetConfig
from projcomp.config.root import Config
from projcomp.extras import missing
from projcomp.settings.stages import model_names
from projcomp.settings.training_checks import length_problem
from projcomp.words import quoted

_RESERVED = (*KINDS, NONE, PLACE, NOT, CASE, EMPTY, UNCONDITIONAL, "images")
"""Names that mean something else where a label's may stand."""

_OF_SCENES = ("num_objects", "num_composed", "location_pairs", "color_pairs", "single_colors")
"""Requests whose answer is counted in pictures, or rendered."""


def dataset_problems(config: Config) -> Iterator[str]:
    """What is wrong with labels, and with datasets from files."""
    for name, values in config.labels.items():
        if name in _RESERVED or not re.fullmatch(LABEL_NAME, name):
            yield (
                f"labels: expected names of letters, digits and _ other than "
                f"{', '.join(_RESERVED)}, got {quoted(name)}; call the label otherwise, and name "
                "the file's column under datasets.<name>.labels"
            )
        yield from repeated(f"labels.{name}", values)
    for name, dataset in config.filed.items():
        yield from _labels(config, f"datasets.{name}", dataset)


def _labels(config: Config, key: str, dataset: FileDatasetConfig) -> Iterator[str]:
    for name in dataset.labels:
        if name != POSITION and name not in config.labels:
            yield unknown_name(f"{key}.labels", "labels", name, [*config.labels, POSITION])
    number, parts = dataset.part or (1, 1)
    if not 1 <= number <= parts:
        yield f"{key}.part: expected [k, n] with k from 1 to n, got [{number}, {parts}]"
    for name, values in dataset.only.items():
        if name not in dataset.labels or name not in config.labels:
            known = [label for label in dataset.labels if label in config.labels]
            yield unknown_name(f"{key}.only", f"{key}.labels", name, known)
            continue
        yield from repeated(f"{key}.only.{name}", values)
        unknown = [value for value in values if value not in config.labels[name]]
        if unknown:
            yield unknown_name(
                f"{key}.only.{name}", f"labels.{name}", unknown[0], config.labels[name]
            )


def classifier_problems(config: Config) -> Iterator[str]:
    """Whether the classifier's datasets are there, and have its label."""
    chosen = config.evaluation.classifier
    if chosen is None:
        return
    key = "evaluation.classifier"
    for field in ("dataset", "reference"):
        name = getattr(chosen, field)
        if name not in config.filed:
            yield unknown_name(f"{key}.{field}", "datasets with a file", name, config.filed)
        elif chosen.label not in config.filed[name].labels or chosen.label == POSITION:
            known = [label for label in config.filed[name].labels if label != POSITION]
            yield unknown_name(f"{key}.label", f"datasets.{name}.labels", chosen.label, known)
    if chosen.channels % 4:
        yield f"{key}.channels: expected a multiple of 4, got {chosen.channels}"
    problem = length_problem(
        f"{key}.images_seen", chosen.images_seen, f"{key}.batch_size", chosen.batch_size
    )
    if problem:
        yield problem
    if chosen.published and find_spec(EFFICIENTNET_PACKAGE) is None:
        lacking = ModuleNotFoundError(name=EFFICIENTNET_PACKAGE)
        yield f"{key}.published: {missing(lacking)}"


def model_problems(config: Config, name: str, model: ModelConfig) -> Iterator[str]:
    """Whether a model's datasets are of one kind, and know what it is conditioned on."""
    key = f"models.{name}.{'exact' if model.exact else 'datasets'}"
    kinds = kinds_in(model.condition)
    unknown = [kind for kind in kinds if kind not in KINDS and kind not in config.labels]
    if unknown:
        yield (
            f"models.{name}.condition: expected {kinds_expected(config.labels)}, got "
            f"{model.condition!r}"
        )
        return
    filed = [dataset for dataset in model.sources if dataset in config.filed]
    rendered = [dataset for dataset in model.sources if dataset in config.rendered]
    if filed and rendered:
        yield (
            f"{key}: expected datasets that are all rendered, or all from files, got {rendered[0]} "
            f"and {filed[0]}; train a model on either"
        )
        return
    for kind in kinds:
        if rendered and kind in config.labels:
            yield (
                f"models.{name}.condition: expected {kinds_expected()}, because {rendered[0]} is "
                f"rendered, got {kind}, a label of pictures from files"
            )
        without = [dataset for dataset in filed if kind not in config.filed[dataset].labels]
        if without:
            yield (
                f"models.{name}.condition: expected a label of each of its datasets, got {kind}, "
                f"which datasets.{without[0]}.labels lacks; add it there with the file's column"
            )


def request_problems(config: Config, key: str, entry: RequestConfig) -> Iterator[str]:
    """Nothing is asked of pictures from files that only scenes could answer."""
    filed = next(_sources(config, entry, config.filed), None)
    if filed is None:
        return
    rendered = next(_sources(config, entry, config.rendered), None)
    if rendered is not None:
        yield (
            f"{key}: expected models of renders, or models of pictures from files, got both "
            f"({rendered[0]} of {rendered[1]}, {filed[0]} of {filed[1]}); compose either"
        )
    for field in _OF_SCENES:
        if getattr(entry, field) is not None:
            yield (
                f"{key}.{field}: expected cases, or nothing, because dataset {filed[1]} was not "
                f"rendered: nothing is counted in its pictures and there is no rendered truth, got "
                f"{field}; remove it"
            )
            return


def _sources(
    config: Config, entry: RequestConfig, among: Container[str]
) -> Iterator[tuple[str, str]]:
    """Models of an experiment with datasets of theirs that are ``among`` some."""
    for name in model_names(entry):
        for dataset in config.of_data[name].sources if name in config.of_data else ():
            if dataset in among:
                yield name, dataset
