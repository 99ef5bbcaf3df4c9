"""Checks of sets of places, the experiments that count in them, the datasets that show them."""

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from projcomp.config.experiments import RequestConfig
from projcomp.config.messages import repeated, unknown_name
from projcomp.config.places import GRID, MAX_PLACES_NAME, Point
from projcomp.config.root import Config
from projcomp.config.scenes import DatasetConfig
from projcomp.plan.places import place_set
from projcomp.scenes.vocabulary import SIZES
from projcomp.words import quoted, short

if TYPE_CHECKING:
    from projcomp.scenes.camera import Camera

_ROUNDED = 0.02
"""Scene units by which a place told in three digits may lie off the ground's edge."""


def problems(config: Config) -> Iterator[str]:
    """What is wrong with the sets themselves."""
    for name, points in config.places.items():
        if len(name) > MAX_PLACES_NAME:
            yield (
                f"places: expected names of at most {MAX_PLACES_NAME} letters, got {short(name)}"
            )
        yield from repeated(f"places.{name}", points)
        for point in _above_the_horizon(config, points):
            yield (
                f"places.{name}: expected points on the ground, got {_shown(point)}, above the "
                "horizon of some of the cameras that scene.camera_jitter allows; move it down"
            )


def request_problems(config: Config, key: str, entry: RequestConfig) -> Iterator[str]:
    """Whether an experiment's set is there and has as many places as it counts."""
    yield from _unknown(config, key, entry.places)
    numbered = entry.num_composed or entry.location_pairs or entry.cases
    if entry.places != GRID and not numbered:
        yield (
            f"{key}.places: expected num_composed, location_pairs or cases beside it, got "
            f"{quoted(entry.places)} alone; remove it"
        )
    there = len(place_set(config, entry.places).points)
    pairs = entry.location_pairs if isinstance(entry.location_pairs, list) else []
    asked = {"num_composed": entry.num_composed or [], "location_pairs": sum(pairs, ())}
    for field, numbers in asked.items():
        if there and max(numbers, default=0) > there:
            yield (
                f"{key}.{field}: expected at most {there}, the number of places of {entry.places}, "
                f"got {max(numbers)}"
            )
    if entry.location_pairs == "all" and there == 1:
        yield f"{key}.places: expected at least two places for pairs, got one in {entry.places}"


def dataset_problems(config: Config, key: str, dataset: DatasetConfig) -> Iterator[str]:
    """Whether every image of a dataset with places can have an object there."""
    if dataset.moved_from is not None:
        yield from _moved_from(config, key, dataset, dataset.moved_from)
    if dataset.places is None:
        return
    yield from _unknown(config, key, dataset.places)
    if dataset.min_objects == 0:
        yield (
            f"{key}.min_objects: expected at least 1, the object that stands at one of the places "
            f"{quoted(dataset.places)}, got 0"
        )
    points = place_set(config, dataset.places).points
    if any(_above_the_horizon(config, points)):
        return
    sizes = dataset.sizes or config.scene.sizes
    if dataset.max_objects > 1:
        yield from _off_the_ground(config, key, dataset.places, sizes)
    if dataset.places in config.places:
        yield from _hidden(config, key, dataset.places, sizes)


def _moved_from(config: Config, key: str, dataset: DatasetConfig, other: str) -> Iterator[str]:
    """A dataset has the scenes of another before its objects move."""
    if dataset.places is None:
        yield f"{key}.places: expected where objects of {quoted(other)} move, got nothing"
    if other not in config.rendered:
        yield unknown_name(f"{key}.moved_from", "datasets", other, config.rendered)
        return
    before = config.rendered[other]
    if before.places is not None:
        yield f"{key}.moved_from: expected a dataset without places, got {other} ({before.places})"
    for field in ("min_objects", "max_objects", "colors", "sizes"):
        wanted, got = getattr(before, field), getattr(dataset, field)
        if wanted != got:
            yield f"{key}.{field}: expected that of datasets.{other}, {wanted}, got {got}"
    if dataset.max_objects == 1:
        yield (
            f"{key}.moved_from: expected datasets of more than one object, of which one moves and "
            "the others stay, got max_objects 1; remove it"
        )


def beyond_the_ground(config: Config, name: str) -> list[int]:
    """Places of a set, by index, where no camera of the scenes sees an object of any size stand.

    The rules for scenes put none there; only a dataset with these ``places`` has them.
    """
    from projcomp.scenes.overlaps import cameras

    scene, points = config.scene, place_set(config, name).points
    seen = list(itertools.product(cameras(scene.camera_jitter), scene.sizes))
    return [
        index
        for index, point in enumerate(points)
        if all(_is_beyond(config, *_stands_at(camera, point, size)) for camera, size in seen)
    ]


def _stands_at(camera: "Camera", point: Point, size: str) -> tuple[float, float]:
    """Where on the ground an object stands whose centre is seen at ``point``."""
    x, y, _ = camera.point_on_plane(point, SIZES[size]).tolist()
    return x, y


def _is_beyond(config: Config, x: float, y: float) -> bool:
    return max(abs(x), abs(y)) > config.scene.extent + _ROUNDED


def _off_the_ground(config: Config, key: str, name: str, sizes: Sequence[str]) -> Iterator[str]:
    """Among other objects none stands where the rules put none: there is no such conditional."""
    from projcomp.scenes.overlaps import cameras

    scene, points = config.scene, place_set(config, name).points
    for camera, size in itertools.product(cameras(scene.camera_jitter), sizes):
        for point in points:
            x, y = _stands_at(camera, point, size)
            if _is_beyond(config, x, y):
                yield (
                    f"{key}.places: expected places within scene.extent = {scene.extent:g}, where "
                    f"objects stand, got {_shown(point)} of {name}, where a {size} one stands at "
                    f"({x:.3g}, {y:.3g}); raise scene.extent or choose other places"
                )
                return


def _unknown(config: Config, key: str, name: str) -> Iterator[str]:
    if name != GRID and name not in config.places:
        yield unknown_name(f"{key}.places", "places", name, [GRID, *config.places])


def _above_the_horizon(config: Config, points: Sequence[Point]) -> Iterator[Point]:
    from projcomp.scenes.overlaps import cameras

    height = max(SIZES[size] for size in config.scene.sizes)
    for point in points:
        try:
            for camera in cameras(config.scene.camera_jitter):
                camera.point_on_plane(point, height)
        except ValueError:
            yield point


def _hidden(config: Config, key: str, name: str, sizes: Sequence[str]) -> Iterator[str]:
    """Places where an object shows fewer pixels than any other dataset's objects do."""
    from projcomp.scenes.visibility import least_visible_pixels

    scene = config.scene
    for point in config.places[name]:
        seen = least_visible_pixels(point, scene.shapes, sizes)
        if seen < scene.min_visible_pixels:
            yield (
                f"{key}.places: expected places where objects show at least "
                f"scene.min_visible_pixels = {scene.min_visible_pixels} pixels, got "
                f"{_shown(point)} of {name}, where one shows {seen}; move it"
            )


def _shown(point: Point) -> str:
    return f"({point[0]:g}, {point[1]:g})"
