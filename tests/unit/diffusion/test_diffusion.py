"""Preconditioning, loss, learning rate and averaging against closed forms."""

import math

import numpy as np
import pytest
import torch

from projcomp.composition.mixtures import GaussianMixture
from projcomp.diffusion.averaging import TailAverage
from projcomp.diffusion.learning_rate import learning_rate
from projcomp.diffusion.loss import denoising_error, draw_sigma, uncertainty_weighted
from projcomp.diffusion.pixels import decode, encode
from projcomp.diffusion.preconditioning import preconditioning


def test_preconditioning_gives_unit_variance():
    """Var(c_in x) = 1 and the network's target has unit variance (EDM, appendix B.6)."""
    sigma = torch.logspace(-3, 3, 13, dtype=torch.float64)
    p = preconditioning(sigma, 0.5)
    x0 = 0.5 * torch.randn(200_000, dtype=torch.float64)
    noise = torch.randn(200_000, dtype=torch.float64)
    for i, s in enumerate(sigma):
        x = x0 + s * noise
        assert float((p.c_in[i] * x).std()) == pytest.approx(1, abs=0.01)
        target = (x0 - p.c_skip[i] * x) / p.c_out[i]
        assert float(target.std()) == pytest.approx(1, abs=0.01)


def test_loss_is_one_for_the_zero_network_and_least_at_the_posterior_mean():
    """With F = 0 and u = 0 the loss is 1 at every level; for N(0, s^2) data F = 0 is optimal."""
    torch.manual_seed(0)
    x0, noise = 0.5 * torch.randn(200_000, 1), torch.randn(200_000, 1)
    sigma = torch.full((200_000,), 0.7)

    def loss(scale: float) -> float:
        def denoise(x, s):
            p = preconditioning(s[:, None], 0.5)
            return (p.c_skip + scale) * x

        return float(denoising_error(denoise, x0, sigma, noise, 0.5).mean())

    assert loss(0.0) == pytest.approx(1, abs=0.01)
    assert loss(0.0) < min(loss(0.05), loss(-0.05))


def test_the_least_error_is_at_the_posterior_mean_of_a_mixture():
    """Any other denoiser is worse by its own distance from it, ``E w |h|^2``."""
    mixture = GaussianMixture.isotropic([[-0.6], [0.1], [0.7]], 0.1, [1.0, 2.0, 3.0])
    rng, count = torch.Generator().manual_seed(0), 400_000
    means = mixture.means[torch.multinomial(mixture.log_weights.exp(), count, True, generator=rng)]
    x0 = means + 0.1 * torch.randn(count, 1, generator=rng, dtype=torch.float64)
    noise = torch.randn(count, 1, generator=rng, dtype=torch.float64)
    for level in (0.1, 0.5, 2.0):
        sigma = torch.full((count,), level, dtype=torch.float64)
        weight = (level**2 + 0.25) / (level * 0.5) ** 2
        best = mixture.denoised(x0 + level * noise, level)

        def error(h, sigma=sigma, best=best):
            return denoising_error(lambda x, s: best + h(x), x0, sigma, noise, 0.5)

        least = error(torch.zeros_like)
        for h in (torch.ones_like, torch.sin, lambda x: 0.3 * x, torch.tanh):
            worse = error(h) - least
            own = weight * h(x0 + level * noise).square()[:, 0]
            cross = worse - own
            assert abs(cross.mean().item()) < 5 * cross.std().item() / count**0.5
            assert worse.mean() > 0


def test_uncertainty_is_best_at_the_log_of_the_loss():
    """d/du (L e^-u + u) = 0 at u = ln L (EDM2, eq. 14)."""
    x0, noise = 0.5 * torch.randn(100_000, 1), torch.randn(100_000, 1)
    sigma = torch.full((100_000,), 2.0)

    def loss(u: float) -> float:
        error = denoising_error(lambda x, s: torch.zeros_like(x), x0, sigma, noise, 0.5)
        return float(uncertainty_weighted(error, torch.full_like(sigma, u)).mean())

    plain = loss(0.0)
    best = math.log(plain)
    assert loss(best) == pytest.approx(1 + best, abs=1e-4)
    assert loss(best) < min(loss(best + 0.1), loss(best - 0.1))


def test_noise_levels_are_log_normal():
    sigma = draw_sigma(200_000, -0.8, 1.6, torch.Generator().manual_seed(0), torch.device("cpu"))
    assert float(sigma.log().mean()) == pytest.approx(-0.8, abs=0.02)
    assert float(sigma.log().std()) == pytest.approx(1.6, abs=0.02)


def test_learning_rate_ramps_holds_and_decays():
    def rate(update):
        return learning_rate(
            update, reference=0.01, batch_size=10, ramp_images=1000, decay_updates=400
        )

    assert rate(0) == pytest.approx(0.01 / 100)
    assert rate(49) == pytest.approx(0.005)
    assert rate(200) == rate(400) == 0.01
    assert rate(1600) == pytest.approx(0.005)


def test_a_cooldown_brings_the_rate_of_the_last_updates_to_zero():
    settings = {"reference": 0.06, "batch_size": 8, "ramp_images": 0, "decay_updates": 4}
    plain = [learning_rate(update, **settings) for update in range(10)]
    cooled = [learning_rate(update, **settings, total=10, cooldown=0.5) for update in range(11)]
    assert cooled[:6] == plain[:6]
    shares = [rate / whole for rate, whole in zip(cooled[6:10], plain[6:], strict=True)]
    assert shares == pytest.approx([0.8, 0.6, 0.4, 0.2])
    assert cooled[10] == 0.0
    with pytest.raises(ValueError, match="total of updates"):
        learning_rate(5, **settings, cooldown=0.5)


@pytest.mark.parametrize("length", [1, 5, 20, 100])
def test_tail_average_is_the_mean_of_the_last_updates(length):
    values = torch.randn(20, 3)
    average = TailAverage(20, length)
    for update, value in enumerate(values):
        average.update(update, {"w": value})
        if update == 12:  # killed and resumed
            state, average = average.state_dict(), TailAverage(20, length)
            average.load_state_dict(state)
    assert torch.allclose(average.mean["w"], values[-length:].mean(0), atol=1e-6)


def test_pixels_survive_the_round_trip():
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), dtype=np.uint8)
    x = encode(torch.from_numpy(images))
    assert x.shape == (2, 3, 4, 5)
    assert x.min() >= -1
    assert x.max() <= 1
    assert np.array_equal(decode(x), images)
