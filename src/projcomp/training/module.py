"""The Lightning module: loss, optimiser, and what happens to the weights after each update."""

from contextlib import nullcontext

import lightning
import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from projcomp.config.learning import TrainingConfig
from projcomp.diffusion.averaging import TailAverage
from projcomp.diffusion.loss import denoising_error, uncertainty_weighted
from projcomp.diffusion.pixels import encode
from projcomp.errors import UserError
from projcomp.networks.denoiser import Denoiser
from projcomp.training.batches import Batch
from projcomp.training.losses import RunningLosses
from projcomp.training.noise import draw_noise
from projcomp.training.schedule import rate_of


class DiffusionTraining(lightning.LightningModule):
    """Trains a denoiser with EDM2's loss and schedule.

    Args:
        model: the denoiser.
        config: training settings.
        total_updates: updates of the whole training.
        microbatch: images per forward and backward pass; the gradients of an update's passes add
            up. None takes all images of the update at once.
    """

    def __init__(
        self,
        model: Denoiser,
        config: TrainingConfig,
        total_updates: int,
        microbatch: int | None = None,
    ):
        super().__init__()
        self.automatic_optimization = False
        self.model = model
        self.config = config
        self.microbatch = microbatch
        self.total_updates = total_updates
        # Weights from before the middle of a short training would spoil the mean.
        length = min(config.average_updates, max(total_updates // 2, 1))
        self.average = TailAverage(total_updates, length)
        self.updates_made = 0
        self.losses = RunningLosses()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """One update: gradients of the mean loss (EDM2, eq. 14), a step, the weights' upkeep.

        Raises:
            UserError: the images could not be read, by a process that only reads.
        """
        if isinstance(batch, UserError):
            raise batch
        optimizer = self.optimizers()
        assert isinstance(optimizer, LightningOptimizer)
        rate = rate_of(self.updates_made, self.config, self.total_updates)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        count = len(batch.images)
        size = min(self.microbatch or count, count)
        for start in range(0, count, size):
            last = start + size >= count
            with nullcontext() if last else self._without_exchange():
                loss = self._loss(batch, slice(start, start + size))
                self.manual_backward(loss.sum() / count)
        self.model.project_gradients()
        optimizer.step()
        # renormalised afterwards, as Bradley et al. 2025, and not before, as EDM2
        self.model.normalize_weights()
        self.average.update(self.updates_made, dict(self.model.state_dict()))
        self.updates_made += 1

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam with EDM2's betas; the rate is set before each step."""
        return torch.optim.Adam(
            self.parameters(), lr=self.config.learning_rate, betas=(0.9, 0.99), fused=True
        )

    def gradient_norm(self) -> float:
        """Length of the last update's gradient."""
        gradients = [p.grad for p in self.parameters() if p.grad is not None]
        return float(torch.nn.utils.get_total_norm(gradients)) if gradients else 0.0

    def check_finite(self) -> None:
        """Raise where a loss or a weight is not finite, so that no bad state is saved.

        Raises:
            UserError: the update, and the noise levels where the loss was not.
        """
        wrong = self.losses.first_bad() is not None
        whole = all(bool(weight.isfinite().all()) for weight in self.parameters())
        # All processes must stop, or the others would wait for the one that has.
        strategy = self.trainer.strategy
        if not strategy.reduce_boolean_decision(wrong or not whole, all=False):
            return
        bad = self.losses.first_bad(strategy.all_gather)
        update, what = self.updates_made, "finite losses and weights, got others in another process"
        if bad:
            update, low, high = bad
            levels = f"level {low:.3g}" if low == high else f"levels {low:.3g} to {high:.3g}"
            what = f"a finite loss, got none at noise {levels}"
        elif not whole:
            what = "finite weights, got none, of a loss that was finite"
        raise UserError(
            f"update {update}: expected {what}; lower training.learning_rate or set "
            "training.precision to fp32. The state saved before is kept"
        )

    def _loss(self, batch: Batch, part: slice) -> Tensor:
        """Losses ``(b,)`` of a part of the update's images."""
        x0 = self.model.features.encode(encode(batch.images[part]))
        x0 = x0.contiguous(memory_format=torch.channels_last)
        sigma, noise = draw_noise(
            batch.noise_seed,
            batch.first + part.start,
            tuple(x0.shape),
            log_mean=self.config.sigma_log_mean,
            log_std=self.config.sigma_log_std,
            device=self.device,
        )
        conditions = batch.conditions[part]
        error = denoising_error(
            lambda x, s: self.model(x, s, conditions), x0, sigma, noise, self.model.sigma_data
        )
        loss = uncertainty_weighted(error, self.model.logvar(sigma))
        self.losses.add(self.updates_made, sigma, loss.detach(), error.detach())
        return loss

    def _without_exchange(self):
        """Keep the gradients of several processes apart until an update's last pass."""
        wrapped = self.trainer.model
        several = isinstance(wrapped, DistributedDataParallel)
        return wrapped.no_sync() if several else nullcontext()
