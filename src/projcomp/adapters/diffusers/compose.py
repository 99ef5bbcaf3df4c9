"""Prompts composed: from the conditions of pipelines to pictures and what was measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from projcomp.adapters.diffusers.pipeline import Pipeline
from projcomp.adapters.diffusers.schedule import given_levels
from projcomp.adapters.diffusers.told import Told
from projcomp.composition.infinite_noise import step_from_infinity
from projcomp.diffusion.batched import BatchedScores
from projcomp.diffusion.field import Recording, ScoreField, ScoreStack
from projcomp.diffusion.shapes import Levels, Pictures, Samples, Stacked
from projcomp.errors import UserError
from projcomp.samplers.noise import NoiseStreams
from projcomp.samplers.process import Corrector, Predictor, sample
from projcomp.samplers.smc import Swarms
from projcomp.samplers.start import start_noise


class Denoising(Protocol):
    """Scores whose denoised samples can be asked for, at an infinite noise level too."""

    def denoised(self, x: Samples, sigma: float) -> Stacked:
        """``E[x0 | x]`` of all models."""
        ...


@dataclass(frozen=True)
class Composed:
    """What came out.

    Attributes:
        latents: as the pipeline has them, shape ``(batch, *dims)``.
        images: the pictures.
        measured: what the composition recorded of each sample, by name, each ``(batch, ...)``.
        num_evaluations: how often all models were evaluated.
    """

    latents: Samples
    images: Pictures
    measured: dict[str, Tensor]
    num_evaluations: int

    @property
    def kappa(self) -> Tensor | None:
        """Weights of a superposition's models at the last step, ``(batch, num_models)``."""
        return self.measured.get("kappa")

    @property
    def log_densities(self) -> Tensor | None:
        """Log-densities of the models, ``(batch, num_models)``, where they were followed."""
        return self.measured.get("log_q")

    @property
    def interaction(self) -> Tensor | None:
        """``dv <delta_i, delta_j>``, ``(batch, levels, M, M)``, where it was recorded."""
        return self.measured.get("interaction")

    @property
    def interaction_map(self) -> Tensor | None:
        """The same over the latent's numbers, summed over pairs and levels, ``(batch, *dims)``."""
        return self.measured.get("interaction_map")


def compose(
    told: Sequence[Told],
    composition: Callable[[ScoreStack], ScoreField],
    predictor: Predictor,
    *,
    seeds: Sequence[int],
    levels: int | Levels | Sequence[float] = 50,
    corrector: Corrector | None = None,
    swarms: Swarms | None = None,
) -> Composed:
    """Sample a composition of conditions.

    Args:
        told: conditions, in the order in which the composition takes the models (a background
            first); of one pipeline with and without adapters, or of several that share latents.
        composition: makes the composition of a score stack.
        predictor: makes the steps.
        seeds: one integer a sample; sample i depends on its own seed alone.
        levels: how many steps of the first pipeline's scheduler, or the noise levels themselves.
        corrector: what runs at the levels in between.
        swarms: resampling by weights.

    Raises:
        UserError: the pipelines have other latents, or the parts do not go together; there are no
            seeds, or no such levels.
        DeviceError: the device's memory does not suffice for one sample.
    """
    if not told:
        raise UserError("conditions: expected at least one, got none")
    if not len(seeds):
        raise UserError("seeds: expected at least one, a whole number a sample, got none")
    pipeline = told[0].pipeline
    for one in told:
        if one.pipeline.dims != pipeline.dims:
            raise UserError(
                f"conditions: expected latents of {pipeline.dims}, as of the first, got "
                f"{one.pipeline.dims}; compose pipelines of one kind and size"
            )
    sigmas = pipeline.noise_levels(levels) if isinstance(levels, int) else given_levels(levels)
    for one in told:
        one.pipeline.check_start(sigmas)
    chunk_size = min(one.pipeline.chunk_size for one in told)
    scores = BatchedScores([(one.pipeline.network, one) for one in told], chunk_size)
    field = composition(scores)
    device = pipeline.pipe._execution_device
    noise = start_noise(seeds, pipeline.dims).to(device)
    x = begin(pipeline, field, scores, noise, sigmas)
    at_infinity = bool(sigmas[0].isinf())
    sigmas = sigmas[at_infinity:]
    streams = NoiseStreams(seeds, pipeline.dims, device)
    result = sample(field, x, sigmas, predictor, noise=streams, corrector=corrector, swarms=swarms)
    latents = pipeline.latents(result.x, float(sigmas[-1]))
    measured = result.state.records() if isinstance(result.state, Recording) else {}
    count = result.num_evaluations + at_infinity
    return Composed(latents, pipeline.decode(latents), measured, count)


@torch.no_grad()
def begin(
    pipeline: Pipeline, field: ScoreField, scores: Denoising, noise: Samples, sigmas: Levels
) -> Samples:
    """Where a path begins: at its first noise level, or at the second where that one is infinite.

    Args:
        pipeline: whose path it is.
        field: the composition.
        scores: what it is of.
        noise: standard normal, shape ``(batch, *dims)``.
        sigmas: the noise levels, decreasing.
    """
    if not sigmas[0].isinf():
        return field.start_scale * pipeline.start(noise, float(sigmas[0]))
    denoised = scores.denoised(noise, float(sigmas[0]))
    return step_from_infinity(field, denoised, noise, float(sigmas[1]))
