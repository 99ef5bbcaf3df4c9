"""Sets of places drawn as CLEVR's generator places objects, to be requested at once.

Liu et al. (2022, Composable Diffusion, the experiments on CLEVR objects) compose k places of each
of 5,000 such sets. Theirs are not ours: these are drawn anew by the generator's rules.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from projcomp import seeds
from projcomp.config.scenes import SceneConfig
from projcomp.scenes.placement import generate_scene

Objects = Literal["any", "large"]

RULES: dict[Objects, SceneConfig] = {
    "any": SceneConfig.model_validate({"sizes": ["large", "small"]}),
    "large": SceneConfig.model_validate({"sizes": ["large"]}),
}
"""CLEVR's ground, distances and visibility, for both sizes, or for renders of large objects alone,
which have no room at most sets for both. The camera is not jittered: so each place is one where
renders with and without jitter show objects."""

SETS: dict[Objects, dict[int, int]] = {
    "any": {**dict.fromkeys(range(1, 6), 5000), **dict.fromkeys(range(6, 11), 500)},
    "large": dict.fromkeys(range(1, 11), 500),
}
"""Number of sets that are shipped, by number of places; no scene of CLEVR has more than ten."""


def draw_label_sets(
    seed: int, objects: Objects, num_composed: int, count: int
) -> NDArray[np.float16]:
    """``count`` sets of places ``(count, k, 2)``, image points in [0, 1], x right and y down.

    Set i comes from the stream (seed, "label sets", objects, k, i), so that it does not depend on
    how many are drawn. Half precision is good for a two-thousandth of the side.

    Raises:
        PlacementError: no arrangement keeps the rules within the allowed tries.
    """
    return np.array(list(_sets(seed, objects, num_composed, count)), np.float16)


def _sets(
    seed: int, objects: Objects, num_composed: int, count: int
) -> Iterator[list[tuple[float, float]]]:
    for index in range(count):
        rng = seeds.generator(seed, "label sets", objects, num_composed, index)
        scene = generate_scene(rng, RULES[objects], num_composed, num_composed)
        yield [item.pixel for item in scene.objects]
