"""What survives a change of basis ([B], Fig. 12): three maps, by diffusion and by Langevin.

Two-cluster mixtures, axis-aligned, turned by an orthogonal map, and by one that is not. The true
composition has four equal clusters; reverse diffusion (DDIM) finds them in the first two, Langevin
dynamics at "t = 0", on the scores of the least noise level, in all three.
"""

import torch
from torch import Tensor
from tqdm import tqdm

from projcomp.composition.product import product_field
from projcomp.diffusion.field import Step
from projcomp.samplers.euler import euler
from projcomp.samplers.langevin import Langevin
from projcomp.samplers.process import sample
from projcomp.settings.stages import TheorySettings
from projcomp.theory.distances import mode_shares, sample_mixture, total_variation, wasserstein
from projcomp.theory.levels import noise_levels
from projcomp.theory.streams import Streams
from projcomp.theory.table import Table
from projcomp.theory.turned import Turned, axis_aligned, rotated, sheared

TAU = SIGMA_MIN = 0.02
SIGMA_MAX = 20.0
ETA = 0.5
LANGEVIN_STEPS = 5
"""Langevin steps for every noise level of the diffusion. They forget the start within a cluster
after some tens of steps and never leave a cluster: its shares are those of the start's basins."""

DRAWN = 150
GOOD, BAD = 0.1, 0.4
NAMES = ("axis-aligned", "orthogonal", "non-orthogonal")
SAMPLERS = ("DDIM", "Langevin at t = 0")


def maps(settings: TheorySettings) -> dict[str, Turned]:
    """The three settings by name."""
    rng = Streams(settings, "rotation").torch_rng(0)
    turned = (axis_aligned(TAU), rotated(TAU, rng=rng), sheared(1.0, TAU))
    return dict(zip(NAMES, turned, strict=True))


def measure(settings: TheorySettings) -> Table:
    """Shares of the modes, total variation and Wasserstein distance of both samplers."""
    table, found = Table(settings.experiment), {}
    for name, turned in tqdm(maps(settings).items(), desc="maps", disable=None):
        for sampler in SAMPLERS:
            x = run(turned, sampler, settings, f"{name} {sampler}")
            found[name, sampler] = _compare(table, name, sampler, x, turned, settings)
        _compare(table, name, "truth", _truth(turned, settings, name), turned, settings)
    for sampler, expected in (("DDIM", NAMES[:2]), ("Langevin at t = 0", NAMES)):
        for name in NAMES:
            comes_out = name in expected
            text = "finds the four clusters" if comes_out else "does not find the four clusters"
            bound = f"at most {GOOD}" if comes_out else f"at least {BAD}"
            distance = found[name, sampler]
            table.claim(
                f"[B] Fig. 12: {sampler} {text} in the {name} setting (total variation of the "
                f"clusters' shares {bound})",
                distance <= GOOD if comes_out else distance >= BAD,
            )
    return table


def run(turned: Turned, sampler: str, settings: TheorySettings, part: str) -> Tensor:
    """Samples by one of ``SAMPLERS``, shape ``(seeds, samples, 4)``."""
    streams = Streams(settings, part)
    field = product_field(turned.scores, [1.0, 1.0])
    x = streams.start(settings.num_samples, (4,))
    if sampler == "DDIM":
        sigmas = noise_levels(settings.num_steps, SIGMA_MIN, SIGMA_MAX)
        return streams.by_seed(sample(field, SIGMA_MAX * x, sigmas, euler).x)

    def score(x: Tensor) -> Tensor:
        return field.score(Step(x, SIGMA_MIN, SIGMA_MIN), None)[0]

    noise = streams.noise(settings.num_samples, (4,))
    steps = LANGEVIN_STEPS * settings.num_steps
    return streams.by_seed(Langevin(ETA)(score, x, SIGMA_MIN, noise, steps).x)


def _truth(turned: Turned, settings: TheorySettings, name: str) -> Tensor:
    streams, exact = Streams(settings, f"{name} truth"), turned.composed()
    draws = [
        sample_mixture(exact, settings.num_samples, rng=streams.torch_rng(seed))
        for seed in range(settings.num_seeds)
    ]
    return torch.stack(draws)


def _compare(
    table: Table, name: str, sampler: str, x: Tensor, turned: Turned, settings: TheorySettings
) -> float:
    """Rows of one sampler's samples ``(seeds, samples, 4)``; returns the total variation."""
    exact = turned.composed()
    # a sample of the least noise level is wider than the composition without noise
    shares = mode_shares(x, exact.noised(SIGMA_MIN))
    for mode in range(len(exact.means) + 1):
        table.measured(name, sampler, "share of mode", shares[:, mode], mode)
    distance = table.measured(
        name, sampler, "total variation", total_variation(shares, exact.log_weights.exp())
    )
    other = Streams(settings, f"{name} {sampler} other")
    transport = [
        wasserstein(points, sample_mixture(exact, len(points), rng=other.torch_rng(seed)))
        for seed, points in enumerate(x)
    ]
    table.measured(name, sampler, "Wasserstein-2", transport)
    table.points(name, sampler, turned.plane(x[0, :DRAWN]))
    return distance.value
