"""Samples of one case in batches, and what was measured on the way."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from projcomp import seeds
from projcomp.diffusion.batched import BatchedScores
from projcomp.errors import UserError
from projcomp.sampling.finished import judges_of
from projcomp.sampling.parts import CountedScores, Process, build_process
from projcomp.sampling.requests import Model, Requests, model_requests

if TYPE_CHECKING:
    from projcomp.settings.stages import SampleSettings


EXACT_SAMPLES = 256
"""Samples of a batch where all models are exact, whatever ``sampling.chunk_size`` says."""


class SamplingError(UserError):
    """A reverse process did not end in images."""


@dataclass(frozen=True)
class CaseSamples:
    """Images of one case, what was measured on the way, and what making them cost.

    Attributes:
        images: uint8, shape ``(num_samples, H, W, 3)``.
        measured: what composition and sampler recorded, each of shape ``(num_samples, ...)``.
        sigmas: the noise levels, decreasing to 0; ``interaction`` is of the first of them.
        field_evaluations: evaluations of the composed score along one path.
        network_evaluations: network evaluations that one image cost, with all its particles.
        seconds_per_image: wall time, networks loaded.
    """

    images: NDArray[np.uint8]
    measured: dict[str, NDArray]
    sigmas: NDArray[np.float64]
    field_evaluations: int
    network_evaluations: int
    seconds_per_image: float


def sample_case(
    settings: "SampleSettings", load: Callable[[str], Model], device: torch.device
) -> CaseSamples:
    """Sample one case of one experiment on models of the run's own.

    Args:
        settings: what to sample.
        load: the model of a given name, on ``device``; called once per model.
        device: where the reverse process runs; its state is float32 whatever the precision.

    Raises:
        UserError: a model cannot be asked what the case asks, or the samples are not finite.
    """
    requests = model_requests(settings, load, device)
    chunk_size = settings.sampling.chunk_size
    if requests.only_exact:  # every batch turns all renders into numbers anew
        chunk_size = max(chunk_size, EXACT_SAMPLES * len(requests.composed))
    scores = CountedScores(BatchedScores(requests.composed, chunk_size))
    process = build_process(settings, requests, scores)
    return draw(settings, requests, process, scores, chunk_size, device)


def draw(
    settings: "SampleSettings",
    requests: Requests,
    process: Process,
    scores: CountedScores,
    chunk_size: int,
    device: torch.device,
) -> CaseSamples:
    """All samples of a case, by ``process`` over the ``scores`` of ``requests``.

    Args:
        settings: the case, its streams and how many samples.
        requests: what is asked, and how samples become pictures.
        process: the reverse process.
        scores: those that it asks.
        chunk_size: images in one evaluation of a network, at most.
        device: where the samples lie.

    Raises:
        UserError: the samples are not finite.
    """
    judges = judges_of(settings, requests, chunk_size)
    particles = process.particles
    width = scores.scores.widest_group * particles
    batches = _batches(settings.num_samples, max(1, chunk_size // width))
    title = f"{settings.experiment}/{settings.case.name}"
    pieces, aside, began = [], 0.0, time.perf_counter()
    for indices in tqdm(batches, desc=title, disable=None):
        stream = [sample_seed(settings, int(i), p) for i in indices for p in range(particles)]
        piece = process.run(stream, requests.dims, device)
        _check_finite(piece.x, settings)
        if "interaction_map" in piece.measured:  # per pixel, its channels together
            piece.measured["interaction_map"] = piece.measured["interaction_map"].sum(1)
        for judge in judges:
            asked = time.perf_counter()
            found = judge.judged(piece.x, indices)
            # a GPU has done it when the numbers are here
            piece.measured.update({name: values.cpu() for name, values in found.items()})
            aside += 0.0 if judge.counts else time.perf_counter() - asked
        pieces.append(piece)
    seconds = time.perf_counter() - began - aside
    evaluations = scores.network_evaluations * particles
    evaluations += sum(judge.scores.network_evaluations for judge in judges if judge.counts)
    return CaseSamples(
        images=np.concatenate([requests.pictures(piece.x) for piece in pieces]),
        measured={
            name: np.concatenate([piece.measured[name].cpu().numpy() for piece in pieces])
            for name in pieces[0].measured
        },
        sigmas=process.path.sigmas.numpy(),
        field_evaluations=pieces[0].num_evaluations,
        network_evaluations=evaluations // len(batches),
        seconds_per_image=seconds / settings.num_samples,
    )


def sample_seed(settings: "SampleSettings", index: int, particle: int = 0) -> int:
    """The seed of the stream that sample ``index`` of the case starts from.

    The first particle of a swarm starts where the sample would start without one.
    """
    names = ("sample", settings.stream, settings.case.name, index)
    return seeds.integer_seed(settings.seed, *names, *(("particle", particle) if particle else ()))


def _batches(num_samples: int, largest: int) -> list[np.ndarray]:
    """Sample indices in consecutive batches of nearly equal size, none above ``largest``."""
    return np.array_split(np.arange(num_samples), -(-num_samples // largest))


def _check_finite(x: Tensor, settings: "SampleSettings") -> None:
    bad = int((~torch.isfinite(x)).flatten(1).any(1).sum())
    if bad:
        mend = "check the models' metrics.csv, or sample with sampling.precision fp32"
        if settings.pipelines:
            mend = "sample with models.<name>.dtype fp32"
        files = [*settings.operator.files, *settings.sampling.sampler.files]
        if files:  # a user's own code, which is less tried than all else
            mend = f"look into {' and '.join(dict.fromkeys(files))} first; then {mend}"
        raise SamplingError(
            f"experiment {settings.experiment}, case {settings.case.name}: expected finite samples,"
            f" got NaN or infinity in {bad} of {len(x)}; {mend}"
        )
