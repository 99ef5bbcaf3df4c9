"""One training, from rendered images to averaged weights; killed and started again, it goes on."""

import json
import logging
import secrets
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from torch.utils.data import DataLoader

from projcomp import devices
from projcomp.config import SamplingConfig, WandbConfig
from projcomp.data.dataset import RenderedImages
from projcomp.errors import DeviceError, UserError
from projcomp.files import write_text
from projcomp.networks.checkpoint import save_model
from projcomp.networks.denoiser import Denoiser
from projcomp.seeds import integer_seed
from projcomp.stages import TrainSettings
from projcomp.training.batches import UpdateBatches
from projcomp.training.module import DiffusionTraining
from projcomp.training.progress import Metrics, Progress
from projcomp.training.resume import load_state, read_updates_made, save_state
from projcomp.training.sheets import SampleSheets
from projcomp.training.signals import leave_signals_to_the_parent

WANDB_RUN = "wandb_run.txt"


@dataclass(frozen=True)
class Machine:
    """Where and how a training runs; nothing here changes what is learned.

    Attributes:
        device: "auto", "cpu" or "gpu".
        devices: processes on this node that share each update; on GPUs, one each.
        nodes: nodes that share each update; the scheduler starts one process per device on each.
        microbatch: images per pass; None takes a process's whole part of an update at once.
        threads: CPU threads of a process.
        checkpoint_minutes: minutes between two saves of the state.
        log_images: images between two rows of metrics.csv.
        sample_images: images between two sheets of samples.
        sampling: how their samples are drawn.
        wandb: whether and how to log to Weights & Biases too.
    """

    device: str = "auto"
    devices: int = 1
    nodes: int = 1
    microbatch: int | None = None
    threads: int = 1
    checkpoint_minutes: float = 2.0
    log_images: int = 4096
    sample_images: int = 20_000
    sampling: SamplingConfig = SamplingConfig.model_validate({})  # noqa: RUF009 (frozen)
    wandb: WandbConfig = WandbConfig.model_validate({})  # noqa: RUF009 (frozen, as all sections)


def train(
    settings: TrainSettings, data_dir: Path, out_dir: Path, state_dir: Path, machine: Machine
) -> None:
    """Train ``settings.model`` and write weights.safetensors, model.json and metrics.csv.

    Sheets of samples drawn on the way lie in the folder ``samples`` beside them.

    The state to resume from is kept in ``state_dir`` and removed when the model is complete.

    Raises:
        FileFormatError: a dataset is missing or damaged.
        DeviceError: a GPU was asked for and there is none, or its memory does not suffice.
        UserError: the loss became non-finite, or a signal ended the training before its time.
    """
    torch.set_num_threads(machine.threads)
    total = max(settings.images_seen // settings.training.batch_size, 1)
    datasets = [
        RenderedImages(data_dir / f"{name}.h5", settings.condition) for name in settings.datasets
    ]
    fingerprint = _fingerprint(settings, datasets)
    state = state_dir / "state.safetensors"
    start = read_updates_made(state, fingerprint)
    seen = start * settings.training.batch_size
    if start:
        print(f"resuming {settings.model} after {seen} images", flush=True)
    else:  # sheets of an earlier training with other settings
        shutil.rmtree(out_dir / "samples", ignore_errors=True)

    model = _initial_model(settings)
    module = DiffusionTraining(model, settings.training, total, machine.microbatch)
    metrics = Metrics(state_dir / "metrics.csv", seen)
    progress = Progress(
        metrics,
        lambda: save_state(state, module, fingerprint),
        log_images=machine.log_images,
        checkpoint_minutes=machine.checkpoint_minutes,
        total_images=total * settings.training.batch_size,
        start_images=seen,
    )
    callbacks: list[lightning.Callback] = [progress]
    if start:
        callbacks.append(_LoadState(state))
    identity = _wandb_run(state_dir, resumed=start > 0)
    logger = _wandb_logger(state_dir, machine.wandb, identity)
    trainer = _trainer(
        *(machine, settings.training.precision, total - start, callbacks, logger, state_dir)
    )
    if logger and trainer.is_global_zero:
        write_text(state_dir / WANDB_RUN, identity)
    batches = _batches(settings, datasets, start, total, trainer)
    sheets = SampleSheets(
        out_dir / "samples",
        batches,
        machine.sampling,
        every=machine.sample_images,
        largest=_images_in_a_pass(machine, settings),
    )
    trainer.callbacks.append(sheets)  # pyright: ignore[reportAttributeAccessIssue]
    # Batches from memory cost nothing; only those read from the disk are worth processes.
    workers = 0 if batches.in_memory else max(machine.threads - 1, 1)
    loader = DataLoader(
        batches, batch_size=None, num_workers=workers, worker_init_fn=leave_signals_to_the_parent
    )
    with _memory_errors(machine, settings):
        trainer.fit(module, loader)
    if trainer.is_global_zero:
        model.load_state_dict(module.average.mean)
        model.normalize_weights()
        write_text(out_dir / "metrics.csv", metrics.text())
        save_model(out_dir, model, _description(settings, total * settings.training.batch_size))
        state.unlink(missing_ok=True)
        metrics.path.unlink(missing_ok=True)
        (state_dir / WANDB_RUN).unlink(missing_ok=True)


def _fingerprint(settings: TrainSettings, datasets: list[RenderedImages]) -> str:
    """What a state must have been made from to be resumed: settings, and the images themselves."""
    return json.dumps(
        {**settings.model_dump(mode="json"), "images": [entry.identity for entry in datasets]}
    )


def _batches(
    settings: TrainSettings,
    datasets: list[RenderedImages],
    start: int,
    total: int,
    trainer: lightning.Trainer,
) -> UpdateBatches:
    return UpdateBatches(
        datasets,
        list(settings.datasets.values()),
        kind=settings.condition,
        dropout=settings.training.condition_dropout,
        batch_size=settings.training.batch_size,
        seed=settings.seed,
        model=settings.model,
        start=start,
        total=total,
        rank=trainer.global_rank,
        world=trainer.world_size,
    )


def _images_in_a_pass(machine: Machine, settings: TrainSettings) -> int:
    """How many images a device takes at once."""
    share = settings.training.batch_size // (machine.devices * machine.nodes)
    return min(machine.microbatch or share, share)


@contextmanager
def _memory_errors(machine: Machine, settings: TrainSettings) -> Iterator[None]:
    """Out of memory, in one line that says which setting to lower."""
    try:
        yield
    except (torch.OutOfMemoryError, RuntimeError) as error:
        told = str(error).lower()
        if "out of memory" not in told and "can't allocate memory" not in told:
            raise
        images = _images_in_a_pass(machine, settings)
        if images == 1:
            raise DeviceError(
                "network: expected one that fits into the device's memory with one image, got none "
                "left; lower network.channels or take a larger device"
            ) from None
        raise DeviceError(
            "training.microbatch: expected a number of images that fit into the device's memory, "
            f"got none left with {images} in a pass; set it to {images // 2} or less "
            "(the same is learned, in more passes)"
        ) from None


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
    model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    return model.train()


def _trainer(
    machine: Machine,
    precision: str,
    max_steps: int,
    callbacks: list[lightning.Callback],
    logger: Any,
    state_dir: Path,
) -> lightning.Trainer:
    """A quiet Lightning trainer; bars, logs and checkpoints are ours."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="lightning")
    several = machine.devices * machine.nodes > 1
    # One node needs nothing of its scheduler. Lightning would else answer its signals itself.
    one_node = LightningEnvironment()
    return lightning.Trainer(
        accelerator=devices.accelerator(machine.device),
        devices=machine.devices,
        num_nodes=machine.nodes,
        strategy="ddp" if several else "auto",
        plugins=[one_node if machine.nodes == 1 else SLURMEnvironment(auto_requeue=False)],
        precision="bf16-mixed" if precision == "bf16" else "32-true",
        max_steps=max_steps,
        logger=logger,
        callbacks=callbacks,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=state_dir,
    )


def _wandb_logger(state_dir: Path, wandb: WandbConfig, identity: str) -> Any:
    """Lightning's logger of the run called ``identity``, or False."""
    if not wandb.enabled:
        return False
    try:
        from lightning.pytorch.loggers import WandbLogger

        return WandbLogger(
            id=identity,
            project=wandb.project,
            save_dir=state_dir,
            offline=wandb.mode == "offline",
        )
    except ModuleNotFoundError:
        raise UserError(
            "wandb.enabled: expected the package wandb, got none installed; "
            "pip install 'projcomp[wandb]' or set wandb.enabled to false"
        ) from None


def _wandb_run(state_dir: Path, *, resumed: bool) -> str:
    """The identity of the training's run there: a resumed one goes on in the run that it began."""
    path = state_dir / WANDB_RUN
    if resumed and path.is_file():
        return path.read_text(encoding="utf-8")
    return secrets.token_hex(4)


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
