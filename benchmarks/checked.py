"""The figures that docs/method.md's equations were checked by, run again with this library.

Usage: python benchmarks/checked.py [--samples 1000] [--seed 0]

Exact distributions only, float64. Each line: the quantity and what came out, ``mean +- standard
deviation`` over samples. A minute on one core.
"""

import argparse
import itertools
import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from projcomp.composition.densities import DensityTracker
from projcomp.composition.feynman_kac import weighted_product
from projcomp.composition.linear import LinearField
from projcomp.composition.mixtures import GaussianMixture, stacked_scores
from projcomp.composition.superposition_and import SuperpositionAnd
from projcomp.composition.superposition_or import SuperpositionOr
from projcomp.diffusion.field import Step
from projcomp.diffusion.noise_levels import edm_sigmas
from projcomp.samplers.euler import euler
from projcomp.samplers.heun import Heun
from projcomp.samplers.line_integral import log_density_change
from projcomp.samplers.noise import NoiseStreams
from projcomp.samplers.process import sample
from projcomp.samplers.result import SamplerResult
from projcomp.samplers.sde import Ancestral, ReverseSde
from projcomp.samplers.smc import Swarms
from projcomp.theory.turned import log_weight_ratio, sheared

SIGMA_MIN, SIGMA_MAX = 0.02, 80.0

SWARMS = (1, 8, 64, 1000)
WINDOWS = ((1.0, 20.0), (0.25, 20.0), (0.1, 20.0), (0.05, 20.0), (0.0, 1.0), (0.0, 0.1))
"""Of noise levels, at which steps end that swarms of 64 weigh."""


def run(field, num_steps: int, count: int, dim: int, seed: int, **more) -> SamplerResult:
    """The reverse SDE to SIGMA_MIN; the densities there are known."""
    sigmas = edm_sigmas(num_steps, SIGMA_MIN, more.pop("sigma_max", SIGMA_MAX), 7.0)[:-1]
    rng = torch.Generator().manual_seed(seed)
    start = torch.randn(count, dim, generator=rng, dtype=torch.float64)
    noise = NoiseStreams(range(seed * 10**6, seed * 10**6 + count), (dim,), dtype=torch.float64)
    predictor = more.pop("predictor", ReverseSde())
    return sample(field, sigmas[0] * start, sigmas, predictor, noise=noise, **more)


def spread(values: Tensor) -> str:
    return f"{values.mean():+.2f} +- {values.std():.2f}"


def ito(given: argparse.Namespace) -> None:
    model = GaussianMixture.isotropic([[-1.0, 0.0], [1.0, 0.0]], 0.3)
    for num_steps in (32, 128, 512, 2048):
        field = SuperpositionOr(stacked_scores([model]), 1)
        result = run(field, num_steps, given.samples, 2, given.seed)
        errors = result.state.log_q[0] - model.log_density(result.x, SIGMA_MIN)
        print(f"Ito's error in 2 dimensions, {num_steps:4d} steps: {spread(errors)} nats")


def detailed_balance(given: argparse.Namespace) -> None:
    dim = 32
    model = GaussianMixture.isotropic([[0.5] * dim, [-0.5] * dim], 0.4)
    own = Ancestral(0.5)  # the steps that it is derived for
    names = ("ito", "published_balance", "detailed_balance")
    ways = (*((name, ReverseSde()) for name in names), ("detailed_balance", own))
    for name, steps in ways:
        tracker = DensityTracker(name, data_std=0.5)
        field = SuperpositionOr(stacked_scores([model]), 1, densities=tracker)
        result = run(field, 32, given.samples, dim, given.seed, predictor=steps)
        errors = result.state.log_q[0] - model.log_density(result.x, SIGMA_MIN)
        where = "its own" if steps is own else "the SDE's"
        print(f"{name} in {dim} dimensions, 32 steps, {where}: {spread(errors)} nats")


@dataclass(frozen=True)
class Gaussian:
    """A Gaussian of diagonal covariance in any number of dimensions, in closed form."""

    mean: Tensor
    std: Tensor

    def score(self, x: Tensor, sigma: float) -> Tensor:
        """At ``x`` ``(batch, dim)`` and noise ``sigma``, the same shape."""
        return (self.mean - x) / (self.std**2 + sigma**2)

    def log_density(self, x: Tensor, sigma: float) -> Tensor:
        """At ``x`` ``(batch, dim)`` and noise ``sigma``, shape ``(batch,)``."""
        spread = (self.std**2 + sigma**2).sqrt()
        return torch.distributions.Normal(self.mean, spread).log_prob(x).sum(1)


def _stacked(models: list[Gaussian], x: Tensor, sigma: float) -> Tensor:
    return torch.stack([model.score(x, sigma) for model in models])


def many_dimensions(given: argparse.Namespace) -> None:
    """Ito's estimator, and AND by it, where there are as many dimensions as the demo's pixels."""
    dim, count = 3 * 32 * 32, max(given.samples // 20, 2)
    rng = torch.Generator().manual_seed(given.seed)
    means = 0.05 * torch.randn(2, dim, generator=rng, dtype=torch.float64)
    logs = torch.randn(2, dim, generator=rng, dtype=torch.float64)
    for apart, num_steps in itertools.product((0.1, 1.0), (18, 50)):
        stds = 0.5 * (apart * logs).exp()
        models = [Gaussian(mean, std) for mean, std in zip(means, stds, strict=True)]
        field = SuperpositionAnd(partial(_stacked, models), 2)
        result = run(field, num_steps, count, dim, given.seed, sigma_max=20.0)
        true = torch.stack([model.log_density(result.x, SIGMA_MIN) for model in models])
        errors, gap = result.state.log_q[0] - true[0], (true[1] - true[0]).abs()
        print(
            f"AND, published, in {dim} dimensions, log of the widths +- {apart:g}, {num_steps} "
            f"steps: Ito's error {spread(errors)} nats, gap of the true log-densities {spread(gap)}"
        )


def nearly_collinear(given: argparse.Namespace) -> None:
    """AND's step where three scores lie near a line: two at +-1 noise, one ``off`` beside."""
    del given
    dim, zeros = 3072, torch.zeros(1, 3072).double()
    step = Step(zeros, 1.0, 0.9, zeros, math.sqrt(1 - 0.9**2))
    for off in (0.1, 0.01, 0.001):
        scores = torch.zeros(3, 1, dim).double()
        scores[0, 0, 0], scores[1, 0, 0], scores[2, 0, 1] = -1.0, 1.0, off
        size = math.sqrt(dim / step.dv)
        field = SuperpositionAnd(lambda x, sigma, s=scores * size: s, 3)
        drift, _ = field.score(step, field.init(step.x, 1.0))
        noise = math.sqrt(dim * step.dv)
        print(
            f"AND, published, three scores a noise's length either side and {off:g} off the line: "
            f"a step of {(step.dv * drift).norm() / noise:.1f} times the noise"
        )


def variances(given: argparse.Namespace) -> None:
    """What samplers make of a Gaussian around 1 of standard deviation .5, the start's mean 0."""
    dim, std = 64, 0.5
    model = Gaussian(torch.ones(dim).double(), torch.full((dim,), std).double())
    field = LinearField(lambda x, sigma: model.score(x, sigma)[None], (1.0,))
    samplers = {"heun": Heun(), "euler": euler, "ancestral": Ancestral(), "sde": ReverseSde()}
    for name, predictor in samplers.items():
        for num_steps in (18, 20, 50):
            sigmas = edm_sigmas(num_steps, 0.01, 20.0, 7.0)
            rng = torch.Generator().manual_seed(given.seed)
            x = 20.0 * torch.randn(4 * given.samples, dim, generator=rng, dtype=torch.float64)
            noise = NoiseStreams(range(len(x)), (dim,), dtype=torch.float64)
            end = sample(field, x, sigmas, predictor, noise=noise).x
            print(
                f"{name:9} {num_steps} steps: variance off by {end.var() / std**2 - 1:+.1%}, "
                f"mean by {end.mean() - 1:+.3f}"
            )


def mixture_weights(given: argparse.Namespace) -> None:
    shares = (0.15, 0.35, 0.5)
    models = [GaussianMixture.isotropic([c], 0.2) for c in ([-2.0, 0.0], [2.0, 0.0], [0.0, 2.0])]
    field = SuperpositionOr(stacked_scores(models), 3, tuple(math.log(s) for s in shares))
    end = run(field, 128, 4 * given.samples, 2, given.seed).x
    nearest = torch.cdist(end, torch.cat([p.means for p in models])).argmin(1)
    found = nearest.bincount(minlength=3) / len(nearest)
    print(f"OR of weights {shares}, 128 steps: {[round(v, 3) for v in found.tolist()]}")


def equal_densities(given: argparse.Namespace) -> None:
    models = [
        GaussianMixture.isotropic([[-1.0, 0.0]], 0.4),
        GaussianMixture.isotropic([[-1.0, 0.0], [1.0, 0.0]], 0.5, [0.3, 0.7]),
    ]
    for corrected in (False, True):
        for num_steps in (100, 400, 1600):
            field = SuperpositionAnd(stacked_scores(models), 2, corrected=corrected)
            result = run(field, num_steps, given.samples // 2, 2, given.seed, sigma_max=1000.0)
            true = torch.stack([p.log_density(result.x, SIGMA_MIN) for p in models])
            miss = (result.state.log_q - true).mean()
            name = "corrected" if corrected else "published"
            print(
                f"AND, {name}, {num_steps:4d} steps: gap of the true log-densities "
                f"{spread(true[1] - true[0])} nats, log_q off by {miss:+.2f}"
            )


def lemma_7_2(given: argparse.Namespace) -> None:
    a, tau = 1.0, 0.25
    turned = sheared(a, tau)
    modes = turned.composed().means
    field = weighted_product(turned.scores, [1.0, 1.0])
    ways = {f"swarms of {size:4d}": Swarms(size) if size > 1 else None for size in SWARMS}
    for low, high in WINDOWS:
        m = math.exp(log_weight_ratio(a, tau, low))
        name = f"weighed from sigma {low:g} to {high:g} (the product's at {low:g}: "
        ways[f"{name}{m / (1 + m) - 0.5:.3f})"] = Swarms(64, sigma_min=low, sigma_max=high)
    for name, swarms in ways.items():
        size = swarms.particles if swarms else 1
        count = -(-4 * given.samples // size) * size
        result = run(field, 100, count, 4, given.seed, sigma_max=20.0, swarms=swarms)
        which = torch.cdist(result.x, modes).argmin(1)
        weights = torch.ones(count).double()
        if swarms:
            weights = swarms.log_weight(field, result.state).softmax(1).reshape(-1)
        shares = torch.zeros(4).double().index_add_(0, which, weights) / weights.sum()
        distance = (shares - 0.25).abs().sum() / 2
        print(f"Lemma 7.2 at tau = .25, {name}: total variation {distance:.3f}")


def line_integrals(given: argparse.Namespace) -> None:
    model = GaussianMixture.isotropic([[-1.0, 0.0], [1.0, 0.5]], 0.4)
    rng = torch.Generator().manual_seed(given.seed)
    x, y = torch.randn(2, given.samples, 2, generator=rng, dtype=torch.float64)
    y = x + 0.3 * y
    change = log_density_change(model.score, x, y, model.score(x), model.score(y))
    error = (change - model.log_density(y) + model.log_density(x)).abs()
    size = (model.log_density(y) - model.log_density(x)).abs()
    print(
        f"line integrals: differences of {size.mean():.2f} nats, off by {error.max():.3f} at most"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    parts = (ito, detailed_balance, mixture_weights, equal_densities, many_dimensions)
    for part in (*parts, nearly_collinear, lemma_7_2, line_integrals, variances):
        part(given)


if __name__ == "__main__":
    main()
