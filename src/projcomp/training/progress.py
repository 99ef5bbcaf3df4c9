"""What a training shows while it runs, metrics.csv and a bar; and when it saves its state."""

import csv
import io
import time
from collections.abc import Callable
from pathlib import Path

import lightning
from torch import Tensor
from tqdm import tqdm

from projcomp.errors import FileFormatError, UserError
from projcomp.files.atomic import write_text
from projcomp.training.losses import BANDS
from projcomp.training.module import DiffusionTraining
from projcomp.training.signals import STOPPING, SignalCatcher
from projcomp.training.stops import note_stop

_UPDATES_BETWEEN_TALKS = 10
"""Processes ask each other so often whether to save or stop; updates of many passes take long, and
there they ask after every one."""

COLUMNS = (
    "images_seen",
    "loss",
    *BANDS,
    "gradient_norm",
    "learning_rate",
    "images_per_second",
    "seconds",
)


class Metrics:
    """The rows of metrics.csv, written beside the state so that a resumed run goes on with them.

    Args:
        path: the table.
        images_seen: by the run that is resumed; 0 begins an empty table.

    Raises:
        FileFormatError: the table of a run that is resumed is damaged.
    """

    def __init__(self, path: Path, images_seen: int):
        self.path = path
        self.rows: list[dict[str, float]] = []
        if images_seen and path.is_file():
            self.rows = [row for row in _read(path) if row["images_seen"] <= images_seen]

    def text(self) -> str:
        """The table as CSV."""
        out = io.StringIO()
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            {c: f"{row[c]:.0f}" if c == "images_seen" else f"{row[c]:.6g}" for c in COLUMNS}
            for row in self.rows
        )
        return out.getvalue()

    def save(self) -> None:
        """Write the table, atomically."""
        write_text(self.path, self.text())


def _read(path: Path) -> list[dict[str, float]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [{c: float(row[c]) for c in COLUMNS} for row in csv.DictReader(file)]
    except (OSError, ValueError, TypeError, KeyError, csv.Error) as error:
        raise FileFormatError(
            f"{path}: expected the columns {', '.join(COLUMNS)} as numbers, got a damaged table "
            f"({type(error).__name__}: {error}); delete it, and the training goes on without the "
            "rows so far"
        ) from None


class Progress(lightning.Callback):
    """Logs every ``log_images`` images, saves every ``checkpoint_minutes`` minutes and on signals.

    On SIGTERM or SIGUSR1, by which schedulers tell of preemption or of the end of a job's time, the
    state is saved after the running update, and the training ends.

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
        self.metrics, self._write_state = metrics, save
        self.log_images, self.checkpoint_seconds = log_images, 60 * checkpoint_minutes
        self.total_images, self.seen = total_images, start_images
        self.signals = SignalCatcher(STOPPING)
        self.started = False
        """Whether the training has come to its updates."""
        self.saved = self.logged = time.monotonic()
        self.logged_images = metrics.rows[-1]["images_seen"] if metrics.rows else 0.0
        self.timed_from = self.seen
        """Images seen when the clock of the next row began."""
        self.seconds = metrics.rows[-1]["seconds"] if metrics.rows else 0.0
        self.bar = tqdm(disable=True)  # shows nothing until the training starts

    def on_train_start(self, trainer: lightning.Trainer, pl_module) -> None:
        """Start the clocks."""
        self.started = True
        self.signals.start()
        self.saved = self.logged = time.monotonic()
        quiet = None if trainer.is_global_zero else True
        self.bar = tqdm(
            total=self.total_images, initial=self.seen, unit="img", disable=quiet, smoothing=0.05
        )

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: DiffusionTraining, outputs, batch, batch_idx
    ) -> None:
        """Count, and now and then log or save."""
        images = pl_module.config.batch_size
        self.seen += images
        self.bar.update(images)
        if self.seen - self.logged_images >= self.log_images or self.seen >= self.total_images:
            pl_module.check_finite()
            self._log(trainer, pl_module)
        # Not after the last update: then the result itself is about to be written.
        if self.seen >= self.total_images:
            return
        caught = None
        if _agreed(trainer, pl_module, self.signals.caught is not None):
            caught = self.signals.caught or "a signal to another process"
        due = time.monotonic() - self.saved >= self.checkpoint_seconds
        if caught or _agreed(trainer, pl_module, due):
            self._save(trainer, pl_module)
        if caught:
            line = (
                f"{self.seen}/{self.total_images} images: stopped by {caught}; the state is saved"
            )
            if trainer.is_global_zero:
                note_stop(self.metrics.path.parent, line)
            raise UserError(f"{line}: run the same command again to go on")

    def on_train_end(self, trainer: lightning.Trainer, pl_module) -> None:
        """End what the start began."""
        self.close()

    def on_exception(self, trainer: lightning.Trainer, pl_module, exception) -> None:
        """The same, however early."""
        self.close()

    def close(self) -> None:
        """Close the bar and give the signals back; as often as one likes, started or not."""
        self.bar.close()
        self.signals.stop()

    def _save(self, trainer: lightning.Trainer, pl_module: DiffusionTraining) -> None:
        pl_module.check_finite()
        pl_module.losses.gather(
            lambda sums: _sum_over_processes(trainer, sums), trainer.is_global_zero
        )
        if trainer.is_global_zero:
            self._write_state()
        # nobody leaves before the state is there: a process that ends takes the others along
        trainer.strategy.barrier()
        self.saved = time.monotonic()

    def _log(self, trainer: lightning.Trainer, pl_module: DiffusionTraining) -> None:
        now = time.monotonic()
        elapsed = now - self.logged
        self.seconds += elapsed
        row = {
            "images_seen": float(self.seen),
            **pl_module.losses.take(lambda sums: _sum_over_processes(trainer, sums)),
            "gradient_norm": pl_module.gradient_norm(),
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
            "images_per_second": (self.seen - self.timed_from) / max(elapsed, 1e-9),
            "seconds": self.seconds,
        }
        self.metrics.rows.append(row)
        self.logged, self.logged_images, self.timed_from = now, float(self.seen), self.seen
        if not trainer.is_global_zero:
            return
        # ahead of the state: a resumed run passes over the rows that it will write again
        self.metrics.save()
        if trainer.logger is not None:
            trainer.logger.log_metrics(row, step=self.seen)
        self.bar.set_postfix(loss=f"{row['loss']:.3f}")
        seconds_left = (self.total_images - self.seen) / row["images_per_second"]
        print(
            f"{self.seen}/{self.total_images} images, loss {row['loss']:.4f}, "
            f"{row['images_per_second']:.0f} images/s, {_time(seconds_left)} left",
            flush=True,
        )


def _agreed(trainer: lightning.Trainer, pl_module: DiffusionTraining, wish: bool) -> bool:
    """Whether any process wishes it; of several, all learn of it after the same update.

    Their clocks and signals differ, and saving asks all of them whether the losses are finite.
    """
    if trainer.world_size == 1:
        return wish
    often = pl_module.microbatch is not None
    if not often and pl_module.updates_made % _UPDATES_BETWEEN_TALKS:
        return False
    return trainer.strategy.reduce_boolean_decision(wish, all=False)


def _time(seconds: float) -> str:
    """Hours and minutes of a duration, as people say them."""
    minutes = round(seconds / 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min" if minutes else "under a minute"


def _sum_over_processes(trainer: lightning.Trainer, value: Tensor) -> Tensor:
    total = trainer.strategy.reduce(value, reduce_op="sum")
    assert isinstance(total, Tensor)
    return total
