"""Images a second of one single-threaded Blender process at the demo's settings.

Usage: python benchmarks/render.py [--images 200] [--objects 1] [--clevr]

The baselines do as CLEVR's generator does: build the scene anew for every image, at our size and
samples, and with --clevr also at its own 320 x 240 with 512 samples and no denoiser (minutes). CPU
seconds are given beside wall-clock ones: they suffer less from what else the machine is doing.
"""

import argparse
import json
import time
from collections.abc import Callable

from projcomp import seeds
from projcomp.config import Config
from projcomp.render.renderer import Renderer
from projcomp.scenes.placement import draw_scene
from projcomp.scenes.spec import SceneSpec


def measure(render: Callable[[int], object], count: int) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    for index in range(count):
        render(index)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"images_per_s": round(count / wall, 3), "images_per_cpu_s": round(count / cpu, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--objects", type=int, default=1)
    parser.add_argument("--clevr", action="store_true", help="render one image CLEVR's way too")
    given = parser.parse_args()
    config = Config()
    side, recipe = config.resolution, config.render

    def scene(index: int) -> SceneSpec:
        rng = seeds.generator(0, "benchmark", index)
        return draw_scene(rng, config.scene, given.objects, given.objects)

    ours = Renderer(side, side, samples=recipe.samples, denoise=recipe.denoise)
    ours.render(scene(0), 0)
    results = {"ours": measure(lambda i: ours.render(scene(i), i), given.images)}

    def anew(width: int, height: int, samples: int, denoise: bool) -> Callable[[int], object]:
        def render(index: int) -> object:
            with Renderer(width, height, samples=samples, denoise=denoise) as renderer:
                return renderer.render(scene(index), index)

        return render

    few = max(1, given.images // 10)
    results["scene_built_anew"] = measure(anew(side, side, recipe.samples, recipe.denoise), few)
    if given.clevr:
        results["clevrs_own_settings"] = measure(anew(320, 240, 512, False), 1)
    for result in results.values():
        ratio = results["ours"]["images_per_cpu_s"] / result["images_per_cpu_s"]
        result["ours_is_faster_by"] = round(ratio, 2)
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
