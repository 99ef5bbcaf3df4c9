"""Where randomness comes from: sample ``i`` draws from streams of its own, whatever its batch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from projcomp.diffusion.frames import centred
from projcomp.diffusion.shapes import Precise, Samples
from projcomp.errors import ConfigError, UserError

_BLOCK_NUMBERS = 2**17
"""About so many numbers are drawn at once per sample, so that no step loops over samples."""


@runtime_checkable
class Noise(Protocol):
    """Random numbers of every sample of a batch."""

    def normal(self) -> Samples:
        """The next standard normal noise, shape ``(batch, *dims)``."""
        ...

    def uniform(self) -> Precise:
        """The next uniform numbers in [0, 1), shape ``(batch,)``, float64."""
        ...


class NoiseStreams:
    """Normal and uniform random numbers, independent streams per sample.

    Drawn on the CPU, so that a sample is the same on every device and in every batch.

    Args:
        seeds: one integer per sample, below 2^63.
        dims: shape of one sample.
        device: where the numbers are wanted.
        dtype: and as what; drawn in this precision.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        dims: Sequence[int],
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ):
        self._dims, self._device, self._dtype = tuple(dims), device, dtype
        self._normal_streams = [_stream(seed, 1) for seed in seeds]
        self._uniform_streams = [_stream(seed, 2) for seed in seeds]
        self._block = min(max(_BLOCK_NUMBERS // math.prod(self._dims), 1), 64)
        self._normals: list[Tensor] = []
        self._uniforms: list[Tensor] = []

    def normal(self) -> Samples:
        """The next standard normal noise, shape ``(batch, *dims)``."""
        if not self._normals:
            shape = (self._block, *self._dims)
            drawn = [
                torch.randn(shape, generator=s, dtype=self._dtype) for s in self._normal_streams
            ]
            self._normals = list(torch.stack(drawn, 1).flip(0))
        return self._normals.pop().to(self._device)

    def uniform(self) -> Precise:
        """The next uniform numbers in [0, 1), shape ``(batch,)``, float64."""
        if not self._uniforms:
            drawn = [
                torch.rand(64, generator=s, dtype=torch.float64) for s in self._uniform_streams
            ]
            self._uniforms = list(torch.stack(drawn, 1).flip(0))
        return self._uniforms.pop().to(self._device)


def normals_for(noise: Noise, like: Tensor) -> Tensor:
    """The next standard normal noise of a step that displaces by something shaped as ``like``.

    Raises:
        UserError: the streams are of other samples; their noise would be broadcast, and shared.
    """
    return shaped_as(like, noise.normal())


def uniforms_for(noise: Noise, x: Samples) -> Precise:
    """The next uniform numbers, one for each of ``x``, shape ``(batch,)``.

    Raises:
        UserError: the streams are of more samples, or of fewer.
    """
    drawn = noise.uniform()
    if drawn.shape != x.shape[:1]:
        raise UserError(
            f"noise: expected uniform numbers for {len(x)} samples, got those of {len(drawn)}; "
            "make NoiseStreams of a seed per sample"
        )
    return drawn


def shaped_as(like: Tensor, drawn: Tensor) -> Tensor:
    """``drawn`` itself, where it has the shape of ``like``.

    Raises:
        UserError: it has another one.
    """
    if drawn.shape != like.shape:
        raise UserError(
            f"noise: expected noise of shape {tuple(like.shape)}, got {tuple(drawn.shape)}; make "
            "NoiseStreams of a seed per sample, and of the dims of one"
        )
    return drawn


class NoNoise:
    """Stands where no random streams were given: whoever draws from it is told so."""

    def normal(self) -> Samples:
        """Refuse.

        Raises:
            ConfigError: always.
        """
        raise ConfigError("sampler: expected random streams for a stochastic sampler, got none")

    def uniform(self) -> Precise:
        """Refuse.

        Raises:
            ConfigError: always.
        """
        raise ConfigError("sampler: expected random streams for a stochastic sampler, got none")


NO_NOISE = NoNoise()


def _stream(seed: int, purpose: int) -> torch.Generator:
    """A generator that has nothing to do with the one of ``seed`` itself, which makes the start."""
    state = np.random.SeedSequence([seed, purpose]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state) >> 1)


@dataclass(frozen=True)
class CentredNoise:
    """Noise of frames, ``(batch, n, 6)``, that does not move their centre.

    Attributes:
        noise: of the same shape, which may.
    """

    noise: Noise

    def normal(self) -> Samples:
        """The next noise: standard normal on the translations of mean zero, and the rotations."""
        return centred(self.noise.normal())

    def uniform(self) -> Precise:
        """The next uniform numbers, as they are."""
        return self.noise.uniform()
