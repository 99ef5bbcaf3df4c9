"""Sheets of samples drawn while a model trains, so that one can see what it has learned so far."""

import re
from pathlib import Path

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from projcomp.composition.linear import LinearField
from projcomp.config.samplers import SamplingConfig
from projcomp.data.preview import contact_sheet
from projcomp.diffusion.convert import denoised_to_score
from projcomp.diffusion.noise_levels import edm_sigmas
from projcomp.diffusion.pixels import decode
from projcomp.files.atomic import atomic_path
from projcomp.networks import conditioning
from projcomp.networks.denoiser import Denoiser
from projcomp.networks.precision import at_precision
from projcomp.samplers.heun import Heun
from projcomp.samplers.process import sample
from projcomp.samplers.start import start_noise
from projcomp.training.batches import UpdateBatches
from projcomp.training.module import DiffusionTraining

COLUMNS, ROWS = 8, 4


def remove_sheets(folder: Path) -> None:
    """Remove the sheets of an earlier training from ``folder``, and nothing else."""
    for path in folder.glob("*.png"):
        if re.fullmatch(r"\d{10,}", path.stem) and path.is_file():
            path.unlink(missing_ok=True)


class SampleSheets(lightning.Callback):
    """Draws a sheet of samples every so many images: one row unconditional, the others conditioned.

    The weights are those of the moment, not their average; the noise and what is asked for are the
    same in every sheet. Nothing random of the training is touched.

    Args:
        folder: where the sheets go, ``<images seen>.png``.
        batches: where the conditions are taken from.
        sampling: noise levels and precision; always the Heun sampler.
        every: images between two sheets.
        largest: images at once, no more than a pass of the training takes: where that fits into
            the memory, so does a sheet.
    """

    def __init__(
        self,
        folder: Path,
        batches: UpdateBatches,
        sampling: SamplingConfig,
        *,
        every: int,
        largest: int,
    ):
        self.folder, self.sampling, self.every, self.largest = folder, sampling, every, largest
        told = batches.conditions(0)[: COLUMNS * (ROWS - 1)]
        free = conditioning.unconditional(batches.kind).repeat(COLUMNS, 1)
        self.rows = torch.cat([free, told])

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: DiffusionTraining, outputs, batch, batch_idx
    ) -> None:
        """Draw a sheet where one is due."""
        size = pl_module.config.batch_size
        seen = pl_module.updates_made * size
        if seen // self.every == (seen - size) // self.every or not trainer.is_global_zero:
            return
        model = pl_module.model
        model.eval()
        pieces = zip(self.rows.split(self.largest), self._noise(model), strict=True)
        images = [sample_sheet(model, rows, noise, self.sampling) for rows, noise in pieces]
        model.train()
        labels = [conditioning.in_words(row, model.condition_kind) for row in self.rows]
        sheet = contact_sheet(np.concatenate(images), labels, f"{seen:,} images seen", COLUMNS)
        with atomic_path(self.folder / f"{seen:010d}.png") as temporary:
            sheet.save(temporary, format="PNG")
        if trainer.logger is not None:
            trainer.logger.log_image("samples", [sheet], step=seen)  # pyright: ignore

    def _noise(self, model: Denoiser) -> tuple[Tensor, ...]:
        """What every sheet starts from, in pieces."""
        dims = (model.features.channels, model.resolution, model.resolution)
        return start_noise(range(len(self.rows)), dims).split(self.largest)


def noise_levels(sampling: SamplingConfig) -> Tensor:
    """The noise levels of every sheet, ``(num_steps + 1,)``.

    Raises:
        ConfigError: they would not decrease.
    """
    return edm_sigmas(sampling.num_steps, sampling.sigma_min, sampling.sigma_max, sampling.rho)


@torch.no_grad()
def sample_sheet(
    model: Denoiser, rows: Tensor, noise: Tensor, sampling: SamplingConfig
) -> NDArray[np.uint8]:
    """One image ``(H, W, 3)`` per row of conditions and noise ``(N, C, H, W)``."""
    device = next(model.parameters()).device
    rows, noise = rows.to(device), noise.to(device)
    denoise = at_precision(model, sampling.precision, device)

    def scores(x: Tensor, sigma: float) -> Tensor:
        denoised = denoise(x, torch.full((len(x),), sigma, device=device), rows)
        return denoised_to_score(denoised, x, sigma)[None]

    sigmas = noise_levels(sampling)
    field = LinearField(scores, (1.0,))
    x = sample(field, sampling.sigma_max * noise, sigmas, Heun()).x
    return decode(model.features.decode(x))
