# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# (bpy comes without type stubs)
"""Rendering into files: a shard of a dataset, the truth of a case, the scenes of a JSON file."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import bpy
import numpy as np
from tqdm import tqdm

from projcomp import seeds
from projcomp.conditions.truth import scene_of
from projcomp.data.images import write_samples
from projcomp.data.picture import Picture
from projcomp.data.shard_format import canonical_json
from projcomp.data.shards import write_shard
from projcomp.errors import FileFormatError
from projcomp.render.picture_size import check_picture
from projcomp.render.renderer import CLEVR_FILTER_WIDTH, Renderer
from projcomp.scenes.camera import square_pixels
from projcomp.scenes.clevr_json import read_scenes, say
from projcomp.scenes.placement import (
    generate_scene,
    generate_scene_around,
    generate_scene_at,
    generate_scene_with_colors,
    move_object,
)
from projcomp.scenes.spec import SceneSpec
from projcomp.scenes.vocabulary import VIEW

if TYPE_CHECKING:
    from projcomp.settings.stages import ReferenceSettings, RenderSettings


def render_shard(
    settings: RenderSettings, shard: int, out: str | os.PathLike[str], threads: int = 1
) -> None:
    """Render images ``shard * shard_size`` and following of a dataset into the file ``out``.

    Image i shows a scene decided by (seed, dataset, i) alone, whatever the size of the shards.

    Raises:
        PlacementError: a scene cannot be placed by the rules.
        DeviceError: the rendering device is not there.
    """
    first, count = shard * settings.shard_size, settings.shard_size
    side = settings.resolution
    scenes = (dataset_scene(settings, first + i) for i in range(count))
    noise = _noise_seeds(settings.seed, settings.moved_from or settings.dataset, first)
    recipe = settings.render
    with Renderer(side, side, **recipe.model_dump(), threads=threads) as renderer:
        write_shard(
            out,
            _pictures(renderer, scenes, noise, count, f"{settings.dataset} shard {shard}"),
            count=count,
            size=(side, side),
            max_objects=settings.max_objects,
            settings=settings.model_dump(mode="json"),
            attributes={
                "seed": settings.seed,
                "shard": shard,
                "first_index": first,
                "bpy_version": bpy.app.version_string,
            },
        )


def render_reference(
    settings: ReferenceSettings, out: str | os.PathLike[str], threads: int = 1
) -> None:
    """Render the true composition of one case into a samples file.

    Raises:
        PlacementError: the requested objects cannot be placed.
        DeviceError: the rendering device is not there.
    """
    case, side, count = settings.case, settings.resolution, settings.num_images
    scenes = (reference_scene(settings, i) for i in range(count))
    noise = _noise_seeds(settings.seed, f"reference {case.name}", 0)
    with Renderer(side, side, **settings.render.model_dump(), threads=threads) as renderer:
        pictures = _pictures(renderer, scenes, noise, count, f"truth {case.name}")
        images = np.stack([picture.image for _, picture in pictures])
    attributes = {
        "settings": canonical_json(settings.model_dump(mode="json")),
        "seed": settings.seed,
        "bpy_version": bpy.app.version_string,
    }
    write_samples(out, images, case, attributes)


def render_scenes_file(
    scenes_json: str | os.PathLike[str],
    out: str | os.PathLike[str],
    width: int,
    height: int,
    samples: int,
    denoise: bool,
    assets: str | None = None,
    threads: int = 1,
    device: str = "cpu",
    squeeze: bool = False,
    fit_camera: bool = True,
    note: Callable[[str], None] = say,
) -> None:
    """Render the scenes of a JSON file in CLEVR's layout into one file with a shard's layout.

    Args:
        scenes_json: the file, as ``read_scenes`` takes it.
        out: the file to write.
        width: pixels.
        height: pixels.
        samples: Cycles samples per pixel.
        denoise: run OpenImageDenoise.
        assets: folder with CLEVR's own files, to render with them.
        threads: CPU threads.
        device: cpu, optix, cuda, hip or metal.
        squeeze: render CLEVR's 4:3 view whatever the ratio of width and height, as datasets do,
            instead of square pixels.
        fit_camera: find the camera of scenes that tell none from their ``pixel_coords``.
        note: is given what was assumed and what is odd, a line each, before anything is rendered.

    Raises:
        FileFormatError: the scenes cannot be read, or not rendered as they are told.
        ConfigError: CLEVR's files are not in ``assets``, or no picture can have this size.
        DeviceError: Cycles has no such device here.
    """
    view = VIEW if squeeze else square_pixels(width, height)
    check_picture(width, height, view)
    notes: list[str] = []
    scenes = read_scenes(scenes_json, view, [(width, height)], fit_camera, notes.append)
    if not scenes:
        raise FileFormatError(
            f"{scenes_json}: at least one scene expected, got none: add one, if with no 'objects'"
        )
    for line in notes:
        note(line)
    most = max(len(scene.objects) for scene in scenes)
    recipe = {"samples": samples, "denoise": denoise, "assets": assets}
    with Renderer(width, height, **recipe, threads=threads, device=device, view=view) as renderer:
        noise = _noise_seeds(0, "scenes", 0)
        write_shard(
            out,
            _pictures(renderer, scenes, noise, len(scenes), "scenes"),
            count=len(scenes),
            size=(width, height),
            max_objects=most,
            settings={
                "width": width,
                "height": height,
                "view": list(view),
                "fit_camera": fit_camera,
                "filter_width": CLEVR_FILTER_WIDTH,
                **recipe,
            },
            attributes={
                "seed": 0,
                "notes": canonical_json(notes),
                "bpy_version": bpy.app.version_string,
            },
        )


def dataset_scene(settings: RenderSettings, index: int) -> SceneSpec:
    """The scene of image ``index``.

    Raises:
        PlacementError: it cannot be placed by the rules.
    """
    rng = seeds.generator(settings.seed, "scene", settings.dataset, index)
    least, most = settings.min_objects, settings.max_objects
    if settings.points is None:
        return generate_scene(rng, settings.scene, least, most)
    point = settings.points[index % len(settings.points)]
    if settings.moved_from is not None:
        before = {"dataset": settings.moved_from, "points": None, "moved_from": None}
        return move_object(
            rng, settings.scene, dataset_scene(settings.model_copy(update=before), index), point
        )
    if most > 1:
        return generate_scene_around(rng, settings.scene, point, least, most)
    return generate_scene_at(rng, settings.scene, [point])


def reference_scene(settings: ReferenceSettings, index: int) -> SceneSpec:
    """The scene of image ``index`` of a true composition.

    Raises:
        PlacementError: the requested objects cannot be placed.
    """
    case = settings.case
    rng = seeds.generator(settings.seed, "reference", case.name, index)
    if case.num_objects is not None:
        return generate_scene(rng, settings.scene, case.num_objects, case.num_objects)
    if case.asked:
        return scene_of(rng, settings.scene, case.asked)
    if case.colors:
        return generate_scene_with_colors(rng, settings.scene, case.colors)
    return generate_scene_at(rng, settings.scene, case.locations)


def _noise_seeds(seed: int, name: str, first: int) -> Iterator[int]:
    return (seeds.integer_seed(seed, "render", name, i, bits=31) for i in itertools.count(first))


def _pictures(
    renderer: Renderer, scenes: Iterable[SceneSpec], noise: Iterator[int], count: int, name: str
) -> Iterator[tuple[SceneSpec, Picture]]:
    """Scene and picture, one after the other, with a progress bar."""
    for scene in tqdm(scenes, total=count, desc=name, disable=None):
        yield scene, renderer.render(scene, next(noise))
