"""Swarms whose weights are taken in a window of noise levels, against exact laws."""

import math
from itertools import pairwise

import pytest
import torch
from oracle import levels, start, streams

from projcomp.composition.feynman_kac import weighted_product
from projcomp.samplers.euler import euler
from projcomp.samplers.heun import Heun
from projcomp.samplers.langevin import Langevin
from projcomp.samplers.process import Corrector, sample
from projcomp.samplers.sde import Ancestral, ReverseSde
from projcomp.samplers.smc import Swarms
from projcomp.theory.turned import log_weight_ratio, sheared

LOW, HIGH = 0.02, 20.0
TURNED = sheared(1.0, 0.25)
"""[B, Lemma 7.2]."""

EQUAL = torch.full((4,), 0.25, dtype=torch.float64)


def run(swarms, num_steps=30, count=64, predictor=None, scores=TURNED.scores, corrector=None):
    """Follow the turned mixtures' product to LOW."""
    return sample(
        weighted_product(scores, [1.0, 1.0]),
        start(count, 4, sigma=HIGH),
        levels(num_steps, LOW, HIGH),
        predictor or ReverseSde(),
        noise=streams(count, 4),
        corrector=corrector,
        swarms=swarms,
    )


@pytest.mark.parametrize("corrector", [None, Corrector(Langevin(0.1), 1, 0.1, 2.0)])
def test_a_window_over_the_whole_path_is_none_bit_for_bit(corrector):
    """Its bounds are the least level and the greatest but for the start."""
    highest = levels(30, LOW, HIGH)[1].item()
    none = run(Swarms(8, 0.9), corrector=corrector)
    whole = run(Swarms(8, 0.9, sigma_min=LOW, sigma_max=highest), corrector=corrector)
    assert (none.effective_size < 0.9 * 8).any(), "nothing would be resampled"
    for got, expected in (
        (whole.x, none.x),
        (whole.state.log_weight, none.state.log_weight),
        (whole.state.total, none.state.total),
        (whole.effective_size, none.effective_size),
        (whole.log_z, none.log_z),
    ):
        assert torch.equal(got, expected)
    for narrower in ({"sigma_min": 1.001 * LOW}, {"sigma_max": 0.999 * highest}):
        assert len(run(Swarms(8, 0.9, **narrower)).effective_size) == len(none.effective_size) - 1


@pytest.mark.parametrize("window", [(0.0, 0.999 * LOW), (HIGH, math.inf), (0.5, 0.501)])
def test_a_window_without_a_step_leaves_the_uncorrected_process(window):
    plain, windowed = run(None), run(Swarms(8, 1.0, *window))
    assert torch.equal(windowed.x, plain.x)
    assert torch.equal(windowed.state.total, plain.state.total)
    assert windowed.state.log_weight.count_nonzero() == 0
    assert windowed.log_z.count_nonzero() == 0
    assert windowed.effective_size is None


@pytest.mark.parametrize("predictor", [ReverseSde(), ReverseSde(0.4), Ancestral(), euler, Heun()])
def test_weights_are_the_increments_of_the_steps_that_end_in_the_window(predictor):
    """dv/2 (|s|^2 - sum_j c_j |s_j|^2) of those; windows that meet between levels add up."""
    seen, windows = {}, ((0.0, 0.1), (0.1, 1.5), (1.5, math.inf))

    def scores(x, sigma):
        seen[sigma] = TURNED.scores(x, sigma)  # the last look at a level is where its step begins
        return seen[sigma]

    whole = run(Swarms(8, 0.0), predictor=predictor, scores=scores).state
    path, c = levels(30, LOW, HIGH).tolist(), torch.tensor([-1.0, 1.0, 1.0]).double()
    found = []
    for low, high in windows:
        expected = torch.zeros(64).double()
        for sigma, after in pairwise(path):
            if low <= after <= high:
                square = torch.einsum("j,jbd->bd", c, seen[sigma]).square().sum(1)
                parts = c @ seen[sigma].square().sum(2)
                expected += (sigma**2 - after**2) / 2 * (square - parts)
        state = run(Swarms(8, 0.0, low, high), predictor=predictor).state
        torch.testing.assert_close(state.log_weight, expected, rtol=1e-9, atol=1e-9)
        assert torch.equal(state.total, whole.total), "the interaction is of the whole path"
        found.append(state.log_weight)
    assert all(weights.std() > 0.1 for weights in found[:2])
    torch.testing.assert_close(sum(found), whole.log_weight)


STDS, BOTH = (1.0, 0.6, 0.6), (-1.0, 1.0, 1.0)
"""Centred Gaussians in one dimension, a background and two conditionals: stds, coefficients."""


def law(variance, path, window, share=1.0):
    """Variance and log-normaliser of the weighed samples at the end of ``path``, exactly.

    A step ``x -> (1 - (1 + xi)/2 dv A) x + sqrt(xi dv) n`` of a Gaussian of variance V, weighed by
    ``exp(k dv x^2 / 2)``, is one of variance ``V / (1 - k dv V)``; ``k = A^2 - sum c_j / v_j^2``.
    """
    log_z = 0.0
    for sigma, after in pairwise(path):
        dv = sigma**2 - after**2
        inverse = [1 / (std**2 + sigma**2) for std in STDS]
        pull = sum(c * each for c, each in zip(BOTH, inverse, strict=True))
        k = pull**2 - sum(c * each**2 for c, each in zip(BOTH, inverse, strict=True))
        if window[0] <= after <= window[1]:
            shrunk = 1 - k * dv * variance
            variance, log_z = variance / shrunk, log_z - math.log(shrunk) / 2
        variance = (1 - (1 + share) / 2 * dv * pull) ** 2 * variance + share * dv
    return variance, log_z


class OneStream:
    """Noise of all samples from one generator: a stream per sample takes long to make."""

    def __init__(self, count):
        self.count, self.rng = count, torch.Generator().manual_seed(1)

    def normal(self):
        return torch.randn(self.count, 1, generator=self.rng, dtype=torch.float64)

    def uniform(self):
        return torch.rand(self.count, generator=self.rng, dtype=torch.float64)


@pytest.mark.parametrize(
    ("window", "share"),
    [((0.0, math.inf), 0.4), ((0.5, math.inf), 1.0), ((0.15, 0.8), 0.4), ((0.0, 0.4), 1.0)],
)
def test_a_windowed_swarm_samples_the_law_that_is_weighed_there_alone(window, share):
    path, count = levels(30, 0.05, HIGH), 100_000

    def scores(x, sigma):
        return torch.stack([-x / (std**2 + sigma**2) for std in STDS])

    result = sample(
        weighted_product(scores, BOTH[1:]),
        start(count, 1, sigma=HIGH),
        path,
        ReverseSde(share),
        noise=OneStream(count),
        swarms=Swarms(count, 0.8, *window),
    )
    w = result.state.log_weight.softmax(0)
    variance, log_z = law(HIGH**2, path.tolist(), window, share)
    assert (w * result.x[:, 0].square()).sum().item() == pytest.approx(variance, rel=0.035)
    assert result.log_z.item() == pytest.approx(log_z, abs=0.008)


def test_weights_lead_to_the_product_at_the_end_of_the_window_from_the_product_at_its_start():
    """What docs/method.md says of the law of a window, in the limit of many steps."""

    def product(sigma):
        return 1 / sum(c / (std**2 + sigma**2) for c, std in zip(BOTH, STDS, strict=True))

    def fine(high, low):
        return torch.linspace(high**0.25, low**0.25, 20_000).double().pow(4).tolist()

    everywhere, nowhere, middle, low = (0.0, math.inf), (HIGH, math.inf), 0.5, 0.05
    above, below, path = fine(HIGH, middle), fine(middle, low), fine(HIGH, low)
    right, start_of_path = product(low), HIGH**2
    assert law(start_of_path, above, everywhere)[0] == pytest.approx(product(middle), rel=1e-3)
    assert law(product(middle), below, everywhere)[0] == pytest.approx(right, rel=1e-3)
    # the window of great noise: uncorrected from the product at its end
    great = law(start_of_path, path, (middle, math.inf))[0]
    assert great == pytest.approx(law(product(middle), below, nowhere)[0], rel=1e-3)
    # that of little noise: from whatever the uncorrected process has made
    reached = law(start_of_path, above, nowhere)[0]
    little = law(start_of_path, path, (0.0, middle))[0]
    assert little == pytest.approx(law(reached, below, everywhere)[0], rel=1e-3)
    wrong = law(start_of_path, path, nowhere)[0]
    assert wrong < great < 0.9 * right
    assert wrong < little < 0.95 * right


def shares_of(result, size):
    """Weighed shares of the turned mixtures' four clusters, ``(4,)``."""
    which = torch.cdist(result.x, TURNED.composed().means).argmin(1)
    weights = result.state.log_weight.reshape(-1, size).softmax(1).reshape(-1)
    return torch.zeros(4).double().index_add_(0, which, weights) * size / len(which)


def distance(shares, expected):
    """Total variation."""
    return (shares - expected).abs().sum().item() / 2


@pytest.mark.parametrize("least", [0.05, 0.1])
def test_a_window_of_great_noise_leaves_lemma_7_2_as_wrong_as_it_is_at_the_windows_end(least):
    """No chain crosses between clusters below, so that shares stay [M, 1, 1, M] of that level."""
    m = math.exp(log_weight_ratio(1.0, 0.25, least))
    expected = torch.tensor([m, 1, 1, m]).double() / (2 + 2 * m)
    shares = shares_of(run(Swarms(64, sigma_min=least), 60, 64 * 25), 64)
    assert distance(shares, expected) < 0.07  # 25 swarms: up to .05 over five seeds


def test_a_window_of_little_noise_repairs_lemma_7_2_where_it_holds_all_that_went_wrong():
    """Above sigma 1 deltas hardly interact; weights above .25 alone make the error greater."""
    windows = {"none": (HIGH, math.inf), "to 1": (0.0, 1.0), "from .25": (0.25, math.inf)}
    error = {
        name: distance(shares_of(run(Swarms(64, 0.5, *window), 60, 64 * 25), 64), EQUAL)
        for name, window in windows.items()
    }
    assert error["none"] > 0.28
    assert error["to 1"] < 0.1
    assert error["from .25"] > error["none"] + 0.04
