"""What a composition is given: settings that mean something, or one line."""

import math

import pytest

from projcomp.composition.mixtures import GaussianMixture, stacked_scores
from projcomp.composition.superposition_and import SuperpositionAnd, SuperpositionAndOde
from projcomp.composition.superposition_or import SuperpositionOr
from projcomp.errors import ConfigError

STACK = stacked_scores([GaussianMixture.isotropic([[place]], 0.2) for place in (-1.0, 1.0)])


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: SuperpositionOr(STACK, 2, temperature=-1.0), "temperature: .* at least 0, got -1"),
        (lambda: SuperpositionOr(STACK, 2, temperature=math.nan), "temperature: .* got nan"),
        (lambda: SuperpositionOr(STACK, 2, bias=(1.0,)), "bias: expected 2 numbers or none, got 1"),
        (lambda: SuperpositionOr(STACK, 2, bias=(1.0, math.nan)), "bias: .* got nan"),
        (lambda: SuperpositionOr(STACK, 2, guidance=math.inf), "guidance"),
        (lambda: SuperpositionAnd(STACK, 2, lift=(1.0, 2.0), lift_end=0.1), "lift: expected 1"),
        (lambda: SuperpositionAndOde(STACK, 2, lift=(1.0, 2.0), lift_end=0.1), "lift: expected 1"),
        (lambda: GaussianMixture.isotropic([[0.0]], -1.0), "std: expected .* above 0, got -1"),
        (lambda: GaussianMixture.isotropic([[0.0]], math.nan), "std"),
        (lambda: GaussianMixture.isotropic([[0.0], [1.0]], 1.0, [1.0, -1.0]), "weights"),
        (lambda: GaussianMixture.isotropic([[0.0], [1.0]], 1.0, [0.0, 0.0]), "sum of the weights"),
    ],
)
def test_settings_that_mean_nothing_are_refused(make, told):
    with pytest.raises(ConfigError, match=told):
        make()
