"""The error of log-densities followed along a path, against the number of steps ([S]).

Ito's estimator and our detailed-balance form on the reverse SDE, the smooth one on the ODE, with
exact divergences and with a random probe; on mixtures of two and of 32 dimensions, whose
log-densities are known. The detailed balance that was published is Ito's estimator.
"""

from dataclasses import dataclass

import numpy as np
import torch
from tqdm import tqdm

from projcomp.composition.densities import DensityTracker
from projcomp.composition.mixtures import GaussianMixture
from projcomp.composition.superposition_or import SuperpositionOr
from projcomp.samplers.euler import euler
from projcomp.samplers.process import Predictor, sample
from projcomp.samplers.sde import Ancestral, ReverseSde
from projcomp.settings.stages import TheorySettings
from projcomp.theory.finite_sets import FiniteSet
from projcomp.theory.levels import noise_levels
from projcomp.theory.streams import Streams
from projcomp.theory.table import Table

REFINED = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Numbers of steps, as multiples of ``num_steps``."""

STD = 0.4
SIGMA_MIN, SIGMA_MAX = 0.05, 80.0


@dataclass(frozen=True)
class Estimator:
    """How log-densities are followed, and on which paths."""

    tracker: DensityTracker
    predictor: Predictor
    dims: tuple[int, ...] = (2, 32)


ESTIMATORS = {
    "Ito": Estimator(DensityTracker("ito"), ReverseSde()),
    "detailed balance": Estimator(DensityTracker("detailed_balance", STD), Ancestral(STD)),
    "smooth, probe": Estimator(DensityTracker("hutchinson"), euler),
    "smooth, exact": Estimator(DensityTracker("exact"), euler, dims=(2,)),
}


def measure(settings: TheorySettings) -> Table:
    """Bias and spread of every estimator against the number of steps, and the fitted slopes."""
    table = Table(settings.experiment)
    sizes: dict[tuple[str, int], np.ndarray] = {}
    slopes = {}
    for name, estimator in tqdm(ESTIMATORS.items(), disable=None):
        for dim in estimator.dims:
            panel, steps = f"d = {dim}", [max(int(r * settings.num_steps), 2) for r in REFINED]
            errors = np.stack([errors_of(settings, name, dim, n) for n in steps])
            for n, error in zip(steps, errors, strict=True):
                table.measured(panel, name, "standard deviation", error.std(1), n)
                table.measured(panel, name, "bias", error.mean(1), n)
                table.measured(panel, name, "root mean square", np.sqrt((error**2).mean(1)), n)
            sizes[name, dim] = np.sqrt((errors**2).mean((1, 2)))
            slope = np.polyfit(np.log(steps), np.log(errors.std(2)), 1)[0]
            slopes[name, dim] = table.measured(panel, name, "slope", slope)
    for name, source, wanted in (
        ("Ito", "[S] Theorem 1's estimator: the error of Ito's", -0.5),
        ("smooth, probe", "[S] Proposition 5's, with a random probe per step: its error", -0.5),
        ("smooth, exact", "[S] Proposition 5's, with exact divergences: its error", -1.0),
    ):
        slope = slopes[name, 2]
        table.claim(
            f"{source} falls as N^{wanted:g} (the rate is ours; d = 2; the interval of the fitted "
            "slope, widened by 0.1, holds it)",
            slope.low - 0.1 <= wanted <= slope.high + 0.1,
        )
    table.claim(
        "Ours: in 32 dimensions detailed balance with the components' own standard deviation errs "
        "less than Ito (root mean square below half of Ito's at every number of steps)",
        bool((sizes["detailed balance", 32] < sizes["Ito", 32] / 2).all()),
    )
    return table


def points(dim: int) -> torch.Tensor:
    """The two components' means, shape ``(2, dim)``; a distance of 2 apart in any dimension."""
    along = torch.full((dim,), dim**-0.5).double()
    return torch.stack([along, -along])


def errors_of(settings: TheorySettings, name: str, dim: int, num_steps: int) -> np.ndarray:
    """Followed less true log-densities, shape ``(seeds, samples)``, nats."""
    estimator, streams = ESTIMATORS[name], Streams(settings, f"{name} {dim} {num_steps}")
    means = points(dim)
    exact, fast = GaussianMixture.isotropic(means, STD), FiniteSet(means, STD)
    field = SuperpositionOr(
        lambda x, sigma: fast.score(x, sigma)[None], 1, densities=estimator.tracker
    )
    sigmas = noise_levels(num_steps, SIGMA_MIN, SIGMA_MAX)[:-1]
    start = SIGMA_MAX * streams.start(settings.num_samples, (dim,))
    noise = streams.noise(settings.num_samples, (dim,))
    result = sample(field, start, sigmas, estimator.predictor, noise=noise)
    error = result.state.log_q[0] - exact.log_density(result.x, SIGMA_MIN)
    return streams.by_seed(error).numpy()
