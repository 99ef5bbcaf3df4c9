"""EDM2's power-function averages against their integrals."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from projcomp.diffusion.power_ema import (
    PowerAverage,
    gamma_of,
    profile_product,
    reconstruct,
    reconstruction,
    sigma_rel_of,
)


def density(gamma, time):
    return lambda tau: (gamma + 1) * tau**gamma / time ** (gamma + 1) * (tau <= time)


@pytest.mark.parametrize("sigma_rel", [0.01, 0.05, 0.1, 0.15, 0.25, 0.28])
def test_width_is_the_profiles_standard_deviation(sigma_rel):
    gamma = gamma_of(sigma_rel)
    assert sigma_rel_of(gamma) == pytest.approx(sigma_rel, rel=1e-9)
    profile = density(gamma, 1.0)
    mean = quad(lambda x: x * profile(x), 0, 1)[0]
    variance = quad(lambda x: (x - mean) ** 2 * profile(x), 0, 1)[0]
    assert np.sqrt(variance) == pytest.approx(sigma_rel, rel=1e-6)


def test_exponents_the_paper_names():
    """Widths .05 and .10 belong to the exponents 16.97 and 6.94 (EDM2, section 3.1)."""
    assert gamma_of(0.05) == pytest.approx(16.97, abs=0.01)
    assert gamma_of(0.10) == pytest.approx(6.94, abs=0.01)


@pytest.mark.parametrize("sigma_rel", [0.0, -0.1, 0.3])
def test_widths_that_no_profile_has(sigma_rel):
    with pytest.raises(ValueError, match="sigma_rel"):
        gamma_of(sigma_rel)


def test_products_of_profiles_are_their_integrals():
    for one, other in [((7.0, 1.0), (17.0, 0.6)), ((2.5, 0.3), (2.5, 0.3))]:
        first, second = density(*one), density(*other)
        exact = quad(lambda x, a=first, b=second: a(x) * b(x), 0, min(one[1], other[1]))[0]
        assert profile_product(*one, *other) == pytest.approx(exact, rel=1e-8)
    assert np.isfinite(profile_product(5000.0, 1e6, 5000.0, 1e6))


def test_running_average_weighs_by_the_power_of_the_time():
    """The weight of update k in the average is the profile's mass between k and k + 1."""
    updates, sigma_rel = 40, 0.1
    average = PowerAverage(sigma_rel)
    for update in range(updates):
        average.update(update, {"w": torch.eye(updates, dtype=torch.float64)[update]})
    edges = (np.arange(updates + 1) / updates) ** (gamma_of(sigma_rel) + 1)
    np.testing.assert_allclose(average.mean["w"].numpy(), np.diff(edges), atol=1e-12)


def test_a_stored_average_is_reconstructed_exactly():
    np.testing.assert_allclose(
        reconstruction([6.94, 16.97], [100, 100], 16.97, 100), [0, 1], atol=1e-8
    )


def test_other_widths_are_reconstructed_from_two_averages_stored_on_the_way():
    """A smooth path of weights, averaged with widths .05 and .10, gives widths in between."""
    updates = 2000
    path = {
        "w": torch.stack(
            [torch.sin(torch.linspace(0, 6, updates)), torch.linspace(0, 1, updates) ** 3], 1
        ).double()
    }
    running = [PowerAverage(0.05), PowerAverage(0.10)]
    wanted = PowerAverage(0.07)
    stored, gammas, times = [], [], []
    for update in range(updates):
        weights = {"w": path["w"][update]}
        wanted.update(update, weights)
        for average in running:
            average.update(update, weights)
            if (update + 1) % 250 == 0:
                stored.append({"w": average.mean["w"].clone()})
                gammas.append(average.gamma)
                times.append(update + 1)
    got = reconstruct(stored, gammas, times, 0.07)["w"]
    assert torch.allclose(got, wanted.mean["w"], atol=2e-3)
    assert not torch.allclose(running[0].mean["w"], wanted.mean["w"], atol=2e-3)
