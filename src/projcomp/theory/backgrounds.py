"""Which background: the empty one, or the unconditional distribution ([B], Fig. 11, section E.2).

Left: nothing but what was asked for, ``p_i = N(e_i, s^2)``. Over the empty background the product
is a Gaussian at the sum of the ``e_i``; over the unconditional one its maximiser has ``1/k``
instead of 1 at each of the k composed places. Right: clutter, where the unconditional distribution
comes near the background, at chi-square distance ``(1 - q)/(n q)``, and both compose.
"""

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor
from tqdm import tqdm

from projcomp.composition.product import product_field
from projcomp.samplers.process import sample
from projcomp.samplers.sde import ReverseSde
from projcomp.settings.stages import TheorySettings
from projcomp.theory.clutter import Clutter
from projcomp.theory.levels import noise_levels
from projcomp.theory.streams import Streams
from projcomp.theory.table import Table

COMPOSED = (0, 2, 4, 6)
STD = 0.1
SPARSE = Clutter(num_places=8, q=0.0, std=STD)
Q = 0.2
NUMBERS_OF_PLACES = (8, 16, 32, 64)
BACKGROUNDS = ("empty", "unconditional")
SIGMA_MAX, SIGMA_MIN = 20.0, 0.01


def measure(settings: TheorySettings) -> Table:
    """Samples and maximisers on the sparse side, samples and distances on the cluttered one."""
    table = Table(settings.experiment)
    _sparse(table, settings)
    _cluttered(table, settings)
    _convergence(table, settings)
    return table


def compose(clutter: Clutter, background: str, settings: TheorySettings, part: str) -> Tensor:
    """Samples of the product of ``COMPOSED`` by the reverse SDE, ``(seeds, samples, n)``."""
    streams, dims = Streams(settings, part), (clutter.num_places,)
    field = product_field(clutter.stack(COMPOSED, background), [1.0] * len(COMPOSED))
    sigmas = noise_levels(settings.num_steps, SIGMA_MIN, SIGMA_MAX)
    x = SIGMA_MAX * streams.start(settings.num_samples, dims)
    noise = streams.noise(settings.num_samples, dims)
    return streams.by_seed(sample(field, x, sigmas, ReverseSde(), noise=noise).x)


def maximiser(clutter: Clutter, background: str) -> np.ndarray:
    """Where the composed density at no noise is greatest, shape ``(n,)``; the root of its score."""
    scores = clutter.stack(COMPOSED, background)
    field = product_field(scores, [1.0] * len(COMPOSED))

    def size(x: np.ndarray) -> float:
        points = torch.from_numpy(x)[None]
        stacked = scores(points, 0.0)
        c = torch.tensor(field.coefficients, dtype=torch.float64)
        return float((torch.einsum("m,mbd->bd", c, stacked) * clutter.std**2).square().sum())

    found = minimize(size, np.full(clutter.num_places, 0.3), tol=1e-14, method="L-BFGS-B")
    return found.x


def _sparse(table: Table, settings: TheorySettings) -> None:
    """Fig. 11 left."""
    composed = list(COMPOSED)
    others = [i for i in range(SPARSE.num_places) if i not in COMPOSED]
    expected = {"empty": 1.0, "unconditional": 1 / len(COMPOSED)}
    for background in BACKGROUNDS:
        x = compose(SPARSE, background, settings, f"sparse {background}")
        top = maximiser(SPARSE, background)
        for place in range(SPARSE.num_places):
            table.measured("sparse", background, "mean", x[:, :, place].mean(1), place)
            table.exact("sparse", background, "maximiser", float(top[place]), place)
        at = table.measured("sparse", background, "mean composed", x[..., composed].mean((1, 2)))
        off = table.measured("sparse", background, "mean others", x[..., others].mean((1, 2)))
        seen = (x[..., composed] > 0.5).all(-1).to(torch.float64).mean(1)
        table.measured("sparse", background, "all composed places above 1/2", seen)
        wanted = expected[background]
        exact = bool(abs(top[composed] - wanted).max() < 1e-3 > abs(top[others]).max())
        near = abs(at.value - wanted) < 0.05 and abs(off.value) < 0.05
        text = "1" if background == "empty" else "1/k = 1/4, not 1,"
        table.claim(
            f"[B] Fig. 11 left: over the {background} background the composition has {text} at "
            "its k = 4 places and 0 elsewhere (maximiser within 0.001, samples' mean within 0.05)",
            exact and near,
        )


def _cluttered(table: Table, settings: TheorySettings) -> None:
    """Fig. 11 right: all composed places occupied, and as many others as by chance."""
    shares = {}
    for count in tqdm(NUMBERS_OF_PLACES, desc="clutter", disable=None):
        clutter = Clutter(count, Q, STD)
        others = [i for i in range(count) if i not in COMPOSED]
        for background in BACKGROUNDS:
            x = compose(clutter, background, settings, f"clutter {count} {background}") > 0.5
            seen = x[..., list(COMPOSED)].all(-1).to(torch.float64).mean(1)
            share = table.measured(
                "clutter", background, "all composed places above 1/2", seen, count
            )
            extra = x[..., others].to(torch.float64).mean((1, 2))
            table.measured("clutter", background, "occupied elsewhere", extra, count)
            shares[count, background] = share.value
        table.exact("clutter", "truth", "occupied elsewhere", Q, count)
        tilted = clutter.tilted_share(len(COMPOSED))
        table.exact("clutter", "unconditional, exact", "occupied elsewhere", tilted, count)
    most = NUMBERS_OF_PLACES[-1]
    table.claim(
        "[B] Fig. 11 right: among clutter both backgrounds compose (all four composed places "
        f"occupied in at least 95 % of the samples at n = {most}, where p_u is near p_b)",
        min(shares[most, background] for background in BACKGROUNDS) >= 0.95,
    )


def _convergence(table: Table, settings: TheorySettings) -> None:
    """E.2: the chi-square distance of the unconditional distribution from the background."""
    streams, logs = Streams(settings, "chi-square"), []
    for count in NUMBERS_OF_PLACES:
        clutter = Clutter(count, Q, STD)
        table.exact("chi-square", "(1 - q)/(n q)", "chi-square", clutter.chi_square(), count)
        found = []
        for seed in range(settings.num_seeds):
            rng = streams.torch_rng(seed * 1000 + count)
            x0 = clutter.sample(8 * settings.num_samples, rng=rng)
            noisy = x0 + STD * torch.randn(x0.shape, generator=rng, dtype=torch.float64)
            found.append(float((clutter.ratio(noisy) - 1).square().mean()))
        table.measured("chi-square", "measured", "chi-square", found, count)
        logs.append(np.log(found))
    slopes = np.polyfit(np.log(NUMBERS_OF_PLACES), np.array(logs), 1)[0]
    slope = table.measured("chi-square", "measured", "slope", slopes)
    table.claim(
        "[B] E.2: the unconditional distribution comes near the background as 1/n (the interval "
        "of the fitted slope of log chi-square over log n, widened by 0.05, holds -1)",
        slope.low - 0.05 <= -1 <= slope.high + 0.05,
    )
