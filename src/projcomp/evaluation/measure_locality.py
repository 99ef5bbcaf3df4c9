"""The stage: how local a composed model is, at held-out renders, by noise level.

It is taken of the model told what each image shows, and of its differences from the backgrounds
that experiments compose it over: ``(D_i - D_b) / sigma^2`` is the score's delta. Models that know
one dataset are asked of the same images, noise and numbers.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from projcomp import seeds
from projcomp.data.dataset import RenderedImages
from projcomp.diffusion.pixels import encode
from projcomp.evaluation.denoising import check_size
from projcomp.evaluation.locality import columns, energy, even, near, share
from projcomp.exact.load import load_exact
from projcomp.exact.model import ExactModel
from projcomp.files.atomic import write_text
from projcomp.folder import Folder
from projcomp.machine.devices import torch_device
from projcomp.machine.memory import Halving, memory_for
from projcomp.networks import conditioning
from projcomp.networks.checkpoint import load_model
from projcomp.networks.denoiser import Denoiser
from projcomp.own_code import unedited

if TYPE_CHECKING:
    from projcomp.config.experiments import BackgroundConfig
    from projcomp.settings.stages import LocalitySettings

CHUNK = 128
"""Columns at once, less where memory does not suffice."""

NOTHING = 1e-16
"""Mean square of a column's length below which it is nothing: float32 does not show such a change
in an answer of size 1."""

ROUNDING = 2.0**-40
"""The same of a difference, as a share of what it is the difference of."""

COLUMNS = ["model", "background", "sigma", "distance", "share", "low", "high"]
COLUMNS += ["even", "energy", "near", "images", "probes"]

_NO_ROOM = (
    "locality: expected memory for the model and one image, got too little; take a larger device, "
    "or compute.sampling.device cpu"
)


class _Probes(NamedTuple):
    """What is probed.

    Images as the model sees them and their noise, both ``(N, C, H, W)``, what each shows, and the
    numbers of each that are moved, ``(N, probes)``.
    """

    x0: Tensor
    told: Tensor
    noise: Tensor
    numbers: Tensor


class _Asked(NamedTuple):
    """A model and its conditions, a row for every column that is taken."""

    model: Denoiser | ExactModel
    rows: Tensor


def measure(
    settings: "LocalitySettings",
    models_dir: Path,
    out: Path,
    device: str = "auto",
    threads: int | None = None,
) -> None:
    """Write the model's locality as a table.

    Columns: ``model``; ``background``, by model and condition, where it is the difference from one
    that is measured; ``sigma``; ``distance``, pixels; ``share``, ``L(distance)``, with ``low`` and
    ``high`` two standard errors below and above, all empty where nothing reacts to the image;
    ``even``, what it would be if every pixel reacted to every other alike; ``energy``, the mean
    square of a column's length, 1 of the identity; ``near``, of a difference, the share of its own
    square within the distance of the requested location, empty where none is; ``images``, and
    ``probes`` of each.

    Args:
        settings: what to measure.
        models_dir: folder of the trained models; the datasets lie in the same run, beside it.
        out: the table, written atomically.
        device: "auto" (a GPU where there is one), "cpu" or "gpu".
        threads: CPU threads of torch; None leaves them as they are.

    Raises:
        UserError: a model or a dataset is missing or damaged, no render answers what is asked of an
            exact model, the device is not there, its memory does not suffice, or a file with a
            feature map was edited meanwhile.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    target = torch_device(device, "compute.sampling.device")
    with unedited(), memory_for(_NO_ROOM):
        rows = _rows(settings, models_dir, target)
    write_text(out, pd.DataFrame(rows, columns=pd.Index(COLUMNS)).to_csv(index=False))


def _rows(
    settings: "LocalitySettings", models_dir: Path, device: torch.device
) -> list[dict[str, Any]]:
    """The rows of the table."""
    names = [settings.model, *(one.model for one in settings.backgrounds)]
    models = {name: _load(settings, name, models_dir, device) for name in dict.fromkeys(names)}
    own = models[settings.model]
    path = Path(Folder(str(models_dir.parent)).index(settings.dataset))
    source = RenderedImages(path, own.condition_kind, held_out=True, memory_bytes=0)
    probes = _draw(settings, source, own)
    check_size(path, probes.x0, own.resolution)
    images, each = probes.numbers.shape
    asked = [_Asked(own, probes.told.repeat_interleave(each, 0).to(device))]
    for background in settings.backgrounds:
        model = models[background.model]
        asked.append(_Asked(model, _told(background, model).expand(images * each, -1).to(device)))
    labels = ["", *(f"{one.model} {one.condition}" for one in settings.backgrounds)]
    x0, noise = (part.repeat_interleave(each, 0).to(device) for part in (probes.x0, probes.noise))
    numbers = probes.numbers.flatten().to(device)
    pieces, found = Halving(CHUNK), []
    recipe = settings.locality
    sigmas = np.geomspace(settings.sigma_min, settings.sigma_max, recipe.levels).tolist()
    for sigma in tqdm(sigmas, desc=settings.model, disable=None):
        noisy = x0 + sigma * noise
        taken = _columns(asked, noisy, sigma, numbers, pieces)
        answers = _answers(asked, noisy[::each], sigma, each, pieces)
        for which, label in enumerate(labels):
            column, nothing = taken[0], NOTHING
            if which:
                column = taken[0] - taken[which]
                scale = taken[[0, which]].double().square().sum() / len(column)
                nothing += ROUNDING * float(scale)
            known = {"model": settings.model, "background": label, "sigma": float(f"{sigma:.4g}")}
            of_this = _shares(column, numbers, recipe.distances, images, nothing)
            for row in of_this:
                if which and own.condition_kind == "position":
                    delta = answers[0] - answers[which]
                    row["near"] = near(delta, probes.told[:, 1:].to(device), row["distance"])
                found.append({**known, **row})
    return found


def _shares(
    column: Tensor, numbers: Tensor, distances: list[int], images: int, nothing: float
) -> list[dict[str, Any]]:
    """A row for each distance, of columns ``(images * probes, C, H, W)``."""
    found, each = energy(column, numbers, distances), len(column) // images
    total = found.total.reshape(images, each).mean(1)
    height, width = column.shape[2:]
    rows = []
    for distance, inside in zip(distances, found.inside, strict=True):
        row: dict[str, Any] = {"distance": distance, "even": even(height, width, distance)}
        estimate = share(inside.reshape(images, each).mean(1), total, nothing)
        if estimate:
            row["share"] = estimate.value
            if estimate.error is not None:
                row["low"] = max(0.0, estimate.value - 2 * estimate.error)
                row["high"] = min(1.0, estimate.value + 2 * estimate.error)
        rows.append({**row, "energy": float(total.mean()), "images": images, "probes": each})
    return rows


def _columns(
    asked: list[_Asked], x: Tensor, sigma: float, numbers: Tensor, pieces: Halving
) -> Tensor:
    """A column of every model for each of ``x`` ``(batch, C, H, W)``, in pieces."""

    def piece(start: int, size: int) -> Tensor:
        here = slice(start, start + size)

        def stack(noisy: Tensor, level: float) -> Tensor:
            levels = torch.full((len(noisy),), level, device=noisy.device)
            return torch.stack([one.model(noisy, levels, one.rows[here]) for one in asked])

        return columns(stack, x[here], sigma, numbers[here])

    return _in_pieces(piece, len(x), pieces)


def _answers(asked: list[_Asked], x: Tensor, sigma: float, each: int, pieces: Halving) -> Tensor:
    """What every model answers to each image of ``x`` ``(images, C, H, W)``, stacked, in pieces."""

    @torch.inference_mode()
    def piece(start: int, size: int) -> Tensor:
        part = x[start : start + size]
        levels = torch.full((len(part),), sigma, device=x.device)
        rows = [one.rows[::each][start : start + size] for one in asked]
        return torch.stack(
            [one.model(part, levels, row) for one, row in zip(asked, rows, strict=True)]
        )

    return _in_pieces(piece, len(x), pieces)


def _in_pieces(piece: Callable[[int, int], Tensor], count: int, pieces: Halving) -> Tensor:
    """What ``piece(start, size)`` makes, stacked by model, of all ``count`` in as few as fit."""
    found, start = [], 0
    while start < count:
        found.append(pieces(partial(piece, start), count - start))
        start += found[-1].shape[1]
    return torch.cat(found, 1)


def _draw(
    settings: "LocalitySettings", source: RenderedImages, model: Denoiser | ExactModel
) -> _Probes:
    """Held-out images with their noise, and numbers of each without repetition.

    An image that no render of an exact model answers for is passed over, unless there is no other.
    """
    recipe = settings.locality
    stream = seeds.integer_seed(settings.seed, "locality", settings.dataset)
    rng = torch.Generator().manual_seed(stream)
    order = torch.randperm(len(source), generator=rng)
    count, dims = min(recipe.images, len(order)), (model.features.channels, *source.shape[:2])
    noise = torch.randn((count, *dims), generator=rng)
    numbers = [torch.randperm(noise[0].numel(), generator=rng) for _ in range(count)]
    told = source.draw_conditions(order, rng)
    answered = torch.arange(len(order))
    if isinstance(model, ExactModel):
        answered = torch.tensor([model.answers(row) for row in told]).nonzero()[:, 0]
        if not len(answered):
            model.points(told[0])  # says what is missing
    chosen = answered[:count]
    count = len(chosen)
    return _Probes(
        model.features.encode(encode(source.read(order[chosen]))),
        told[chosen],
        noise[:count],
        torch.stack(numbers[:count])[:, : recipe.probes],
    )


def _load(
    settings: "LocalitySettings", name: str, models_dir: Path, device: torch.device
) -> Denoiser | ExactModel:
    if name in settings.exact:
        return load_exact(name, settings.exact[name], models_dir.parent, device)
    return load_model(models_dir / name, device)


def _told(background: "BackgroundConfig", model: Denoiser | ExactModel) -> Tensor:
    """The condition of a background, ``(1, C)``."""
    return conditioning.row_of(background.condition, model.condition_kind)[None]
