"""What is measured of finished samples, beside the path that made them."""

from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from projcomp import seeds
from projcomp.composition.complift import accepted, lifts
from projcomp.composition.line_density import line_log_densities
from projcomp.diffusion.batched import BatchedScores
from projcomp.samplers.noise import NoiseStreams
from projcomp.sampling.parts import CountedScores
from projcomp.sampling.requests import Request, Requests

if TYPE_CHECKING:
    from projcomp.settings.stages import SampleSettings


class Judge(Protocol):
    """One measurement of finished samples.

    Attributes:
        scores: those that it asks.
        counts: whether its cost is a sample's, as a filter's is; else it is the experimenter's.
    """

    scores: CountedScores
    counts: bool

    def judged(self, x: Tensor, indices: NDArray[np.int64]) -> dict[str, Tensor]:
        """What was measured of the samples ``indices``, each of shape ``(batch, ...)``."""
        ...


def judges_of(settings: "SampleSettings", requests: Requests, chunk_size: int) -> list[Judge]:
    """The measurements that the settings ask for; one distribution has no gap to another.

    Args:
        settings: of the case.
        requests: what is asked of which model.
        chunk_size: images in one evaluation of a model, at most.
    """
    found: list[Judge] = []
    if requests.explained:
        found.append(_Lifts(settings, requests.explained, chunk_size))
    if settings.sampling.densities and len(requests.distributions) > 1:
        found.append(_Densities(settings, requests.distributions, chunk_size))
    return found


class _Lifts:
    """CompLift's verdict on samples (``composition/complift.py``)."""

    counts = True

    def __init__(self, settings: "SampleSettings", explained: list[Request], size: int) -> None:
        recipe = settings.sampling.complift
        assert recipe is not None
        self.settings = settings
        self.sigmas = np.geomspace(recipe.sigma_max, recipe.sigma_min, recipe.num_levels).tolist()
        self.scores = CountedScores(BatchedScores(explained, size))

    @torch.no_grad()
    def judged(self, x: Tensor, indices: NDArray[np.int64]) -> dict[str, Tensor]:
        """Lifts ``(batch, conditions)`` of the samples ``indices``, and which are accepted."""
        noise = _noise(self.settings, "complift", x, indices)
        lift = lifts(self.scores, x, self.sigmas, (noise.normal() for _ in self.sigmas))
        return {"lift": lift.T, "accepted": accepted(lift)}


class _Densities:
    """Log-densities of what is composed, along lines (``composition/line_density.py``)."""

    counts = False

    def __init__(self, settings: "SampleSettings", composed: list[Request], size: int) -> None:
        recipe = settings.sampling.densities
        assert recipe is not None
        self.settings, self.num_lines = settings, recipe.num_lines
        self.sigmas = recipe.levels(settings.sampling.sigma_max, settings.sampling.sigma_min)
        self.scores = CountedScores(BatchedScores(composed, size))

    @torch.no_grad()
    def judged(self, x: Tensor, indices: NDArray[np.int64]) -> dict[str, Tensor]:
        """``line_log_q`` ``(batch, lines, levels, models)`` of the samples ``indices``."""
        noise = _noise(self.settings, "densities", x, indices)
        lines = [
            line_log_densities(self.scores, x, self.sigmas, noise.normal())
            for _ in range(self.num_lines)
        ]
        return {"line_log_q": torch.stack(lines).permute(3, 0, 2, 1)}


def _noise(
    settings: "SampleSettings", name: str, x: Tensor, indices: NDArray[np.int64]
) -> NoiseStreams:
    """A stream for every sample, of the measurement's name."""
    names = (name, settings.stream, settings.case.name)
    stream = [seeds.integer_seed(settings.seed, *names, int(index)) for index in indices]
    return NoiseStreams(stream, tuple(x.shape[1:]), x.device)
