"""How much faster one batch over all conditions is than a loop over conditions.

Times one evaluation of the stacked scores of a background and k conditionals of one network with
random weights, as sampling does at every noise level, for k = 1 to 6:

    python benchmarks/sample.py --batch 8 --threads 2
"""

import argparse

import torch
from common import seconds
from torch import Tensor

from projcomp.config import Config, NetworkConfig
from projcomp.devices import torch_device
from projcomp.diffusion.batched import BatchedScores
from projcomp.diffusion.field import Denoiser
from projcomp.networks import conditioning
from projcomp.networks.denoiser import Denoiser as Network
from projcomp.networks.precision import at_precision

SIGMA = 1.0


def network(resolution: int, channels: int, device: torch.device, precision: str) -> Denoiser:
    torch.manual_seed(0)
    config = NetworkConfig.model_validate({"channels": channels})
    model = Network(config, resolution, "position")
    model.eval().requires_grad_(False).to(device)
    model.to(memory_format=torch.channels_last)  # pyright: ignore
    return at_precision(model, precision, device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--batch", type=int, default=8, help="images sampled at once")
    parser.add_argument("--chunk-size", type=int, default=Config().sampling.chunk_size)
    parser.add_argument("--resolution", type=int, default=32)
    parser.add_argument("--channels", type=int, default=16, help="base channels of the network")
    parser.add_argument("--precision", choices=["bf16", "fp32"], default="bf16")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = torch_device(arguments.device)
    resolution, repeats = arguments.resolution, arguments.repeats
    denoise = network(resolution, arguments.channels, device, arguments.precision)
    x = torch.randn(arguments.batch, 3, resolution, resolution).to(device)
    print("k,batched_seconds,loop_seconds,loop_over_batched")
    for k in range(1, 7):
        places = torch.rand(k, 2, generator=torch.Generator().manual_seed(k)).numpy()
        rows = [conditioning.empty("position")[0], *conditioning.at_locations(places)]
        requests = [(denoise, row.to(device)) for row in rows]
        batched = BatchedScores(requests, arguments.chunk_size)
        singles = [BatchedScores([request], arguments.chunk_size) for request in requests]

        def loop(singles: list[BatchedScores] = singles) -> Tensor:
            return torch.cat([single(x, SIGMA) for single in singles])

        with torch.inference_mode():
            # A batch may round differently; anything beyond that would compare different things.
            torch.testing.assert_close(batched(x, SIGMA), loop(), rtol=0.1, atol=0.1)
            one = seconds(lambda stack=batched: stack(x, SIGMA), device, repeats, warm_up=1)
            many = seconds(loop, device, repeats, warm_up=1)
        print(f"{k},{one:.4f},{many:.4f},{many / one:.2f}", flush=True)


if __name__ == "__main__":
    main()
