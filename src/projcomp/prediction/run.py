"""From a file and a few flags to the table of pairs, its figures and what it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml
from numpy.typing import NDArray
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
from projcomp.prediction.composing import Pair
from projcomp.prediction.one_object import OneObject, conditions_of
from projcomp.prediction.places import Division, parse_places
from projcomp.prediction.predict import PICTURES, Judge, Prediction, Recipe, predict
from projcomp.prediction.sentences import sentences
from projcomp.prediction.sources import (
    choose_pairs,
    read_columns,
    read_labelled,
    split_background,
)
from projcomp.settings.training_checks import features_problem
from projcomp.words import brief, quoted

PLAIN = "rgb"
"""What the pictures themselves are called among feature maps."""

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


def recipe(*, device: str, threads: int, **given: Any) -> Recipe:
    """How it is measured, as the command line says it.

    Raises:
        ConfigError: no noise level lies in the window.
        DeviceError: there is no such device.
    """
    torch.set_num_threads(threads)
    target = torch_device(device, "--device")
    return Recipe(device=target, **given)


def parse_features(texts: Sequence[str] | None) -> dict[str, Features]:
    """Feature maps by what the command line calls them; RGB alone where it names none.

    Raises:
        ConfigError: there is no such map, it has no such settings, or it is named twice.
        UserError: the map of a user's file is not what is expected.
    """
    named = [text.strip() for text in texts or [PLAIN]]
    twice = next((text for text in named if named.count(text) > 1), None)
    if twice is not None:
        raise ConfigError(f"--features: each map once expected, got {quoted(twice)} twice")
    return {text: RGB if text == PLAIN else _features(text) for text in named}


def _features(text: str) -> Features:
    """A feature map as the command line says it: a name, or a name with its settings as YAML."""
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
    asked: Asked,
    how: Recipe,
    out: Path,
    figure: Path | None = None,
    pictures: Path | None = None,
    features: Mapping[str, Features] = MappingProxyType({PLAIN: RGB}),
) -> list[str]:
    """Predict, write the table and the figures asked for, and return what to say of them.

    Every map of ``features`` is composed on its own; the column ``features`` has its name.

    Raises:
        ConfigError: a pair is asked for that there is not.
        FileFormatError: the pictures, their labels or the background are not what they should be.
    """
    posed = _on_one_object(asked, how) if asked.also else _on_two_objects(asked)
    found = {
        name: predict(
            posed.conditions, posed.background, posed.pairs, replace(how, features=one), posed.judge
        )
        for name, one in features.items()
    }
    tables = [one.table.assign(features=name) for name, one in found.items()]
    with atomic_path(out) as temporary:
        pd.concat(tables).to_csv(temporary, index=False, float_format="%.6g")
    told = {brief(name): _with_short_names(one) for name, one in found.items()}
    if figure:
        from projcomp.reporting.predicted import draw_predicted

        draw_predicted({name: one.table for name, one in told.items()}, figure)
    if pictures:
        _draw_pictures(told, pictures, f"{asked.dataset.name} by {asked.by}")
    return _said(told, on_one_object=asked.also is not None)


def _said(found: Mapping[str, Prediction], *, on_one_object: bool) -> list[str]:
    """What every map says; of several, each under its name, and their mean success first."""
    said = {
        name: sentences(one.table, one.brightness, on_one_object=on_one_object)
        for name, one in found.items()
    }
    if len(said) == 1:
        return next(iter(said.values()))
    means = [f"{name} {one.table['success'].mean():.2f}" for name, one in found.items()]
    number = len(next(iter(found.values())).table)
    lines = [f"{name}: {line}" for name, some in said.items() for line in some]
    return [f"mean success over {number} pairs: {', '.join(means)}", *lines]


@dataclass(frozen=True)
class _Posed:
    """The pictures of every condition by name, those of the background, and the pairs."""

    conditions: Mapping[str, NDArray[np.uint8]]
    background: NDArray[np.uint8]
    pairs: Sequence[Pair]
    judge: Judge | None = None


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


def _on_two_objects(asked: Asked) -> _Posed:
    """Pairs of labels of one column, an object each, over the background that is given."""
    source = read_labelled(asked.dataset, asked.by, asked.division)
    conditions, background = split_background(source, asked.background)
    pairs = choose_pairs(list(conditions.images), asked.pairs)
    return _Posed(conditions.images, background, pairs)


def _on_one_object(asked: Asked, how: Recipe) -> _Posed:
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
    return _Posed(conditions, images, pairs, judge)


def _draw_pictures(found: Mapping[str, Prediction], out: Path, title: str) -> None:
    """A row of samples for every pair, with its names on the first; each map's below the other's.

    Of several maps the name stands on the second sample of each of its rows.
    """
    rows = [
        ((f"{first} + {second}", name if len(found) > 1 else ""), some)
        for name, one in found.items()
        for (first, second), some in one.pictures.items()
    ]
    images = np.concatenate([some for _, some in rows])
    labels = [
        names[number] if number < len(names) else ""
        for names, some in rows
        for number in range(len(some))
    ]
    columns = min(PICTURES, len(rows[0][1]))
    save_sheet(contact_sheet(images, labels, f"exact compositions: {title}", columns), out)
