"""One training, from rendered images to averaged weights; killed and started again, it goes on."""

import logging
import warnings
from pathlib import Path
from typing import Any

import lightning
import torch
from torch.utils.data import DataLoader

from projcomp import devices
from projcomp.config import WandbConfig
from projcomp.data.dataset import RenderedImages
from projcomp.errors import UserError
from projcomp.files import write_text
from projcomp.networks.checkpoint import save_model
from projcomp.networks.denoiser import Denoiser
from projcomp.seeds import integer_seed
from projcomp.stages import TrainSettings
from projcomp.training.batches import UpdateBatches
from projcomp.training.module import DiffusionTraining
from projcomp.training.progress import Metrics, Progress
from projcomp.training.resume import load_state, read_updates_made, save_state


def train(
    settings: TrainSettings,
    data_dir: Path,
    out_dir: Path,
    state_dir: Path,
    *,
    threads: int,
    device: str,
    checkpoint_minutes: float,
    log_images: int,
    wandb: WandbConfig,
) -> None:
    """Train ``settings.model`` and write weights.safetensors, model.json and metrics.csv.

    The state to resume from is kept in ``state_dir`` and removed when the model is complete.

    Raises:
        FileFormatError: a dataset is missing or damaged.
        DeviceError: a GPU was asked for and there is none.
        UserError: the loss became non-finite.
    """
    torch.set_num_threads(threads)
    accelerator = devices.accelerator(device)
    config = settings.training
    total = max(settings.images_seen // config.batch_size, 1)
    fingerprint = settings.model_dump_json()
    state = state_dir / "state.safetensors"
    start = read_updates_made(state, fingerprint)
    if start:
        print(f"resuming {settings.model} after {start * config.batch_size} images", flush=True)

    names = list(settings.datasets)
    datasets = [RenderedImages(data_dir / f"{name}.h5", settings.condition) for name in names]
    batches = UpdateBatches(
        datasets,
        [settings.datasets[name] for name in names],
        kind=settings.condition,
        dropout=config.condition_dropout,
        batch_size=config.batch_size,
        seed=settings.seed,
        model=settings.model,
        start=start,
        total=total,
    )
    model = _initial_model(settings)
    module = DiffusionTraining(model, config, total)
    metrics = Metrics(state_dir / "metrics.csv", start * config.batch_size)
    progress = Progress(
        metrics,
        lambda: save_state(state, module, fingerprint),
        log_images=log_images,
        checkpoint_minutes=checkpoint_minutes,
        total_images=total * config.batch_size,
        start_images=start * config.batch_size,
    )
    callbacks: list[lightning.Callback] = [progress]
    if start:
        callbacks.append(_LoadState(state))
    trainer = _trainer(accelerator, config.precision, total - start, callbacks, state_dir, wandb)
    # Batches from memory cost nothing; only those read from the disk are worth processes.
    workers = 0 if batches.in_memory else max(threads - 1, 1)
    trainer.fit(module, DataLoader(batches, batch_size=None, num_workers=workers))
    model.load_state_dict(module.average.mean)
    model.normalize_weights()
    write_text(out_dir / "metrics.csv", metrics.text())
    save_model(out_dir, model, _description(settings, total * config.batch_size))
    state.unlink(missing_ok=True)
    metrics.path.unlink(missing_ok=True)


class _LoadState(lightning.Callback):
    """Restores the state once Lightning has made the optimiser."""

    def __init__(self, path: Path):
        self.path = path

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: DiffusionTraining) -> None:
        load_state(self.path, pl_module)


def _initial_model(settings: TrainSettings) -> Denoiser:
    """The untrained denoiser; its weights are a random stream of their own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(integer_seed(settings.seed, "training", settings.model, "weights"))
        model = Denoiser(settings.network, settings.resolution, settings.condition)
    model.normalize_weights()
    model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    return model.train()


def _trainer(
    accelerator: str,
    precision: str,
    max_steps: int,
    callbacks: list[lightning.Callback],
    state_dir: Path,
    wandb: WandbConfig,
) -> lightning.Trainer:
    """A quiet Lightning trainer; bars, logs and checkpoints are ours."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="lightning")
    return lightning.Trainer(
        accelerator=accelerator,
        devices=1,
        precision="bf16-mixed" if precision == "bf16" else "32-true",
        max_steps=max_steps,
        logger=_wandb_logger(state_dir, wandb) if wandb.enabled else False,
        callbacks=callbacks,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=state_dir,
    )


def _wandb_logger(state_dir: Path, wandb: WandbConfig) -> Any:
    try:
        from lightning.pytorch.loggers import WandbLogger

        return WandbLogger(
            project=wandb.project, save_dir=state_dir, offline=wandb.mode == "offline"
        )
    except ModuleNotFoundError:
        raise UserError(
            "wandb.enabled: expected the package wandb, got none installed; "
            "pip install 'projcomp[wandb]' or set wandb.enabled to false"
        ) from None


def _description(settings: TrainSettings, images_seen: int) -> dict[str, Any]:
    """What model.json says."""
    config = settings.training
    return {
        "format": settings.format,
        "name": settings.model,
        "network": settings.network.model_dump(),
        "resolution": settings.resolution,
        "condition": settings.condition,
        "datasets": settings.datasets,
        "images_seen": images_seen,
        "sigma_log_mean": config.sigma_log_mean,
        "sigma_log_std": config.sigma_log_std,
        "seed": settings.seed,
    }
