"""How well a trained model denoises images that it never saw, by noise level.

The error is the one it was trained on (EDM2's, 1 for a network of zeros), so that it can be read
beside the training's metrics; here it is taken at fixed noise levels, over held-out images and,
for comparison, over as many images of the training.
"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from projcomp import seeds
from projcomp.data.dataset import RenderedImages
from projcomp.diffusion.loss import denoising_error
from projcomp.diffusion.pixels import encode
from projcomp.errors import FileFormatError
from projcomp.features.feature_map import Features
from projcomp.files.atomic import write_text
from projcomp.folder import index_name
from projcomp.machine.devices import torch_device
from projcomp.machine.memory import Halving, memory_for
from projcomp.networks import conditioning
from projcomp.networks.checkpoint import load_model
from projcomp.networks.denoiser import Denoiser

if TYPE_CHECKING:
    from projcomp.settings.stages import CheckSettings

NUM_LEVELS = 9
MOST_IMAGES = 256
"""Images of each dataset and part; the least of this, its held-out and its other images."""
CHUNK = 128
"""Images at once, less where memory does not suffice: a model may have been trained in passes."""
_NO_ROOM = (
    "check-model: expected memory for the network and one image, got too little; take a larger "
    "device, or compute.sampling.device cpu"
)


class _Images(NamedTuple):
    """Images as the model sees them, their noise, both ``(N, C, H, W)``; what each shows."""

    x0: Tensor
    told: Tensor
    noise: Tensor


def check_model(
    settings: "CheckSettings",
    data_dir: Path,
    model_dir: Path,
    out: Path,
    device: str = "auto",
    threads: int | None = None,
) -> None:
    """Write the model's denoising errors as a table.

    Columns: ``dataset``; ``part`` (held_out or training); ``told`` (what the model is told of each
    image: its condition, or nothing); ``sigma``; ``error``, the mean over the images; ``low`` and
    ``high``, two standard errors of that mean below and above; ``images``.

    Raises:
        FileFormatError: the model or a dataset is missing or damaged.
        DeviceError: a GPU was asked for and there is none, or the memory does not suffice.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    target = torch_device(device, "compute.sampling.device")
    with memory_for(_NO_ROOM):
        rows = _rows(settings, data_dir, load_model(model_dir, target))
    write_text(out, pd.DataFrame(rows).to_csv(index=False))


def check_size(path: Path, images: Tensor, side: int) -> None:
    """Refuse images ``(N, C, H, W)`` of ``path`` that are not of ``side`` pixels, as the model's.

    Raises:
        FileFormatError: they are not.
    """
    if images.shape[2:] != (side, side):
        raise FileFormatError(
            f"{path}: expected images of {side} x {side} x 3, as the model learned from, got "
            f"{(*images.shape[2:], 3)}; render the dataset again at this resolution"
        )


def _rows(
    settings: "CheckSettings", data_dir: Path, model: Denoiser
) -> list[dict[str, str | float]]:
    """The rows of the table."""
    sigmas = np.geomspace(settings.sigma_min, settings.sigma_max, NUM_LEVELS)
    rows, pieces = [], Halving(CHUNK)
    for name in settings.datasets:
        parts = {
            part: RenderedImages(
                data_dir / index_name(name), model.condition_kind, held_out=held_out, memory_bytes=0
            )
            for part, held_out in (("held_out", True), ("training", False))
        }
        count = min(MOST_IMAGES, *map(len, parts.values()))
        if not count:
            raise FileFormatError(
                f"{data_dir / name}.h5: expected at least 2 images, of which one is held out, got "
                "1; enlarge the dataset"
            )
        for part, source in parts.items():
            stream = seeds.integer_seed(settings.seed, "check", settings.model, name, part)
            rng = torch.Generator().manual_seed(stream)
            images = _draw(source, count, model.features, rng)
            check_size(data_dir / index_name(name), images.x0, model.resolution)
            for told in ("condition", "nothing"):
                every = _errors(model, images, told, sigmas, pieces)
                for sigma, errors in zip(sigmas, every, strict=True):
                    rows.append(
                        {"dataset": name, "part": part, "told": told, **_row(sigma, errors)}
                    )
    return rows


def _draw(source: RenderedImages, count: int, features: Features, rng: torch.Generator) -> _Images:
    index = torch.randperm(len(source), generator=rng)[:count]
    x0 = features.encode(encode(source.read(index)))
    told = source.draw_conditions(index, rng)
    return _Images(x0, told, torch.randn(x0.shape, generator=rng))


@torch.inference_mode()
def _errors(
    model: Denoiser, images: _Images, told: str, sigmas: np.ndarray, pieces: Halving
) -> Tensor:
    """Errors ``(levels, N)``; the noise of an image is the same at all levels, only scaled."""
    device = next(model.parameters()).device
    rows = images.told
    if told == "nothing":
        rows = conditioning.unconditional(model.condition_kind).expand(len(rows), -1)

    def piece(sigma: float, start: int, size: int) -> Tensor:
        parts = (t[start : start + size] for t in (images.x0, rows, images.noise))
        x0, condition, noise = (part.to(device) for part in parts)
        level = torch.full((len(x0),), sigma, device=device)
        return denoising_error(
            lambda x, s: model(x, s, condition), x0, level, noise, model.sigma_data
        )

    errors = []
    for sigma in sigmas.tolist():
        start = 0
        while start < len(rows):
            found = pieces(partial(piece, sigma, start), len(rows) - start)
            errors.append(found)
            start += len(found)
    return torch.cat(errors).reshape(len(sigmas), -1).cpu()


def _row(sigma: float, errors: Tensor) -> dict[str, float]:
    mean = float(errors.mean())
    spread = 2 * float(errors.std()) / len(errors) ** 0.5 if len(errors) > 1 else float("nan")
    return {
        "sigma": float(f"{sigma:.4g}"),
        "error": mean,
        "low": mean - spread,
        "high": mean + spread,
        "images": len(errors),
    }
