"""Whether the most crowded scenes of the datasets can be drawn, found out before anything is."""

import os

from projcomp import seeds
from projcomp.errors import ConfigError, PlacementError
from projcomp.folder import WEIGHTS
from projcomp.plan.plan import Plan

_TRIED = 32
"""Scenes with the most objects: where one in ten cannot be drawn, one of these cannot."""


def check_crowded(plan: Plan) -> None:
    """Draw scenes of the most objects of every dataset that is not there, a second or two.

    A scene for which no arrangement is found ends its shard, after others took an hour. Nothing is
    asked of a dataset with an index, or whose folder was removed after the detector had learned
    from it.

    Raises:
        ConfigError: naming the dataset and what makes room.
    """
    # drawing scenes needs arrays, which a dry run does not wait for
    from projcomp.scenes.placement import generate_scene

    config = plan.config
    for name, dataset in config.rendered.items():
        # a single object always fits; around a place other rules hold
        if dataset.max_objects < 2 or dataset.places or _is_made(plan, name):
            continue
        most, scene = dataset.max_objects, config.scene_of(name)
        expected = dataset.num_images // (most - dataset.min_objects + 1)
        for number in range(min(_TRIED, max(expected, 1))):
            rng = seeds.generator(config.seed, "crowded", name, number)
            try:
                generate_scene(rng, scene, most, most)
            except PlacementError as error:
                raise ConfigError(f"datasets.{name}.max_objects: {error}") from None


def _is_made(plan: Plan, dataset: str) -> bool:
    """Whether the dataset has an index, or was there when the detector learned from it."""
    made = [plan.folder.index(dataset)]
    if dataset == plan.config.detector.dataset:
        made.append(plan.folder.detector(WEIGHTS))
    return any(map(os.path.exists, made))
