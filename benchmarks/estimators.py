"""What following densities costs: Ito's estimator along the SDE against Hutchinson's along the ODE.

Usage: python benchmarks/estimators.py [--preset demo|gpu|paper] [--batch 8] [--steps 10]

SuperDiff (Skreta et al. 2025, section 4.2) has 209 s an image by the former and 1,082 s by the
latter, and almost 30 % less memory, with Stable Diffusion. Here two conditionals of one network
with random weights are superposed by OR and by AND, in as many steps of either kind; *plain* is
their average along the SDE, which follows nothing. Hutchinson's divergence is a forward derivative
of all models at once, with one probe a step. Memory is the peak of a process of its own, less what
program and weights take; repeats are of whole paths, of which the median counts. Seconds are the
processor's, which other programs do not lengthen, or wall time on a GPU.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from common import PRESETS, at_once, peak_memory, seconds
from sample import network

from projcomp.composition.densities import DensityTracker
from projcomp.composition.linear import average
from projcomp.composition.superposition_and import SuperpositionAnd, SuperpositionAndOde
from projcomp.composition.superposition_or import SuperpositionOr
from projcomp.diffusion.batched import BatchedScores
from projcomp.diffusion.field import ScoreField
from projcomp.diffusion.noise_levels import edm_sigmas
from projcomp.machine.devices import torch_device
from projcomp.networks import conditioning
from projcomp.plan.load import load_files
from projcomp.samplers.euler import euler
from projcomp.samplers.noise import NoiseStreams
from projcomp.samplers.process import Predictor, sample
from projcomp.samplers.sde import ReverseSde
from projcomp.samplers.start import start_noise

PLACES = [(0.3, 0.3), (0.7, 0.7)]

WAYS: dict[str, tuple[Callable[[BatchedScores], ScoreField], Predictor]] = {
    "plain": (lambda scores: average(scores, [1.0, 1.0]), ReverseSde()),
    "or ito": (lambda scores: SuperpositionOr(scores, 2), ReverseSde()),
    "or hutchinson": (
        lambda scores: SuperpositionOr(scores, 2, densities=DensityTracker("hutchinson")),
        euler,
    ),
    "and ito": (lambda scores: SuperpositionAnd(scores, 2), ReverseSde()),
    "and corrected": (lambda scores: SuperpositionAnd(scores, 2, corrected=True), ReverseSde()),
    "and hutchinson": (lambda scores: SuperpositionAndOde(scores, 2), euler),
}
"""Compositions and the steps that they are valid for, by name."""


def cost(given: argparse.Namespace, way: str) -> tuple[float, float]:
    """Seconds an image of a whole path, and MiB at most beyond program and weights."""
    torch.set_num_threads(given.threads)
    config = load_files(PRESETS[given.preset]).config
    device = torch_device(given.device, "--device")
    denoise = network(config, device, "fp32")
    rows = [row.to(device) for row in conditioning.given("position", torch.tensor(PLACES).numpy())]
    compose, predictor = WAYS[way]
    field = compose(BatchedScores([(denoise, row) for row in rows], given.chunk_size))
    sigmas = edm_sigmas(given.steps, 0.02, 20.0, 7.0)
    dims, seeds = (3, config.resolution, config.resolution), range(given.batch)
    x = float(sigmas[0]) * start_noise(seeds, dims).to(device)
    before = peak_memory(device)

    def path() -> None:
        found = sample(field, x, sigmas, predictor, noise=NoiseStreams(seeds, dims, device))
        if not found.x.isfinite().all():
            raise SystemExit(f"{way}: a sample is not finite: its cost means nothing")

    path()  # whatever is made once
    times = [spent(path, device) for _ in range(given.repeats)]
    return statistics.median(times) / given.batch, peak_memory(device) - before


def spent(work: Callable[[], None], device: torch.device) -> float:
    """Seconds of the processor that ``work`` takes; on a GPU seconds that pass."""
    if device.type == "cuda":
        return seconds(work, device, repeats=1, warm_up=0)
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", choices=list(PRESETS), default="demo")
    parser.add_argument("--batch", type=int, default=8, help="images sampled at once")
    parser.add_argument("--steps", type=int, default=10, help="of a path")
    parser.add_argument("--chunk-size", type=int, default=64)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    print(f"{given.preset}, batch {given.batch}, {given.steps} steps, {given.threads} thread(s)")
    print("way             seconds an image   MiB")
    found = {}
    for way in WAYS:
        found[way] = at_once(cost, 1, given, way)[0]
        each, most = found[way]
        print(f"{way:16s}{each:16.3f}{most:6.0f}", flush=True)
    for operator in ("or", "and"):
        (quick, memory), (slow, large) = (found[f"{operator} {by}"] for by in ("ito", "hutchinson"))
        print(
            f"{operator}: Hutchinson's takes {slow / quick:.2f} times the time of Ito's, and Ito's "
            f"{100 * (1 - memory / large):.0f} % less memory"
        )


if __name__ == "__main__":
    main()
