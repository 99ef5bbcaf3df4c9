"""One training, from rendered images to averaged weights; killed and started again, it goes on."""

import json
import logging
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.pytorch.utilities import rank_zero_only
from torch.utils.data import DataLoader

from projcomp.config.compute import TrainingCompute
from projcomp.config.learning import WandbConfig
from projcomp.config.samplers import SamplingConfig
from projcomp.data.dataset import RenderedImages
from projcomp.errors import ConfigError, DeviceError, FileFormatError, UserError
from projcomp.features.feature_map import RGB, Features
from projcomp.features.make import make_features
from projcomp.files.atomic import write_text
from projcomp.folder import METRICS, SHEETS, STATE, index_name
from projcomp.machine import devices
from projcomp.machine.memory import memory_for
from projcomp.networks.checkpoint import save_model
from projcomp.networks.denoiser import Denoiser
from projcomp.seeds import integer_seed
from projcomp.settings.stages import TrainSettings
from projcomp.settings.training_checks import condition_problems, training_problems
from projcomp.training import wandb_log
from projcomp.training.alone import Turn, alone
from projcomp.training.batches import UpdateBatches
from projcomp.training.environment import environment_problem, own_rank
from projcomp.training.failures import one_line
from projcomp.training.module import DiffusionTraining
from projcomp.training.processes import (
    companions,
    end_with_the_first,
    is_companion,
    tell_the_first,
)
from projcomp.training.progress import Metrics, Progress
from projcomp.training.resume import load_state, read_updates_made, save_state
from projcomp.training.sheets import SampleSheets, noise_levels, remove_sheets
from projcomp.training.signals import leave_signals_to_the_parent
from projcomp.training.stops import forget_stops, stops


@dataclass(frozen=True)
class Machine:
    """Where and how a training runs; nothing here changes what is learned.

    Attributes:
        compute: where, by how many processes, in what pieces.
        sampling: how the samples of the sheets are made.
        wandb: whether and how to log to Weights & Biases too.
    """

    compute: TrainingCompute = TrainingCompute.model_validate({})  # noqa: RUF009 (frozen)
    sampling: SamplingConfig = SamplingConfig.model_validate({})  # noqa: RUF009 (frozen)
    wandb: WandbConfig = WandbConfig.model_validate({})  # noqa: RUF009 (frozen, as all sections)


def train(
    settings: TrainSettings, data_dir: Path, out_dir: Path, state_dir: Path, machine: Machine
) -> None:
    """Train ``settings.model`` and write weights.safetensors, model.json and metrics.csv.

    Sheets of samples drawn on the way lie in the folder ``samples`` beside them.

    The state to resume from is kept in ``state_dir`` and removed when the model is complete.

    Raises:
        ConfigError: the settings do not fit together, or not the processes that share an update.
        FileFormatError: a dataset or the state is missing, damaged, or of another kind.
        DeviceError: a device or processes were asked for that there are none of, or the memory
            does not suffice.
        UserError: the loss became non-finite, a signal ended the training before its time, the
            file of the features was edited meanwhile, or Weights & Biases refuses.
    """
    if not is_companion():
        _train(settings, data_dir, out_dir, state_dir, machine)
        return
    end_with_the_first()
    try:
        _train(settings, data_dir, out_dir, state_dir, machine)
    except UserError as error:
        raise tell_the_first(error) from None
    except KeyboardInterrupt:
        raise SystemExit(1) from None


def _train(
    settings: TrainSettings, data_dir: Path, out_dir: Path, state_dir: Path, machine: Machine
) -> None:
    _check(settings, machine)
    compute = machine.compute
    datasets = _read_datasets(settings, data_dir)  # refused before anything is written
    if own_rank(os.environ, compute.devices, compute.nodes):
        _learn(settings, datasets, out_dir, state_dir, machine, None)
        return
    # of several nodes, those of the others would not wait as long
    with alone(state_dir, out_dir, waits=compute.nodes == 1) as turn:
        _learn(settings, datasets, out_dir, state_dir, machine, turn)


def _learn(
    settings: TrainSettings,
    datasets: list[RenderedImages],
    out_dir: Path,
    state_dir: Path,
    machine: Machine,
    turn: Turn | None,
) -> None:
    """Train; the first process has the ``turn``."""
    features = make_features(settings.features)
    compute = machine.compute
    torch.set_num_threads(compute.threads)
    total = max(settings.images_seen // settings.training.batch_size, 1)
    fingerprint = _fingerprint(settings, datasets, features)
    if turn and turn.is_made(fingerprint):
        print(f"{settings.model}: made by the training that was waited for", flush=True)
        return
    state = state_dir / STATE
    start = read_updates_made(state, fingerprint, total)
    seen = start * settings.training.batch_size
    rank = own_rank(os.environ, compute.devices, compute.nodes)
    if start:
        print(f"resuming {settings.model} after {seen} images", flush=True)
        for line in stops(state_dir):
            print(f"before: {line}", flush=True)
    elif rank == 0:  # of an earlier training with other settings
        remove_sheets(out_dir / SHEETS)
        forget_stops(state_dir)

    learns_empty = settings.condition != "none" and any(
        int(entry.num_objects.min()) == 0 for entry in datasets
    )
    model = _initial_model(settings, features, learns_empty)
    module = DiffusionTraining(model, settings.training, total, compute.microbatch)
    metrics = Metrics(state_dir / METRICS, seen)

    def save() -> None:
        features.check_unedited()
        save_state(state, module, fingerprint)

    progress = Progress(
        metrics,
        save,
        log_images=compute.log_images,
        checkpoint_minutes=compute.checkpoint_minutes,
        total_images=total * settings.training.batch_size,
        start_images=seen,
    )
    callbacks: list[lightning.Callback] = [progress]
    if start:
        callbacks.append(_LoadState(state))
    logger: Any = False
    if rank == 0:
        logger = wandb_log.start_wandb(state_dir, machine.wandb, resumed=start > 0)
    with (
        companions(compute.devices if compute.nodes == 1 else 1, compute.threads) as others,
        one_line(lambda: _memory_line(machine, settings, started=progress.started), others),
    ):
        trainer = _trainer(
            machine, settings.training.precision, total - start, callbacks, logger, state_dir
        )
        batches = _batches(settings, datasets, start, total, trainer)
        sheets = SampleSheets(
            out_dir / SHEETS,
            batches,
            machine.sampling,
            every=compute.sample_images,
            largest=_images_in_a_pass(machine, settings),
        )
        # first: a training that goes on from a state draws no sheet of what it has seen before
        trainer.callbacks.insert(0, sheets)  # pyright: ignore[reportAttributeAccessIssue]
        # Batches from memory cost nothing; only those read from the disk are worth processes.
        workers = 0 if batches.in_memory else max(compute.threads - 1, 1)
        loader = DataLoader(
            batches,
            batch_size=None,
            num_workers=workers,
            worker_init_fn=leave_signals_to_the_parent,
        )
        try:
            trainer.fit(module, loader)
        finally:
            progress.close()
        if trainer.is_global_zero:
            features.check_unedited()
            model.load_state_dict(module.average.mean)
            model.normalize_weights()
            write_text(out_dir / METRICS, metrics.text())
            save_model(out_dir, model, _description(settings, model, progress.total_images))
            if turn:
                turn.finish(fingerprint)
            state.unlink(missing_ok=True)
            metrics.path.unlink(missing_ok=True)
            (state_dir / wandb_log.RUN_FILE).unlink(missing_ok=True)
            forget_stops(state_dir)


def _check(settings: TrainSettings, machine: Machine) -> None:
    """Refuse what cannot become this training, before anything is read."""
    for problem in training_problems(settings, machine.compute.devices, machine.compute.nodes):
        raise ConfigError(problem)
    noise_levels(machine.sampling)
    wandb_log.check_project(machine.wandb)
    devices.accelerator(machine.compute.device, machine.compute.devices)
    problem = environment_problem(os.environ, machine.compute.devices, machine.compute.nodes)
    if problem:
        raise DeviceError(problem)


def _read_datasets(settings: TrainSettings, data_dir: Path) -> list[RenderedImages]:
    """The images of every dataset, seen to be what the settings say."""
    datasets: dict[str, RenderedImages] = {}
    for name in settings.datasets:
        path = data_dir / index_name(name)
        with memory_for(
            f"{path}: expected memory for its images, which are kept there, got too little; run "
            "fewer trainings at once or take a machine with more"
        ):
            datasets[name] = RenderedImages(path, settings.condition)
        other = datasets[name].rendered_as
        if other not in (None, name):  # renamed on purpose, or put here by mistake
            print(f"{path}: warning: rendered as dataset {other}, learned as {name}", flush=True)
        side, shape = settings.resolution, datasets[name].shape
        if shape != (side, side, 3):
            raise FileFormatError(
                f"{path}: expected images of {side} x {side} x 3, got {shape}; render the dataset "
                "again at this resolution"
            )
        if not len(datasets[name]):
            raise FileFormatError(
                f"{path}: expected at least 2 images, of which one is held out, got 1; enlarge "
                "the dataset"
            )
    objects = {
        name: (int(data.num_objects.min()), int(data.num_objects.max()))
        for name, data in datasets.items()
    }
    for problem in condition_problems("datasets", settings.condition, objects):
        raise ConfigError(problem)
    return list(datasets.values())


def _fingerprint(
    settings: TrainSettings, datasets: list[RenderedImages], features: Features = RGB
) -> str:
    """What a state must have been made from to be resumed: settings, images, the user's code."""
    images = [entry.identity for entry in datasets]
    return json.dumps(
        {**settings.model_dump(mode="json"), "images": images, **features.described()}
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
    share = settings.training.batch_size // (machine.compute.devices * machine.compute.nodes)
    return min(machine.compute.microbatch or share, share)


def _memory_line(machine: Machine, settings: TrainSettings, *, started: bool) -> str:
    """What to say where memory did not suffice: which setting to lower."""
    images = _images_in_a_pass(machine, settings)
    if not started:
        return (
            "network: expected one that fits into the device's memory with what its training "
            "needs, got none left before the first update; lower network.channels or take a "
            "larger device"
        )
    if images == 1:
        return (
            "network: expected one that fits into the device's memory with one image, got none "
            "left; lower network.channels or take a larger device"
        )
    return (
        "training.microbatch: expected a number of images that fit into the device's memory, "
        f"got none left with {images} in a pass; set it to {images // 2} or less "
        "(the same is learned, in more passes)"
    )


class _LoadState(lightning.Callback):
    """Restores the state once Lightning has made the optimiser."""

    def __init__(self, path: Path):
        self.path = path

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: DiffusionTraining) -> None:
        load_state(self.path, pl_module)


def _initial_model(settings: TrainSettings, features: Features, learns_empty: bool) -> Denoiser:
    """The untrained denoiser; its weights are a random stream of their own."""
    with (
        torch.random.fork_rng(devices=[]),
        memory_for(
            "network: expected one that fits into the machine's memory, got none left; lower "
            "network.channels or take a larger machine"
        ),
    ):
        torch.manual_seed(integer_seed(settings.seed, "training", settings.model, "weights"))
        model = Denoiser(
            settings.network,
            settings.resolution,
            settings.condition,
            features,
            learns_empty=learns_empty,
        )
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
    several = machine.compute.devices * machine.compute.nodes > 1
    if not several:  # whatever a scheduler says of the job that this training is a part of
        rank_zero_only.rank = 0
    device = devices.torch_device(machine.compute.device, devices.KEY)
    # One node needs nothing of its scheduler. Lightning would else answer its signals itself.
    one_node = LightningEnvironment()
    return lightning.Trainer(
        accelerator=devices.accelerator(machine.compute.device, machine.compute.devices),
        devices=machine.compute.devices,
        num_nodes=machine.compute.nodes,
        strategy="ddp" if several else "auto",
        plugins=[one_node if machine.compute.nodes == 1 else SLURMEnvironment(auto_requeue=False)],
        precision=devices.mixed_precision(precision, device),
        max_steps=max_steps,
        logger=logger,
        callbacks=callbacks,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=state_dir,
    )


def _description(settings: TrainSettings, model: Denoiser, images_seen: int) -> dict[str, Any]:
    """What model.json says."""
    config = settings.training
    return {
        "format": settings.format,
        "name": settings.model,
        "network": settings.network.model_dump(),
        "resolution": settings.resolution,
        "condition": settings.condition,
        "learns_empty": model.learns_empty,
        "datasets": settings.datasets,
        "images_seen": images_seen,
        "sigma_log_mean": config.sigma_log_mean,
        "sigma_log_std": config.sigma_log_std,
        "seed": settings.seed,
        **model.features.described(),
    }
