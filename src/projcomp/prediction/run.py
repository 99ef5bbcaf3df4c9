"""From a file and a few flags to the table of pairs, its figures and what it says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from pydantic import ValidationError

from projcomp.config.features import FEATURES, FeatureMap
from projcomp.config.messages import first_line
from projcomp.config.section import Section
from projcomp.data.preview import contact_sheet, save_sheet
from projcomp.errors import ConfigError
from projcomp.features.feature_map import RGB, Features
from projcomp.features.make import make_features
from projcomp.files.atomic import atomic_path
from projcomp.machine.devices import torch_device
from projcomp.prediction.one_object import OneObject, conditions_of
from projcomp.prediction.places import Division, parse_places
from projcomp.prediction.predict import PICTURES, Prediction, Recipe, predict
from projcomp.prediction.sentences import sentences
from projcomp.prediction.sources import (
    choose_pairs,
    read_columns,
    read_labelled,
    split_background,
)
from projcomp.settings.training_checks import features_problem
from projcomp.words import brief, quoted

EVERYTHING = "all"
"""The background of two labels of one object."""


@dataclass(frozen=True)
class Asked:
    """What is predicted.

    Attributes:
        dataset: where the pictures lie.
        by: the column of the conditions.
        background: one of its labels, or a file.
        pairs: such as ``red-blue,red-cyan``; None for all.
        division: how positions become conditions.
        also: a second column, whose labels the same object is to have; None for two objects.
    """

    dataset: Path
    by: str
    background: str
    pairs: str | None
    division: Division
    also: str | None = None


def division(cells: int, places: str | None, bandwidth: float) -> Division:
    """How positions become conditions, as the command line says it.

    Raises:
        ConfigError: the places are none.
    """
    return Division(cells, parse_places(places), bandwidth)


def recipe(*, device: str, threads: int, features: str | None, **given: Any) -> Recipe:
    """How it is measured, as the command line says it.

    Raises:
        ConfigError: no noise level lies in the window.
        DeviceError: there is no such device.
    """
    torch.set_num_threads(threads)
    target = torch_device(device, "--device")
    return Recipe(device=target, features=parse_features(features), **given)


def parse_features(text: str | None) -> Features:
    """A feature map as the command line says it: a name, or a name with its settings as YAML.

    Raises:
        ConfigError: there is no such map, or it has no such settings.
        UserError: the map of a user's file is not what is expected.
    """
    if text is None:
        return RGB
    try:
        chosen = _Mapped(features=yaml.safe_load(text)).features
    except yaml.YAMLError:
        known = ", ".join(kind.default_name() for kind in FEATURES)
        raise ConfigError(
            f"--features: a feature map ({known}) expected, or one with its settings such as "
            f"'{{name: luminance, scale: 0.3}}', got {quoted(text)}: docs/configuration.md has them"
        ) from None
    except ValidationError as error:
        raise ConfigError(f"--{first_line(error, _Mapped)}") from None
    wrong = features_problem("--features", chosen)
    if wrong:
        raise ConfigError(wrong)
    return make_features(chosen)


class _Mapped(Section):
    """A feature map under the key that the config has it by."""

    features: FeatureMap


def run(
    asked: Asked, how: Recipe, out: Path, figure: Path | None = None, pictures: Path | None = None
) -> list[str]:
    """Predict, write the table and the figures asked for, and return what to say of them.

    Raises:
        ConfigError: a pair is asked for that there is not.
        FileFormatError: the pictures, their labels or the background are not what they should be.
    """
    found = _on_one_object(asked, how) if asked.also else _on_two_objects(asked, how)
    with atomic_path(out) as temporary:
        found.table.to_csv(temporary, index=False, float_format="%.6g")
    told = _with_short_names(found)
    if figure:
        from projcomp.reporting.predicted import draw_predicted

        draw_predicted(told.table, figure)
    if pictures:
        _draw_pictures(told, pictures, f"{asked.dataset.name} by {asked.by}")
    return sentences(told.table, told.brightness, on_one_object=asked.also is not None)


def _with_short_names(found: Prediction) -> Prediction:
    """The same for eyes: a label may be a whole page, for which neither line nor figure has room.

    Labels that are alike as far as they are shown are numbered.
    """
    shown: dict[str, str] = {}
    for name in found.brightness:
        start = brief(name)
        number = sum(other.startswith(start) for other in shown.values()) + 1
        shown[name] = start if start not in shown.values() else f"{start} ({number})"
    return Prediction(
        found.table.assign(
            first=[shown[name] for name in found.table["first"]],
            second=[shown[name] for name in found.table["second"]],
        ),
        {(shown[a], shown[b]): some for (a, b), some in found.pictures.items()},
        {shown[name]: value for name, value in found.brightness.items()},
    )


def _on_two_objects(asked: Asked, how: Recipe) -> Prediction:
    """Pairs of labels of one column, an object each, over the background that is given."""
    source = read_labelled(asked.dataset, asked.by, asked.division)
    conditions, background = split_background(source, asked.background)
    pairs = choose_pairs(list(conditions.images), asked.pairs)
    return predict(conditions.images, background, pairs, how)


def _on_one_object(asked: Asked, how: Recipe) -> Prediction:
    """A label of either column on one object, over all pictures of the dataset."""
    assert asked.also is not None
    if asked.background != EVERYTHING:
        raise ConfigError(
            f"--background: {EVERYTHING} expected beside --with, because what two labels of one "
            f"object are composed over is all pictures, got {quoted(asked.background)}"
        )
    if asked.also == asked.by:
        raise ConfigError(f"--with: another column than --by expected, got {asked.also} for both")
    images, columns = read_columns(asked.dataset, (asked.by, asked.also), asked.division)
    conditions, pairs = conditions_of(images, columns)
    names = [f"{first}-{second}" for first, second in pairs]
    if asked.pairs is not None:
        chosen = [word.strip() for word in asked.pairs.split(",")]
        unknown = [word for word in chosen if word not in names]
        if unknown:
            raise ConfigError(
                f"--pairs: pairs such as {names[0]} expected, got {quoted(unknown[0])}: correct it"
            )
        pairs = [pair for pair, name in zip(pairs, names, strict=True) if name in chosen]
    judge = OneObject(images, columns[asked.by], columns[asked.also], how.device)
    return predict(conditions, images, pairs, how, judge)


def _draw_pictures(found: Prediction, out: Path, title: str) -> None:
    """A row of samples for every pair, with its names on the first."""
    images = np.concatenate(list(found.pictures.values()))
    labels = [
        f"{first} + {second}" if number == 0 else ""
        for (first, second), some in found.pictures.items()
        for number in range(len(some))
    ]
    columns = min(PICTURES, len(next(iter(found.pictures.values()))))
    save_sheet(contact_sheet(images, labels, f"exact compositions: {title}", columns), out)
