"""What a sampler is given: noise levels, streams and settings that mean something, or one line."""

import math

import pytest
import torch

from projcomp.composition.product import product_field
from projcomp.diffusion.noise_levels import edm_sigmas
from projcomp.errors import ConfigError, UserError
from projcomp.samplers.euler import euler
from projcomp.samplers.heun import Heun
from projcomp.samplers.hmc import Hmc
from projcomp.samplers.langevin import Langevin
from projcomp.samplers.mala import Mala
from projcomp.samplers.noise import NoiseStreams
from projcomp.samplers.process import Corrector, sample
from projcomp.samplers.sde import Ancestral, ReverseSde
from projcomp.samplers.smc import Swarms

SIGMAS = torch.tensor([4.0, 2.0, 0.5, 0.0])


def stack(x, sigma):
    return -x.expand(2, *x.shape) / (1 + sigma**2)


FIELD = product_field(stack, [1.0])


@pytest.mark.parametrize("predictor", [euler, Heun()])
@pytest.mark.parametrize(
    ("sigmas", "told"),
    [
        ([0.0, 1.0, 2.0], "got 1 after 0"),
        ([2.0, 1.0, 1.0, 0.0], "got 1 after 1"),
        ([2.0, 0.0, -1.0], "got -1"),
        ([2.0, math.nan, 0.0], "got NaN or infinity"),
        ([math.inf, 1.0, 0.0], "got NaN or infinity"),
        ([], r"got shape \(0,\)"),
    ],
)
def test_noise_levels_that_do_not_decrease_are_refused(predictor, sigmas, told):
    with pytest.raises(UserError, match=f"^sigmas: expected noise levels .*{told}; ") as caught:
        sample(FIELD, torch.ones(2, 3), sigmas, predictor)
    assert "\n" not in str(caught.value)


def test_noise_levels_may_be_a_list():
    x = torch.ones(2, 3)
    ends = [sample(FIELD, x, sigmas, Heun()).x for sigmas in (SIGMAS, SIGMAS.tolist())]
    assert torch.equal(*ends)


def corrected(kernel):
    return {"predictor": euler, "corrector": Corrector(kernel, steps=1)}


DRAWING = {
    "sde": {"predictor": ReverseSde()},
    "ancestral": {"predictor": Ancestral()},
    "churn": {"predictor": Heun(churn=0.3)},
    "langevin": corrected(Langevin(0.1)),
    "mala": corrected(Mala(0.1)),
    "hmc": corrected(Hmc(0.1)),
}


@pytest.mark.parametrize("kind", DRAWING)
@pytest.mark.parametrize(("count", "dims"), [(4, (1, 2, 2)), (1, (3, 2, 2)), (4, (2, 2))])
def test_noise_of_other_samples_is_refused_and_not_broadcast(kind, count, dims):
    x, noise = torch.ones(4, 3, 2, 2), NoiseStreams(range(count), dims)
    with pytest.raises(UserError, match=r"noise: expected noise of shape \(4, 3, 2, 2\), got"):
        sample(FIELD, x, SIGMAS, noise=noise, **DRAWING[kind])


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: ReverseSde(-0.5), "noise_share: expected a finite number, at least 0, at most 1"),
        (lambda: ReverseSde(2.0), "noise_share"),
        (lambda: Ancestral(-1.0), "data_std"),
        (lambda: Heun(churn=-1.0), "churn"),
        (lambda: Heun(churn=0.1, churn_noise=math.nan), "churn_noise: .*got nan"),
        (lambda: Langevin(-1.0), "step_size: expected a finite number above 0, got -1"),
        (lambda: Mala(0.0), "step_size"),
        (lambda: Hmc(math.inf), "step_size"),
        (lambda: Hmc(0.1, keep=1.5), "keep"),
        (lambda: Swarms(0), "particles"),
        (lambda: Swarms(4, threshold=math.nan), "threshold"),
        (lambda: edm_sigmas(8, 0.01, 20.0, 0.0), "rho"),
        (lambda: edm_sigmas(8, 0.01, math.inf, 7.0), "sigma_min"),
    ],
)
def test_settings_that_mean_nothing_are_refused(make, told):
    with pytest.raises(ConfigError, match=told):
        make()
