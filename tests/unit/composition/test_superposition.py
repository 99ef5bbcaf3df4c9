"""Log-densities along a path and SuperDiff's OR and AND, against exact mixtures."""

import math
from dataclasses import replace

import pytest
import torch
from oracle import field_of, levels, start, streams, two_modes

from projcomp.composition import divergence
from projcomp.composition.densities import DensityTracker, bits_of, probe_of
from projcomp.composition.feynman_kac import gram
from projcomp.composition.followed import FollowedField
from projcomp.composition.linear import simple_product
from projcomp.composition.log_density import gaussian_log_density
from projcomp.composition.mixtures import GaussianMixture, stacked_scores
from projcomp.composition.product import product_field
from projcomp.composition.superposition_and import SuperpositionAnd, SuperpositionAndOde, solve
from projcomp.composition.superposition_or import SuperpositionOr, weighted_sum
from projcomp.config.learning import NetworkConfig
from projcomp.diffusion.convert import denoised_to_score
from projcomp.diffusion.field import Step
from projcomp.diffusion.noise_levels import edm_sigmas
from projcomp.errors import ConfigError
from projcomp.networks import conditioning
from projcomp.networks.denoiser import Denoiser
from projcomp.samplers.euler import euler
from projcomp.samplers.heun import Heun
from projcomp.samplers.noise import NoiseStreams
from projcomp.samplers.process import sample
from projcomp.samplers.sde import Ancestral, ReverseSde
from projcomp.samplers.start import start_noise

MODELS = [
    GaussianMixture.isotropic([[-1.0, 0.0], [-1.0, 1.0]], 0.3),
    GaussianMixture.isotropic([[1.0, 0.0]], 0.3),
    GaussianMixture.isotropic([[0.5, -1.0]], 0.3),
]


OBLIQUE = GaussianMixture.isotropic([[-1.0, -0.7], [1.0, 0.9]], 0.4)
"""Its score's derivatives do not commute with the axes, so that a probe of signs is not exact."""


def run(field, num_steps, predictor=None, count=1000, sigma_min=0.05, dim=2, sigma_max=80.0):
    sigmas = levels(num_steps, sigma_min=sigma_min, sigma_max=sigma_max)
    x = start(count, dim, sigma=sigma_max)
    return sample(field, x, sigmas, predictor or ReverseSde(), noise=streams(count, dim))


def density_errors(result, models, sigma):
    """Estimated minus true log-densities (but for the start, where all are N(0, sigma_max^2))."""
    true = torch.stack([p.log_density(result.x, sigma) for p in models])
    return result.state.log_q - true


def test_ito_errors_fall_at_the_stated_rates():
    """Standard deviation as N^-1/2, and bias faster (docs/method.md, section 3)."""
    spreads, biases = [], []
    for num_steps in (128, 512, 2048):
        field = SuperpositionOr(stacked_scores(MODELS), 3)
        errors = density_errors(run(field, num_steps, count=600), MODELS, 0.05)
        spreads.append(errors.std(1).mean().item())
        biases.append(errors.mean().abs().item())
    assert math.log(spreads[1] / spreads[2], 4) == pytest.approx(0.5, abs=0.1)
    # 16 times the steps: as N^-1/2 it would fall by 4, as N^-1 by 16
    assert biases[0] > 8 * biases[2]


def test_detailed_balance_is_exact_on_a_gaussian_with_its_own_spread():
    """The reverse kernel of a Gaussian is Gaussian: no error at all, at any number of steps."""
    model = GaussianMixture.isotropic([[0.0] * 8], 0.5)
    tracker = DensityTracker("detailed_balance", data_std=0.5)
    for predictor in (ReverseSde(), Ancestral(), Ancestral(0.5)):
        field = SuperpositionOr(stacked_scores([model]), 1, densities=tracker)
        result = run(field, 6, predictor, count=50, dim=8)
        # the start is N(0, sigma_max^2) where the model has N(0, sigma_max^2 + .25)
        x = start(50, 8, sigma=80.0)
        offset = gaussian_log_density(x, 80.0) - model.log_density(x, 80.0)
        errors = density_errors(result, [model], 0.05)[0] - offset
        assert errors.abs().max() < 1e-9


def test_published_detailed_balance_is_itos_estimator():
    """Both kernels of appendix D have the variance dv: the logarithm of their ratio is Ito's."""
    scores, dx = start(12, 48).reshape(3, 4, 4, 12), start(4, 48, seed=1).reshape(4, 4, 12)
    step = Step(torch.zeros_like(dx), 0.9, 0.7, torch.zeros_like(dx), math.sqrt(0.32))
    published = DensityTracker("published_balance").change(step, dx, scores, None)
    ito = DensityTracker("ito").change(step, dx, scores, None)
    torch.testing.assert_close(published, ito, rtol=1e-12, atol=1e-12)

    forward = torch.distributions.Normal(dx, math.sqrt(step.dv))  # of coming back to 0
    reverse = torch.distributions.Normal(step.dv * scores, math.sqrt(step.dv))
    ratio = reverse.log_prob(dx) - forward.log_prob(torch.zeros_like(dx))
    torch.testing.assert_close(published, ratio.flatten(2).sum(2), rtol=1e-12, atol=1e-12)


def test_detailed_balance_of_ever_wider_data_is_the_published_one():
    """The guess decides: the Gaussian's reverse step tends to the variance dv as data widen."""
    scores, dx = start(12, 8).reshape(3, 4, 8), start(4, 8, seed=1)
    step = Step(torch.zeros_like(dx), 0.9, 0.7, torch.zeros_like(dx), math.sqrt(0.32))
    published, *guessed = (
        DensityTracker(name, width).change(step, dx, scores, None)
        for name, width in (
            ("published_balance", 0.5),
            ("detailed_balance", 0.5),
            ("detailed_balance", 1e5),
        )
    )
    assert (guessed[0] - published).abs().min() > 1e-2
    torch.testing.assert_close(guessed[1], published, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("predictor", [ReverseSde(), Ancestral(), Ancestral(0.5)])
def test_detailed_balance_converges_for_other_data_where_the_noise_tends_to_the_exact(predictor):
    """A model of another spread than the estimator takes it for."""
    model = GaussianMixture.isotropic([[0.0] * 2], 0.1)
    tracker = DensityTracker("detailed_balance", data_std=0.5)
    field = SuperpositionOr(stacked_scores([model]), 1, densities=tracker)
    errors = [
        density_errors(run(field, steps, predictor, count=400), [model], 0.05).mean().abs().item()
        for steps in (100, 400, 1600)
    ]
    assert errors[2] < errors[0] / 3


def test_detailed_balance_beats_ito_in_many_dimensions():
    dim = 32
    model = GaussianMixture.isotropic([[0.5] * dim, [-0.5] * dim], 0.4)
    spreads = {}
    for name in ("ito", "detailed_balance"):
        field = SuperpositionOr(
            stacked_scores([model]), 1, densities=DensityTracker(name, data_std=0.5)
        )
        errors = density_errors(run(field, 32, count=300, dim=dim), [model], 0.05)
        spreads[name] = errors.std().item()
    assert spreads["detailed_balance"] < 0.25 * spreads["ito"]


def test_exact_divergences_follow_the_densities_with_order_one():
    spreads = []
    for num_steps in (64, 256):
        field = SuperpositionOr(stacked_scores(MODELS), 3, densities=DensityTracker("exact"))
        errors = density_errors(run(field, num_steps, euler, count=400), MODELS, 0.05)
        spreads.append(errors.abs().mean().item())
    assert spreads[0] / spreads[1] == pytest.approx(4.0, rel=0.35)
    assert spreads[1] < 0.2


def test_probes_follow_the_densities():
    field = SuperpositionOr(stacked_scores(MODELS), 3, densities=DensityTracker("hutchinson"))
    errors = density_errors(run(field, 256, euler, count=400), MODELS, 0.05)
    assert errors.abs().mean().item() < 1.0


def test_probes_differ_from_exact_divergences_by_the_root_of_the_steps():
    """New signs at every step: what they are off adds up as a walk, and has the mean zero."""
    spreads, means = [], []
    for num_steps in (64, 256):
        ends = [
            run(
                SuperpositionOr(stacked_scores([OBLIQUE]), 1, densities=DensityTracker(estimator)),
                num_steps,
                euler,
                count=1000,
            ).state.log_q
            for estimator in ("exact", "hutchinson")
        ]
        off = ends[1] - ends[0]  # one model leads the path: the same for both
        spreads.append(off.std().item())
        means.append(off.mean().item())
    assert math.log(spreads[0] / spreads[1], 4) == pytest.approx(0.5, abs=0.1)
    for mean, spread in zip(means, spreads, strict=True):
        assert abs(mean) < 4 * spread / math.sqrt(1000)


@pytest.mark.parametrize(
    ("estimator", "predictor", "rate"),
    [("ito", ReverseSde(), 0.5), ("detailed_balance", ReverseSde(), 0.5), ("exact", euler, 1.0)],
)
def test_a_product_follows_the_densities_of_all_its_models(estimator, predictor, rate):
    """A background and two models, none of which the path is drawn from."""
    background = GaussianMixture.isotropic([[0.0, 0.0]], 0.6)
    stack = [background, *MODELS[1:]]
    linear = product_field(stacked_scores(stack), [1.0, 0.5])
    sizes = []
    for num_steps in (128, 512):
        # from so far that the start's density is every model's
        end = run(
            FollowedField(linear, DensityTracker(estimator)),
            num_steps,
            predictor,
            count=300,
            sigma_max=300.0,
        )
        errors = density_errors(end, stack, 0.05)
        assert errors.shape == (3, 300)
        sizes.append(errors.square().mean().sqrt().item())
    assert sizes[1] < 1.0
    assert sizes[0] / sizes[1] > 0.8 * 4**rate


def test_only_the_last_models_are_followed_where_so_many_are_asked_for():
    linear = product_field(stacked_scores(MODELS), [1.0, 0.5])
    whole = run(FollowedField(linear), 20, ReverseSde(), count=5)
    last = run(FollowedField(linear, num_followed=2), 20, ReverseSde(), count=5)
    assert torch.equal(last.x, whole.x)
    assert torch.equal(last.state.log_q, whole.state.log_q[1:])


def test_a_followed_composition_starts_as_its_own_and_is_followed_by_probes_to_the_end():
    """Of equal Gaussians the simple product is half as wide from its start on."""
    model = GaussianMixture.isotropic([[0.7, -0.2]], 0.3)
    linear = simple_product(stacked_scores([model, model]), [1.0, 1.0])
    field = FollowedField(linear, DensityTracker("hutchinson"))
    assert field.start_scale == pytest.approx(0.5**0.5)
    sigmas = edm_sigmas(800, 0.05, 300.0, 7.0)  # to zero, which changes no density
    x = 300.0 * field.start_scale * start(200, 2)
    result = sample(field, x, sigmas, euler)
    # where the path was before it landed on its mean
    above = sample(field, x, sigmas[:-1], euler).x
    assert torch.equal(result.state.log_q[0], result.state.log_q[1])
    assert (result.state.log_q[0] - model.log_density(above, 0.05)).abs().mean() < 0.3


def test_a_followed_product_goes_the_plain_ones_way():
    linear = product_field(stacked_scores(MODELS), [1.0, 1.0])
    followed, plain = FollowedField(linear), linear
    assert torch.equal(run(followed, 20, count=30).x, run(plain, 20, count=30).x)
    with pytest.raises(ConfigError, match=r"^sampler: expected one that evaluates once"):
        run(followed, 20, Heun(), count=3)
    with pytest.raises(ConfigError, match=r"^sampler: expected one that injects the exact"):
        run(followed, 20, euler, count=3)


def test_divergences_are_the_trace_of_the_jacobian():
    x = start(6, 2)
    scores = stacked_scores(MODELS)
    values, traces = divergence.exact(scores, x, 0.4)
    torch.testing.assert_close(values, scores(x, 0.4))
    for i, model in enumerate(MODELS):
        for b in range(6):
            jacobian = torch.autograd.functional.jacobian(
                lambda y, p=model: p.score(y[None], 0.4)[0], x[b]
            )
            assert traces[i, b].item() == pytest.approx(jacobian.trace().item(), rel=1e-9)
    rng = torch.Generator().manual_seed(0)
    signs = [torch.randint(0, 2, x.shape, generator=rng).double() * 2 - 1 for _ in range(500)]
    mean = torch.stack([divergence.hutchinson(scores, x, 0.4, v)[1] for v in signs]).mean(0)
    torch.testing.assert_close(mean, traces, rtol=0.1, atol=0.5)


def test_derivatives_go_through_the_projects_own_network():
    """Attention included, against central differences."""
    torch.manual_seed(0)
    network = NetworkConfig(channels=8, multipliers=[1, 2], attention_resolutions=[4])
    model = Denoiser(network, 8, "position").double().eval().requires_grad_(False)
    model.unet.out_gain.fill_(1.0)
    row = conditioning.given("position", [(0.3, 0.6)])

    def scores(x, sigma):
        level = torch.full((len(x),), sigma)
        return denoised_to_score(model(x, level, row.expand(len(x), -1)), x, sigma)[None]

    x, v = start(3, 3, 8, 8).float(), start(3, 3, 8, 8, seed=1).float()
    values, got = divergence.directional(scores, x, 0.5, v)
    torch.testing.assert_close(values.float(), scores(x, 0.5).float(), rtol=1e-4, atol=1e-5)
    step = 1e-2
    expected = (scores(x + step * v, 0.5) - scores(x - step * v, 0.5)) / (2 * step)
    torch.testing.assert_close(got.float(), expected.float(), rtol=0.02, atol=0.02)


def test_probes_are_random_signs_and_each_samples_own():
    for dtype in (torch.float32, torch.float64):
        x = torch.randn(4000, 16, generator=torch.Generator().manual_seed(0)).to(dtype) * 80
        bits = bits_of(x)
        probe = probe_of(bits, 80.0, dtype)
        assert set(probe.unique().tolist()) == {-1.0, 1.0}
        assert probe.mean().abs() < 0.02
        correlation = probe.T @ probe / len(probe) - torch.eye(16, dtype=dtype)
        assert correlation.abs().max() < 0.08
        assert torch.equal(probe_of(bits[7:8], 80.0, dtype)[0], probe[7])
        others = [probe_of(bits_of(-x), 80.0, dtype)]
        others += [probe_of(bits, level, dtype) for level in (79.9, 40.0, 0.02)]
        for other in others:
            assert (other == probe).float().mean().item() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("estimator", "predictor"),
    [("ito", ReverseSde()), ("detailed_balance", Ancestral(0.2)), ("hutchinson", euler)],
)
def test_or_samples_the_mixture_with_its_weights(estimator, predictor):
    """Checked figure of docs/method.md: (.15, .35, .50) come out as (.154, .345, .501)."""
    shares = (0.15, 0.35, 0.5)
    models = [GaussianMixture.isotropic([c], 0.2) for c in ([-2.0, 0], [2.0, 0], [0, 2.0])]
    prior, densities = tuple(math.log(s) for s in shares), DensityTracker(estimator, 0.2)
    field = SuperpositionOr(stacked_scores(models), 3, prior, densities=densities)
    end = run(field, 128, predictor, count=6000).x
    centres = torch.stack([p.means[0] for p in models])
    which = torch.cdist(end, centres).argmin(1)
    for i, share in enumerate(shares):
        assert (which == i).double().mean().item() == pytest.approx(share, abs=0.025)


def test_ors_weights_are_the_softmax_of_temperature_and_bias():
    """softmax(T log q + ell): the bias is not multiplied by the temperature."""
    field = SuperpositionOr(stacked_scores(MODELS), 3, (0.3, -0.5, 1.0), temperature=3.0)
    step = Step(start(4, 2), 0.5, 0.4, torch.zeros(4, 2).double(), 0.3)
    log_q = torch.linspace(-1, 1, 12).reshape(3, 4).double()
    state = replace(field.init(step.x, 0.5), log_q=log_q)
    score, state = field.score(step, state)
    kappa = (3.0 * log_q + torch.tensor([[0.3], [-0.5], [1.0]])).softmax(0)
    torch.testing.assert_close(state.kappa, kappa)
    expected = (kappa[..., None] * stacked_scores(MODELS)(step.x, 0.5)).sum(0)
    torch.testing.assert_close(score, expected)


@pytest.mark.parametrize("estimator", ["ito", "detailed_balance", "exact"])
def test_densities_in_float32_are_those_in_float64(estimator):
    """Along one path; its scores and displacements are rounded, the sums are in float64."""
    predictor = euler if estimator == "exact" else ReverseSde()

    def log_q(dtype):
        tracker = DensityTracker(estimator)
        field = SuperpositionOr(
            lambda x, sigma: stacked_scores(MODELS)(x.double(), sigma).to(dtype),
            3,
            densities=tracker,
        )
        x, noise = start(200, 2, sigma=80.0).float(), NoiseStreams(range(200), (2,))
        return sample(field, x.to(dtype), levels(40), predictor, noise=noise).state.log_q

    difference = (log_q(torch.float32) - log_q(torch.float64)).abs()
    assert difference.max() < 5e-3
    assert difference.mean() < 5e-4


def test_or_at_a_high_temperature_takes_one_model():
    field = SuperpositionOr(stacked_scores(MODELS), 3, temperature=100.0)
    result = run(field, 64)
    assert (result.state.kappa.max(0).values > 0.999).double().mean() > 0.95


def test_or_of_identical_models_is_the_model():
    x, noise = start(20, 2, sigma=80.0), streams(20, 2)
    alone = sample(field_of(MODELS[0]), x, levels(30, 0.02, 80.0), ReverseSde(), noise=noise).x
    field = SuperpositionOr(stacked_scores([MODELS[0]] * 3), 3)
    torch.testing.assert_close(run(field, 30, count=20, sigma_min=0.02).x, alone)


def test_one_model_superposes_to_itself():
    x, noise = start(20, 2, sigma=80.0), streams(20, 2)
    alone = sample(field_of(MODELS[0]), x, levels(30, 0.02, 80.0), ReverseSde(), noise=noise).x
    field = SuperpositionOr(stacked_scores(MODELS[:1]), 1)
    torch.testing.assert_close(run(field, 30, count=20, sigma_min=0.02).x, alone)


@pytest.mark.parametrize("kind", ["published", "corrected", "ode"])
def test_and_of_one_model_is_the_model(kind):
    scores, x = stacked_scores(MODELS[:1]), start(20, 2, sigma=80.0)
    field = {
        "published": SuperpositionAnd(scores, 1),
        "corrected": SuperpositionAnd(scores, 1, corrected=True),
        "ode": SuperpositionAndOde(scores, 1),
    }[kind]
    predictor = euler if kind == "ode" else ReverseSde()
    sigmas = levels(30, 0.02, 80.0)
    alone = sample(field_of(MODELS[0]), x, sigmas, predictor, noise=streams(20, 2)).x
    composed = sample(field, x, sigmas, predictor, noise=streams(20, 2))
    torch.testing.assert_close(composed.x, alone)
    assert torch.equal(composed.state.kappa, torch.ones(1, 20).double())


@pytest.mark.parametrize("num_models", [2, 3, 4])
def test_and_steps_have_the_closed_form(num_models):
    """``dx = dv c + (I - P) n~``: circumcentre of the scores, noise beside their span."""
    rng = torch.Generator().manual_seed(num_models)
    scores = torch.randn(num_models, 5, 6, generator=rng, dtype=torch.float64)
    x, n = torch.zeros(5, 6).double(), torch.randn(5, 6, generator=rng, dtype=torch.float64)
    step = Step(x, 1.0, 0.8, n, math.sqrt(1 - 0.64))
    field = SuperpositionAnd(lambda x, sigma: scores, num_models)
    drift, _ = field.score(step, field.init(x, 1.0))
    dx = step.dv * drift + step.noise_std * n
    for b in range(5):
        v = (scores[1:, b] - scores[0, b]).T
        basis = torch.linalg.qr(v).Q
        projected = basis @ basis.T
        local = torch.linalg.lstsq(2 * v.T @ v, (v * v).sum(0)[:, None]).solution[:, 0]
        centre = scores[0, b] + v @ local
        radii = (scores[:, b] - centre).norm(dim=1)
        torch.testing.assert_close(radii, radii[:1].expand(num_models))
        expected = step.dv * centre + (torch.eye(6) - projected) @ (step.noise_std * n[b])
        torch.testing.assert_close(dx[b], expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("off", [0.1, 0.01, 0.001])
def test_three_nearly_collinear_scores_make_ands_step_as_long_as_their_circles_radius(off):
    """Scores at -1, 1 and ``off`` beside: the circumcentre is (1 / off - off) / 2 from the line."""
    scores = torch.tensor([[[-1.0, 0.0, 0.0]], [[1.0, 0.0, 0.0]], [[0.0, off, 0.0]]]).double()
    step = Step(torch.zeros(1, 3).double(), 1.0, 0.8, torch.zeros(1, 3).double(), 0.6)
    lengths = {}
    for count in (2, 3):
        field = SuperpositionAnd(lambda x, sigma, n=count: scores[:n], count)
        drift, _ = field.score(step, field.init(step.x, 1.0))
        lengths[count] = (step.dv * drift).norm().item()
    assert lengths[2] < 1e-8  # the midpoint, whatever lies beside
    assert lengths[3] == pytest.approx(step.dv * (1 / off - off) / 2, rel=1e-2)


@pytest.mark.parametrize("num_models", [2, 3])
def test_the_corrected_term_is_the_trace_over_the_span_of_the_differences(num_models):
    """``-dv/2 tr(P grad s_i)``, P the projector on span{V}, against Jacobians."""
    means = [start(2, 4, seed=seed) for seed in range(num_models)]
    models = [GaussianMixture.isotropic(points, 0.5) for points in means]
    x, n = start(3, 4), start(3, 4, seed=1)
    step = Step(x, 1.0, 0.8, n, math.sqrt(1 - 0.64))
    field = SuperpositionAnd(stacked_scores(models), num_models, corrected=True)
    _, state = field.score(step, field.init(x, 1.0))
    for b in range(3):
        scores = torch.stack([p.score(x[b : b + 1], 1.0)[0] for p in models])
        basis = torch.linalg.qr((scores[1:] - scores[:1]).T).Q
        for i, model in enumerate(models):
            jacobian = torch.autograd.functional.jacobian(
                lambda y, p=model: p.score(y[None], 1.0)[0], x[b]
            )
            expected = -step.dv / 2 * torch.trace(basis @ basis.T @ jacobian)
            assert state.extra is not None
            assert state.extra[i, b].item() == pytest.approx(expected.item(), rel=1e-6)


def test_the_corrected_densities_are_the_true_ones_and_the_published_are_not():
    """The term that the drift takes in is in the followed densities too."""
    misses = {}
    for corrected in (False, True):
        field = SuperpositionAnd(stacked_scores(UNEQUAL), 2, corrected=corrected)
        result = run(field, 400, count=150, sigma_max=1000.0)
        misses[corrected] = density_errors(result, UNEQUAL, 0.05).mean().abs().item()
    assert misses[True] < 0.3
    assert misses[False] > 3 * misses[True]


def test_and_keeps_the_estimated_densities_equal():
    field = SuperpositionAnd(stacked_scores(MODELS), 3)
    log_q = run(field, 100, count=200).state.log_q
    assert (log_q - log_q[:1]).abs().max() < 1e-3


def test_and_does_not_depend_on_the_order_of_the_models():
    forwards = run(SuperpositionAnd(stacked_scores(MODELS), 3), 50, count=100).x
    backwards = run(SuperpositionAnd(stacked_scores(MODELS[::-1]), 3), 50, count=100).x
    torch.testing.assert_close(forwards, backwards, rtol=1e-4, atol=1e-4)


def test_and_of_identical_models_is_the_model():
    x, noise = start(20, 2, sigma=80.0), streams(20, 2)
    alone = sample(field_of(MODELS[0]), x, levels(30, 0.02, 80.0), ReverseSde(), noise=noise).x
    for corrected in (False, True):
        field = SuperpositionAnd(stacked_scores([MODELS[0]] * 2), 2, corrected=corrected)
        torch.testing.assert_close(run(field, 30, count=20, sigma_min=0.02).x, alone)


@pytest.mark.parametrize("kind", ["published", "corrected", "ode"])
def test_and_bears_nearly_collinear_scores_in_float32(kind):
    """Three scores on a line, two of them close: weights of thousands, of either sign."""
    near = GaussianMixture.isotropic([[1.0 + 1e-3, 1e-4]], 0.3)
    exact = stacked_scores([MODELS[1], near, GaussianMixture.isotropic([[-1.0, 0.0]], 0.3)])

    def rounded(x, sigma):
        return exact(x.double(), sigma).float()

    def end_of(scores, dtype):
        corrected = kind == "corrected"
        field = (
            SuperpositionAndOde(scores, 3)
            if kind == "ode"
            else SuperpositionAnd(scores, 3, corrected=corrected)
        )
        x, noise = start(100, 2, sigma=80.0).to(dtype), NoiseStreams(range(100), (2,), dtype=dtype)
        return sample(field, x, levels(60), euler if kind == "ode" else ReverseSde(), noise=noise)

    result = end_of(rounded, torch.float32)
    assert result.x.dtype == torch.float32
    assert torch.isfinite(result.x).all()
    assert result.x.abs().max() < 10


@pytest.mark.parametrize("nearness", [1e-2, 1e-4])
def test_nearly_collinear_scores_lose_no_more_than_their_condition(nearness):
    """A step in float32 is off by the rounding of the scores times the condition of their
    differences; by its square, as of a Gram matrix in float32, it would be nonsense."""
    rng = torch.Generator().manual_seed(0)
    base, along, across = torch.randn(3, 50, 20, generator=rng, dtype=torch.float64)
    exact = torch.stack([base, base + along, base + 2 * along + nearness * across])
    # what float32 holds, so that both dtypes are given the same numbers
    stacked = exact.float().double()
    dv, noise = 0.02, torch.randn(50, 20, generator=rng, dtype=torch.float64)

    def drift(dtype):
        step = Step(
            torch.zeros(50, 20, dtype=dtype), 1.0, (1.0 - dv) ** 0.5, noise.to(dtype), dv**0.5
        )
        field = SuperpositionAnd(lambda x, sigma: stacked.to(dtype), 3)
        return field.score(step, field.init(step.x, 1.0))[0].double()

    v = stacked[1:] - stacked[:1]
    singular = torch.linalg.svdvals(v.transpose(0, 1))
    condition = singular[:, 0] / singular[:, -1]
    reference = drift(torch.float64)
    error = (drift(torch.float32) - reference).norm(dim=1) / reference.norm(dim=1)
    assert (error < 10 * torch.finfo(torch.float32).eps * condition).all()


def test_weighted_sums_cancel_in_double_precision():
    kappa = torch.tensor([[1e8], [-1e8]]).double()
    stacked = torch.tensor([[[1.0]], [[1.0 - 2**-20]]])
    assert weighted_sum(kappa, stacked).item() == pytest.approx(1e8 * 2**-20, rel=1e-6)


# N(0, sigma_max^2) as the start of both leaves a gap of about |m_1 - m_2| / sigma_max at the end.
UNEQUAL = [GaussianMixture.isotropic([[-1.0, 0.0]], 0.4), two_modes(std=0.5)]


def true_gap(field, num_steps, predictor=None):
    """Difference of the true log-densities at the end, mean of its size over samples."""
    end = run(field, num_steps, predictor, count=150, sigma_max=1000.0).x
    first, second = (p.log_density(end, 0.05) for p in UNEQUAL)
    return (second - first).abs().mean().item()


def test_the_corrected_and_meets_equal_true_densities_the_published_does_not():
    """docs/method.md, section 4: the published gap stays, the corrected one falls."""
    gaps = {
        (corrected, num_steps): true_gap(
            SuperpositionAnd(stacked_scores(UNEQUAL), 2, corrected=corrected), num_steps
        )
        for corrected in (False, True)
        for num_steps in (100, 400)
    }
    assert gaps[False, 100] > 1.0
    assert gaps[False, 400] > 1.0
    assert gaps[True, 400] < 0.05
    assert gaps[True, 400] < 0.5 * gaps[True, 100]


def test_and_on_the_ode_takes_the_sdes_form_of_it():
    """xi = 0 steps by ``dv/2``, euler by ``sigma dsigma``: the same path, to first order."""
    field = SuperpositionAndOde(stacked_scores(UNEQUAL), 2, exact=True)
    gaps = [true_gap(field, num_steps, ReverseSde(0.0)) for num_steps in (50, 200)]
    assert gaps[0] > 3 * gaps[1]
    assert gaps[1] < 0.05


def test_and_on_the_ode_with_probes_meets_equal_densities_in_one_dimension():
    """There a probe is exact, whatever its sign: the only form that a config offers."""
    models = [GaussianMixture.isotropic([[-1.0]], 0.4), GaussianMixture.isotropic([[1.0]], 0.5)]

    def gap(num_steps):
        field = SuperpositionAndOde(stacked_scores(models), 2)
        end = run(field, num_steps, euler, count=150, dim=1, sigma_max=1000.0).x
        first, second = (p.log_density(end, 0.05) for p in models)
        return (second - first).abs().mean().item()

    assert gap(200) < 0.05
    assert gap(50) / gap(200) == pytest.approx(4.0, rel=0.3)


def test_and_on_the_ode_with_probes_tends_to_equal_densities_in_the_plane():
    """Its gap is the walk of what the probes are off: half an order."""
    models = [OBLIQUE, GaussianMixture.isotropic([[0.3, -0.8]], 0.5)]

    def gap(num_steps):
        field = SuperpositionAndOde(stacked_scores(models), 2)
        end = run(field, num_steps, euler, count=300, sigma_max=1000.0).x
        first, second = (p.log_density(end, 0.05) for p in models)
        return (second - first).abs().mean().item()

    coarse, fine = gap(100), gap(900)
    assert coarse / fine == pytest.approx(3.0, rel=0.3)
    assert fine < 0.3


@pytest.mark.parametrize("lift", [1.5, -0.7])
def test_a_lift_is_the_difference_of_the_true_densities_with_the_corrected_form(lift):
    def error(num_steps):
        field = SuperpositionAnd(
            stacked_scores(UNEQUAL), 2, lift=(lift,), lift_end=0.05, corrected=True
        )
        end = run(field, num_steps, count=300, sigma_max=1000.0).x
        first, second = (p.log_density(end, 0.05) for p in UNEQUAL)
        return (second - first - lift).abs().mean().item()

    coarse, fine = error(200), error(800)
    assert fine < 0.1
    assert fine < 0.5 * coarse


def test_a_lift_without_an_end_is_refused():
    with pytest.raises(ConfigError, match=r"^lift_end: expected"):
        SuperpositionAnd(stacked_scores(UNEQUAL), 2, lift=(1.0,))


def test_a_lift_shifts_the_densities_apart():
    field = SuperpositionAnd(stacked_scores(MODELS[1:]), 2, lift=(1.5,), lift_end=0.05)
    log_q = run(field, 100, count=50).state.log_q
    assert (log_q[1] - log_q[0] - 1.5).abs().max() < 1e-3


def test_the_only_step_of_a_path_of_one_level_has_the_whole_lift():
    lifted = SuperpositionAnd(stacked_scores(UNEQUAL), 2, lift=(1.5,), lift_end=2.0)
    step = Step(start(20, 2, sigma=2.0), 2.0, 0.0)
    drift, _ = lifted.score(step, lifted.init(step.x, 2.0))
    assert drift.isfinite().all()


def test_and_on_the_ode_meets_equal_densities_with_order_one():
    field = SuperpositionAndOde(stacked_scores(UNEQUAL), 2, exact=True)
    coarse, fine = (true_gap(field, num_steps, euler) for num_steps in (50, 200))
    assert coarse / fine == pytest.approx(4.0, rel=0.2)
    assert fine < 0.01


@pytest.mark.parametrize("kind", ["or", "and", "and_ode"])
def test_superpositions_do_not_depend_on_the_batch(kind):
    field = {
        "or": SuperpositionOr(stacked_scores(MODELS), 3),
        "and": SuperpositionAnd(stacked_scores(MODELS), 3),
        "and_ode": SuperpositionAndOde(stacked_scores(MODELS), 3),
    }[kind]
    predictor = euler if kind == "and_ode" else ReverseSde()

    def run_of(seeds):
        x = 20.0 * start_noise(seeds, (2,)).double()
        noise = NoiseStreams(seeds, (2,), dtype=torch.float64)
        return sample(field, x, levels(40), predictor, noise=noise).x

    together = run_of(range(64))
    for i in (0, 17, 63):
        torch.testing.assert_close(run_of([i])[0], together[i], rtol=1e-7, atol=1e-9)


def test_wrong_samplers_are_refused_in_one_line():
    scores = stacked_scores(MODELS)
    smooth = SuperpositionOr(scores, 3, densities=DensityTracker("exact"))
    balanced = SuperpositionOr(scores, 3, densities=DensityTracker("detailed_balance"))
    published = SuperpositionOr(scores, 3, densities=DensityTracker("published_balance"))
    cases = [
        (SuperpositionOr(scores, 3), Ancestral(), "Ito estimator"),
        (SuperpositionOr(scores, 3), euler, "Ito estimator"),
        (published, Ancestral(), "published_balance is valid"),
        (balanced, euler, "detailed balance"),
        (balanced, ReverseSde(0.01), "detailed balance"),
        (SuperpositionOr(scores, 3), Heun(), "evaluates once"),
        (SuperpositionAnd(scores, 3), ReverseSde(0.5), "exact noise variance"),
        (SuperpositionAndOde(scores, 3), ReverseSde(), "without noise"),
        (smooth, ReverseSde(), "without noise"),
    ]
    for field, predictor, words in cases:
        with pytest.raises(ConfigError, match=rf"^sampler: expected .*{words}") as caught:
            run(field, 5, predictor, count=3)
        assert "\n" not in str(caught.value)


def test_gram_systems_without_differences_have_the_solution_zero():
    zeros = torch.zeros(2, 4, 3, 3).double()
    assert torch.equal(solve(gram(zeros), torch.ones(4, 2).double()), torch.zeros(4, 2).double())
