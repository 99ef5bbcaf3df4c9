"""From settings to the parts of a reverse process."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from projcomp.diffusion.batched import BatchedScores
from projcomp.diffusion.field import Recording, ScoreField
from projcomp.diffusion.noise_levels import edm_sigmas
from projcomp.samplers.noise import NoiseStreams
from projcomp.samplers.process import Corrector, Predictor, sample
from projcomp.samplers.smc import Swarms, pick_one
from projcomp.samplers.start import start_noise
from projcomp.sampling.operators import compose, recorded
from projcomp.sampling.requests import Requests
from projcomp.sampling.samplers import get_corrector, get_predictor, get_swarms

if TYPE_CHECKING:
    from projcomp.config.samplers import SamplingConfig
    from projcomp.settings.stages import SampleSettings


class CountedScores:
    """A score stack that counts how often all its models were evaluated."""

    def __init__(self, scores: BatchedScores) -> None:
        self.scores, self.calls = scores, 0

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        """Scores of all models, shape ``(num_models, batch, *dims)``."""
        self.calls += 1
        return self.scores(x, sigma)

    def denoised(self, x: Tensor, sigma: float) -> Tensor:
        """``E[x0 | x]`` of all models, of the same shape; at an infinite noise level too."""
        self.calls += 1
        return self.scores.denoised(x, sigma)

    @property
    def network_evaluations(self) -> int:
        """Network evaluations that each sample of one batch has cost so far."""
        return self.calls * self.scores.num_distinct


@dataclass(frozen=True)
class Samples:
    """Samples of one batch.

    Attributes:
        x: shape ``(batch, *dims)``.
        measured: what composition and sampler recorded, each of shape ``(batch, ...)``.
        num_evaluations: evaluations of the composed score along one path.
    """

    x: Tensor
    measured: dict[str, Tensor]
    num_evaluations: int


@dataclass(frozen=True)
class Path:
    """The noise levels of a path, and how it begins.

    Attributes:
        sigmas: decreasing, the first finite.
        begin: makes the start at the first of them, of a composition and of standard normal noise
            ``(batch, *dims)``; None is EDM's, the noise times the level and the field's scale.
        evaluations: of the composed score, that the start costs.
    """

    sigmas: Tensor
    begin: Callable[[ScoreField, Tensor], Tensor] | None = None
    evaluations: int = 0

    def start(self, field: ScoreField, noise: Tensor) -> Tensor:
        """Where ``field`` is followed from."""
        if self.begin is not None:
            return self.begin(field, noise)
        return float(self.sigmas[0]) * field.start_scale * noise


def edm_path(recipe: "SamplingConfig") -> Path:
    """The path that the settings have levels for."""
    return Path(edm_sigmas(recipe.num_steps, recipe.sigma_min, recipe.sigma_max, recipe.rho))


@dataclass(frozen=True)
class Process:
    """A reverse process with all its parts, ready to be run on batches."""

    field: ScoreField
    path: Path
    predictor: Predictor
    corrector: Corrector | None
    swarms: Swarms | None

    @property
    def particles(self) -> int:
        """Particles per sample."""
        return self.swarms.particles if self.swarms else 1

    @torch.no_grad()
    def run(self, seeds: list[int], dims: tuple[int, ...], device: torch.device) -> Samples:
        """Follow the field from noise and keep one particle of every swarm, drawn by its weight.

        Args:
            seeds: one per particle; the particles of a sample stand in a row.
            dims: shape of one sample.
            device: where the state lies.
        """
        noise = NoiseStreams(seeds, dims, device)
        start = self.path.start(self.field, start_noise(seeds, dims).to(device))
        result = sample(
            self.field,
            start,
            self.path.sigmas,
            self.predictor,
            noise=noise,
            corrector=self.corrector,
            swarms=self.swarms,
        )
        x, state = result.x, result.state
        measured = state.records() if isinstance(state, Recording) else {}
        if result.acceptance is not None:
            measured["acceptance"] = result.acceptance
        if self.swarms:
            weights = self.swarms.log_weight(self.field, result.state).reshape(-1)
            picked = pick_one(weights, self.swarms.particles, noise.uniform())
            x, measured = x[picked], {name: values[picked] for name, values in measured.items()}
        if result.effective_size is not None and result.log_z is not None:
            measured |= {"effective_size": result.effective_size.T, "log_z": result.log_z}
        return Samples(x, measured, result.num_evaluations + self.path.evaluations)


def build_process(
    settings: "SampleSettings",
    requests: Requests,
    scores: CountedScores,
    path: Path | None = None,
) -> Process:
    """The process that the settings describe, over the stacked scores of ``requests.composed``.

    Args:
        settings: of the case.
        requests: what is composed.
        scores: their scores.
        path: the noise levels and the start; the settings' own unless told.
    """
    recipe = settings.sampling
    least, greatest = recipe.sigma_min, recipe.sigma_max
    if path is not None:
        above = path.sigmas[path.sigmas > 0].tolist()
        least, greatest = above[-1], above[0]
    follows = _follows_all(settings)
    make = partial(
        compose,
        settings.operator,
        num_conditions=requests.num_conditions,
        num_models=requests.num_models,
        num_controls=requests.num_controls,
        own_weights=requests.weights,
        weighed=recipe.sampler.unweighed is None and not follows,
        lift_end=least,
        dims=requests.dims,
        sigma_max=greatest,
    )
    num_models = len(requests.distributions) + requests.num_controls
    return Process(
        recorded(make, scores, num_models) if follows else make(scores),
        path or edm_path(recipe),
        get_predictor(recipe.sampler),
        get_corrector(recipe.corrector),
        get_swarms(recipe.swarm),
    )


def _follows_all(settings: "SampleSettings") -> bool:
    """Whether the case records every model's log-density and every pair's interaction.

    Of prompts, for which no detector tells what became of them. Superpositions follow densities as
    it is; a linear composition can where Ito's estimator holds.
    """
    operator, recipe = settings.operator, settings.sampling
    if not settings.pipelines or operator.background_from == "none" or operator.name == "own":
        return False
    plain = recipe.sampler.name == "sde" and recipe.sampler.lessens_noise is None
    return operator.follows_steps or (plain and recipe.corrector is None and recipe.swarm is None)
