"""The kinds of condition that a config knows: those of scenes, and its own labels."""

from collections.abc import Mapping

from projcomp.conditions.kind import Kind
from projcomp.conditions.kinds import KINDS, NONE, kinds_in, label, with_values
from projcomp.config.conditions import joined
from projcomp.config.root import Config


def kinds_of(config: Config) -> Mapping[str, Kind]:
    """Every kind by its name."""
    return {**KINDS, **{name: label(name, values) for name, values in config.labels.items()}}


def told_to_stages(config: Config, condition: str) -> str:
    """A model's condition as stages know it: the names of labels tell their values."""
    kinds = kinds_of(config)
    told = [with_values(kinds[name]) for name in kinds_in(condition)]
    return joined(told) if told else NONE
