"""What bf16 costs here: updates of the demo's network in fp32 and in bf16, native or imitated.

python benchmarks/precision.py
"""

import time

import torch

from projcomp.config.root import Config
from projcomp.machine.devices import computes_bf16
from projcomp.networks.denoiser import Denoiser

BATCH, SIDE, ROUNDS = 64, 32, 3


def images_per_second(lower: bool) -> float:
    """Images whose gradient takes a second of one thread's processor time, the best of rounds."""
    torch.manual_seed(0)
    model = Denoiser(Config().network, SIDE, "position").to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    x, sigma, condition = (
        torch.randn(BATCH, 3, SIDE, SIDE),
        torch.rand(BATCH) + 0.1,
        torch.zeros(BATCH, 3),
    )
    best = 0.0
    for _ in range(ROUNDS):
        began = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=lower):
            denoised = model(x, sigma, condition)
        denoised.square().mean().backward()
        best = max(best, BATCH / (time.process_time() - began))
    return best


if __name__ == "__main__":
    torch.set_num_threads(1)
    native = "native" if computes_bf16(torch.device("cpu")) else "imitated"
    plain, lower = images_per_second(False), images_per_second(True)
    print(f"fp32             {plain:8.1f} images a second of one thread   1.00")
    print(f"bf16 ({native:8s})  {lower:8.1f} images a second of one thread   {lower / plain:.2f}")
