"""Linear compositions and the mixture oracle, against closed forms."""

import pytest
import torch

from projcomp.composition.linear import LinearField, average, combine, simple_product
from projcomp.composition.mixtures import GaussianMixture, product_over_gaussian, stacked_scores
from projcomp.composition.product import product_coefficients, product_field
from projcomp.config.operators import Bayes
from projcomp.diffusion.field import Step
from projcomp.errors import ConfigError
from projcomp.sampling.operators import compose

SIGMAS = [1e-3, 0.02, 0.3, 1.0, 7.0, 80.0]


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=rng(seed), dtype=torch.float64)


def random_covariance(dim, scale, seed):
    a = normal(dim, dim, seed=seed) / dim**0.5
    return scale * (torch.eye(dim, dtype=torch.float64) + a @ a.T)


def random_mixture(count, dim, scale, seed):
    return GaussianMixture(
        normal(count, seed=seed).log_softmax(0),
        normal(count, dim, seed=seed + 100),
        torch.stack([random_covariance(dim, scale, seed + 200 + k) for k in range(count)]),
    )


def field_score(field, x, sigma):
    return field.score(Step(x, sigma, 0.0), field.init(x, sigma))[0]


@pytest.mark.parametrize("sigma", SIGMAS)
def test_product_of_gaussians_has_the_closed_forms_score(sigma):
    """Full covariances: the composed precision is sum P_i - (M - 1) P_b at every noise level."""
    dim, num = 3, 4
    means = normal(num + 1, dim, seed=1)
    covariances = [random_covariance(dim, 0.4, seed=10 + i) for i in range(num)]
    covariances.insert(0, random_covariance(dim, 6.0, seed=9))
    mixtures = [
        GaussianMixture(torch.zeros(1, dtype=torch.float64), m[None], c[None])
        for m, c in zip(means, covariances, strict=True)
    ]
    x = normal(16, dim, seed=2)
    eye = torch.eye(dim, dtype=torch.float64)
    precisions = [torch.linalg.inv(c + sigma**2 * eye) for c in covariances]
    total = sum(precisions[1:]) - (num - 1) * precisions[0]
    shift = sum(p @ m for p, m in zip(precisions[1:], means[1:], strict=True))
    shift = shift - (num - 1) * precisions[0] @ means[0]
    expected = shift - x @ total.T
    got = field_score(product_field(stacked_scores(mixtures), [1.0] * num), x, sigma)
    torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize(
    ("make", "weights", "coefficients"),
    [
        (simple_product, [1.0, 0.5, 2.0], [1.0, 0.5, 2.0]),
        (average, [1.0, 2.0, 5.0], [0.125, 0.25, 0.625]),
        (product_field, [3.0], [-2.0, 3.0]),  # guidance
        (product_field, [1.0, -0.2], [0.2, 1.0, -0.2]),  # negation
    ],
)
def test_linear_compositions_of_gaussians_have_their_powers_score(
    make, weights, coefficients, sigma
):
    """``prod_j p_j^(c_j)`` of noised Gaussians: precisions and shifts add up by their powers."""
    dim = 3
    means = normal(len(coefficients), dim, seed=1)
    covariances = [random_covariance(dim, 0.4, seed=10 + i) for i in range(len(coefficients))]
    zero = torch.zeros(1, dtype=torch.float64)
    mixtures = [
        GaussianMixture(zero, m[None], c[None]) for m, c in zip(means, covariances, strict=True)
    ]
    eye = torch.eye(dim, dtype=torch.float64)
    precisions = [torch.linalg.inv(c + sigma**2 * eye) for c in covariances]
    x = normal(16, dim, seed=2)
    expected = sum(c * (m - x) @ p for c, m, p in zip(coefficients, means, precisions, strict=True))
    field = make(stacked_scores(mixtures), weights)
    torch.testing.assert_close(field_score(field, x, sigma), expected, rtol=1e-9, atol=1e-9)
    assert field.start_scale == pytest.approx(sum(coefficients) ** -0.5)


def test_a_mapped_mixture_is_the_distribution_of_the_mapped_points():
    mixture, matrix, x = random_mixture(3, 4, 0.5, seed=4), normal(4, 4, seed=7), normal(8, 4)
    turned = mixture.mapped(matrix).log_density(x @ matrix.T)
    volume = torch.linalg.slogdet(matrix).logabsdet
    torch.testing.assert_close(turned, mixture.log_density(x) - volume)


@pytest.mark.parametrize("sigma", [0.1, 2.0])
def test_orthogonal_maps_commute_with_composing_under_noise(sigma):
    """[B, Lemma 7.1]; another linear map does not."""
    background = GaussianMixture.isotropic([[0.0, 0.0, 0.0]], 3.0)
    parts = [background, *(random_mixture(2, 3, 0.3, seed=s) for s in (1, 2))]
    x, shear = normal(16, 3, seed=3), torch.eye(3).double()
    shear[0, 1] = 1.0
    plain = field_score(product_field(stacked_scores(parts), [1.0, 1.0]), x, sigma)
    for matrix, same in ((torch.linalg.qr(normal(3, 3, seed=5)).Q, True), (shear, False)):
        field = product_field(stacked_scores([p.mapped(matrix) for p in parts]), [1.0, 1.0])
        turned = field_score(field, x @ matrix.T, sigma)
        # scores are gradients: they turn by the inverse transpose
        assert torch.allclose(turned @ matrix, plain, rtol=1e-7, atol=1e-9) == same


@pytest.mark.parametrize("sigma", SIGMAS)
def test_product_of_mixtures_has_the_score_of_the_exact_product(sigma):
    background = random_mixture(1, 2, 9.0, seed=1)
    conditionals = [random_mixture(count, 2, 0.3, seed=10 * count) for count in (2, 3, 1)]
    noised = [p.noised(sigma) for p in conditionals]
    exact = product_over_gaussian(noised, background.noised(sigma))
    assert len(exact.means) == 6
    x = 2 * normal(32, 2, seed=3)
    field = product_field(stacked_scores([background, *conditionals]), [1.0] * 3)
    scale = 1 / sigma**2 if sigma > 1 else 1.0
    torch.testing.assert_close(
        field_score(field, x, sigma), exact.score(x), rtol=1e-7, atol=1e-9 * scale
    )


def test_exact_product_has_the_densities_of_the_definition():
    background = random_mixture(1, 2, 9.0, seed=1)
    conditionals = [random_mixture(count, 2, 0.3, seed=10 * count) for count in (2, 3)]
    x = 2 * normal(64, 2, seed=3)
    product = product_over_gaussian(conditionals, background).log_density(x)
    by_hand = sum(p.log_density(x) for p in conditionals) - background.log_density(x)
    difference = product - by_hand
    torch.testing.assert_close(difference, difference[:1].expand_as(difference), rtol=0, atol=1e-9)


def test_exact_product_refuses_what_cannot_be_normalised():
    narrow = GaussianMixture.isotropic([[0.0]], 0.5)
    wide = GaussianMixture.isotropic([[0.0]], 2.0)
    with pytest.raises(ConfigError, match="cannot be normalised"):
        product_over_gaussian([wide, wide], narrow)
    with pytest.raises(ConfigError, match="one component, got 2"):
        product_over_gaussian([narrow], GaussianMixture.isotropic([[0.0], [1.0]], 2.0))


def test_mixture_density_integrates_to_one_and_denoises_as_bayes_says():
    mixture = GaussianMixture.isotropic([[-1.0], [0.5], [2.0]], 0.3, [1.0, 2.0, 3.0])
    grid = torch.linspace(-30, 30, 60001, dtype=torch.float64)[:, None]
    cell = 60 / 60000
    for sigma in (0.1, 1.0, 3.0):
        mass = mixture.log_density(grid, sigma).exp().sum() * cell
        torch.testing.assert_close(mass, torch.tensor(1.0, dtype=torch.float64), rtol=0, atol=1e-9)
        x = torch.tensor([[0.7]], dtype=torch.float64)
        joint = (mixture.log_density(grid) - (x[0, 0] - grid[:, 0]) ** 2 / (2 * sigma**2)).exp()
        expected = (joint * grid[:, 0]).sum() / joint.sum()
        torch.testing.assert_close(mixture.denoised(x, sigma)[0, 0], expected, rtol=1e-8, atol=0)


@pytest.mark.parametrize("sigma", [0.0, 0.1, 5.0])
def test_mixture_score_is_the_gradient_of_its_log_density(sigma):
    mixture = random_mixture(3, 4, 0.5, seed=4)
    x = normal(8, 4, seed=5).requires_grad_()
    (gradient,) = torch.autograd.grad(mixture.log_density(x, sigma).sum(), x)
    torch.testing.assert_close(mixture.score(x.detach(), sigma), gradient, rtol=1e-9, atol=1e-10)


def unit_vectors(dim, std):
    return [GaussianMixture.isotropic(row[None], std) for row in torch.eye(dim).double()]


@pytest.mark.parametrize("sigma", [0.0, 0.1, 2.0])
def test_figure_11_over_the_empty_background_composes(sigma):
    """[B, Fig. 11 left]: the composed mode has ones exactly at the composed coordinates."""
    chosen = [0, 2, 4, 6]
    dim, std = 8, 0.1
    parts = unit_vectors(dim, std)
    background = GaussianMixture.isotropic(torch.zeros(1, dim), std)
    field = product_field(stacked_scores([background, *[parts[i] for i in chosen]]), [1.0] * 4)
    x = normal(4, dim, seed=6)
    target = torch.zeros(dim, dtype=torch.float64)
    target[chosen] = 1.0
    expected = (target - x) / (std**2 + sigma**2)
    torch.testing.assert_close(field_score(field, x, sigma), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("dim", "chosen"), [(4, [0, 1, 2, 3]), (8, [0, 2, 4, 6])])
def test_figure_11_over_the_unconditional_background_does_not(dim, chosen):
    """[B, Fig. 11 left]: composing n of them, the mode has 1/n where ones were asked for."""
    std = 0.1
    parts = unit_vectors(dim, std)
    unconditional = GaussianMixture.isotropic(torch.eye(dim), std)
    scores = stacked_scores([unconditional, *[parts[i] for i in chosen]])
    field = compose(Bayes(), scores, len(chosen), lift_end=0.01, dims=(dim,), sigma_max=80.0)
    mode = torch.zeros(1, dim, dtype=torch.float64)
    mode[0, chosen] = 1 / len(chosen)
    at_mode = field_score(field, mode, 0.0)
    torch.testing.assert_close(at_mode, torch.zeros_like(at_mode), rtol=0, atol=1e-7)
    # Scores point back to it from nearby: a maximum along the composed direction.
    for factor in (0.9, 1.1):
        pull = (field_score(field, factor * mode, 0.0) * (1 - factor) * mode).sum()
        assert pull > 0


def test_combine_weighs_each_model():
    scores = torch.arange(12.0).reshape(3, 2, 2)
    expected = 2 * scores[0] - scores[1] + 0.5 * scores[2]
    torch.testing.assert_close(combine(scores, (2.0, -1.0, 0.5)), expected)


def test_combine_refuses_a_wrong_number_of_models():
    with pytest.raises(ConfigError, match="expected 2 stacked scores, got 3"):
        combine(torch.zeros(3, 1, 1), (1.0, 1.0))


def test_background_alone_where_nothing_is_composed():
    assert product_coefficients([]) == (1.0,)


def test_start_has_the_variance_of_the_composed_distribution():
    """At large noise the product of two Gaussians has half the variance of one."""
    parts = [GaussianMixture.isotropic([[m]], 0.5) for m in (-1.0, 2.0)]
    field = LinearField(stacked_scores(parts), (1.0, 1.0))
    sigma = 80.0
    x = normal(5, 1)
    slope = field_score(field, x + 1, sigma) - field_score(field, x, sigma)
    variance = -1 / slope
    torch.testing.assert_close(
        torch.full_like(variance, (sigma * field.start_scale) ** 2), variance, rtol=1e-4, atol=0
    )
    assert product_field(stacked_scores(parts), [1.0]).start_scale == 1.0


def test_coefficients_without_a_positive_sum_are_refused():
    with pytest.raises(ConfigError, match="positive sum"):
        LinearField(stacked_scores([]), (1.0, -1.0))


@pytest.mark.parametrize("weights", [[1.0, -1.0], [-1.0, -1.0]])
def test_an_average_needs_weights_of_a_positive_sum(weights):
    with pytest.raises(ConfigError, match="weights: expected a positive sum"):
        average(lambda x, sigma: torch.stack([x, x]), weights)
