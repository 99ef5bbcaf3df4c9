"""The family of turned mixtures, its repairs, and the density estimators' measurement."""

import numpy as np
import pytest
import torch
from theory_settings import settings_of

from projcomp.theory import density_estimators, repair
from projcomp.theory.turned import at_angle


@pytest.mark.parametrize("name", repair.METHODS)
def test_a_method_costs_what_it_says(name):
    """So that methods are compared at equal numbers of evaluations."""
    method = repair.METHODS[name]
    settings = settings_of("repair", num_samples=8)
    x, result = repair.run(at_angle(45, 0.25), method, 6, settings, name)
    assert x.shape == (2, 8, 4)
    spent = result.num_evaluations * method.swarm
    assert spent == (6 - 1) * method.per_level


def test_orthogonal_members_do_not_interact_and_come_out_right():
    settings = settings_of("repair", num_samples=400)
    x, result = repair.run(at_angle(90, 0.25), repair.Method(), 40, settings, "orthogonal")
    assert result.state.total[:, 0, 1].abs().max() < 1e-10
    assert repair.absolute_interaction(result).max() < 1e-10
    assert (repair.error_of(x, at_angle(90, 0.25)) < 0.1).all()


def test_the_absolute_interaction_is_no_less_than_the_signed():
    settings = settings_of("repair", num_samples=50)
    _, result = repair.run(at_angle(45, 0.25), repair.Method(), 30, settings, "signed")
    signed, absolute = result.state.total[:, 0, 1], repair.absolute_interaction(result)
    assert (absolute >= signed.abs() - 1e-12).all()
    assert (absolute > signed.abs() + 1e-3).any()


def test_swarms_repair_what_steps_do_not():
    settings = settings_of("repair", num_samples=150)
    turned, errors = at_angle(*repair.FAILING), {}
    for name, levels in (("more steps", 60), ("swarms of 16", 60)):
        x, _ = repair.run(turned, repair.METHODS[name], levels, settings, name)
        errors[name] = repair.error_of(x, turned).mean().item()
    assert errors["more steps"] > 0.25
    assert errors["swarms of 16"] < 0.6 * errors["more steps"]


@pytest.mark.parametrize("name", ["Ito", "detailed balance", "smooth, exact"])
def test_followed_densities_are_the_true_ones_in_the_limit(name):
    settings = settings_of("density_estimators", num_samples=60)
    few, many = (density_estimators.errors_of(settings, name, 2, n) for n in (30, 240))
    assert few.shape == many.shape == (2, 60)
    assert np.sqrt((many**2).mean()) < 0.5 * np.sqrt((few**2).mean())
    assert abs(many.mean()) < 0.5


def test_the_components_are_as_far_apart_in_any_dimension():
    for dim in (2, 32):
        first, second = density_estimators.points(dim)
        assert torch.dist(first, second).item() == pytest.approx(2.0)
