"""Training and checking the object detector that counts."""

import csv
import hashlib
import io
import json
import logging
import sys
import warnings
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from math import ceil, cos, isfinite, pi
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import numpy as np
import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from torch import Tensor
from torch.nn import functional

from projcomp import seeds
from projcomp.config.compute import TrainingCompute
from projcomp.config.learning import DOUBTFUL, MILD, DetectorConfig
from projcomp.config.section import defaults
from projcomp.errors import ConfigError, FileFormatError, UserError, is_out_of_memory
from projcomp.evaluation.check import check_detections, reliability
from projcomp.evaluation.detect import detect
from projcomp.evaluation.detector import Detector, denormalize, normalize, save_detector
from projcomp.evaluation.grid import DOUBT, HEAT, LOGITS, OFFSET
from projcomp.evaluation.heatmaps import Detections, allowed_doubt
from projcomp.evaluation.labelled import LabelledImages, read_labelled
from projcomp.evaluation.scope import learned_from
from projcomp.evaluation.targets import Labels, Targets, draw_targets
from projcomp.files.atomic import atomic_path, write_text
from projcomp.folder import CHECK, CHECKPOINT, METRICS, RELIABILITY
from projcomp.machine import devices
from projcomp.machine.memory import memory_for
from projcomp.settings.training_checks import detector_problems
from projcomp.training.alone import alone
from projcomp.training.disturbances import augment, disturb, seen
from projcomp.training.failures import as_user_error, one_line
from projcomp.words import first_line

if TYPE_CHECKING:
    from projcomp.settings.stages import DetectorSettings

_COMPUTE = defaults(TrainingCompute)()
_LOG_UPDATES = 50
_COUNTS = ("update", "images_seen")
_LOSSES = (*_COUNTS, "loss", "heat", "doubt", "offset", *LOGITS)
_LONGEST_MINUTES = 1e6
"""Between two checkpoints: two years; a timedelta takes no infinity."""
_DISTURBED = 250
"""Held-out renders that are disturbed in each way, at most."""
_LEAST_HEIGHT = 0.05
"""Of a peak whose height is held against whether an object is there."""
_WARM_UP = 0.1
_WEIGHT_DECAY = 1e-4
_WEIGHTS = {"heat": 1.0, "doubt": 1.0, "offset": 0.2}
_ATTRIBUTE_WEIGHT = 0.2


def train_detector(
    settings: "DetectorSettings",
    data: Path,
    out_dir: Path,
    *,
    state_dir: Path,
    compute: TrainingCompute = _COMPUTE,
) -> None:
    """Train on all but the last ``settings.detector.holdout`` images of ``data``; check on those.

    Writes ``weights.safetensors``, ``detector.json``, ``metrics.csv`` (the losses on the way),
    ``check.csv`` (the detector's own errors, :func:`~projcomp.evaluation.check.check_detections`)
    and ``reliability.csv`` (:func:`~projcomp.evaluation.check.reliability`) into ``out_dir``. A
    training that was interrupted continues from its last checkpoint in
    ``state_dir``, which is removed at the end. Of ``compute``, which changes nothing that is
    learned, it takes the device, the threads and the minutes between checkpoints.

    Raises:
        ConfigError: no images are left to train on, or none of them has an object.
        FileFormatError: the dataset is missing, damaged, or of another resolution; or the state
            to resume from cannot be taken up.
        DeviceError: the device is gpu and there is none, or the memory does not suffice.
        UserError: the loss became non-finite, or a signal ended the training before its time.
    """
    for problem in detector_problems(settings):
        raise ConfigError(problem)
    torch.set_num_threads(compute.threads)
    accelerator = devices.accelerator(compute.device)
    config = settings.detector
    with memory_for(
        f"{data}: expected memory for its images, which are kept there, got too little; take a "
        "machine with more, or a smaller dataset"
    ):
        images = read_labelled(data, settings.resolution)
    kept = len(images) - config.holdout
    if kept < 1:
        raise ConfigError(
            f"detector.holdout: expected less than the {len(images)} images of {data}, got "
            f"{config.holdout}; lower it or enlarge the dataset"
        )
    if not images.num_objects[:kept].any():
        raise ConfigError(
            f"detector.dataset: expected images with objects to learn from, got none in {data}; "
            "choose a dataset whose max_objects is above 0"
        )
    described = {**json.loads(settings.model_dump_json()), "images": _sum(images)}
    fingerprint = json.dumps(described, sort_keys=True)
    with alone(Path(state_dir), Path(out_dir)) as turn:
        if turn.is_made(fingerprint):
            print("detector: made by the training that was waited for", flush=True)
            return
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seeds.integer_seed(settings.seed, "detector", "weights"))
            detector = Detector(config.channels, settings.resolution)
        log = _LossLog()
        with one_line(lambda: _memory_line(config)):
            _fit(
                _DetectorTraining(detector, images[:kept], config, settings.seed),
                log,
                accelerator=accelerator,
                checkpoint=Path(state_dir) / CHECKPOINT,
                fingerprint=fingerprint,
                minutes=compute.checkpoint_minutes,
            )
            learned = learned_from(images[:kept])
            _finish(detector, log, learned, images[kept:], settings, Path(out_dir))
        turn.finish(fingerprint)
        (Path(state_dir) / CHECKPOINT).unlink(missing_ok=True)


def _sum(images: LabelledImages) -> str:
    """The check sum of the images: those of a dataset that was rendered anew are others."""
    return hashlib.sha256(np.ascontiguousarray(images.images).data).hexdigest()


def draw_indices(seed: int, num_images: int, update: int, batch_size: int) -> np.ndarray:
    """Images of one update, int64 ``(batch_size,)``: every image once per pass, passes shuffled.

    Decided by the update's number alone, so that a resumed training sees what it would have.
    """
    positions = np.arange(update * batch_size, (update + 1) * batch_size)
    passes = np.unique(positions // num_images)
    return np.concatenate(
        [
            _order(seed, num_images, int(number))[
                positions[positions // num_images == number] % num_images
            ]
            for number in passes
        ]
    )


@lru_cache(maxsize=4)
def _order(seed: int, num_images: int, number: int) -> np.ndarray:
    return seeds.generator(seed, "detector", "order", number).permutation(num_images)


def detector_loss(outputs: Tensor, targets: Targets) -> dict[str, Tensor]:
    """Losses of ``(B, OUTPUTS, G, G)``: the two heatmaps (cross entropy), offset (L1), attributes.

    Each is a sum over cells divided by the number of cells near objects. The heatmaps' do not end
    at zero: their least values are the entropies of the bumps.
    """
    near = targets.near
    share = 1.0 / near.sum().clamp(min=1)
    parts = {
        name: share
        * functional.binary_cross_entropy_with_logits(
            outputs[:, channel], target, weight, reduction="sum"
        )
        for name, channel, target, weight in (
            ("heat", HEAT, targets.heat, targets.heat_weight),
            ("doubt", DOUBT, targets.doubt, targets.doubt_weight),
        )
    }
    parts["offset"] = share * (outputs[:, OFFSET] - targets.offset).abs().sum(1)[near].sum()
    for number, (name, channels) in enumerate(LOGITS.items()):
        logits = outputs[:, channels].permute(0, 2, 3, 1)[near]
        known = targets.attributes[:, number][near]
        parts[name] = share * functional.cross_entropy(logits, known, reduction="sum")
    parts["loss"] = sum(
        (_WEIGHTS.get(name, _ATTRIBUTE_WEIGHT) * part for name, part in parts.items()),
        torch.zeros((), device=outputs.device),
    )
    return parts


class _DetectorTraining(lightning.LightningModule):
    """AdamW with a linear warm-up and a cosine descent to zero over the whole training."""

    def __init__(
        self, detector: Detector, images: LabelledImages, config: DetectorConfig, seed: int
    ) -> None:
        super().__init__()
        self.detector = detector.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.images = images
        self.config = config
        self.seed = seed
        self.num_updates = ceil(config.images_seen / config.batch_size)

    def configure_optimizers(self) -> Any:
        """The optimizer and its schedule, stepped every update."""
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=self.config.learning_rate, weight_decay=_WEIGHT_DECAY
        )

        def factor(update: int) -> float:
            done = min(1.0, update / self.num_updates)
            return done / _WARM_UP if done < _WARM_UP else 0.5 + 0.5 * cos(pi * done)

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return [optimizer], [{"scheduler": scheduler, "interval": "step"}]

    def train_dataloader(self) -> Any:
        """One number per update; the images of an update follow from its number."""
        return torch.utils.data.DataLoader(range(self.num_updates), batch_size=None)  # pyright: ignore[reportArgumentType]

    def training_step(self, batch: Tensor, batch_idx: int) -> dict[str, Tensor]:
        """One update, on the images that its number decides."""
        update = self.global_step
        drawn = draw_indices(self.seed, len(self.images), update, self.config.batch_size)
        rng = torch.Generator()
        rng.manual_seed(seeds.integer_seed(self.seed, "detector", "augment", update))
        chosen = self.images[drawn]
        changed = augment(
            seen(
                normalize(self._tensor(chosen.images)),
                self._tensor(chosen.masks),
                chosen.pixel.shape[1],
            ),
            self.config.augmentations,
            rng,
        )
        labels = Labels(
            self._tensor(chosen.pixel),
            self._tensor(chosen.attributes),
            self._tensor(chosen.num_objects),
            changed.doubtful,
            changed.ruined,
        )
        outputs = self.detector(changed.images)
        return detector_loss(outputs.float(), draw_targets(labels, self.detector.grid))

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(values).to(self.device)


class _LossLog(Callback):
    """Mean losses of every few updates; travels in the checkpoint, so a resumed log is whole."""

    def __init__(self) -> None:
        self.started = False
        self.rows: list[dict[str, float]] = []
        self._sums: dict[str, Tensor] = {}
        self._count = 0

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Note that whatever was to be resumed has been."""
        self.started = True

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Add this update's losses; every few updates, a row.

        Raises:
            UserError: a loss was not finite.
        """
        for name, value in outputs.items():
            self._sums[name] = self._sums.get(name, 0.0) + value.detach()
        self._count += 1
        update = trainer.global_step
        if update % _LOG_UPDATES == 0 or update == pl_module.num_updates:
            means = {name: float(total) / self._count for name, total in self._sums.items()}
            if not all(map(isfinite, means.values())):
                raise UserError(
                    f"detector, updates {update - self._count + 1} to {update}: expected finite "
                    "losses, got others; lower detector.learning_rate"
                )
            seen = update * pl_module.config.batch_size
            self.rows.append({"update": update, "images_seen": seen, **means})
            self._sums, self._count = {}, 0

    def state_dict(self) -> dict[str, Any]:
        """The rows so far, and what is summed since the last one."""
        return {"rows": self.rows, "sums": self._sums, "count": self._count}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue after what ``state_dict`` has seen.

        Raises:
            KeyError: a row lacks a column.
            ValueError: a value is no number.
        """
        self.rows = [
            {name: (int if name in _COUNTS else float)(row[name]) for name in _LOSSES}
            for row in state_dict["rows"]
        ]
        # states of earlier versions have neither
        self._sums, self._count = dict(state_dict.get("sums", {})), int(state_dict.get("count", 0))

    def text(self) -> str:
        """The rows as CSV."""
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, fieldnames=_LOSSES, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return buffer.getvalue()


class _Described(Callback):
    """Writes settings and images' sum into every checkpoint: no other training resumes from it."""

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Add them."""
        checkpoint["projcomp_settings"] = self.fingerprint


class _Atomic(TorchCheckpointIO):
    """Checkpoints written as every other file is; Lightning's own way leaves files of its own."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write all of it, or nothing."""
        content = io.BytesIO()  # torch's own writer does not say why a disk has refused
        torch.save(checkpoint, content)
        with atomic_path(path) as temporary:
            temporary.write_bytes(content.getbuffer())


def _fit(
    training: _DetectorTraining,
    log: _LossLog,
    *,
    accelerator: str,
    checkpoint: Path,
    fingerprint: str,
    minutes: float,
) -> None:
    interactive = sys.stderr.isatty()
    if not interactive:
        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    saver = ModelCheckpoint(
        dirpath=checkpoint.parent,
        filename=checkpoint.stem,
        train_time_interval=timedelta(minutes=min(minutes, _LONGEST_MINUTES)),
        enable_version_counter=False,
    )
    trainer = lightning.Trainer(
        accelerator=accelerator,
        devices=1,
        precision=devices.mixed_precision("bf16", devices.torch_device(accelerator, devices.KEY)),
        max_steps=training.num_updates,
        max_epochs=-1,
        callbacks=[log, _Described(fingerprint), saver],
        plugins=[_Atomic()],
        default_root_dir=checkpoint.parent,
        logger=False,
        enable_progress_bar=interactive,
        enable_model_summary=False,
    )
    resumed = _usable(checkpoint, fingerprint)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            trainer.fit(training, ckpt_path=resumed, weights_only=True)
    except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        if resumed is None or log.started or as_user_error(error, lambda: ""):
            raise
        raise FileFormatError(
            f"{checkpoint}: expected the state of this training, got one that cannot be taken up "
            f"({first_line(error)}); delete it, and the same command starts the training anew"
        ) from None


def _usable(checkpoint: Path, fingerprint: str) -> Path | None:
    """``checkpoint`` if this very training wrote it; else it is passed over, and a line says so."""
    if not checkpoint.is_file():
        return None
    try:
        whole = torch.load(checkpoint, map_location="cpu", weights_only=True)
        saved = whole["projcomp_settings"]
        # Lightning passes in silence over parts that are missing
        for part in ("loops", "optimizer_states", "lr_schedulers"):
            if not whole[part]:
                raise ValueError(f"no {part}")
    except Exception as error:
        if is_out_of_memory(error):
            raise
        print(
            f"{checkpoint}: passed over, damaged ({first_line(error)}); starting anew", flush=True
        )
        return None
    if saved == fingerprint:
        return checkpoint
    print(f"{checkpoint}: passed over, of other settings or images; starting anew", flush=True)
    return None


def _memory_line(config: DetectorConfig) -> str:
    """What to say where memory did not suffice: which settings to lower."""
    return (
        "detector.batch_size: expected a number of images that fit into the device's memory, got "
        f"none left with {config.batch_size} in an update; lower it or detector.channels, or take "
        "a larger device"
    )


def _finish(
    detector: Detector,
    log: _LossLog,
    learned: dict[str, Any],
    held_out: LabelledImages,
    settings: "DetectorSettings",
    out_dir: Path,
) -> None:
    detector, config = detector.eval(), settings.detector

    def found(images: LabelledImages, threshold: float = config.threshold) -> list[Detections]:
        return detect(detector, images.images, threshold)

    detector.most_doubt = allowed_doubt(found(held_out), config.doubt)
    with_objects = held_out[held_out.num_objects > 0][:_DISTURBED]
    disturbed = {
        name: disturbed_images(with_objects, name, settings.seed) for name in (*MILD, *DOUBTFUL)
    }
    peaks = found(held_out, _LEAST_HEIGHT)
    check = check_detections(
        [one.above(config.threshold) for one in peaks],
        held_out,
        {name: (found(images), images) for name, images in disturbed.items()},
    )
    described = json.loads(settings.model_dump_json())
    save_detector(out_dir, detector, described, config.channels, learned)
    write_text(out_dir / METRICS, log.text())
    for name, table in ((CHECK, check), (RELIABILITY, reliability(peaks, held_out))):
        with atomic_path(out_dir / name) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")


def disturbed_images(images: LabelledImages, name: str, seed: int) -> LabelledImages:
    """The same renders, each disturbed by ``name`` of ``MILD`` or ``DOUBTFUL``, as 8-bit images.

    The draws are those of (seed, "detector", "check", name).
    """
    rng = torch.Generator().manual_seed(seeds.integer_seed(seed, "detector", "check", name))
    pixels = normalize(torch.from_numpy(images.images))
    batch = seen(pixels, torch.from_numpy(images.masks), images.pixel.shape[1])
    changed = denormalize(disturb(batch, name, rng).images) if len(images) else images.images
    return replace(images, images=changed)
