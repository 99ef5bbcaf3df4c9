"""Time to a held-out denoising error: networks, optimisers and schedules against the papers' way.

Usage: python benchmarks/quality.py DATA [--model single] [--variants embedding map ...]
       [--seeds 3] [--images 120000] [--every 10000] [--out quality.csv]

DATA is the folder of a finished run's indices (`data/`). Every variant trains the model `--model`
of the demo's config in RGB, in a process of its own with one thread in fp32, as `projcomp train`
does. It differs from the demo in what `VARIANTS` says, and is trained as `EDM2` says, but for "the
demo" itself, whose cooldown makes its error comparable at its end alone. At every `--every` images
a copy with averaged weights denoises held-out images: the error is the training's own (1 for a
network of zeros), on the same images, noise and noise levels for all. Seconds are the processor's,
the checks apart. Patches count as the share of an image that they are. "map, soap" needs `pip
install pytorch-optimizer`, and is left out where nothing is said.

The last table says how long each takes to the error that `embedding` ends with, as a share of what
`embedding` takes: mean, least and greatest over the seeds.
"""

import argparse
import copy
import importlib
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from common import at_once
from torch import Tensor

from projcomp.config import demo
from projcomp.config.learning import ModelConfig, NetworkConfig, TrainingConfig
from projcomp.data.dataset import RenderedImages
from projcomp.diffusion.loss import denoising_error, uncertainty_weighted
from projcomp.diffusion.pixels import encode
from projcomp.networks.conditioning import GIVEN
from projcomp.networks.denoiser import Denoiser
from projcomp.plan.load import load_files
from projcomp.seeds import integer_seed
from projcomp.training.batches import Batch, UpdateBatches
from projcomp.training.noise import draw_noise
from projcomp.training.schedule import rate_of

EMBEDDING: dict[str, Any] = {
    "channels": 16,
    "multipliers": [1, 2, 4],
    "attention_resolutions": [8],
    "conditioning": "embedding",
}
"""The demo's network before there were maps, as the papers tell a condition."""
LOCAL = demo.network()
PLANES = {**LOCAL, "coordinate_planes": True}
EDM2: dict[str, Any] = {"batch_size": 64, "cooldown": 0.0}
"""The demo's training before its updates were small, and its rate brought to zero at the end."""


@dataclass(frozen=True)
class Variant:
    """What is other than in the demo; ``optimizer`` is "adam", "muon" or "soap".

    ``patch`` is the side of the square that is cut out of every image for its update (Wang et al.
    2023), 0 for the whole image. The network is told where by its coordinate planes.

    ``stable`` is how many renders the posterior mean is taken over that stands for the target
    (stable target fields, Xu et al. 2023): those whose objects stand nearest to the image's own.
    """

    network: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=lambda: EDM2)
    optimizer: str = "adam"
    stable: int = 0
    patch: int = 0


BEFORE = {**EDM2, "learning_rate": 0.01}
"""The demo's rate with that network."""
VARIANTS = {
    "embedding": Variant(EMBEDDING, BEFORE),
    "embedding, rate .06": Variant(EMBEDDING),
    "embedding, no attention": Variant({**EMBEDDING, "attention_resolutions": []}),
    "map, attention": Variant({**EMBEDDING, "conditioning": "map"}),
    "map, 3 levels": Variant({**EMBEDDING, "conditioning": "map", "attention_resolutions": []}),
    "map, 2 levels": Variant({**LOCAL, "channels": 16, "multipliers": [1, 2]}),
    "map": Variant(LOCAL),
    "map, 2 blocks": Variant({**LOCAL, "blocks": 2}),
    "map, 48 channels": Variant({**LOCAL, "channels": 48}),
    "map, deviation .2": Variant({**LOCAL, "sigma_data": 0.2}),
    **{
        f"map, rate {rate:g}": Variant(LOCAL, {**EDM2, "learning_rate": rate})
        for rate in (0.01, 0.02, 0.04, 0.08, 0.16, 0.32)
    },
    "map, batch 16": Variant(LOCAL, {**EDM2, "batch_size": 16}),
    "map, batch 32": Variant(LOCAL, {**EDM2, "batch_size": 32}),
    "map, batch 128": Variant(LOCAL, {**EDM2, "batch_size": 128}),
    "the demo": Variant(LOCAL, demo.training()),
    "map, stable targets": Variant(LOCAL, stable=32),
    "map, muon": Variant(LOCAL, optimizer="muon"),
    "map, muon, rate 0.01": Variant(LOCAL, BEFORE, optimizer="muon"),
    "map, soap": Variant(LOCAL, optimizer="soap"),
    "map, planes": Variant(PLANES),
    "map, patches of 16": Variant(PLANES, patch=16),
    "map, patches of 16, batch 256": Variant(PLANES, {**EDM2, "batch_size": 256}, patch=16),
}
"""Trained as `EDM2` says where nothing is said; `embedding` is what the demo had before maps."""
HELD_OUT = 200
REPEATS = 4
AVERAGED = 0.15
"""Share of a training's updates over which the checked weights are averaged, about."""


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal for weights of two and more dimensions, Adam for the others.

    Jordan et al. 2024: the update of a matrix is its momentum with all singular values at about 1,
    by five quintic Newton-Schulz steps. Here it is scaled to the root mean square that Adam's
    updates have at the same rate, so that one rate serves both.
    """

    def __init__(self, parameters: Any, lr: float, momentum: float = 0.95):
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        """Move every weight against its update."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    update = self._update(weight, group["momentum"])
                    weight.add_(update, alpha=-group["lr"])

    def _update(self, weight: Tensor, momentum: float) -> Tensor:
        state, gradient = self.state[weight], weight.grad
        assert gradient is not None
        if not state:
            state["mean"] = torch.zeros_like(weight)
            state["square"] = torch.zeros_like(weight)
            state["step"] = 0
        state["step"] += 1
        if weight.ndim < 2 or min(weight.shape[0], weight[0].numel()) < 2:
            state["mean"].lerp_(gradient, 0.1)
            state["square"].lerp_(gradient.square(), 0.01)
            mean = state["mean"] / (1 - 0.9 ** state["step"])
            return mean / ((state["square"] / (1 - 0.99 ** state["step"])).sqrt() + 1e-8)
        state["mean"].mul_(momentum).add_(gradient)
        flat = (gradient + momentum * state["mean"]).reshape(len(weight), -1)
        # orthogonal rows of length 1 have root mean square 1 / sqrt(columns); Adam's have about .2
        scale = 0.2 * max(flat.shape) ** 0.5
        return (scale * _orthogonal(flat)).reshape(weight.shape)


def _orthogonal(matrix: Tensor) -> Tensor:
    """The nearest matrix of singular values near 1."""
    x = matrix / (matrix.norm() + 1e-12)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x.T if tall else x


class HeldOut:
    """Held-out images of a model's datasets with fixed noise; no stream of the training's."""

    def __init__(self, data: Path, shares: dict[str, float], condition: str, config: Any):
        self.parts = []
        for name, share in shares.items():
            images = RenderedImages(data / f"{name}.h5", condition, held_out=True)
            rng = torch.Generator().manual_seed(integer_seed(0, "quality", name))
            index = torch.arange(min(HELD_OUT, len(images))).repeat(REPEATS)
            x0 = encode(images.read(index))
            rows = images.draw_conditions(index, rng)
            sigma, noise = draw_noise(
                integer_seed(0, "quality", name, "noise"),
                0,
                tuple(x0.shape),
                log_mean=config.sigma_log_mean,
                log_std=config.sigma_log_std,
                device=torch.device("cpu"),
            )
            self.parts.append((share / sum(shares.values()), x0, rows, sigma, noise))

    @torch.inference_mode()
    def error(self, model: Denoiser) -> float:
        """Mean error over images, their noise and the training's noise levels.

        In the units of a data deviation of 0.5, whatever the network's own is.
        """
        total = 0.0
        for share, x0, rows, sigma, noise in self.parts:
            errors = [
                denoising_error(
                    partial(_denoised, model, rows[at]), x0[at], sigma[at], noise[at], 0.5
                )
                for at in (slice(i, i + 100) for i in range(0, len(x0), 100))
            ]
            total += share * float(torch.cat(errors).mean())
        return total


def _denoised(model: Denoiser, rows: Tensor, x: Tensor, sigma: Tensor) -> Tensor:
    return model(x, sigma, rows)


def curve(
    data: Path, name: str, label: str, seed: int, images: int, every: int
) -> list[dict[str, Any]]:
    """Errors of one training on the way, in this process."""
    torch.set_num_threads(1)
    variant, config = VARIANTS[label], load_files([]).config
    chosen = config.models[name]
    network = NetworkConfig(**{**config.network.model_dump(), **variant.network})
    training = TrainingConfig(**{**config.training.model_dump(), **variant.training})
    sets = {part: RenderedImages(data / f"{part}.h5", chosen.condition) for part in chosen.datasets}
    torch.manual_seed(integer_seed(seed, "quality", label, "weights"))
    learns_empty = any(int(part.num_objects.min()) == 0 for part in sets.values())
    model = Denoiser(network, config.resolution, chosen.condition, learns_empty=learns_empty)
    model.to(memory_format=torch.channels_last).train()  # pyright: ignore[reportCallIssue]
    batch_size = training.batch_size
    # a patch counts as the share of an image that it is
    share_seen = (variant.patch / config.resolution) ** 2 if variant.patch else 1.0
    total = int(images / share_seen) // batch_size
    batches = UpdateBatches(
        list(sets.values()),
        list(chosen.datasets.values()),
        kind=chosen.condition,
        dropout=training.condition_dropout,
        batch_size=batch_size,
        seed=seed,
        model=name,
        start=0,
        total=total,
    )
    optimizer = _optimizer(variant, model, training)
    neighbours = Neighbours(list(sets.values()), variant.stable) if variant.stable else None
    crops = Crops(model, variant.patch, seed) if variant.patch else None
    held_out = HeldOut(data, chosen.datasets, chosen.condition, training)
    mean = {name: value.clone() for name, value in model.state_dict().items()}
    rows, spent = [], 0.0
    for update in range(total):
        began = time.process_time()
        batch = batches.batch(update)
        near = neighbours.of(batch) if neighbours else None
        with crops.of(batch, update) if crops else nullcontext(batch) as learned:
            _update(model, optimizer, training, learned, update, total, near)
        # the share of the newest weights of a mean over about the last AVERAGED of the updates
        share = min(1.0, 1.0 / (AVERAGED * (update + 1)))
        for key, value in model.state_dict().items():
            mean[key].lerp_(value, share)
        spent += time.process_time() - began
        seen, before = (int(n * batch_size * share_seen) for n in (update + 1, update))
        if seen // every > before // every or update + 1 == total:
            averaged = copy.deepcopy(model)
            averaged.load_state_dict(mean)
            averaged.normalize_weights()
            row = {"images": seen, "seconds": spent, "error": held_out.error(averaged.eval())}
            rows.append({"variant": label, "seed": seed, **row})
    return rows


class Neighbours:
    """The renders whose objects stand nearest to each image's own; an empty picture has itself."""

    def __init__(self, sets: list[RenderedImages], count: int):
        self.count = count
        (known,) = (part for part in sets if int(part.num_objects.min()) > 0)
        self.images, self.places = known, known.labels[:, 0]

    def of(self, batch: Batch) -> Tensor:
        """Renders ``(B, K, C, H, W)``; the image itself is the first of them."""
        own = encode(batch.images)[:, None]
        found = own.expand(-1, self.count, -1, -1, -1).contiguous()
        given = batch.conditions[:, 0] == GIVEN
        apart = torch.cdist(batch.conditions[given, 1:], self.places)
        nearest = apart.topk(self.count, largest=False).indices
        images = encode(self.images.read(nearest.flatten()))
        found[given] = images.reshape(-1, self.count, *images.shape[1:])
        found[given, 0] = own[given, 0]
        return found


class Crops:
    """A square of each image, at a place of its own, which the network's planes are cut to.

    A condition's place is moved with the square: its blob stays on the object.
    """

    def __init__(self, model: Denoiser, side: int, seed: int):
        self.unet, self.side, self.seed = model.unet, side, seed
        assert self.unet.condition_map is not None
        self.map = self.unet.condition_map
        self.planes, self.pixels = self.unet.coordinate_planes, self.map.pixels

    @contextmanager
    def of(self, batch: Batch, update: int) -> Iterator[Batch]:
        """The batch of squares; while it lasts, the network answers for them."""
        side, whole = self.side, len(self.pixels)
        rng = torch.Generator().manual_seed(integer_seed(self.seed, "quality", "crops", update))
        corners = torch.randint(whole - side + 1, (len(batch.images), 2), generator=rng)
        inside = torch.arange(side)
        columns, rows = (corners[:, axis, None] + inside for axis in (0, 1))
        at = torch.arange(len(corners))[:, None, None]
        images = batch.images[at, rows[:, :, None], columns[:, None]]
        conditions = batch.conditions.clone()
        conditions[:, 1:3] -= corners / whole
        planes = self.planes[:, rows[:, :, None], columns[:, None]].transpose(0, 1)
        self.unet.coordinate_planes, self.map.pixels = planes, self.pixels[:side]
        yield batch._replace(images=images, conditions=conditions)
        self.unet.coordinate_planes, self.map.pixels = self.planes, self.pixels


def _optimizer(
    variant: Variant, model: Denoiser, training: TrainingConfig
) -> torch.optim.Optimizer:
    if variant.optimizer == "muon":
        return Muon(model.parameters(), lr=training.learning_rate)
    if variant.optimizer == "soap":
        return soap()(
            model.parameters(), lr=training.learning_rate, betas=(0.9, 0.99), weight_decay=0.0
        )
    return torch.optim.Adam(
        model.parameters(), lr=training.learning_rate, betas=(0.9, 0.99), fused=True
    )


def soap() -> Any:
    """Adam in the eigenbasis of Shampoo's preconditioner (Vyas et al. 2024), of a library."""
    return importlib.import_module("pytorch_optimizer").SOAP


def _update(
    model: Denoiser,
    optimizer: torch.optim.Optimizer,
    training: TrainingConfig,
    batch: Batch,
    update: int,
    total: int,
    near: Tensor | None,
) -> None:
    """One update, as ``DiffusionTraining`` makes it.

    ``near`` are the renders ``(B, K, C, H, W)`` whose posterior mean is the target.
    """
    for group in optimizer.param_groups:
        group["lr"] = rate_of(update, training, total)
    x0 = encode(batch.images).contiguous(memory_format=torch.channels_last)
    sigma, noise = draw_noise(
        batch.noise_seed,
        batch.first,
        tuple(x0.shape),
        log_mean=training.sigma_log_mean,
        log_std=training.sigma_log_std,
        device=x0.device,
    )
    target, level = x0, sigma[:, None, None, None]
    if near is not None:
        squares = (x0 + level * noise)[:, None].sub(near).square().flatten(2).sum(2)
        weights = (-squares / (2 * sigma[:, None] ** 2)).softmax(1)
        target = (weights[:, :, None, None, None] * near).sum(1)
    # the noisy image is of x0; what the network is to answer may be another
    error = denoising_error(
        lambda x, s: model(x, s, batch.conditions) + (x0 - target),
        x0,
        sigma,
        noise,
        model.sigma_data,
    )
    optimizer.zero_grad()
    uncertainty_weighted(error, model.logvar(sigma)).mean().backward()
    model.project_gradients()
    optimizer.step()
    model.normalize_weights()


def time_to(rows: pd.DataFrame, error: float) -> float:
    """Seconds of one curve to its first error of at most ``error``; not a number if never."""
    reached = rows[rows["error"] <= error]
    return float(reached["seconds"].min()) if len(reached) else float("nan")


def refuse(parser: argparse.ArgumentParser, given: argparse.Namespace, config: Any) -> None:
    """End with one line where the variants cannot learn from what is given."""
    if any(VARIANTS[label].optimizer == "soap" for label in given.variants):
        try:
            soap()
        except ImportError:
            parser.error("expected pytorch-optimizer, for SOAP, got none: pip install it")
    least = max(TrainingConfig(**VARIANTS[label].training).batch_size for label in given.variants)
    if given.seeds < 1 or given.every < 1 or given.images < least:
        parser.error(
            f"expected at least 1 seed, 1 image between checks and {least} images, a batch"
        )
    chosen = config.models[given.model]
    most = max(config.rendered[name].max_objects for name in chosen.datasets)
    if any(VARIANTS[label].patch for label in given.variants) and chosen.condition != "position":
        parser.error(
            f"expected a model told where, whose place moves with a patch, got {given.model}; "
            "choose other --variants"
        )
    # the nearest renders are those of the nearest place
    if any(VARIANTS[label].stable for label in given.variants) and (
        chosen.condition != "position" or most > 1
    ):
        parser.error(
            "expected a model whose images have one object or none, told where, with stable "
            f"targets, got {given.model}; choose other --variants"
        )
    for name in chosen.datasets:
        if not (given.data / f"{name}.h5").is_file():
            parser.error(f"expected {name}.h5, the index of a dataset, in {given.data}, got none")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    config = load_files([]).config
    models = config.models
    networks = [
        name for name, one in models.items() if isinstance(one, ModelConfig) and one.datasets
    ]
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="single", choices=networks)
    own = [label for label, one in VARIANTS.items() if one.optimizer != "soap"]
    parser.add_argument("--variants", nargs="+", default=own, choices=list(VARIANTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=120_000)
    parser.add_argument("--every", type=int, default=10_000, help="images between two checks")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    refuse(parser, given, config)
    rows: list[dict[str, Any]] = []
    for seed in range(given.seeds):
        for label in given.variants:
            found = at_once(
                curve, 1, given.data, given.model, label, seed, given.images, given.every
            )[0]
            rows += found
            last = found[-1]
            print(
                f"seed {seed}, {label}: error {last['error']:.4f} after {last['images']:,} images, "
                f"{last['seconds']:.0f} s",
                flush=True,
            )
            if given.out:
                pd.DataFrame(rows).to_csv(given.out, index=False)
    table = pd.DataFrame(rows)
    print(table.groupby(["variant", "images"], sort=False)["error"].agg(["mean", "min", "max"]))
    if "embedding" not in given.variants:
        return
    for label in given.variants:
        shares = []
        for seed in range(given.seeds):
            of_seed = pd.DataFrame(table[table["seed"] == seed])
            base = pd.DataFrame(of_seed[of_seed["variant"] == "embedding"])
            own = pd.DataFrame(of_seed[of_seed["variant"] == label])
            seconds = float(base["seconds"].to_numpy()[-1])
            shares.append(time_to(own, float(base["error"].to_numpy()[-1])) / seconds)
        values = pd.Series(shares)
        print(
            f"{label}: {values.mean():.2f} of the time to embedding's error "
            f"({values.min():.2f} to {values.max():.2f}; {values.isna().sum()} of "
            f"{len(values)} never)"
        )


if __name__ == "__main__":
    main()
