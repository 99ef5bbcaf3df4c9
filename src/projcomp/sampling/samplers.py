"""The parts of a sampler by the settings that a configuration gives them."""

import math

from projcomp.config import samplers as settings
from projcomp.samplers.euler import euler
from projcomp.samplers.heun import Heun
from projcomp.samplers.hmc import Hmc
from projcomp.samplers.langevin import Langevin
from projcomp.samplers.mala import Mala
from projcomp.samplers.process import Corrector, Kernel, Predictor
from projcomp.samplers.sde import Ancestral, ReverseSde
from projcomp.samplers.smc import Swarms
from projcomp.sampling.from_file import own_predictor


def get_predictor(chosen: settings.AnySampler) -> Predictor:
    """What brings samples from one noise level to the next."""
    match chosen:
        case settings.Heun():
            highest = _bound(chosen.churn_max)
            return Heun(chosen.churn, chosen.churn_min, highest, chosen.churn_noise)
        case settings.Euler():
            return euler
        case settings.Sde():
            return ReverseSde(chosen.noise_share)
        case settings.Ancestral():
            return Ancestral(chosen.data_std)
        case settings.SamplerFromFile():
            return own_predictor(chosen.file, chosen.settings)


def get_corrector(chosen: settings.AnyCorrector | None) -> Corrector | None:
    """What runs at the noise levels between the steps, if anything."""
    if chosen is None:
        return None
    return Corrector(_kernel(chosen), chosen.steps, chosen.sigma_min, _bound(chosen.sigma_max))


def get_swarms(chosen: settings.Swarm | None) -> Swarms | None:
    """How particles are resampled, if they are."""
    if chosen is None:
        return None
    highest = _bound(chosen.sigma_max)
    return Swarms(chosen.particles, chosen.threshold, chosen.sigma_min, highest)


def _kernel(chosen: settings.AnyCorrector) -> Kernel:
    match chosen:
        case settings.Langevin():
            return Langevin(chosen.step_size)
        case settings.Mala():
            return Mala(chosen.step_size)
        case settings.Hmc():
            return Hmc(chosen.step_size, chosen.leapfrog, chosen.keep)


def _bound(greatest: float | None) -> float:
    return math.inf if greatest is None else greatest
