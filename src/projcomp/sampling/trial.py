"""A user's own operator or sampler, tried on Gaussians before anything is rendered or trained."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from projcomp.diffusion.batched import BatchedScores
from projcomp.features.feature_map import RGB, Features
from projcomp.own_code import own_errors
from projcomp.sampling.from_file import check_each_alone, check_records
from projcomp.sampling.parts import CountedScores, build_process
from projcomp.sampling.requests import Request, Requests, pictures_of

if TYPE_CHECKING:
    from projcomp.settings.stages import SampleSettings

STEPS = 3
"""Noise levels above zero of the trial: a first step, one between, and the last."""

_STD = 0.5


def try_out(settings: "SampleSettings", resolution: int, features: Features = RGB) -> None:
    """Sample a case with its own operator and sampler, and exact Gaussians for its models.

    Args:
        settings: of the case.
        resolution: side of the pictures, pixels.
        features: of the models.

    Raises:
        UserError: the user's code cannot be read, raises, returns what is no score or no sample, or
            makes samples that depend on more than their own seeds.
    """
    recipe = settings.sampling
    shorter = {"num_steps": min(STEPS, recipe.num_steps), "complift": None, "densities": None}
    short = recipe.model_copy(update=shorter)
    settings = settings.model_copy(update={"sampling": short})
    requests = toy_requests(settings, resolution, features)

    def make(seeds: list[int]) -> Tensor:
        scores = CountedScores(BatchedScores(requests.composed, short.chunk_size))
        process = build_process(settings, requests, scores)
        with own_errors(*files):  # also where a user's state says what it has measured
            samples = process.run(seeds, requests.dims, torch.device("cpu"))
        check_records(samples.measured, len(seeds), " and ".join(files))
        return samples.x

    files = list(dict.fromkeys([*settings.operator.files, *short.sampler.files]))
    check_each_alone(make, " and ".join(files))


def toy_requests(settings: "SampleSettings", resolution: int, features: Features = RGB) -> Requests:
    """As many Gaussians as the case has distributions, each around a mean of its own."""
    first = [settings.background] if settings.background else []
    last = [settings.control] if settings.control else []
    num_conditions = settings.case.num_conditions if settings.conditionals else 0
    weights = [one.weight for one in settings.composed] or None
    num_conditions += len(settings.composed)
    count = len(first) + num_conditions + len(settings.models) + len(last)
    composed: list[Request] = [(_gaussian, torch.tensor([0.1 * number])) for number in range(count)]
    return Requests(
        composed=composed,
        num_conditions=num_conditions,
        num_models=len(settings.models),
        num_controls=len(last),
        explained=[],
        weights=weights,
        dims=(features.channels, resolution, resolution),
        pictures=pictures_of(features),
    )


def _gaussian(x: Tensor, sigma: Tensor, condition: Tensor) -> Tensor:
    """The exact denoiser of a Gaussian around ``condition`` ``(batch, 1)``."""
    one = (-1, *[1] * (x.ndim - 1))
    variance, mean = sigma.reshape(one) ** 2, condition.reshape(one)
    return (_STD**2 * x + variance * mean) / (_STD**2 + variance)
