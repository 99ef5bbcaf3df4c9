"""What it is worth that a process keeps the memory it frees (machine/freed_memory.py).

Usage: python benchmarks/freed_memory.py [--preset demo|gpu|paper] [--jobs 2] [--rounds 3]

Baseline: a process that gives it back, as glibc does when nothing is said. Every measurement runs
in fresh processes of one thread, as many at once as the run would have jobs, and both ways take
turns. Milliseconds of the clock (exact: of the processor), medians over rounds and jobs: for an
image and an evaluation of one condition in sampling, for an image in training, and for an image
that exact models compose.
"""

import argparse
import logging
import statistics
import warnings
from collections.abc import Callable

import torch
from common import PRESETS, at_once, peak_memory, seconds, wait_for_others
from exact import composed
from gpu import stage
from sample import network

from projcomp.diffusion.batched import BatchedScores
from projcomp.machine.freed_memory import keep_freed_memory
from projcomp.networks import conditioning
from projcomp.plan.load import load_files

CPU = torch.device("cpu")
UPDATES = 24


@torch.inference_mode()
def sampling(preset: str) -> float:
    """One call of the network, of as many images as sampling gives it."""
    config = load_files(PRESETS[preset]).config
    denoise, chunk = network(config, CPU, "fp32"), config.sampling.chunk_size
    places = torch.rand(1, 2, generator=torch.Generator().manual_seed(1)).numpy()
    scores = BatchedScores([(denoise, conditioning.given("position", places)[0])], chunk)
    x = torch.randn(chunk, 3, config.resolution, config.resolution)
    wait_for_others()
    return 1000 * seconds(lambda: scores(x, 1.0), CPU, repeats=6, warm_up=2) / chunk


def training(preset: str) -> float:
    """Updates of the training as it runs."""
    batch = load_files(PRESETS[preset]).config.training.batch_size
    wait_for_others()
    rate = stage(preset, CPU, batch, UPDATES).split()[0].replace(",", "")
    return 1000 / float(rate)


def exact(preset: str) -> float:
    """A whole reverse process of exact models of 9 x 500 images."""
    count, images = 16, 500
    wait_for_others()
    side = load_files(PRESETS[preset]).config.resolution
    return 1000 * composed(9, images, side, count, images) / count


def measured(work: Callable[[str], float], preset: str, keep: bool) -> tuple[float, float]:
    """Milliseconds, and the MiB that the process took at most."""
    torch.set_num_threads(1)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    if keep and not keep_freed_memory():
        raise SystemExit("error: expected glibc, whose memory can be kept, got another C library")
    return work(preset), peak_memory(CPU)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", choices=list(PRESETS), default="demo")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(f"{given.preset}, {given.jobs} at once: ms, least to greatest, MiB, times as fast")
    for work in (sampling, training, exact):
        found: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
        for _ in range(given.rounds):
            for keep, rows in found.items():
                rows += at_once(measured, given.jobs, work, given.preset, keep)
        middle = {keep: statistics.median(ms for ms, _ in rows) for keep, rows in found.items()}
        for keep, rows in found.items():
            times = [ms for ms, _ in rows]
            print(
                f"{work.__name__:9s} {'kept' if keep else 'given back':11s}"
                f"{middle[keep]:7.2f}  {min(times):.2f} to {max(times):.2f}"
                f"{max(mib for _, mib in rows):8.0f}{middle[False] / middle[keep]:8.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
