"""How much faster one batch over all conditions is than a loop over conditions.

Usage: python benchmarks/sample.py [--preset demo|gpu|paper] [--batch 8] [--threads 2] [--compile]

Times one evaluation of the stacked scores of a background and k conditionals of one network with
random weights, as sampling does at every noise level. The peak memory is that of a process of its
own that evaluates the largest k, program and weights included.
"""

import argparse
from collections.abc import Callable

import torch
from common import PRESETS, at_once, peak_memory, seconds
from torch import Tensor

from projcomp.config.root import Config
from projcomp.diffusion.batched import BatchedScores
from projcomp.diffusion.field import Denoiser
from projcomp.machine.devices import torch_device
from projcomp.networks import conditioning
from projcomp.networks.denoiser import Denoiser as Network
from projcomp.networks.precision import at_precision
from projcomp.plan.load import load_files

SIGMA = 1.0


def network(config: Config, device: torch.device, precision: str) -> Denoiser:
    torch.manual_seed(0)
    model = Network(config.network, config.resolution, "position")
    for name, weight in model.named_parameters():
        if name.endswith("gain"):  # they start at 0, where no condition makes a difference
            weight.data.fill_(1.0)
    model.eval().requires_grad_(False).to(device)
    model.to(memory_format=torch.channels_last)  # pyright: ignore
    return at_precision(model, precision, device)


def ways(given: argparse.Namespace, k: int) -> dict[str, Callable[[], Tensor]]:
    """The ways to evaluate a background and k conditionals."""
    torch.set_num_threads(given.threads)
    config = load_files(PRESETS[given.preset]).config
    device = torch_device(given.device, "--device")
    denoise = network(config, device, given.precision)
    x = torch.randn(given.batch, 3, config.resolution, config.resolution).to(device)
    places = torch.rand(k, 2, generator=torch.Generator().manual_seed(k)).numpy()
    rows = [conditioning.empty("position")[0], *conditioning.given("position", places)]
    conditions = [row.to(device) for row in rows]

    def stack(denoiser: Denoiser, asked: list[Tensor]) -> BatchedScores:
        return BatchedScores([(denoiser, row) for row in asked], given.chunk_size)

    together = stack(denoise, conditions)
    singles = [stack(denoise, [row]) for row in conditions]
    found = {
        "batched": lambda: together(x, SIGMA),
        "loop": lambda: torch.cat([single(x, SIGMA) for single in singles]),
    }
    if given.compile:
        compiled = stack(torch.compile(denoise), conditions)
        found["compiled"] = lambda: compiled(x, SIGMA)
    return found


@torch.inference_mode()
def speeds(given: argparse.Namespace, k: int) -> dict[str, float]:
    """Images a second of every way, one evaluation of all conditions each."""
    found, device = ways(given, k), torch_device(given.device, "--device")
    # A batch may round differently; anything beyond that would compare different things.
    torch.testing.assert_close(found["batched"](), found["loop"](), rtol=0.1, atol=0.1)
    return {
        name: given.batch / seconds(work, device, given.repeats, warm_up=1)
        for name, work in found.items()
    }


@torch.inference_mode()
def memory(given: argparse.Namespace, k: int, way: str) -> float:
    """MiB that one way takes at most."""
    work, device = ways(given, k)[way], torch_device(given.device, "--device")
    for _ in range(2):
        work()
    return peak_memory(device)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", choices=list(PRESETS), default="demo")
    parser.add_argument("--batch", type=int, default=8, help="images sampled at once")
    parser.add_argument("--numbers", type=int, nargs="+", default=[1, 2, 3, 4, 5, 6], metavar="K")
    parser.add_argument("--chunk-size", type=int, default=Config().sampling.chunk_size)
    parser.add_argument("--precision", choices=["bf16", "fp32"], default="bf16")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--compile", action="store_true", help="measure torch.compile too")
    given = parser.parse_args()
    names = ["batched", "loop", *(["compiled"] if given.compile else [])]
    print(
        f"{given.preset}, batch {given.batch}, {given.threads} threads: images/s by one evaluation"
    )
    print(" k" + "".join(f"{name:>10s}" for name in names) + "  batched/loop")
    for k in given.numbers:
        found = speeds(given, k)
        cells = "".join(f"{found[name]:10.1f}" for name in names)
        print(f"{k:2d}{cells}{found['batched'] / found['loop']:14.2f}", flush=True)
    most = [at_once(memory, 1, given, max(given.numbers), name)[0] for name in names]
    print(
        f"MiB at k = {max(given.numbers)}: "
        + "  ".join(f"{name} {value:.0f}" for name, value in zip(names, most, strict=True))
    )


if __name__ == "__main__":
    main()
