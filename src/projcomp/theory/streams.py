"""Random streams of an experiment: all seeds in one batch, seed ``s`` in rows of its own."""

from dataclasses import dataclass

import torch
from torch import Tensor

from projcomp import seeds
from projcomp.samplers.noise import NoiseStreams
from projcomp.samplers.start import start_noise
from projcomp.settings.stages import TheorySettings


@dataclass(frozen=True)
class Streams:
    """Streams named after the experiment; ``part`` tells its measurements apart.

    Samples of all seeds form one batch of ``num_seeds * per_seed``, the first seed's first.
    """

    settings: TheorySettings
    part: str

    def noise(self, per_seed: int, dims: tuple[int, ...], dtype=torch.float64) -> NoiseStreams:
        """The samplers' random streams, one per sample."""
        return NoiseStreams(self._seeds("noise", per_seed), dims, dtype=dtype)

    def start(self, per_seed: int, dims: tuple[int, ...], dtype=torch.float64) -> Tensor:
        """Standard normal noise, shape ``(num_seeds * per_seed, *dims)``."""
        return start_noise(self._seeds("start", per_seed), dims).to(dtype)

    def torch_rng(self, seed: int) -> torch.Generator:
        """A generator for draws from exact distributions, one per seed."""
        number = seeds.integer_seed(
            self.settings.seed, "theory", self.settings.experiment, self.part, "draws", seed
        )
        return torch.Generator().manual_seed(number)

    def by_seed(self, values: Tensor) -> Tensor:
        """``(num_seeds * per_seed, *rest)`` as ``(num_seeds, per_seed, *rest)``."""
        return values.reshape(self.settings.num_seeds, -1, *values.shape[1:])

    def _seeds(self, purpose: str, per_seed: int) -> list[int]:
        names = ("theory", self.settings.experiment, self.part, purpose)
        rngs = [
            seeds.generator(self.settings.seed, *names, s) for s in range(self.settings.num_seeds)
        ]
        return [int(n) for rng in rngs for n in rng.integers(2**62, size=per_seed)]
