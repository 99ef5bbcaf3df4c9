"""The parts of the exact experiments, each against what is known in closed form."""

import itertools
import math

import pytest
import torch
from scipy import stats
from theory_settings import settings_of

from projcomp.composition.mixtures import GaussianMixture
from projcomp.theory import backgrounds, lost_modes, rotations
from projcomp.theory.clutter import Clutter
from projcomp.theory.distances import mode_shares, sample_mixture, total_variation, wasserstein
from projcomp.theory.streams import Streams
from projcomp.theory.table import COLUMNS, Table, spread
from projcomp.theory.turned import at_angle, axis_aligned, log_weight_ratio, sheared

RNG = torch.Generator().manual_seed(0)


def enumerated(clutter: Clutter, certain: int | None = None) -> GaussianMixture:
    """The cluttered distribution as a mixture over all patterns of zeros and ones."""
    patterns = list(itertools.product((0.0, 1.0), repeat=clutter.num_places))
    q = [1.0 if place == certain else clutter.q for place in range(clutter.num_places)]
    weights = [
        math.prod(p if bit else 1 - p for bit, p in zip(pattern, q, strict=True))
        for pattern in patterns
    ]
    return GaussianMixture.isotropic(patterns, clutter.std, weights)


@pytest.mark.parametrize("sigma", [0.0, 0.3, 5.0])
def test_scores_of_clutter_are_those_of_the_enumerated_mixture(sigma):
    clutter = Clutter(4, 0.3, 0.4)
    x = torch.randn(20, 4, generator=RNG, dtype=torch.float64)
    stacked = clutter.stack((1, 3), "empty")(x, sigma)
    for got, certain in zip(stacked, (None, 1, 3), strict=True):
        torch.testing.assert_close(got, enumerated(clutter, certain).score(x, sigma))
    given = [enumerated(clutter, place) for place in range(4)]
    ratio = torch.stack([p.log_density(x, sigma) for p in given]).logsumexp(0) - math.log(4)
    ratio = (ratio - enumerated(clutter).log_density(x, sigma)).exp()
    torch.testing.assert_close(clutter.ratio(x, sigma), ratio)
    shares = torch.stack([p.log_density(x, sigma) for p in given]).softmax(0)
    mean = sum(s[:, None] * p.score(x, sigma) for s, p in zip(shares, given, strict=True))
    torch.testing.assert_close(clutter.unconditional(x, sigma), mean)


def test_the_unconditional_background_has_its_maximum_at_one_over_k():
    assert backgrounds.maximiser(backgrounds.SPARSE, "empty") == pytest.approx([1, 0] * 4, abs=1e-4)
    found = backgrounds.maximiser(backgrounds.SPARSE, "unconditional")
    assert found == pytest.approx([0.25, 0] * 4, abs=1e-3)


def test_the_tilted_share_is_that_of_all_patterns():
    clutter, total, ones = Clutter(5, 0.3, 0.1), 0.0, 0.0
    for pattern in itertools.product((0, 1), repeat=3):
        weight = math.prod(0.3 if bit else 0.7 for bit in pattern) / (2 + sum(pattern))
        total, ones = total + weight, ones + weight * sum(pattern) / 3
    assert clutter.tilted_share(2) == pytest.approx(ones / total)


def test_chi_square_is_the_ratios_variance():
    clutter = Clutter(8, 0.2, 0.05)
    ratio = clutter.ratio(clutter.sample(20_000, rng=RNG))
    assert (ratio - 1).square().mean().item() == pytest.approx(clutter.chi_square(), rel=0.05)


@pytest.mark.parametrize("a", [1.0, 0.3])
@pytest.mark.parametrize("sigma", [0.0, 0.05, 0.2, 1.0])
def test_the_composed_weights_are_those_of_lemma_7_2(a, sigma):
    composed, ratio = sheared(a, 0.2).composed(sigma), log_weight_ratio(a, 0.2, sigma)
    expected = torch.tensor([ratio, 0.0, 0.0, ratio]).double().log_softmax(0)
    torch.testing.assert_close(composed.log_weights, expected)
    corners = [[1 + a, 1, 0, 0], [1, 0, a, 1], [a, 1, 1, 0], [0, 0, 1 + a, 1]]
    torch.testing.assert_close(composed.means, torch.tensor(corners).double())
    assert lost_modes.lost_weight(a, 0.2, sigma) == pytest.approx(
        composed.log_weights[lost_modes.LOST].exp().sum().item()
    )


def test_a_shear_is_an_angle_with_columns_of_length_one():
    turned = at_angle(60, 0.1)
    assert turned.matrix.norm(dim=0).tolist() == pytest.approx([1] * 4)
    assert (turned.matrix[:, 0] @ turned.matrix[:, 1]).item() == pytest.approx(0.5)
    torch.testing.assert_close(at_angle(90, 0.1).matrix, axis_aligned(0.1).matrix)


def test_the_jumps_bound_is_below_the_distance_and_near_it_where_clusters_are_narrow():
    assert lost_modes.jump_bound(1.0, 1e-4, 1e-4) == pytest.approx(math.sqrt(0.5), abs=2e-3)
    turned = sheared(1.0, 0.02)
    x, y = (sample_mixture(turned.composed(sigma), 400, rng=RNG) for sigma in (0.0, 0.02))
    bound, distance = lost_modes.jump_bound(1.0, 0.02, 0.02), wasserstein(x, y, order=1)
    assert 0.5 < bound < distance + 0.05
    assert lost_modes.jump_bound(1.0, 0.02, 0.0) == 0.0


def test_diffusion_and_langevin_on_the_three_maps():
    settings = settings_of("rotations", num_samples=250, num_steps=60)
    for name, turned in rotations.maps(settings).items():
        exact = turned.composed()
        wrong = {}
        for sampler in rotations.SAMPLERS:
            x = rotations.run(turned, sampler, settings, "test")
            shares = mode_shares(x, exact.noised(rotations.SIGMA_MIN)).mean(0)
            wrong[sampler] = total_variation(shares, exact.log_weights.exp()).item()
        assert wrong["Langevin at t = 0"] < 0.1
        assert (wrong["DDIM"] > 0.4) == (name == "non-orthogonal")
        assert wrong["DDIM"] < 0.1 or name == "non-orthogonal"


def test_modes_are_told_in_their_own_standard_deviations():
    covariances = torch.diag_embed(torch.tensor([[1.0, 0.01], [0.01, 0.01]])).double()
    weights = torch.tensor([0.5, 0.5]).double().log()
    mixture = GaussianMixture(weights, torch.tensor([[0.0, 0.0], [2.0, 0.0]]).double(), covariances)
    x = torch.tensor([[1.2, 0.0], [1.9, 0.0], [0.0, 0.5], [0.0, 3.0]]).double()
    shares = mode_shares(x, mixture)
    assert shares.tolist() == [0.5, 0.25, 0.25]
    assert total_variation(shares, weights.exp()).item() == pytest.approx(0.25)
    both = mode_shares(torch.stack([x, x.flip(0)]), mixture)
    assert both.tolist() == [shares.tolist()] * 2


def test_the_wasserstein_distance_of_a_shift_is_its_length():
    x = torch.randn(50, 3, generator=RNG, dtype=torch.float64)
    shift = torch.tensor([0.3, 0.0, 0.4]).double()
    for order in (1, 2):
        assert wasserstein(x, (x + shift).flip(0), order) == pytest.approx(0.5)


def test_draws_have_the_mixtures_moments():
    mixture = sheared(0.7, 0.3).composed()
    x = sample_mixture(mixture, 40_000, rng=RNG)
    mean = mixture.log_weights.exp() @ mixture.means
    torch.testing.assert_close(x.mean(0), mean, atol=0.02, rtol=0)
    spread_out = torch.cov(mixture.means.T, correction=0) + mixture.covariances[0]
    torch.testing.assert_close(torch.cov(x.T), spread_out, atol=0.02, rtol=0)


def test_the_interval_is_students():
    values = [1.0, 2.0, 4.0]
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    found = spread(values)
    assert (found.value, found.low, found.high) == pytest.approx((7 / 3, *expected))
    assert math.isnan(spread([1.0]).low)


def test_a_table_keeps_its_claims_apart(tmp_path):
    table = Table("x")
    table.claim("this", True)
    table.claim("that", False)
    table.measured("panel", "line", "share", [0.1, 0.3], 5)
    assert table.claims == {"this": True, "that": False}
    table.write(tmp_path / "x.csv")
    lines = (tmp_path / "x.csv").read_text().splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert lines[1] == "x,claims,this,agrees,,1,,"
    assert lines[3].startswith("x,panel,line,share,5,0.2,")


def test_a_seeds_samples_do_not_depend_on_how_many_seeds_there_are():
    two, three = (Streams(settings_of("backgrounds", num_seeds=n), "part") for n in (2, 3))
    assert torch.equal(two.start(5, (4,)), three.start(5, (4,))[:10])
    other = Streams(settings_of("backgrounds", num_seeds=2), "other")
    assert not torch.equal(two.start(5, (4,)), other.start(5, (4,)))
    noise = two.noise(5, (4,)).normal()
    assert torch.equal(noise, three.noise(5, (4,)).normal()[:10])
    assert two.by_seed(noise).shape == (2, 5, 4)
