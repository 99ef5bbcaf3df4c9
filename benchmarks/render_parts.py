"""Where the time of one small picture goes.

Usage: python benchmarks/render_parts.py [--resolutions 32 64 128] [--images 40]

One process, one thread, scenes by CLEVR's rules with both sizes, camera and lights jittered;
medians over the images, in milliseconds. Parts that cannot be watched alone are differences of two
ways to render the same scenes: with more samples, with the denoiser, with masks, a scene for the
first time and once more. The ways take turns, and the best median of all rounds is shown.
"""

import argparse
import math
import time
from statistics import median
from typing import Any

from common import clevr_scene

from projcomp.config.root import Config

MORE_SAMPLES = 16


def parts(side: int, count: int, rounds: int) -> dict[str, float]:
    """Milliseconds an image of each part."""
    drawing, scenes = [], []
    for index in range(count):
        start = time.perf_counter()
        scenes.append(clevr_scene(index))
        drawing.append(time.perf_counter() - start)

    recipe = Config().render
    ways: dict[str, dict[str, Any]] = {
        "bare": {},
        "again": {"again": True},
        "sampled": {"samples": 1 + MORE_SAMPLES},
        "denoised": {"denoise": True},
        "masked": {"masks": True},
        "read": {"masks": True, "reading": True},
        "whole": {
            "samples": recipe.samples,
            "denoise": recipe.denoise,
            "masks": True,
            "reading": True,
        },
    }
    found = dict.fromkeys(ways, math.inf)
    for _ in range(rounds):
        for name, way in ways.items():
            found[name] = min(found[name], rendering(side, scenes, **way))
    sample = (found["sampled"] - found["bare"]) / MORE_SAMPLES
    return {
        "drawing the scene": median(drawing) * 1e3,
        "taking the scene over": found["bare"] - found["again"],
        "start of the kernels, file": found["again"] - sample,
        "one sample a pixel": sample,
        "denoiser": found["denoised"] - found["bare"],
        "masks": found["masked"] - found["bare"],
        "reading the file, encoding": found["read"] - found["masked"],
        f"a picture of {recipe.samples} samples": found["whole"],
    }


def rendering(
    side: int,
    scenes: list,
    samples: int = 1,
    denoise: bool = False,
    masks: bool = False,
    again: bool = False,
    reading: bool = False,
) -> float:
    """Median milliseconds of a scene, or of the same scene once more."""
    import bpy

    from projcomp.render import renderer as module

    kept = module.read_picture
    if not reading:
        module.read_picture = lambda *given: None
    times = []
    with module.Renderer(side, side, samples=samples, denoise=denoise) as renderer:
        bpy.context.scene.view_layers[0].use_pass_cryptomatte_object = masks
        renderer.render(scenes[-1], 0)
        for index, scene in enumerate(scenes):
            if again:
                renderer.render(scene, index)
            start = time.perf_counter()
            renderer.render(scene, index)
            times.append(time.perf_counter() - start)
    module.read_picture = kept
    return median(times) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=4, help="the best of so many is shown")
    parser.add_argument("--resolutions", type=int, nargs="+", default=[32, 64, 128])
    given = parser.parse_args()
    from projcomp.render.start import start_blender

    start_blender(1)
    found = {side: parts(side, given.images, given.rounds) for side in given.resolutions}
    print(f"{'ms an image':28s}" + "".join(f"{side:5d} x {side:<4d}" for side in found))
    for name in found[given.resolutions[0]]:
        print(f"{name:28s}" + "".join(f"{found[side][name]:8.2f}    " for side in found))


if __name__ == "__main__":
    main()
