"""A user's own operator or sampler, tried on Gaussians before anything is rendered or trained.

What reaches across the batch must show. So no two samples and no two models are alike: the samples
start at widths of their own, and every Gaussian has a width, a mean picture, and one direction in
which it is long, of its own. Of Gaussians of one width the scores' differences would be the same at
every sample, and a mean of them over the batch that of each.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from projcomp.diffusion.batched import BatchedScores
from projcomp.diffusion.field import ScoreField
from projcomp.features.feature_map import RGB, Features
from projcomp.own_code import own_errors
from projcomp.sampling.from_file import check_each_alone, check_records
from projcomp.sampling.parts import CountedScores, Process, build_process
from projcomp.sampling.requests import Request, Requests, pictures_of

if TYPE_CHECKING:
    from projcomp.settings.stages import SampleSettings

STEPS = 3
"""Noise levels above zero of the trial: a first step, one between, and the last."""


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
        process = _starting_apart(build_process(settings, requests, scores), seeds)
        with own_errors(*files):  # also where a user's state says what it has measured
            samples = process.run(seeds, requests.dims, torch.device("cpu"))
        check_records(samples.measured, len(seeds), " and ".join(files))
        return samples.x

    files = list(dict.fromkeys([*settings.operator.files, *short.sampler.files]))
    check_each_alone(make, " and ".join(files))


def _starting_apart(process: Process, seeds: list[int]) -> Process:
    """The process whose samples start so many times as wide as their seed says."""
    path, width = process.path, torch.tensor(seeds, dtype=torch.float32)

    def begin(field: ScoreField, noise: Tensor) -> Tensor:
        return path.start(field, noise * width.reshape(-1, *[1] * (noise.ndim - 1)))

    return replace(process, path=replace(path, begin=begin))


def toy_requests(settings: "SampleSettings", resolution: int, features: Features = RGB) -> Requests:
    """As many Gaussians as the case has distributions, no two alike; the first is the widest."""
    first = [settings.background] if settings.background else []
    last = [settings.control] if settings.control else []
    num_conditions = settings.case.num_conditions if settings.conditionals else 0
    weights = [one.weight for one in settings.composed] or None
    num_conditions += len(settings.composed)
    count = len(first) + num_conditions + len(settings.models) + len(last)
    composed: list[Request] = [(gaussian, torch.tensor([float(number)])) for number in range(count)]
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


def gaussian(x: Tensor, sigma: Tensor, condition: Tensor) -> Tensor:
    """The exact denoiser of Gaussian ``condition`` ``(batch, 1)``, a whole number from 0.

    It has the variance ``1 / (2 + condition)`` in all directions but one, where that is as large as
    a picture: so it is seen from the greatest noise level on, and by every sample otherwise.
    """
    flat, noise = x.double().flatten(1), sigma.double()[:, None] ** 2
    number, pixel = condition.double(), torch.arange(flat.shape[1], device=x.device) + 1.0
    mean, long = 0.5 * (pixel * (number + 1)).cos(), (pixel * (number + 1.5)).cos()
    variance, off = 1 / (2 + number), flat - mean
    length = long.square().sum(1, keepdim=True)
    along = (off * long).sum(1, keepdim=True) * long / length
    denoised = mean + _kept(variance, noise) * (off - along) + _kept(length, noise) * along
    return denoised.reshape(x.shape).to(x.dtype)


def _kept(variance: Tensor, noise: Tensor) -> Tensor:
    """The share of an offset that is no noise."""
    return variance / (variance + noise)
