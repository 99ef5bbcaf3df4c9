"""What the config says is what the library is given: every setting, one by one."""

from typing import Any

import pytest

from projcomp.composition.densities import DensityTracker
from projcomp.composition.feynman_kac import WeightedLinearField
from projcomp.composition.linear import LinearField
from projcomp.composition.random_choice import RandomChoice
from projcomp.composition.superposition_and import SuperpositionAnd, SuperpositionAndOde
from projcomp.composition.superposition_or import SuperpositionOr
from projcomp.config import operators as operators
from projcomp.config import samplers as samplers
from projcomp.config.samplers import SamplingConfig
from projcomp.diffusion.noise_levels import edm_sigmas
from projcomp.samplers.euler import euler
from projcomp.samplers.heun import Heun
from projcomp.samplers.hmc import Hmc
from projcomp.samplers.langevin import Langevin
from projcomp.samplers.mala import Mala
from projcomp.samplers.process import Corrector
from projcomp.samplers.sde import Ancestral, ReverseSde
from projcomp.samplers.smc import Swarms
from projcomp.sampling.operators import compose
from projcomp.sampling.samplers import get_corrector, get_predictor, get_swarms


def scores(x, sigma):
    raise AssertionError("nothing is evaluated here")


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (
            samplers.Heun(churn=0.1, churn_min=0.2, churn_max=3.0, churn_noise=1.01),
            Heun(0.1, 0.2, 3.0, 1.01),
        ),
        (samplers.Heun(), Heun()),
        (samplers.Euler(), euler),
        (samplers.Sde(noise_share=0.3), ReverseSde(0.3)),
        (samplers.Ancestral(data_std=0.7), Ancestral(0.7)),
    ],
)
def test_predictors_are_given_their_settings(chosen, expected):
    assert get_predictor(chosen) == expected


@pytest.mark.parametrize(
    ("chosen", "kernel"),
    [
        (samplers.Langevin, Langevin(0.3)),
        (samplers.Mala, Mala(0.3)),
        (samplers.Hmc, Hmc(0.3, leapfrog=5, keep=0.6)),
    ],
)
def test_correctors_are_given_their_settings(chosen, kernel):
    own = {"leapfrog": 5, "keep": 0.6} if chosen is samplers.Hmc else {}
    settings = chosen(step_size=0.3, steps=4, sigma_min=0.2, sigma_max=2.0, **own)
    assert get_corrector(settings) == Corrector(kernel, 4, 0.2, 2.0)


def test_a_corrector_without_an_upper_bound_runs_at_all_levels_above():
    corrector = get_corrector(samplers.Langevin(sigma_min=0.2))
    assert corrector.runs_at(1e6)
    assert not corrector.runs_at(0.1)
    assert get_corrector(None) is None


def test_swarms_are_given_their_settings():
    chosen = samplers.Swarm(particles=6, threshold=0.8, sigma_min=0.2, sigma_max=2.0)
    assert get_swarms(chosen) == Swarms(6, 0.8, 0.2, 2.0)
    assert get_swarms(samplers.Swarm(particles=6, threshold=0.8)) == Swarms(6, 0.8)
    assert get_swarms(None) is None


def test_a_swarm_without_a_window_is_the_same_text_as_before_there_were_any():
    """Its jobs would else run again."""
    plain = samplers.Swarm(particles=4, sigma_min=0.0, sigma_max=None)
    assert plain.model_dump_json() == '{"particles":4,"threshold":0.5}'
    assert SamplingConfig(swarm=plain).model_dump()["swarm"] == {"particles": 4, "threshold": 0.5}
    windowed = samplers.Swarm(particles=4, sigma_min=0.5, sigma_max=3.0)
    assert samplers.Swarm.model_validate_json(windowed.model_dump_json()) == windowed


def test_the_levels_of_a_window_are_those_that_a_sampler_ends_a_step_at():
    recipe = SamplingConfig(num_steps=18, sigma_min=0.01, sigma_max=20.0)
    path = edm_sigmas(18, 0.01, 20.0, 7.0).tolist()
    for low, high in ((0.0, None), (0.0, 0.01), (0.5, 6.2), (18.0, 20.0)):
        chosen = samplers.Swarm(sigma_min=low, sigma_max=high)
        swarms = get_swarms(chosen)
        expected = [level for level in path[1:] if swarms.runs_at(level)]
        assert recipe.levels_of(chosen) == pytest.approx(expected)


PATH: dict[str, Any] = {"lift_end": 0.02, "dims": (3, 8, 8), "sigma_max": 80.0}


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (
            operators.Product(weights=[2.0, -1.0, 0.5]),
            WeightedLinearField(scores, (2.0, -1.0, 0.5)),
        ),
        (operators.Bayes(weights=2.0), WeightedLinearField(scores, (2.0, 2.0, 2.0))),
        (
            operators.SimpleProduct(weights=[1.0, 2.0, 3.0]),
            WeightedLinearField(scores, (1.0, 2.0, 3.0), background=False),
        ),
        (
            operators.Average(weights=[1.0, 1.0, 2.0]),
            WeightedLinearField(scores, (0.25, 0.25, 0.5), background=False),
        ),
        (
            operators.SuperpositionOr(
                temperature=3.0,
                bias=[0.1, 0.2, 0.3],
                estimator="detailed_balance",
                data_std=0.6,
            ),
            SuperpositionOr(
                scores, 3, (0.1, 0.2, 0.3), 3.0, DensityTracker("detailed_balance", 0.6)
            ),
        ),
        (operators.SuperpositionAnd(), SuperpositionAnd(scores, 3, lift_end=0.02)),
        (
            operators.SuperpositionAnd(form="corrected", lift=[1.5, -0.5]),
            SuperpositionAnd(scores, 3, (1.5, -0.5), 0.02, corrected=True),
        ),
        (operators.SuperpositionAnd(form="ode"), SuperpositionAndOde(scores, 3, lift_end=0.02)),
        (
            operators.SuperpositionAnd(form="ode", lift=[1.5, -0.5], guidance=2.0),
            SuperpositionAndOde(scores, 3, False, (1.5, -0.5), 0.02, 2.0),
        ),
        (
            operators.SuperpositionAnd(guidance=2.0),
            SuperpositionAnd(scores, 3, lift_end=0.02, guidance=2.0),
        ),
        (operators.SuperpositionOr(guidance=2.0), SuperpositionOr(scores, 3, guidance=2.0)),
        (operators.RandomChoice(), RandomChoice(scores, 3)),
    ],
)
def test_operators_are_given_their_settings(chosen, expected):
    assert compose(chosen, scores, 2, 1, **PATH) == expected


def test_controls_count_nothing_and_churned_steps_are_not_weighed():
    product = operators.Product(weights=[2.0, 0.5])
    weighed = compose(product, scores, 2, num_controls=1, **PATH)
    assert weighed == WeightedLinearField(scores, (2.0, 0.5, 0.0))
    plain = compose(product, scores, 2, weighed=False, **PATH)
    assert plain == LinearField(scores, (-1.5, 2.0, 0.5))


@pytest.mark.parametrize("num_steps", [1, 2, 3, 18, 100])
@pytest.mark.parametrize("rho", [1.0, 7.0, 40.0])
def test_the_config_knows_the_noise_levels_of_the_sampler(num_steps: int, rho: float) -> None:
    """What checks a corrector's window without torch, against what the sampler follows."""
    recipe = SamplingConfig(num_steps=num_steps, sigma_min=0.02, sigma_max=50.0, rho=rho)
    sigmas = edm_sigmas(num_steps, 0.02, 50.0, rho).tolist()
    assert list(recipe.levels_after_the_first()) == pytest.approx(sigmas[1:-1], rel=1e-9)
