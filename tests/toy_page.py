"""A small collection of coloured squares on a grey ground."""

import numpy as np

from projcomp.config.demo import places
from projcomp.data.shard_format import VOCABULARY
from projcomp.playground.collection import Collection
from projcomp.scenes.vocabulary import COLORS

SIDE = 16


def toy_collection() -> Collection:
    """Squares at nine places and anywhere, of eight colours and two sizes, on a grey ground."""
    rng = np.random.default_rng(0)
    apart = np.array(places()["apart"])
    points = np.concatenate([apart.repeat(32, 0), rng.uniform(0.1, 0.9, (400, 2))])
    count = len(points)
    labels = {
        name: (names, np.arange(count).astype(np.uint16) // step % len(names))
        for (name, names), step in zip(VOCABULARY.items(), (16, 1, 16, 8), strict=True)
    }
    ground = rng.integers(118, 123, (6, SIDE, SIDE, 3)).astype(np.uint8)
    images = ground[np.arange(count) % len(ground)].copy()
    for image, point, color, size in zip(
        images, points, labels["color"][1], labels["size"][1], strict=True
    ):
        column, row = np.round(point * SIDE).astype(int)
        reach = 1 if VOCABULARY["size"][size] == "small" else 2
        image[max(row - reach, 0) : row + reach, max(column - reach, 0) : column + reach] = list(
            COLORS.values()
        )[color]
    return Collection(images, labels, points, ground)
