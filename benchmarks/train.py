"""Images a second and memory of training and of denoising, against a plain network in one run.

Usage: python benchmarks/train.py [--preset demo|gpu|paper] [--batch 64] [--device cpu] [--compile]
       [--jobs 2 --threads 1]

The baseline (``plain_unet.py``) computes the same function of the same parameters as the paper's
equations read, in the same precision and the better memory layout; *plain, fp32, channels first*
is the same in what PyTorch does when nothing is said. Every variant runs in a process of its own,
so that its peak memory is its own. ``step`` is forward, backward, Adam's step and the weights'
upkeep, as training does it; ``forward`` is one denoising without gradients.
"""

import argparse
from dataclasses import dataclass, replace

import torch
from common import PRESETS, at_once, peak_memory, seconds, wait_for_others
from plain_unet import PlainDenoiser

from projcomp.diffusion.loss import denoising_error, uncertainty_weighted
from projcomp.networks import conditioning
from projcomp.networks.denoiser import Denoiser
from projcomp.plan.load import load_files


@dataclass(frozen=True)
class Variant:
    """One way to compute; ``preset`` decides the network and the resolution."""

    name: str
    preset: str
    batch: int
    device: str
    threads: int
    plain: bool = False
    bf16: bool = True
    channels_last: bool = True
    compiled: bool = False


def variants(given: argparse.Namespace) -> list[Variant]:
    ours = Variant("ours, bf16", given.preset, given.batch, given.device, given.threads)
    found = [
        replace(ours, name="plain, bf16", plain=True),
        replace(ours, name="plain, bf16, channels first", plain=True, channels_last=False),
        ours,
        replace(ours, name="ours, bf16, channels first", channels_last=False),
        replace(ours, name="plain, fp32", plain=True, bf16=False),
        replace(
            ours, name="plain, fp32, channels first", plain=True, bf16=False, channels_last=False
        ),
        replace(ours, name="ours, fp32", bf16=False),
    ]
    if given.compile:
        found.append(replace(ours, name="ours, bf16, compiled", compiled=True))
    return found


def num_weights(preset: str) -> int:
    """Weights of the preset's network, told a position."""
    config = load_files(PRESETS[preset]).config
    with torch.device("meta"):
        model = Denoiser(config.network, config.resolution, "position")
    return sum(weight.numel() for weight in model.parameters())


def measure(variant: Variant, repeats: int) -> tuple[float, float, float]:
    """Images a second of a step and of a forward pass, and the peak memory in MiB."""
    torch.set_num_threads(variant.threads)
    config = load_files(PRESETS[variant.preset]).config
    device = torch.device(variant.device)
    torch.manual_seed(0)
    kind = PlainDenoiser if variant.plain else Denoiser
    model = kind(config.network, config.resolution, "position")
    model.to(device)
    layout = torch.channels_last if variant.channels_last else torch.contiguous_format
    model.to(memory_format=layout)  # pyright: ignore
    denoise = torch.compile(model) if variant.compiled else model
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.99), fused=True)
    side = config.resolution
    x0 = torch.rand(variant.batch, 3, side, side, device=device).mul(2).sub(1)
    x0 = x0.contiguous(memory_format=layout)
    sigma = torch.rand(variant.batch, device=device) + 0.1
    places = torch.rand(variant.batch, 2).numpy()
    condition = conditioning.given("position", places).to(device)

    def autocast():
        return torch.autocast(device.type, torch.bfloat16, enabled=variant.bf16)

    def step() -> None:
        optimizer.zero_grad()
        noise = torch.randn_like(x0)
        with autocast():
            error = denoising_error(
                lambda x, s: denoise(x, s, condition), x0, sigma, noise, model.sigma_data
            )
        uncertainty_weighted(error, model.logvar(sigma)).mean().backward()
        if not variant.plain:
            model.project_gradients()
        optimizer.step()
        model.normalize_weights()

    @torch.no_grad()
    def forward() -> None:
        with autocast():
            denoise(x0, sigma, condition)

    model.train()
    wait_for_others()
    stepping = variant.batch / seconds(step, device, repeats, warm_up=2)
    model.eval()
    wait_for_others()
    passing = variant.batch / seconds(forward, device, repeats, warm_up=2)
    return stepping, passing, peak_memory(device)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", choices=list(PRESETS), default="demo")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=1, help="processes at once, added up")
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many is shown")
    parser.add_argument("--compile", action="store_true", help="measure torch.compile too")
    given = parser.parse_args()
    chosen = variants(given)
    best = dict.fromkeys(chosen, (0.0, 0.0, 0.0))
    for _ in range(given.rounds):
        for variant in chosen:
            results = at_once(measure, given.jobs, variant, given.repeats)
            together = tuple(map(sum, zip(*results, strict=True)))
            best[variant] = tuple(map(max, best[variant], together))
    print(f"{num_weights(given.preset) / 1e6:.2f} million weights")
    print(
        f"{given.preset}, batch {given.batch}, {given.device}, {given.jobs} processes at once, "
        f"{given.threads} threads each; all together"
    )
    print("variant                        step/s  ratio  forward/s  ratio  memory MiB  ratio")
    base = best[chosen[0]]
    for variant, result in best.items():
        ratios = [value / reference for value, reference in zip(result, base, strict=True)]
        print(
            f"{variant.name:28s} {result[0]:8.1f} {ratios[0]:6.2f} {result[1]:10.1f} "
            f"{ratios[1]:6.2f} {result[2]:11.0f} {ratios[2]:6.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
