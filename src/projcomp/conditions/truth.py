"""Scenes that hold exactly what is asked for: the true compositions of attributes and places."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from projcomp.conditions.holding import holding, num_objects
from projcomp.conditions.kinds import KINDS
from projcomp.conditions.table import of_scene
from projcomp.errors import PlacementError
from projcomp.scenes.placement import MAX_DRAWS, generate_scene_of
from projcomp.scenes.spec import SceneSpec

if TYPE_CHECKING:
    from projcomp.config.scenes import SceneConfig
    from projcomp.settings.case import Wanted

NEARNESS = 1e-3
"""How near an object's centre is to the point where it was put, as a share of the image's side."""


def scene_of(
    rng: np.random.Generator, scene: "SceneConfig", asked: "Sequence[Wanted]"
) -> SceneSpec:
    """A scene with exactly one object for each that is asked for, everything else drawn.

    Only a number of objects that is asked for adds others.

    Raises:
        PlacementError: nothing is left to draw an object from, or the objects cannot be placed.
    """
    count = num_objects(asked)
    limits = [scene] * count
    points = [*(_point(wanted) for wanted in asked), *[None] * (count - len(asked))]
    for number, wanted in enumerate(asked):
        for values, has in ((wanted.told, True), (wanted.avoided, False)):
            for kind, value in values.items():
                left = KINDS[kind].narrowed(limits[number], value, has=has)
                if left is None:
                    raise PlacementError(
                        f"an object with another {kind} than {value} expected, got a scene of "
                        f"nothing else: add to scene.{kind}s"
                    )
                limits[number] = left
    for _ in range(MAX_DRAWS):
        found = generate_scene_of(rng, scene, limits, points)
        if len(holding(of_scene(found), asked, NEARNESS)) == len(asked):
            return found
    raise PlacementError(
        f"a scene of what is asked for expected, got none in {MAX_DRAWS} draws: ask for less"
    )


def _point(wanted: "Wanted") -> tuple[float, float] | None:
    """Where an object was asked to stand; None for anywhere."""
    points = [KINDS[kind].point(value) for kind, value in wanted.told.items()]
    return next((point for point in points if point is not None), None)
