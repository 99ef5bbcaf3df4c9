"""How much of an object that was not asked for a conditional lets pass, against the noise level.

On true renders with objects at places i and j, noised to sigma, the composition's delta of
condition i should vanish at place j. Printed per sigma, as a share of the object's own contrast
at j: the delta D_i - D_b for each background, and how much of the object D_i and D_b themselves
keep. A leftover of 1 means that every further conditional adds the whole object once more.

    python benchmarks/leftover.py --root . --model single --backgrounds single:empty background
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from projcomp.data.images import read_samples
from projcomp.diffusion.pixels import encode
from projcomp.networks import conditioning
from projcomp.networks.checkpoint import load_model
from projcomp.networks.denoiser import Denoiser


def disc(place: tuple[float, float], radius: float, side: int) -> torch.Tensor:
    """Mask ``(H, W)`` of the pixels within ``radius`` of ``place``."""
    points = (np.arange(side) + 0.5) / side
    x, y = np.meshgrid(points, points)
    return torch.from_numpy(np.hypot(x - place[0], y - place[1]) < radius)


def background(name: str, root: Path) -> tuple[Denoiser, torch.Tensor]:
    """``model`` (unconditional) or ``model:empty`` as (denoiser, condition row)."""
    model, _, told = name.partition(":")
    denoiser = load_model(root / "models" / model)
    make = conditioning.empty if told == "empty" else conditioning.unconditional
    return denoiser, make(denoiser.condition_kind)


@torch.inference_mode()
def leftovers(
    root: Path, model: str, backgrounds: list[str], sigmas: list[float], radius: float
) -> pd.DataFrame:
    """One row per sigma; see the module's docstring."""
    conditional = load_model(root / "models" / model)
    empty_scene = encode(torch.from_numpy(read_samples(root / "samples/truth/k0.h5").images))
    truth = read_samples(root / "samples/truth/k2.h5")
    x0 = encode(torch.from_numpy(truth.images))
    told = conditioning.given("position", truth.locations)[:1].expand(len(x0), -1)
    other = disc(tuple(truth.locations[1]), radius, x0.shape[-1])
    contrast = (x0 - empty_scene.mean(0))[..., other]
    rng = torch.Generator().manual_seed(0)

    def kept(change: torch.Tensor) -> float:
        """Regression of ``change`` at the other place on the object's contrast there."""
        return float((change[..., other] * contrast).sum() / contrast.square().sum())

    rows = []
    for sigma in sigmas:
        x = x0 + sigma * torch.randn(x0.shape, generator=rng)
        level = torch.full((len(x),), sigma)
        given = conditional(x, level, told)
        row = {"sigma": sigma, "kept by D_i": kept(given - empty_scene.mean(0))}
        for name in backgrounds:
            denoiser, condition = background(name, root)
            base = denoiser(x, level, condition.expand(len(x), -1))
            row[f"kept by {name}"] = kept(base - empty_scene.mean(0))
            row[f"leftover over {name}"] = kept(given - base)
        rows.append(row)
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--root", type=Path, default=Path())
    parser.add_argument("--model", default="single")
    parser.add_argument("--backgrounds", nargs="+", default=["single:empty", "background"])
    parser.add_argument("--sigmas", nargs="+", type=float, default=[0.05, 0.1, 0.2, 0.5, 1, 2, 5])
    parser.add_argument("--radius", type=float, default=0.09, help="share of the image side")
    a = parser.parse_args()
    table = leftovers(a.root, a.model, a.backgrounds, a.sigmas, a.radius)
    print(table.to_string(index=False, float_format=lambda v: f"{v:.3f}"))


if __name__ == "__main__":
    main()
