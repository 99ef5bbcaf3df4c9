"""What must fit together for a training: one place for the config's check and the stage's door.

A stage can be run by hand, with settings and flags that no config has seen. Whatever would make it
fail, or learn something else than it was asked, is refused in the same words as by the config.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError, create_model

from projcomp.config.features import AnyFeatures
from projcomp.config.learning import ModelConfig, NetworkConfig
from projcomp.config.messages import first_line, repeated
from projcomp.config.root import Config

if TYPE_CHECKING:
    from projcomp.settings.stages import DetectorSettings, TrainSettings

MOST_CHANNELS = 8192
"""EDM2's largest network has 1,792; one of 8,192 has a gigabyte of weights a block."""

LEAST_BLOB = 0.5
"""Least standard deviation of the blob of a map, pixels."""

DETECTOR_RESOLUTION = 16
"""Side of the smallest images that the detector's network takes, pixels."""


def shared_update_problem(batch_size: int, devices: int, nodes: int) -> str | None:
    """Processes that share an update take equal parts of it."""
    processes = devices * nodes
    if batch_size % processes == 0:
        return None
    return (
        f"training.batch_size: expected a multiple of {processes}, the number of processes "
        "(compute.training.devices x compute.training.nodes) that share each update, got "
        f"{batch_size}"
    )


def length_problem(key: str, images_seen: int, batch_key: str, batch_size: int) -> str | None:
    """A training has at least one whole update."""
    if images_seen >= batch_size:
        return None
    return f"{key}: expected at least {batch_key} = {batch_size}, got {images_seen}"


def network_problems(key: str, network: NetworkConfig, resolution: int) -> Iterator[str]:
    """The levels of a network halve the image's side, and attention is at some of them."""
    levels = len(network.multipliers)
    if resolution % 2 ** (levels - 1):
        yield (
            f"resolution: expected a multiple of {2 ** (levels - 1)}, because {key}.multipliers "
            f"has {levels} levels and each halves it, got {resolution}"
        )
        return
    sides = [resolution >> level for level in range(levels)]
    for attention in network.attention_resolutions:
        if attention not in sides:
            yield (
                f"{key}.attention_resolutions: expected some of {sides}, the sides of the "
                f"network's levels, got {attention}"
            )
    yield from repeated(f"{key}.attention_resolutions", network.attention_resolutions)
    if network.by_map and network.blob_width * resolution < LEAST_BLOB:
        yield (
            f"{key}.blob_width: expected at least {LEAST_BLOB / resolution:.3g}, half a pixel, of "
            f"which every location shows something, got {network.blob_width:g}; raise it"
        )
    widest = network.channels * max(network.multipliers)
    if widest > MOST_CHANNELS:
        yield (
            f"{key}.channels: expected at most {MOST_CHANNELS:,} channels at any level, got "
            f"{widest:,}; lower it or {key}.multipliers"
        )


def features_problem(key: str, features: AnyFeatures | None) -> str | None:
    """What is wrong within the settings of a feature map."""
    problem = features.problem() if features else None
    return f"{key}.{problem}" if problem else None


def condition_problems(
    key: str, condition: str, objects: Mapping[str, tuple[int, int]]
) -> Iterator[str]:
    """A condition names one object of the image: every image of a dataset has one, or none has.

    Args:
        key: of the model's datasets.
        condition: what the model is told (``conditions/kinds.py``), or "none".
        objects: by dataset, the least and the greatest number of objects in an image.
    """
    if condition == "none":
        return
    for name, (least, most) in objects.items():
        if least == 0 < most:
            yield (
                f"{key}: expected datasets with an object in every image or in none, because "
                f"condition is {condition}, got {name} (min_objects 0); set "
                f"datasets.{name}.min_objects to 1"
            )
    if all(most == 0 for _, most in objects.values()):
        yield (
            f"{key}: expected a dataset with objects, because condition is {condition}, "
            f"got only {', '.join(objects)}; set condition to none"
        )


def training_problems(settings: "TrainSettings", devices: int, nodes: int) -> Iterator[str]:
    """What is wrong with the settings of a diffusion model's training, its data apart."""
    yield from _out_of_bounds(settings, Config, ModelConfig)
    batch = settings.training.batch_size
    found = (
        shared_update_problem(batch, devices, nodes),
        length_problem("images_seen", settings.images_seen, "training.batch_size", batch),
        features_problem("features", settings.features),
    )
    yield from (problem for problem in found if problem)
    yield from network_problems("network", settings.network, settings.resolution)


def detector_problems(settings: "DetectorSettings") -> Iterator[str]:
    """What is wrong with the settings of the detector's training, its data apart."""
    yield from _out_of_bounds(settings, Config)
    chosen = settings.detector
    too_small = detector_resolution_problem(settings.resolution)
    too_short = length_problem(
        "detector.images_seen", chosen.images_seen, "detector.batch_size", chosen.batch_size
    )
    yield from (problem for problem in (too_small, too_short) if problem)


def detector_resolution_problem(resolution: int) -> str | None:
    """The detector's network halves its grid twice, which takes a least side."""
    if resolution >= DETECTOR_RESOLUTION:
        return None
    return (
        f"resolution: expected at least {DETECTOR_RESOLUTION}, which the detector's network needs, "
        f"got {resolution}"
    )


def _out_of_bounds(settings: BaseModel, *sections: type[BaseModel]) -> Iterator[str]:
    """The first value that the field of that name in the config's ``sections`` does not take.

    But for the condition, which the settings have in full and hold themselves (``conditions.py``).
    """
    fields: dict[str, Any] = {
        name: (field.annotation, field)
        for section in sections
        for name, field in section.model_fields.items()
        if name in type(settings).model_fields and name != "condition"
    }
    bounds = create_model("Bounds", **fields)
    try:
        bounds.model_validate({name: getattr(settings, name) for name in fields})
    except ValidationError as error:
        yield first_line(error, bounds)
