"""The Lightning module: loss, optimiser, and what happens to the weights after each update."""

import lightning
import torch
from torch import Tensor

from projcomp.config import TrainingConfig
from projcomp.diffusion.averaging import TailAverage
from projcomp.diffusion.learning_rate import learning_rate
from projcomp.diffusion.loss import denoising_loss, draw_sigma
from projcomp.diffusion.pixels import encode
from projcomp.errors import UserError
from projcomp.networks.denoiser import Denoiser
from projcomp.training.batches import Batch


class DiffusionTraining(lightning.LightningModule):
    """Trains a denoiser with EDM2's loss and schedule.

    Args:
        model: the denoiser.
        config: training settings.
        total_updates: updates of the whole training.
    """

    def __init__(self, model: Denoiser, config: TrainingConfig, total_updates: int):
        super().__init__()
        self.model = model
        self.config = config
        # Weights from before the middle of a short training would spoil the mean.
        length = min(config.average_updates, max(total_updates // 2, 1))
        self.average = TailAverage(total_updates, length)
        self.updates_made = 0
        self.last_loss = torch.zeros(())

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Mean loss of one batch (EDM2, eq. 14)."""
        x0 = encode(batch.images).contiguous(memory_format=torch.channels_last)
        rng = torch.Generator(self.device).manual_seed(batch.noise_seed)
        config = self.config
        sigma = draw_sigma(len(x0), config.sigma_log_mean, config.sigma_log_std, rng, self.device)
        noise = torch.randn(x0.shape, generator=rng, device=self.device)
        loss = denoising_loss(
            lambda x, s: self.model(x, s, batch.conditions),
            self.model.logvar,
            x0,
            sigma,
            noise,
            self.model.sigma_data,
        ).mean()
        self.last_loss = loss.detach()
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam with EDM2's betas; the rate is set before each step."""
        return torch.optim.Adam(
            self.parameters(), lr=self.config.learning_rate, betas=(0.9, 0.99), fused=True
        )

    def optimizer_step(self, epoch, batch_idx, optimizer, optimizer_closure=None) -> None:
        """Step, renormalise the weights (afterwards, as Bradley et al. 2025), average them."""
        rate = learning_rate(
            self.updates_made,
            reference=self.config.learning_rate,
            batch_size=self.config.batch_size,
            ramp_images=self.config.ramp_images,
            decay_updates=self.config.decay_updates,
        )
        for group in optimizer.param_groups:
            group["lr"] = rate
        super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        self.model.normalize_weights()
        self.average.update(self.updates_made, dict(self.model.state_dict()))
        self.updates_made += 1

    def checked_loss(self) -> float:
        """The last loss; an error where it is not finite, so that no time is wasted on it."""
        value = float(self.last_loss)
        if value != value or value in (float("inf"), float("-inf")):
            raise UserError(
                f"update {self.updates_made}: expected a finite loss, got {value}; "
                "lower training.learning_rate or set training.precision to fp32"
            )
        return value
