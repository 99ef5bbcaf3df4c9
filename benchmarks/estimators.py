"""What following log-densities costs: Ito's estimator on the SDE beside Hutchinson's on the ODE.

python benchmarks/estimators.py [--device cuda]

SuperDiff's OR of two conditions by the demo's network. Its weights are random: they matter neither
to time nor to memory. Each estimator has a process of its own; its memory is the most that it held.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import torch

from projcomp import (
    BatchedScores,
    NoiseStreams,
    ReverseSde,
    SuperpositionOr,
    edm_sigmas,
    euler,
    sample,
    start_noise,
)
from projcomp.composition.densities import DensityTracker
from projcomp.config.root import Config
from projcomp.networks.conditioning import given
from projcomp.networks.denoiser import Denoiser

BATCH, SIDE, STEPS, ROUNDS = 16, 32, 4, 3
PREDICTORS = {"none": euler, "ito": ReverseSde(), "hutchinson": euler}
"""By estimator; ``none`` evaluates the same networks and follows nothing."""


def measure(estimator: str, device: str) -> dict[str, float]:
    """Seconds a step takes, the least of rounds, and MiB beyond the network's."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = Denoiser(Config().network, SIDE, "position").eval().to(device)  # pyright: ignore[reportCallIssue]
    model = model.to(memory_format=torch.channels_last)
    told = [given("position", [(place, place)])[0].to(device) for place in (0.3, 0.7)]
    scores = BatchedScores([(model, row) for row in told], 2 * BATCH)
    sigmas = edm_sigmas(STEPS, 0.1, 20.0, 7.0)[:-1]
    x = sigmas[0] * start_noise(range(BATCH), (3, SIDE, SIDE)).to(device)
    held, seconds = _held(device), []
    for _ in range(ROUNDS):
        noise = NoiseStreams(range(BATCH), (3, SIDE, SIDE), device)
        began = _clock(device)
        if estimator == "none":
            with torch.no_grad():
                for sigma in sigmas[:-1].tolist():
                    scores(x, sigma)
        else:
            tracker = DensityTracker(estimator)  # pyright: ignore[reportArgumentType]
            field = SuperpositionOr(scores, 2, densities=tracker)
            sample(field, x, sigmas, PREDICTORS[estimator], noise=noise)
        seconds.append((_clock(device) - began) / (STEPS - 1))
    return {"seconds": min(seconds), "MiB": (_held(device) - held) / 2**20}


def _clock(device: str) -> float:
    """Seconds of the processor, or of the wall where a GPU computes."""
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def _held(device: str) -> int:
    """The greatest memory so far, in bytes."""
    if device == "cpu":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return torch.cuda.max_memory_allocated()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", choices=list(PREDICTORS))
    options = parser.parse_args()
    if options.only:
        print(json.dumps(measure(options.only, options.device)))
        sys.exit()
    found = {}
    for name in PREDICTORS:
        line = [sys.executable, __file__, "--device", options.device, "--only", name]
        found[name] = json.loads(subprocess.check_output(line))
    print(f"a step of OR, two conditions, {BATCH} images of {SIDE} x {SIDE}, {options.device}")
    for name, one in found.items():
        ratio = one["seconds"] / found["ito"]["seconds"]
        print(f"{name:12s}{one['seconds']:8.3f} s {ratio:6.2f}{one['MiB']:9.0f} MiB")
