"""What several benchmarks measure with; torch is imported where it is used, if at all."""

import resource
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from projcomp import seeds
from projcomp.config.scenes import SceneConfig
from projcomp.scenes.placement import generate_scene
from projcomp.scenes.spec import SceneSpec

if TYPE_CHECKING:
    import torch

CLEVR = SceneConfig(sizes=["large", "small"], camera_jitter=0.5, light_jitter=1.0)
"""CLEVR's own rules, where the demo has large objects and no jitter."""

PRESETS = {
    "demo": [],
    "gpu": ["config.yaml", "presets/gpu.yaml"],
    "paper": ["config.yaml", "presets/paper.yaml"],
}
"""The config files of every scale, as ``load_files`` takes them."""


def clevr_scene(index: int) -> SceneSpec:
    """A scene by CLEVR's rules, always the same of a number."""
    return generate_scene(seeds.generator(0, "benchmark", index), CLEVR, 1, 8)


def peak_memory(device: "torch.device") -> float:
    """MiB that were taken at most: by this process, or of a GPU's memory."""
    if device.type == "cuda":
        import torch

        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def seconds(
    work: Callable[[], object], device: "torch.device", repeats: int, warm_up: int
) -> float:
    """Median wall time of ``work``, after ``warm_up`` calls that do not count."""
    times = []
    for _ in range(repeats + warm_up):
        began = time.perf_counter()
        work()
        if device.type == "cuda":
            import torch

            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - began)
    return statistics.median(times[warm_up:])


def psnr(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of two 8-bit images, dB."""
    error = np.mean((first.astype(float) - second.astype(float)) ** 2)
    return float(10 * np.log10(255**2 / error))


Result = TypeVar("Result")
_barrier: Barrier | None = None


def at_once(work: Callable[..., Result], processes: int, *arguments: object) -> list[Result]:
    """What ``work`` returns in each of several fresh processes, which begin measuring together.

    ``work`` calls ``wait_for_others`` when it is warm: rates of processes that did not run at the
    same time must not be added up.
    """
    context = get_context("spawn")
    barrier = context.Barrier(processes)
    with ProcessPoolExecutor(processes, context, _join, (barrier,)) as pool:
        jobs = [pool.submit(work, *arguments) for _ in range(processes)]
        return [job.result() for job in jobs]


def wait_for_others() -> None:
    """Return when all processes of ``at_once`` have come here."""
    if _barrier is not None:
        _barrier.wait()


def _join(barrier: Barrier) -> None:
    global _barrier
    _barrier = barrier
