"""Pictures a second by OptiX, by CUDA and on the CPU, and how long the first one takes.

Usage: python benchmarks/render_devices.py [--devices optix cuda cpu] [--sides 32 128]
       [--processes 1 4] [--count 100]

Needs Blender, and no torch. Scenes are drawn by CLEVR's rules and rendered with the samples, the
denoiser and the filter of the demo. Several processes share one GPU, as `PROJCOMP_JOBS_PER_GPU`
lets jobs do, or take a core each; all are started anew for every line, and render at once. A device
that is not there is said so. The difference is that of the last picture to the CPU's, in steps of
255, which is noise of the samples where it is small.
"""

import argparse
import time

import numpy as np
from common import at_once, clevr_scene, wait_for_others

from projcomp.errors import DeviceError
from projcomp.plan.load import load_files

DEVICES = ("optix", "cuda", "hip", "metal", "cpu")


Rendered = tuple[float, float, np.ndarray]
"""Seconds to the first picture, pictures a second after it, and the last picture."""


def rendered(device: str, side: int, count: int) -> Rendered | str:
    """What one process measures, or why it has nothing."""
    from projcomp.render.renderer import Renderer

    ours = load_files([]).config.render
    began, waited = time.perf_counter(), False
    try:
        with Renderer(
            side,
            side,
            samples=ours.samples,
            denoise=ours.denoise,
            filter_width=ours.filter_width,
            device=device,
        ) as renderer:
            image = renderer.render(clevr_scene(0), 0).image
            first = time.perf_counter() - began
            wait_for_others()
            waited = True
            began = time.perf_counter()
            for index in range(1, count + 1):
                image = renderer.render(clevr_scene(index), index).image
            return first, count / (time.perf_counter() - began), image
    except DeviceError as error:
        if not waited:  # or the others would wait for ever
            wait_for_others()
        return str(error)


def told(*found: Rendered | str) -> str:
    """What the processes of one line measured, in words."""
    measured = []
    for one in found:
        if isinstance(one, str):
            return one
        measured.append(one)
    first = max(one[0] for one in measured)
    return f"{sum(one[1] for one in measured):.1f} images/s, the first after {first:.1f} s"


def apart(found: Rendered | str, plain: Rendered | str) -> str:
    """How far the last picture is from the CPU's, in words; nothing where there is none."""
    if isinstance(found, str) or isinstance(plain, str):
        return ""
    mean = np.abs(found[2].astype(float) - plain[2].astype(float)).mean()
    return f", {mean:.2f} of 255 from the CPU's"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--devices", nargs="+", default=["optix", "cuda", "cpu"], choices=DEVICES)
    parser.add_argument("--sides", type=int, nargs="+", default=[32, 128])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--count", type=int, default=100, help="pictures after the first")
    given = parser.parse_args()
    print("| device | side | processes | measured |\n|---|---|---|---|")
    for side in given.sides:
        (plain,) = at_once(rendered, 1, "cpu", side, given.count)
        for device in given.devices:
            for processes in given.processes:
                found = at_once(rendered, processes, device, side, given.count)
                said = told(*found) + (apart(found[0], plain) if device != "cpu" else "")
                print(f"| {device} | {side} | {processes} | {said} |", flush=True)


if __name__ == "__main__":
    main()
