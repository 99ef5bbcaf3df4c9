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


def rendered(device: str, side: int, count: int) -> tuple[float, float, np.ndarray] | str:
    """Seconds to the first picture, pictures a second after it, and the last picture.

    Or why there is none.
    """
    from projcomp.render.renderer import Renderer

    ours = load_files([]).config.render
    began = time.perf_counter()
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
            began = time.perf_counter()
            for index in range(1, count + 1):
                image = renderer.render(clevr_scene(index), index).image
            return first, count / (time.perf_counter() - began), image
    except DeviceError as error:
        wait_for_others()
        return str(error)


def line(device: str, side: int, processes: int, count: int) -> str:
    """What one device does, in words."""
    found = at_once(rendered, processes, device, side, count)
    said = [one for one in found if isinstance(one, str)]
    if said:
        return said[0]
    measured = [one for one in found if not isinstance(one, str)]
    first = max(one[0] for one in measured)
    rate = sum(one[1] for one in measured)
    told = f"{rate:.1f} images/s, the first after {first:.1f} s"
    if device != "cpu":
        (plain,) = at_once(rendered, 1, "cpu", side, count)
        if not isinstance(plain, str):
            apart = np.abs(measured[0][2].astype(float) - plain[2].astype(float)).mean()
            told += f", {apart:.2f} of 255 from the CPU's"
    return told


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
        for device in given.devices:
            for processes in given.processes:
                said = line(device, side, processes, given.count)
                print(f"| {device} | {side} | {processes} | {said} |", flush=True)


if __name__ == "__main__":
    main()
