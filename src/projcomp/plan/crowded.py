"""Whether the most crowded scenes of the datasets can be drawn, found out before anything is."""

import os

from projcomp import seeds
from projcomp.errors import ConfigError, PlacementError
from projcomp.plan.plan import Plan

_TRIED = 32
"""Scenes with as many objects as a dataset has at most. Of those that the run draws, one in so many
may fail unseen; a shard of hundreds would end with a line of its own."""


def check_crowded(plan: Plan) -> None:
    """Draw scenes of the most objects of every dataset whose index is not there, a second or two.

    A scene for which no arrangement is found ends its shard, after others took an hour.

    Raises:
        ConfigError: naming the dataset and what makes room.
    """
    # drawing scenes needs arrays, which a dry run does not wait for
    from projcomp.scenes.placement import generate_scene

    config = plan.config
    for name, dataset in config.rendered.items():
        # around a place the rules are others, and fewer objects fail already by themselves
        if dataset.max_objects < 2 or dataset.places or os.path.exists(plan.folder.index(name)):
            continue
        most, scene = dataset.max_objects, config.scene_of(name)
        expected = dataset.num_images // (most - dataset.min_objects + 1)
        for number in range(min(_TRIED, max(expected, 1))):
            rng = seeds.generator(config.seed, "crowded", name, number)
            try:
                generate_scene(rng, scene, most, most)
            except PlacementError as error:
                raise ConfigError(f"datasets.{name}.max_objects: {error}") from None
