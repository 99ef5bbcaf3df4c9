"""Pictures of discs whose objects are known, for trainings of the detector that take seconds."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from projcomp.data.index import build_index
from projcomp.data.picture import Picture
from projcomp.data.shards import write_shard
from projcomp.evaluation.grid import ATTRIBUTES
from projcomp.evaluation.labelled import LabelledImages
from projcomp.scenes.spec import ObjectSpec, SceneSpec
from projcomp.scenes.vocabulary import CAMERA_LOCATION, COLORS, LAMP_LOCATIONS

SIDE = 16
MOST = 3
NAMES = list(COLORS)
Shown = tuple[SceneSpec, Picture]


def draw_disc_scene(rng: np.random.Generator, wanted: int | None = None) -> Shown:
    """A scene of up to MOST discs of CLEVR's colours on grey, at least 5 pixels apart."""
    points: list[np.ndarray] = []
    wanted = int(rng.integers(MOST + 1)) if wanted is None else wanted
    while len(points) < wanted:
        point = rng.uniform(0.15, 0.85, 2)
        if all(np.linalg.norm(point - other) > 5 / SIDE for other in points):
            points.append(point)
    colors = [NAMES[rng.integers(len(NAMES))] for _ in points]
    return paint(points, colors, rng)


def paint(points: list[np.ndarray], colors: list[str], rng: np.random.Generator) -> Shown:
    """Discs at ``points`` in [0, 1] of ``colors``, on a grey ground with a little noise."""
    image = np.full((SIDE, SIDE, 3), 120.0) + rng.normal(0, 2, (SIDE, SIDE, 3))
    mask = np.zeros((SIDE, SIDE), np.uint8)
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    objects = []
    for number, (point, color) in enumerate(zip(points, colors, strict=True), 1):
        distance = np.hypot(x - point[0] * SIDE, y - point[1] * SIDE)
        cover = np.clip(2.0 - distance, 0, 1)[..., None]
        image = image * (1 - cover) + cover * np.array(COLORS[color])
        mask[cover[..., 0] >= 0.5] = number
        pixel = (float(point[0]), float(point[1]))
        objects.append(
            ObjectSpec("sphere", "large", "rubber", color, (0.0, 0.0, 0.7), 0.0, pixel, 9.0, 400)
        )
    scene = SceneSpec(tuple(objects), CAMERA_LOCATION, dict(LAMP_LOCATIONS))
    return scene, Picture(image.clip(0, 255).astype(np.uint8), mask)


def labelled(pictures: list[Shown]) -> LabelledImages:
    """Pictures and their objects as the detector learns from them."""
    count = len(pictures)
    pixel = np.zeros((count, MOST, 2), np.float32)
    attributes = np.zeros((count, MOST, len(ATTRIBUTES)), np.int64)
    for row, (scene, _) in enumerate(pictures):
        for column, item in enumerate(scene.objects):
            pixel[row, column] = item.pixel
            attributes[row, column] = [
                known.index(getattr(item, name)) for name, known in ATTRIBUTES.items()
            ]
    images, masks = (
        np.stack([getattr(picture, part) for _, picture in pictures]) for part in ("image", "mask")
    )
    number = np.array([len(scene.objects) for scene, _ in pictures])
    return LabelledImages(images, masks, number, pixel, attributes)


def write_discs(
    folder: Path,
    count: int,
    change: Callable[[int, Shown], Shown] = lambda number, picture: picture,
) -> Path:
    """The index ``counting.h5`` in ``folder`` over one shard of ``count`` pictures."""
    rng = np.random.default_rng(0)
    pictures = [change(number, draw_disc_scene(rng)) for number in range(count)]
    shard = folder / "counting" / "shard-00000.h5"
    write_shard(
        shard,
        pictures,
        count=count,
        size=(SIDE, SIDE),
        max_objects=MOST,
        settings={},
        attributes={"shard": 0},
    )
    build_index([shard], folder / "counting.h5")
    return folder / "counting.h5"
