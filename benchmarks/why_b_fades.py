"""Why B, the composition over the unconditional model, loses objects that A keeps.

Usage: python benchmarks/why_b_fades.py [--root .] [--images 64]

Rendered pictures with an object at each of two places are noised, and denoised by every model of
the experiments A and B of a finished run, and of their exact twins. Printed for each noise level is
how much of an object a model keeps: of the pixels within ``evaluation.radius`` of its place the
projection of D - b on x0 - b over |x0 - b|^2, b the mean empty picture; 1 is the object as it was,
0 the ground. *own* is the conditional of the object's place, *other* that of the other place,
*unconditional* and *empty* the backgrounds of B and A; *B* and *A* are their compositions, own +
other - background. A composition keeps objects where it stays near 1.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from projcomp import seeds
from projcomp.config.generated import CONFIG_FILE
from projcomp.data.images import read_samples
from projcomp.data.index import open_index
from projcomp.diffusion.batched import BatchedScores
from projcomp.diffusion.pixels import encode
from projcomp.exact.load import load_exact
from projcomp.folder import Folder
from projcomp.networks.checkpoint import load_model
from projcomp.plan.load import load_files
from projcomp.plan.run import Run
from projcomp.plan.stages import sample_settings
from projcomp.sampling.requests import Model, model_requests
from projcomp.settings.case import TRUTH

LEVELS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
CPU = torch.device("cpu")


def stack(run: Run, root: Path, experiment: str, case: str) -> BatchedScores:
    """The background, and the two conditionals, of a case of two places."""
    settings = sample_settings(run, experiment, case)

    def load(name: str) -> Model:
        if name in settings.exact:
            return load_exact(name, settings.exact[name], root, CPU)
        return load_model(root / "models" / name, CPU)

    return BatchedScores(model_requests(settings, load, CPU).composed, 64)


def kept(denoised: Tensor, x0: Tensor, ground: Tensor, near: Tensor) -> float:
    """How much of what stands in the pixels ``near`` is in ``denoised``, over all pictures."""
    there = (x0 - ground)[:, :, near]
    return float(((denoised - ground)[:, :, near] * there).sum() / there.square().sum())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, default=Path(), help="folder of a run of config.yaml")
    parser.add_argument("--images", type=int, default=64)
    given = parser.parse_args()
    run = load_files([given.root / CONFIG_FILE])
    folder = Folder(str(given.root))
    (case,) = (one for one in run.cases["B"].values() if one.num_composed == 2)
    true = read_samples(folder.samples(TRUTH, case.name), case.name, TRUTH)
    x0 = encode(torch.from_numpy(true.images[: given.images]))
    with open_index(folder.index("empty")) as file:
        empty = encode(torch.from_numpy(np.asarray(file["images"][:256])))  # pyright: ignore
    ground, side = empty.mean(0, keepdim=True), x0.shape[-1]
    centres = (torch.arange(side) + 0.5) / side
    rows, columns = torch.meshgrid(centres, centres, indexing="ij")
    near = [
        torch.hypot(columns - x, rows - y) < run.config.evaluation.radius for x, y in case.locations
    ]
    generator = seeds.generator(run.config.seed, "benchmark", "why_b_fades")
    noise = torch.from_numpy(generator.standard_normal(x0.shape, dtype=np.float32))
    for kind, end in (("trained", ""), ("exact", "-exact")):
        bayes, product = (stack(run, given.root, f"{name}{end}", case.name) for name in "BA")
        print(f"\n{kind}, {len(x0)} pictures of two objects")
        print(
            "| sigma | own | other | unconditional | B | empty | A |\n| --- " + "| --- " * 6 + "|"
        )
        for sigma in LEVELS:
            x = x0 + sigma * noise
            with torch.no_grad():
                nothing, *asked = bayes.denoised(x, sigma)
                ground_alone = product.denoised(x, sigma)[0]
            found = np.array(
                [
                    [
                        kept(part, x0, ground, near[place])
                        for part in (asked[place], asked[1 - place], nothing, ground_alone)
                    ]
                    for place in (0, 1)
                ]
            ).mean(0)
            own, other, unconditional, alone = found
            told = own, other, unconditional, own + other - unconditional
            told = (*told, alone, own + other - alone)
            print(
                f"| {sigma:g} | " + " | ".join(f"{value:.2f}" for value in told) + " |", flush=True
            )


if __name__ == "__main__":
    main()
