"""What a training shows while it runs: metrics.csv, checkpoints by the clock, a progress bar."""

import csv
import io
import time
from collections.abc import Callable
from pathlib import Path

import lightning
from tqdm import tqdm

from projcomp.files import write_text
from projcomp.training.module import DiffusionTraining

COLUMNS = ("images_seen", "loss", "learning_rate", "images_per_second", "seconds")


class Metrics:
    """The rows of metrics.csv, kept with the state so that a resumed run goes on with them."""

    def __init__(self, path: Path, images_seen: int):
        self.path = path
        self.rows: list[dict[str, float]] = []
        if path.is_file():
            with path.open(encoding="utf-8", newline="") as file:
                rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
            self.rows = [row for row in rows if row["images_seen"] <= images_seen]

    def text(self) -> str:
        """The table as CSV."""
        out = io.StringIO()
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({c: f"{row[c]:.6g}" for c in COLUMNS} for row in self.rows)
        return out.getvalue()

    def save(self) -> None:
        """Write the table, atomically."""
        write_text(self.path, self.text())


class Progress(lightning.Callback):
    """Logs every ``log_images`` images and saves every ``checkpoint_minutes`` minutes.

    Args:
        metrics: the table.
        save: writes the state to resume from.
        log_images: images between two rows.
        checkpoint_minutes: minutes between two saves.
        total_images: length of the training.
        start_images: images already seen by the run that is resumed.
    """

    def __init__(
        self,
        metrics: Metrics,
        save: Callable[[], None],
        *,
        log_images: int,
        checkpoint_minutes: float,
        total_images: int,
        start_images: int,
    ):
        self.metrics, self.save = metrics, save
        self.log_images, self.checkpoint_seconds = log_images, 60 * checkpoint_minutes
        self.total_images, self.seen = total_images, start_images
        self.loss_sum, self.loss_count = 0.0, 0

    def on_train_start(self, trainer: lightning.Trainer, pl_module) -> None:
        """Start the clocks."""
        self.saved = self.logged = time.monotonic()
        self.logged_images = self.seen
        self.seconds = self.metrics.rows[-1]["seconds"] if self.metrics.rows else 0.0
        self.bar = tqdm(
            total=self.total_images, initial=self.seen, unit="img", disable=None, smoothing=0.05
        )

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: DiffusionTraining, outputs, batch, batch_idx
    ) -> None:
        """Count, and now and then log or save."""
        self.seen += len(batch.images)
        self.bar.update(len(batch.images))
        self.loss_sum += pl_module.checked_loss()
        self.loss_count += 1
        if self.seen - self.logged_images >= self.log_images or self.seen >= self.total_images:
            self._log(trainer)
        # Not after the last update: then the result itself is about to be written.
        due = time.monotonic() - self.saved >= self.checkpoint_seconds
        if due and self.seen < self.total_images:
            self.save()
            self.metrics.save()
            self.saved = time.monotonic()

    def on_train_end(self, trainer: lightning.Trainer, pl_module) -> None:
        """Close the bar."""
        self.bar.close()

    def _log(self, trainer: lightning.Trainer) -> None:
        now = time.monotonic()
        elapsed = now - self.logged
        self.seconds += elapsed
        row = {
            "images_seen": float(self.seen),
            "loss": self.loss_sum / self.loss_count,
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
            "images_per_second": (self.seen - self.logged_images) / max(elapsed, 1e-9),
            "seconds": self.seconds,
        }
        self.metrics.rows.append(row)
        if trainer.logger is not None:
            trainer.logger.log_metrics(row, step=self.seen)
        self.bar.set_postfix(loss=f"{row['loss']:.3f}")
        print(
            f"{self.seen}/{self.total_images} images, loss {row['loss']:.4f}, "
            f"{row['images_per_second']:.0f} images/s",
            flush=True,
        )
        self.logged, self.logged_images = now, self.seen
        self.loss_sum, self.loss_count = 0.0, 0
