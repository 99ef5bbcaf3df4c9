"""The exact models' time, memory and error, against one pass over all images by einsum.

    python benchmarks/exact.py                 # the goals' sizes, and how the cost grows
    python benchmarks/exact.py --quick         # a tenth of the images

Renders are made up: a square of one colour on a noisy ground, which costs what renders cost.
"""

import argparse
import resource
import time

import torch
from torch import Tensor

from projcomp.composition.product import product_field
from projcomp.diffusion.batched import BatchedScores
from projcomp.diffusion.field import Step
from projcomp.diffusion.noise_levels import edm_sigmas
from projcomp.exact.points import Points
from projcomp.exact.windows import local_mean
from projcomp.samplers.heun import Heun
from projcomp.samplers.process import sample

LEVELS = (20.0, 1.0, 0.1, 0.01)


def made_up(count: int, side: int, seed: int) -> Tensor:
    """Pictures of one square each, uint8 ``(count, side, side, 3)``."""
    rng = torch.Generator().manual_seed(seed)
    images = torch.randint(110, 121, (count, side, side, 3), generator=rng).to(torch.uint8)
    places = torch.randint(0, side - side // 4, (count, 2), generator=rng)
    colors = torch.randint(0, 256, (count, 3), generator=rng).to(torch.uint8)
    for image, (row, column), color in zip(images, places.tolist(), colors, strict=True):
        image[row : row + side // 4, column : column + side // 4] = color
    return images


def one_pass(points: Points, x: Tensor, sigma: float) -> Tensor:
    """The posterior mean by one softmax over all images, kept as float32."""
    images = points.transform(points.images)
    apart = (
        x.square().sum((1, 2, 3))[:, None]
        - 2 * torch.einsum("bchw,nchw->bn", x, images)
        + images.square().sum((1, 2, 3))
    )
    return torch.einsum("bn,nchw->bchw", (-apart / (2 * sigma**2)).softmax(1), images)


def seconds(work) -> float:
    """Processor time of the best of three."""
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def against_one_pass(count: int, batch: int) -> None:
    points = Points(made_up(count, 32, 0))
    exact = points.transform(points.images).double().flatten(1)
    print(f"\n{batch} samples, {count:,} images of 32 x 32: processor seconds of one evaluation")
    print("sigma    streamed   einsum    ratio   error of the mean, streamed and einsum")
    for sigma in LEVELS:
        x = points.transform(points.images[:batch]) + sigma * torch.randn(batch, 3, 32, 32)
        ours, plain = points.posterior(x, sigma).mean, one_pass(points, x, sigma)
        apart = torch.stack([(row - exact).square().sum(1) for row in x.double().flatten(1)])
        wanted = ((-apart / (2 * sigma**2)).softmax(1) @ exact).reshape(x.shape)
        times = [
            seconds(lambda x=x, sigma=sigma: points.posterior(x, sigma)),
            seconds(lambda x=x, sigma=sigma: one_pass(points, x, sigma)),
        ]
        errors = [float((mean - wanted).abs().max()) for mean in (ours, plain)]
        print(
            f"{sigma:6.2f} {times[0]:10.3f} {times[1]:9.3f} {times[0] / times[1]:8.2f}   "
            f"{errors[0]:.1e}  {errors[1]:.1e}"
        )


def composed(
    conditions: int, count: int, side: int, batch: int, background: int, device: str = "cpu"
) -> float:
    """Seconds of 18 Heun steps of a product of so many conditions: the processor's on a CPU."""
    sets = [Points(made_up(background, side, 0).to(device))]
    sets += [Points(made_up(count, side, 1 + i).to(device)) for i in range(conditions)]

    def denoiser(points: Points):
        return lambda x, sigma, condition: points.posterior(x, sigma).mean

    scores = BatchedScores([(denoiser(points), torch.zeros(1)) for points in sets], batch)
    field = product_field(scores, [1.0] * conditions)
    sigmas = edm_sigmas(18, 0.01, 20.0, 7.0)
    on_cpu = torch.device(device).type == "cpu"
    clock = time.process_time if on_cpu else time.perf_counter
    with torch.no_grad():
        start = 20.0 * torch.randn(batch, 3, side, side).to(device)
        if not on_cpu:
            field.score(Step(start, 20.0, 1.0), None)  # the first call loads the device's programs
        began = clock()
        sample(field, start, sigmas, Heun()).x.cpu()
    return clock() - began


def plain_local(points: Points, x: Tensor, sigma: float, window: int) -> Tensor:
    """The local posterior's mean as its equation reads, over all images at once."""
    images = points.transform(points.images)
    apart = (x[:, None] - images[None]).square().sum(2)
    height, width = apart.shape[2:]
    ones = torch.ones(1, 1, window, window)
    summed = torch.nn.functional.conv2d(apart.reshape(-1, 1, height, width), ones, padding="same")
    shares = (-summed.reshape(apart.shape) / (2 * sigma**2)).softmax(1)
    return torch.einsum("bnhw,nchw->bchw", shares, images)


def windows(count: int, batch: int) -> None:
    points = Points(made_up(count, 32, 0))
    print(f"\n{batch} samples, {count:,} images, windows of 9: processor seconds of one evaluation")
    print("sigma    streamed    plain    ratio   largest difference")
    for sigma in LEVELS:
        x = points.transform(points.images[:batch]) + sigma * torch.randn(batch, 3, 32, 32)
        ours, plain = local_mean(points, x, sigma, 9), plain_local(points, x, sigma, 9)
        times = [
            seconds(lambda x=x, sigma=sigma: local_mean(points, x, sigma, 9)),
            seconds(lambda x=x, sigma=sigma: plain_local(points, x, sigma, 9)),
        ]
        print(
            f"{sigma:6.2f} {times[0]:10.3f} {times[1]:8.3f} {times[0] / times[1]:8.2f}   "
            f"{float((ours - plain).abs().max()):.1e}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the images")
    share = 10 if parser.parse_args().quick else 1
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print("product over a background, 18 Heun steps, one thread: processor seconds")
    print("conditions   images each   background   side   samples   seconds")
    for conditions, count, background, side, batch in (
        (9, 1_000, 500, 32, 64),
        (4, 1_000, 500, 32, 64),
        (1, 1_000, 500, 32, 64),
        (9, 250, 500, 32, 64),
        (4, 250, 500, 64, 64),
        (4, 250, 10_000, 32, 64),
    ):
        sizes = count // share, background // share
        took = composed(conditions, sizes[0], side, batch, sizes[1])
        print(f"{conditions:10} {sizes[0]:13,} {sizes[1]:12,} {side:6} {batch:9} {took:9.1f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"greatest memory of the process: {peak:.2f} GiB")
    against_one_pass(1_000 // share, 64)
    windows(500 // share, 16)


if __name__ == "__main__":
    main()
