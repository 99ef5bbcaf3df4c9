"""projcomp: compose diffusion models; a library, and a reproducible laboratory around it.

The names below are what ``docs/library.md`` uses. Each is imported when it is first asked for, so
that ``import projcomp`` is quick and needs no torch. Rooms (each a subpackage) and what may import
what are described in ``docs/architecture.md``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from projcomp.composition.feynman_kac import weighted_product
    from projcomp.composition.followed import FollowedField
    from projcomp.composition.interacting import InteractingField
    from projcomp.composition.linear import average, simple_product
    from projcomp.composition.mixtures import GaussianMixture, stacked_scores
    from projcomp.composition.predicted_frames import frames_to_score
    from projcomp.composition.product import product_field
    from projcomp.composition.remembering import RememberingField, remembering_stack
    from projcomp.composition.superposition_and import SuperpositionAnd
    from projcomp.composition.superposition_or import SuperpositionOr
    from projcomp.diffusion.batched import BatchedScores
    from projcomp.diffusion.epsilon import denoiser_of, vp_sigmas
    from projcomp.diffusion.frames import FrameLevels, frames_of_noise
    from projcomp.diffusion.noise_levels import edm_sigmas
    from projcomp.diffusion.text_states import epsilon_of_states, states_row
    from projcomp.errors import UserError
    from projcomp.samplers.euler import euler
    from projcomp.samplers.heun import Heun
    from projcomp.samplers.langevin import Langevin
    from projcomp.samplers.noise import CentredNoise, NoiseStreams
    from projcomp.samplers.process import Corrector, sample
    from projcomp.samplers.sde import ReverseSde
    from projcomp.samplers.smc import Swarms
    from projcomp.samplers.start import start_noise

__version__ = "0.1.0"

# A test holds the three lists of this file against each other.
_HOMES = {
    "BatchedScores": "diffusion.batched",
    "CentredNoise": "samplers.noise",
    "Corrector": "samplers.process",
    "FollowedField": "composition.followed",
    "FrameLevels": "diffusion.frames",
    "GaussianMixture": "composition.mixtures",
    "Heun": "samplers.heun",
    "InteractingField": "composition.interacting",
    "Langevin": "samplers.langevin",
    "NoiseStreams": "samplers.noise",
    "RememberingField": "composition.remembering",
    "ReverseSde": "samplers.sde",
    "SuperpositionAnd": "composition.superposition_and",
    "SuperpositionOr": "composition.superposition_or",
    "Swarms": "samplers.smc",
    "UserError": "errors",
    "average": "composition.linear",
    "denoiser_of": "diffusion.epsilon",
    "edm_sigmas": "diffusion.noise_levels",
    "epsilon_of_states": "diffusion.text_states",
    "euler": "samplers.euler",
    "frames_of_noise": "diffusion.frames",
    "frames_to_score": "composition.predicted_frames",
    "product_field": "composition.product",
    "remembering_stack": "composition.remembering",
    "sample": "samplers.process",
    "simple_product": "composition.linear",
    "stacked_scores": "composition.mixtures",
    "start_noise": "samplers.start",
    "states_row": "diffusion.text_states",
    "vp_sigmas": "diffusion.epsilon",
    "weighted_product": "composition.feynman_kac",
}

__all__ = [
    "BatchedScores",
    "CentredNoise",
    "Corrector",
    "FollowedField",
    "FrameLevels",
    "GaussianMixture",
    "Heun",
    "InteractingField",
    "Langevin",
    "NoiseStreams",
    "RememberingField",
    "ReverseSde",
    "SuperpositionAnd",
    "SuperpositionOr",
    "Swarms",
    "UserError",
    "average",
    "denoiser_of",
    "edm_sigmas",
    "epsilon_of_states",
    "euler",
    "frames_of_noise",
    "frames_to_score",
    "product_field",
    "remembering_stack",
    "sample",
    "simple_product",
    "stacked_scores",
    "start_noise",
    "states_row",
    "vp_sigmas",
    "weighted_product",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value  # the next time it is found at once
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
