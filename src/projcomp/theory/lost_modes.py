"""The modes that diffusion loses, and where ([B], Fig. 14 and Lemma 7.2).

Under the map ``e_1 -> a e_0 + e_1, e_3 -> a e_2 + e_3`` the composition has four equal clusters
without noise and weights ``[M, 1, 1, M]`` with it, ``M`` growing without bound as the clusters'
width ``tau`` falls. So the path of compositions jumps at the end, faster than diffusion can follow.
"""

import math

import torch
from scipy.special import expit
from torch import Tensor
from tqdm import tqdm

from projcomp.composition.mixtures import GaussianMixture
from projcomp.composition.product import product_field
from projcomp.samplers.euler import euler
from projcomp.samplers.process import sample
from projcomp.settings.stages import TheorySettings
from projcomp.theory.distances import mode_shares, sample_mixture, wasserstein
from projcomp.theory.levels import noise_levels
from projcomp.theory.streams import Streams
from projcomp.theory.table import Spread, Table
from projcomp.theory.turned import log_weight_ratio, sheared

SHEARS = (1.0, 0.3)
LOST = [1, 2]
"""The clusters of weight 1 in ``[M, 1, 1, M]``."""

TAUS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
SIGMA_MIN, SIGMA_MAX = 0.02, 20.0
JUMP_TAU = 0.02
JUMP_SIGMAS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
DRAWN = 150


def measure(settings: TheorySettings) -> Table:
    """Clusters found by diffusion against tau, and the jump of the path near no noise."""
    table = Table(settings.experiment)
    for a in SHEARS:
        _shares(table, settings, a)
        _jump(table, settings, a)
    return table


def _shares(table: Table, settings: TheorySettings, a: float) -> None:
    """Share of DDIM's samples in the lost clusters against tau, beside that of exact draws."""
    name, found = f"a = {a:g}", {}
    for tau in tqdm(TAUS, desc=name, disable=None):
        turned, streams = sheared(a, tau), Streams(settings, f"{name} {tau}")
        exact = turned.composed()
        field = product_field(turned.scores, [1.0, 1.0])
        sigmas = noise_levels(settings.num_steps, SIGMA_MIN, SIGMA_MAX)
        start = SIGMA_MAX * streams.start(settings.num_samples, (4,))
        x = streams.by_seed(sample(field, start, sigmas, euler).x)
        true = _draws(exact, streams, settings.num_samples)
        for sampler, points in (("DDIM", x), ("truth", true)):
            share = mode_shares(points, exact)[:, LOST].sum(1)
            found[tau, sampler] = table.measured(name, sampler, "share of lost modes", share, tau)
        if tau == TAUS[0]:
            table.points(name, "DDIM", turned.plane(x[0, :DRAWN]))
            table.points(name, "truth", turned.plane(true[0, :DRAWN]))
    _claim_shares(table, a, found)


def _claim_shares(table: Table, a: float, found: dict[tuple[float, str], Spread]) -> None:
    narrow, wide = TAUS[0], TAUS[-1]
    diffused = found[narrow, "DDIM"]
    if a == 1.0:
        table.claim(
            f"[B] Fig. 14, a = 1: at tau = {narrow:g} diffusion keeps two of the four clusters "
            "(share of the lost ones at most 0.05, where exact draws have 0.5)",
            diffused.value <= 0.05,
        )
    table.claim(
        f"[B] Fig. 14, a = {a:g}: at tau = {narrow:g} diffusion finds too little of two clusters "
        "(their share below that of exact draws, intervals apart)",
        diffused.high < found[narrow, "truth"].low,
    )
    table.claim(
        f"[B] Lemma 7.2, a = {a:g}: the wider the clusters, the less is lost (their share at "
        f"tau = {wide:g} above that at {narrow:g}, intervals apart)",
        found[wide, "DDIM"].low > diffused.high,
    )


def _jump(table: Table, settings: TheorySettings, a: float) -> None:
    """Wasserstein-1 distance of the composition at sigma from that at 0, beside its bound.

    Two sets of exact draws without noise say how near sets of so many points can be.
    """
    name, turned = f"a = {a:g}", sheared(a, JUMP_TAU)
    holds = []
    exact = turned.composed()
    first, second = (
        _draws(exact, Streams(settings, f"exact {name} {part}"), settings.num_samples)
        for part in range(2)
    )
    nearest = [wasserstein(x, y, order=1) for x, y in zip(first, second, strict=True)]
    table.measured(name, "exact draws", "jump", nearest)
    for sigma in JUMP_SIGMAS:
        noisy = turned.composed(sigma)
        table.exact(name, "weights", "share of lost modes", lost_weight(a, JUMP_TAU, sigma), sigma)
        bound = table.exact(name, "bound", "jump", jump_bound(a, JUMP_TAU, sigma), sigma)
        streams = Streams(settings, f"jump {name} {sigma}")
        pairs = zip(
            _draws(exact, streams, settings.num_samples),
            _draws(noisy, Streams(settings, f"noisy {name} {sigma}"), settings.num_samples),
            strict=True,
        )
        distances = [wasserstein(x, y, order=1) for x, y in pairs]
        holds.append(table.measured(name, "measured", "jump", distances, sigma).high >= bound)
    table.claim(
        f"[B] Lemma 7.2, a = {a:g}: at tau = {JUMP_TAU:g} the path of compositions jumps (measured "
        "Wasserstein-1 distance from the composition without noise not below the bound that the "
        "weights imply, at every noise level)",
        all(holds),
    )


def lost_weight(a: float, tau: float, sigma: float) -> float:
    """Exact weight of the two lost clusters at noise ``sigma``: ``1 / (1 + M)``."""
    return float(expit(-log_weight_ratio(a, tau, sigma)))


def jump_bound(a: float, tau: float, sigma: float) -> float:
    """A lower bound of ``W_1(q_0, q_sigma)``.

    Without their widths, the clusters' weights are ``sqrt(2) (1/2 - 1/(1 + M))`` apart: that much
    weight must go to a neighbour at distance ``sqrt(2)``. By the triangle inequality the widths,
    at most ``sqrt(tr C)`` each, can take no more than themselves from it.
    """
    moved = math.sqrt(2) * (0.5 - lost_weight(a, tau, sigma))
    trace = tau**2 * (4 + 2 * a**2)
    return max(moved - math.sqrt(trace) - math.sqrt(trace + 4 * sigma**2), 0.0)


def _draws(exact: GaussianMixture, streams: Streams, count: int) -> Tensor:
    """Exact draws, shape ``(seeds, count, 4)``."""
    seeds = range(streams.settings.num_seeds)
    return torch.stack(
        [sample_mixture(exact, count, rng=streams.torch_rng(seed)) for seed in seeds]
    )
