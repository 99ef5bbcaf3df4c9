"""How fast and how faithful renders are, against CLEVR's own way, in one run.

Usage:
    python benchmarks/render.py frontier [--assets path/to/clevr/data] [--plot frontier.png]
    python benchmarks/render.py demo      images a second of the demo's datasets, drawing included
    python benchmarks/render.py paper     core-hours of all images of presets/paper.yaml
    python benchmarks/render.py growth    time and memory of 5,000 images in one process

``frontier`` renders scenes drawn by CLEVR's rules (both sizes, camera and lights jittered). The
baseline does as CLEVR's generator does: it opens the scene anew for every image (its own files with
--assets, else the scene built in code), 320 x 240, 512 samples, no denoiser, all cores on one
image. Its images, shrunk to the target's size, are the reference of the PSNR: once by averaging
the area of each pixel (*area*) and once by the triangle filter that libraries call antialiased
bilinear. Every variant runs on all cores at once, as one process per core unless it says otherwise.
"""

import argparse
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch
from common import PRESETS, at_once, clevr_scene, peak_memory, psnr, wait_for_others
from numpy.typing import NDArray
from PIL import Image

from projcomp import seeds
from projcomp.config.root import Config
from projcomp.plan.load import load_files
from projcomp.plan.stages import render_settings
from projcomp.scenes.spec import SceneSpec
from projcomp.settings.stages import RenderSettings

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Variant:
    """One way to render.

    ``cycles`` are settings of Cycles that the renderer does not offer; ``preset`` takes the scenes
    of that preset's datasets.
    """

    name: str
    width: int
    height: int
    samples: int
    denoise: bool
    threads: int = 1
    filter_width: float = 1.5
    anew: bool = False
    preset: str | None = None
    spinning: bool = False
    assets: str | None = None
    cycles: dict[str, Any] = field(default_factory=dict)


def variants(side: int) -> list[Variant]:
    """What is compared at a size: around what the project does, one thing at a time."""
    ours = Config().render
    straight = Variant(
        "as the project does",
        side,
        side,
        ours.samples,
        ours.denoise,
        filter_width=ours.filter_width,
    )
    found = [straight]
    for samples in (1, 2, 4, 8, 12, 16, 24, 32):
        for denoise in (False, True):
            way = "denoised" if denoise else "raw"
            found.append(
                replace(straight, name=f"{samples} {way}", samples=samples, denoise=denoise)
            )
    sixteen = replace(straight, samples=16)
    sobol = {"sampling_pattern": "TABULATED_SOBOL"}
    adaptive = {"use_adaptive_sampling": True, "adaptive_threshold": 0.05}
    large = replace(straight, width=320, height=240, filter_width=1.5)
    return [
        *found,
        replace(straight, name="one process, all threads", threads=CORES),
        replace(straight, name="scene built anew for every image", anew=True),
        replace(sixteen, name="16, pixel filter 0.75", filter_width=0.75),
        replace(sixteen, name="16, pixel filter 1.5", filter_width=1.5),
        replace(sixteen, name="16, with a light tree", cycles={"use_light_tree": True}),
        replace(sixteen, name="16, 2 bounces", cycles={"max_bounces": 2}),
        replace(sixteen, name="16, tabulated Sobol", cycles=sobol),
        replace(sixteen, name="16, fast denoiser", cycles={"denoising_quality": "FAST"}),
        replace(
            straight,
            name="adaptive, 8 to 24",
            samples=24,
            cycles={**adaptive, "adaptive_min_samples": 8},
        ),
        replace(large, name="4 at 256 x 192 and shrunk", width=256, height=192, samples=4),
        replace(large, name="2 at 320 x 240 and shrunk", samples=2),
        replace(large, name="3 at 320 x 240 and shrunk", samples=3),
    ]


def scene(variant: Variant, index: int) -> SceneSpec:
    """A scene by CLEVR's rules, or of a preset's datasets, each by its share of the images."""
    if variant.preset:
        from projcomp.render.shards import dataset_scene

        datasets, shares = preset_datasets(variant.preset)
        place = seeds.generator(0, "benchmark", index).choice(len(datasets), p=shares)
        return dataset_scene(datasets[place], index)
    return clevr_scene(index)


@cache
def preset_datasets(preset: str) -> tuple[list[RenderSettings], NDArray[np.float64]]:
    """A preset's datasets, and each one's share of all images."""
    run = load_files(PRESETS[preset])
    config = run.config
    counts = np.array([entry.num_images for entry in config.datasets.values()], float)
    return [render_settings(run, name) for name in config.datasets], counts / counts.sum()


def preset_variant(preset: str) -> Variant:
    """What the preset does."""
    config = load_files(PRESETS[preset]).config
    recipe, side = config.render, config.resolution
    return Variant(
        preset,
        side,
        side,
        recipe.samples,
        recipe.denoise,
        threads=min(recipe.threads, CORES),
        filter_width=recipe.filter_width,
        preset=preset,
    )


def render_some(variant: Variant, indices: list[int]) -> tuple[list[NDArray[np.uint8]], float]:
    """Pictures of the scenes and the seconds they took, after one picture to warm up."""
    from projcomp.render.start import start_blender

    if not variant.spinning:
        start_blender(variant.threads)
    from projcomp.render.renderer import Renderer

    def make() -> Renderer:
        renderer = Renderer(
            variant.width,
            variant.height,
            samples=variant.samples,
            denoise=variant.denoise,
            filter_width=variant.filter_width,
            threads=variant.threads,
            assets=variant.assets,
        )
        import bpy

        for name, value in variant.cycles.items():
            setattr(bpy.context.scene.cycles, name, value)
        return renderer

    renderer = make()
    if not variant.anew:
        renderer.render(scene(variant, 0), 0)
    wait_for_others()
    start = time.perf_counter()
    pictures = []
    for index in indices:
        if variant.anew:
            renderer = make()
        pictures.append(renderer.render(scene(variant, index), index).image)
    return pictures, time.perf_counter() - start


def render_on_all_cores(variant: Variant, count: int) -> tuple[list[NDArray[np.uint8]], float]:
    """The first pictures, as many as one process renders, and images a second of all together."""
    processes = max(1, CORES // variant.threads)
    results = at_once(render_some, processes, variant, list(range(count)))
    return results[0][0], sum(count / seconds for _, seconds in results)


def area_average(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Each pixel of the result is the mean of the part of the image that it covers.

    Not Pillow's BOX filter, which takes 2 or 3 whole pixels where a pixel covers 2.5.
    """
    rows, columns = (covered(pixels, side) for pixels in image.shape[:2])
    return (np.einsum("yh,xw,hwc->yxc", rows, columns, image, optimize=True) + 0.5).astype(np.uint8)


def covered(pixels: int, side: int) -> NDArray[np.float64]:
    """(side, pixels): which share of each of ``side`` equal parts of a line each pixel covers."""
    borders = np.arange(side + 1) * (pixels / side)
    pixel = np.arange(pixels)
    overlap = np.minimum(borders[1:, None], pixel + 1) - np.maximum(borders[:-1, None], pixel)
    return np.clip(overlap, 0.0, None) * (side / pixels)


def bilinear(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR))


SHRINKING = {"area": area_average, "bilinear": bilinear}
"""How a large picture is brought to a smaller size."""


def shrink(image: NDArray[np.uint8], side: int, way: str) -> NDArray[np.uint8]:
    return image if image.shape[:2] == (side, side) else SHRINKING[way](image, side)


def quality(
    images: list[NDArray[np.uint8]], truth: dict[str, list[NDArray[np.uint8]]], side: int
) -> dict[str, float]:
    """Mean PSNR in dB against the truth, both brought to a size in the same way."""
    return {
        way: float(
            np.mean(
                [psnr(shrink(a, side, way), b) for a, b in zip(images, references, strict=False)]
            )
        )
        for way, references in truth.items()
    }


def frontier(given: argparse.Namespace) -> None:
    baseline = Variant(
        "CLEVR's way",
        320,
        240,
        512,
        False,
        threads=CORES,
        anew=True,
        assets=given.assets,
        # what Blender makes of a file as old as CLEVR's, which has neither setting
        cycles={"use_light_tree": False, "sampling_pattern": "TABULATED_SOBOL"},
    )
    truth, slow = render_on_all_cores(baseline, given.scenes)
    print(f"{CORES} cores; CLEVR's way: {slow:.4f} images/s ({given.scenes} scenes)", flush=True)
    for side in given.resolutions:
        points = []
        small = {way: [shrink(image, side, way) for image in truth] for way in SHRINKING}
        print(f"{side} x {side}: images/s, times CLEVR's way, PSNR dB {' '.join(SHRINKING)}")
        for variant in variants(side):
            images, rate = render_on_all_cores(variant, max(given.scenes, given.images))
            found = quality(images, small, side)
            points.append((variant.name, rate / slow, found))
            decibels = "".join(f"{value:9.2f}" for value in found.values())
            print(f"{variant.name:34s} {rate:8.2f} {rate / slow:8.1f} {decibels}", flush=True)
        if given.plot:
            stem, suffix = os.path.splitext(given.plot)
            plot(points, f"{stem}-{side}{suffix}")


def plot(points: list[tuple[str, float, dict[str, float]]], path: str) -> None:
    """Samples per pixel as two lines, raw and denoised; everything else as letters."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, len(SHRINKING), figsize=(13, 4.6), layout="constrained")
    for axes, way in zip(panels, SHRINKING, strict=True):
        plot_against(axes, [(name, faster, found[way]) for name, faster, found in points])
        axes.set_title(f"reference shrunk by {way}")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize=8, frameon=False)
    figure.savefig(path)


def plot_against(axes: Any, points: list[tuple[str, float, float]]) -> None:
    for way, color in (("raw", "#56B4E9"), ("denoised", "#0072B2")):
        line = [point for point in points if point[0].endswith(way) and point[0][0].isdigit()]
        axes.plot(
            [p[1] for p in line], [p[2] for p in line], "o-", color=color, label=f"N samples, {way}"
        )
        for name, faster, decibels in line:
            at = {"xytext": (5, 5), "textcoords": "offset points", "color": color}
            axes.annotate(name.split()[0], (faster, decibels), fontsize=8, **at)
    others = [p for p in points if not p[0].endswith((" raw", " denoised"))]
    for number, (name, faster, decibels) in enumerate(others):
        axes.plot(
            faster,
            decibels,
            marker=f"${chr(ord('a') + number)}$",
            color="#D55E00",
            linestyle="none",
            label=name,
        )
    axes.set(xscale="log", xlabel="times the images per second of CLEVR's way", ylabel="PSNR, dB")
    axes.axhline(42, linewidth=0.5, color="#888888")
    axes.axvline(150, linewidth=0.5, color="#888888")


def demo(given: argparse.Namespace) -> None:
    variant = preset_variant("demo")
    _, rate = render_on_all_cores(variant, given.images)
    _, slow = render_on_all_cores(replace(variant, anew=True), max(1, given.images // 10))
    _, spun = render_on_all_cores(replace(variant, spinning=True), given.images)
    print(
        f"{variant.width} x {variant.height}, {variant.samples} samples, {CORES} cores: "
        f"{rate:.1f} images/s"
    )
    print(f"{rate / slow:.2f} times as many as with the scene built anew for every image")
    print(f"{rate / spun:.2f} times as many as with Blender's idle threads spinning")


def paper(given: argparse.Namespace) -> None:
    run = load_files(PRESETS["paper"])
    config = run.config
    truths = len(run.truth) * config.reference.num_images
    total = truths + sum(entry.num_images for entry in config.datasets.values())
    print(
        f"{total:,} images of {config.resolution} x {config.resolution}, {truths:,} of them true "
        f"compositions; {CORES} cores used"
    )
    asked = preset_variant("paper")
    for variant in (asked, replace(asked, samples=16, denoise=True)):
        few = max(2, given.images * 16 // variant.samples)
        _, rate = render_on_all_cores(variant, few)
        way = "denoised" if variant.denoise else "not denoised"
        print(
            f"{variant.samples} samples, {way}: {CORES / rate:.2f} core-seconds an image, "
            f"{total / rate * CORES / 3600:,.0f} core-hours in all",
            flush=True,
        )


def growth(given: argparse.Namespace) -> None:
    print("images  ms an image  in a fresh process meanwhile  resident MiB, most so far")
    step, one = max(1, given.images // 10), get_context("spawn")
    with ProcessPoolExecutor(1, one) as lasting:
        for first in range(0, given.images, step):
            with ProcessPoolExecutor(1, one) as fresh:
                jobs = [pool.submit(small_pictures, first, step) for pool in (lasting, fresh)]
                (taken, most), (beside, _) = [job.result() for job in jobs]
            print(f"{first + step:6d}  {taken:11.2f}  {beside:27.2f}  {most:25.1f}", flush=True)


def small_pictures(first: int, count: int) -> tuple[float, float]:
    """CPU milliseconds an image in this process's renderer; MiB that it took at most."""
    renderer = small_renderer()
    start = time.process_time()
    for index in range(first, first + count):
        renderer.render(clevr_scene(index % 500), index)
    taken = (time.process_time() - start) / count * 1e3
    return taken, peak_memory(torch.device("cpu"))


@cache
def small_renderer() -> Any:
    """One renderer per process, warm."""
    from projcomp.render.start import start_blender

    start_blender(1)
    from projcomp.render.renderer import Renderer

    renderer = Renderer(16, 16, samples=1, denoise=True)
    renderer.render(clevr_scene(0), 0)
    return renderer


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = parser.add_subparsers(required=True)

    def add(name: str, work: Callable[[argparse.Namespace], None], images: int):
        part = parts.add_parser(name)
        part.set_defaults(work=work)
        part.add_argument("--images", type=int, default=images)
        return part

    add("demo", demo, 200)
    add("paper", paper, 64)
    add("growth", growth, 5000)
    part = add("frontier", frontier, 24)
    part.add_argument("--resolutions", type=int, nargs="+", default=[128])
    part.add_argument("--scenes", type=int, default=6, help="images of the reference")
    part.add_argument("--assets", help="folder with CLEVR's .blend files")
    part.add_argument("--plot", help="figure to write, one per resolution")
    given = parser.parse_args()
    given.work(given)


if __name__ == "__main__":
    main()
