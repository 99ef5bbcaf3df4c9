"""Scenes that hold exactly what is asked for: the true compositions of attributes and places."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from projcomp.conditions.holding import holding
from projcomp.conditions.kinds import KINDS
from projcomp.errors import PlacementError
from projcomp.scenes.placement import MAX_DRAWS, generate_scene_of
from projcomp.scenes.spec import SceneSpec
from projcomp.scenes.vocabulary import COLORS, MATERIALS, SHAPES, SIZES

if TYPE_CHECKING:
    from projcomp.config.scenes import SceneConfig
    from projcomp.settings.case import Wanted

_NUMBERS = {
    field: {name: number for number, name in enumerate(names)}
    for field, names in {
        "color": COLORS,
        "shape": SHAPES,
        "size": SIZES,
        "material": MATERIALS,
    }.items()
}

NEARNESS = 1e-3
"""How near an object's centre is to the point where it was put, as a share of the image's side."""


def scene_of(
    rng: np.random.Generator, scene: "SceneConfig", asked: "Sequence[Wanted]"
) -> SceneSpec:
    """A scene with exactly one object for each that is asked for, everything else drawn.

    Raises:
        PlacementError: nothing is left to draw an object from, or the objects cannot be placed.
    """
    limits, points = [scene] * len(asked), [_point(wanted) for wanted in asked]
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
        if len(holding(table_of(found), asked, NEARNESS)) == len(asked):
            return found
    raise PlacementError(
        f"a scene of what is asked for expected, got none in {MAX_DRAWS} draws: ask for less"
    )


def table_of(scene: SceneSpec) -> Mapping[str, np.ndarray]:
    """A scene's objects by field, ``(1, K)``, as kinds label them."""
    fields: dict[str, Any] = {
        field: np.array([[numbers[getattr(item, field)] for item in scene.objects]])
        for field, numbers in _NUMBERS.items()
    }
    pixels = np.array([item.pixel for item in scene.objects], dtype=float)
    return {**fields, "pixel": pixels.reshape(1, -1, 2)}


def _point(wanted: "Wanted") -> tuple[float, float] | None:
    """Where an object was asked to stand; None for anywhere."""
    points = [KINDS[kind].point(value) for kind, value in wanted.told.items()]
    return next((point for point in points if point is not None), None)
