"""Which training makes networks compose best: many, side by side on one GPU, composed and counted.

Usage: python benchmarks/side_by_side.py train DATA OUT [--model single] [--variants ...]
       [--images 100000] [--seeds 3] [--composed 6 9] [--samples 64] [--device cuda]
       python benchmarks/side_by_side.py count OUT DETECTOR

``train`` trains the model ``--model`` of the demo's config in every variant and with every seed.
DATA is the folder of a finished run's indices (``data/``). Networks so small leave a GPU idle most
of the time: an update is captured once as a CUDA graph, and the graphs of all variants run at once,
a stream each. Pictures, conditions and noise have the law of ``projcomp train``, drawn on the
device. At the end the averaged weights denoise held-out images (``quality.py``), and sample the
product at the demo's places over the background that A (or C) has; OUT keeps both. Of a network
that is not told a place the error alone is measured.

``count`` counts those samples with a run's detector (``models/detector``), and prints a line for
each variant: held-out error, all places and exact counts, each the mean over the seeds and the
least and greatest.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from quality import EDM2, HeldOut
from torch import Tensor

from projcomp.composition.product import product_field
from projcomp.config import demo
from projcomp.config.learning import ModelConfig, NetworkConfig, TrainingConfig
from projcomp.config.root import Config
from projcomp.config.section import merged
from projcomp.data.dataset import RenderedImages
from projcomp.diffusion.batched import BatchedScores
from projcomp.diffusion.loss import denoising_error, uncertainty_weighted
from projcomp.diffusion.noise_levels import edm_sigmas
from projcomp.diffusion.pixels import decode, encode
from projcomp.evaluation.detect import detect
from projcomp.evaluation.forward import load_detector
from projcomp.evaluation.matching import match
from projcomp.networks import conditioning
from projcomp.networks.denoiser import Denoiser
from projcomp.networks.precision import at_precision
from projcomp.plan.load import load_files
from projcomp.samplers.heun import Heun
from projcomp.samplers.process import sample
from projcomp.seeds import integer_seed
from projcomp.training.schedule import rate_of


@dataclass(frozen=True)
class Variant:
    """What is other than in the demo; trained in fp32, as `EDM2` says, where nothing is said.

    Attributes:
        training: settings of ``training``.
        network: settings of ``network``.
        images: how many times as many images it sees.
        averaged: share of the updates, the last ones, over which the weights are averaged.
    """

    training: dict[str, Any] = field(default_factory=dict)
    network: dict[str, Any] = field(default_factory=dict)
    images: float = 1.0
    averaged: float = 0.16


COOLED = {"batch_size": 32, "cooldown": 0.4}
VARIANTS = {
    "batch 64": Variant(),
    "batch 32": Variant({"batch_size": 32}),
    "batch 16": Variant({"batch_size": 16}),
    "batch 8": Variant({"batch_size": 8}),
    "batch 32, decay 1200": Variant({"batch_size": 32, "decay_updates": 1200}),
    "batch 16, decay 2400": Variant({"batch_size": 16, "decay_updates": 2400}),
    "batch 16, rate .03": Variant({"batch_size": 16, "learning_rate": 0.03}),
    "batch 32, cooled": Variant(COOLED, averaged=0.05),
    "batch 16, cooled": Variant({**COOLED, "batch_size": 16}, averaged=0.05),
    "batch 16, averaged .3": Variant({"batch_size": 16}, averaged=0.3),
    "batch 32, 48 channels": Variant({"batch_size": 32}, {"channels": 48}),
    "batch 32, 2 blocks": Variant({"batch_size": 32}, {"blocks": 2}),
    "batch 32, bf16": Variant({"batch_size": 32, "precision": "bf16"}),
    "the demo": Variant(demo.training(), averaged=0.08),
    "batch 64, 2.5 x images": Variant(images=2.5),
    "batch 16, 2.5 x images": Variant({"batch_size": 16}, images=2.5),
}
PRECISIONS = ("fp32", "bf16")


class Pool:
    """All images of a model's datasets on a device, and draws of them as the training has."""

    def __init__(self, data: Path, chosen: ModelConfig, dropout: float, device: torch.device):
        assert chosen.datasets is not None
        sets = [RenderedImages(data / f"{name}.h5", chosen.condition) for name in chosen.datasets]
        shares = torch.tensor(list(chosen.datasets.values()), dtype=torch.float32)
        sizes = torch.tensor([len(part) for part in sets])
        every = [part.read(torch.arange(len(part))) for part in sets]
        most = max(part.labels.shape[1] for part in sets)
        labels = [
            torch.nn.functional.pad(part.labels, (0, 0, 0, most - part.labels.shape[1]))
            for part in sets
        ]
        self.images = torch.cat(every).to(device)
        self.labels = torch.cat(labels).to(device)
        self.number = torch.cat([part.num_objects for part in sets]).to(device)
        self.ends = (shares / shares.sum()).cumsum(0).to(device)
        self.sizes = sizes.to(device)
        self.begin = (sizes.cumsum(0) - sizes).to(device)
        self.learns_empty = any(int(part.num_objects.min()) == 0 for part in sets)
        self.dropout = dropout

    def draw(self, count: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Images ``(count, H, W, 3)`` and conditions ``(count, C)``."""
        u = torch.rand(4, count, generator=rng, device=self.images.device)
        which = torch.bucketize(u[0], self.ends[:-1])
        index = self.begin[which] + (u[1] * self.sizes[which]).long()
        number = self.number[index]
        chosen = self.labels[index, (u[2] * number).long()]
        state = torch.where(number > 0, conditioning.GIVEN, conditioning.EMPTY)[:, None]
        rows = torch.cat([state, chosen * (number > 0)[:, None]], 1)
        rows = torch.where((u[3] < self.dropout)[:, None], torch.zeros_like(rows), rows)
        return self.images[index], rows


class Training:
    """One network's training; ``step`` is an update without any word from the host."""

    def __init__(
        self,
        variant: Variant,
        config: Config,
        chosen: ModelConfig,
        pool: Pool,
        images: int,
        seed: int = 0,
    ):
        self.pool, device = pool, pool.images.device
        # of its own: graphs that run at once must not share the place in a stream
        self.rng = torch.Generator(device).manual_seed(seed)
        network = {**merged(config.network, chosen.network).model_dump(), **variant.network}
        common = {**config.training.model_dump(), **EDM2, "precision": "fp32"}
        self.settings = settings = TrainingConfig(**{**common, **variant.training})
        self.model = Denoiser(
            NetworkConfig(**network),
            config.resolution,
            chosen.condition,
            learns_empty=pool.learns_empty,
        ).to(device)
        self.model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.total = int(images * variant.images) // settings.batch_size
        rates = [rate_of(update, settings, self.total) for update in range(self.total)]
        first = int((1 - variant.averaged) * self.total)
        shares = [1 / max(update - first + 1, 1) for update in range(self.total)]
        # on the device, so that a graph needs nothing new: rates, shares of the mean, the number
        self.rates = torch.tensor(rates, device=device)
        self.shares = torch.tensor(shares, device=device)
        self.number = torch.zeros(1, dtype=torch.long, device=device)
        self.rate = torch.tensor(0.0, device=device)
        on_gpu = device.type == "cuda"
        self.optimizer = torch.optim.Adam(
            self.model.parameters(),
            lr=self.rate if on_gpu else 0.0,
            betas=(0.9, 0.99),
            fused=on_gpu,
            capturable=on_gpu,
        )
        self.weights = list(self.model.parameters())
        self.mean = [weight.detach().clone() for weight in self.weights]
        self.stream = torch.cuda.Stream() if on_gpu else None
        self.graph: Any = None

    def step(self) -> None:
        """One update, as ``DiffusionTraining`` makes it, and the mean of the weights."""
        settings, device = self.settings, self.rate.device
        if self.stream is None:
            self.optimizer.param_groups[0]["lr"] = float(self.rates[self.number])
        else:
            self.rate.copy_(self.rates[self.number][0])
        pixels, conditions = self.pool.draw(settings.batch_size, self.rng)
        x0 = encode(pixels).contiguous(memory_format=torch.channels_last)
        levels = torch.randn(len(x0), generator=self.rng, device=device)
        sigma = (settings.sigma_log_mean + settings.sigma_log_std * levels).exp()
        lower = settings.precision == "bf16"
        with torch.autocast(device.type, torch.bfloat16, enabled=lower, cache_enabled=False):
            error = denoising_error(
                lambda x, s: self.model(x, s, conditions),
                x0,
                sigma,
                torch.randn(x0.shape, generator=self.rng, device=device),
                self.model.sigma_data,
            )
        self.optimizer.zero_grad(set_to_none=False)
        uncertainty_weighted(error, self.model.logvar(sigma)).mean().backward()
        self.model.project_gradients()
        self.optimizer.step()
        self.model.normalize_weights()
        share = self.shares[self.number][0]
        with torch.no_grad():
            for mean, weight in zip(self.mean, self.weights, strict=True):
                mean.add_((weight - mean) * share)
        self.number += 1

    def capture(self) -> None:
        """Make a graph of the update; the updates made to warm up are taken back."""
        if self.stream is None:
            return
        kept = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            for _ in range(3):
                self.step()
        torch.cuda.current_stream().wait_stream(self.stream)
        self.graph = torch.cuda.CUDAGraph()
        self.graph.register_generator_state(self.rng)
        with torch.cuda.graph(self.graph, stream=self.stream):
            self.step()
        self.model.load_state_dict(kept)
        for state in self.optimizer.state.values():
            for value in state.values():
                value.zero_()
        self.number.zero_()
        torch.cuda.synchronize()

    def again(self) -> None:
        """One update, by the graph where there is one."""
        if self.graph is None:
            self.step()
            return
        with torch.cuda.stream(self.stream):
            self.graph.replay()

    def averaged(self) -> Denoiser:
        """The network with the mean of its last weights."""
        with torch.no_grad():
            for weight, mean in zip(self.weights, self.mean, strict=True):
                weight.copy_(mean)
        self.model.normalize_weights()
        return self.model.eval().requires_grad_(False)


def train_together(trainings: list[Training]) -> float:
    """All updates of all trainings, each on its own stream; seconds."""
    for training in trainings:
        training.capture()
    began = time.perf_counter()
    for update in range(max(training.total for training in trainings)):
        for training in trainings:
            if update < training.total:
                training.again()
        if trainings[0].stream is not None and update % 64 == 63:
            torch.cuda.synchronize()  # no endless queue
    if trainings[0].stream is not None:
        torch.cuda.synchronize()
    return time.perf_counter() - began


@torch.inference_mode()
def composed(
    model: Denoiser, config: Config, places: list, count: int, seed: int, precision: str
) -> np.ndarray:
    """Samples uint8 ``(count, H, W, 3)`` of the product at ``places`` over the background."""
    device = next(model.parameters()).device
    background = conditioning.empty if model.learns_empty else conditioning.unconditional
    rows = [background("position")[0], *conditioning.given("position", places)]
    denoise = at_precision(model, precision, device)
    scores = BatchedScores([(denoise, row.to(device)) for row in rows], 1024)
    settings, side = config.sampling, config.resolution
    sigmas = edm_sigmas(settings.num_steps, settings.sigma_min, settings.sigma_max, settings.rho)
    rng = torch.Generator().manual_seed(integer_seed(seed, "side by side", len(places)))
    start = settings.sigma_max * torch.randn(count, 3, side, side, generator=rng)
    found = sample(product_field(scores, [1.0] * len(places)), start.to(device), sigmas, Heun()).x
    return decode(found)


def tried(given: argparse.Namespace, config: Config, pool: Pool, seed: int) -> Iterator[dict]:
    """Rows of one seed; samples are written to OUT."""
    chosen = config.models[given.model]
    assert isinstance(chosen, ModelConfig)
    trainings = {}
    for label in given.variants:
        torch.manual_seed(integer_seed(seed, "side by side", label))
        draws = integer_seed(seed, "side by side", label, "draws")
        trainings[label] = Training(VARIANTS[label], config, chosen, pool, given.images, draws)
    took = train_together(list(trainings.values()))
    seen = sum(one.total * one.settings.batch_size for one in trainings.values())
    print(
        f"seed {seed}: {len(trainings)} networks, {seen:,} images in {took:.0f} s, "
        f"{seen / took:,.0f} images/s",
        flush=True,
    )
    assert chosen.datasets is not None
    held_out = HeldOut(given.data, chosen.datasets, chosen.condition, config.training)
    held_out.parts = [
        (part[0], *(tensor.to(given.device) for tensor in part[1:])) for part in held_out.parts
    ]
    for label, training in trainings.items():
        model = training.averaged()
        row = {"variant": label, "seed": seed, "error": held_out.error(model)}
        if chosen.condition != "position":
            yield row
            continue
        for k in given.composed:
            for precision in given.precisions:
                images = composed(
                    model, config, config.places["apart"][:k], given.samples, seed, precision
                )
                name = f"{label}_{seed}_{k}_{precision}.npy".replace(" ", "_")
                np.save(given.out / name, images)
                yield {**row, "k": k, "precision": precision, "samples": name}


def train(given: argparse.Namespace) -> None:
    """Train, sample, and write both."""
    if given.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("error: expected a GPU that torch can use, got none; try --device cpu")
    config = load_files([]).config
    if given.images < 256:
        raise SystemExit(
            f"error: --images: expected at least 256, a few updates, got {given.images}"
        )
    torch.backends.cudnn.benchmark = True
    chosen = config.models[given.model]
    assert isinstance(chosen, ModelConfig)
    pool = Pool(given.data, chosen, config.training.condition_dropout, torch.device(given.device))
    given.out.mkdir(parents=True, exist_ok=True)
    kept = given.out / "trained.json"
    rows: list[dict] = json.loads(kept.read_text()) if kept.is_file() else []
    ends = time.monotonic() + 60 * given.minutes
    took = 0.0
    for seed in range(given.first_seed, given.first_seed + given.seeds):
        began = time.monotonic()
        if began + 1.1 * took > ends:
            print(f"seed {seed}: left out, no time was left")
            break
        rows = [row for row in rows if row["seed"] != seed or row["variant"] not in given.variants]
        for row in tried(given, config, pool, seed):
            rows.append(row)
            kept.write_text(json.dumps(rows))
        took = time.monotonic() - began
    for label in given.variants:
        errors = {row["seed"]: row["error"] for row in rows if row["variant"] == label}
        print(f"{label}: error {_over_seeds(pd.Series(errors), 4)}")


def count(given: argparse.Namespace) -> None:
    """Count what ``train`` sampled, and print a line for each variant."""
    rows = [row for row in json.loads((given.out / "trained.json").read_text()) if "samples" in row]
    config = load_files([]).config
    detector = load_detector(given.detector)
    radius = config.evaluation.radius
    for row in rows:
        images = np.load(given.out / row["samples"])
        wanted = np.array(config.places["apart"][: row["k"]])
        found = detect(detector, images, config.detector.threshold)
        places = [len(match(one.xy, wanted, radius)[0]) == len(wanted) for one in found]
        row["places"] = float(np.mean(places))
        row["exact"] = float(np.mean([len(one.xy) == len(wanted) for one in found]))
        row["unsure"] = float(np.mean([one.unsure for one in found]))
    table = pd.DataFrame(rows)
    table.to_csv(given.out / "counted.csv", index=False)
    told = " | ".join(f"k = {k}: all places, exact count, unsure" for k in given_ks(table))
    print(f"| variant | precision | error | {told} |")
    for label, precision in dict.fromkeys(zip(table["variant"], table["precision"], strict=True)):
        own = table[(table["variant"] == label) & (table["precision"] == precision)]
        cells = [_over_seeds(own.drop_duplicates("seed")["error"], 4)]
        for k in given_ks(table):
            of_k = own[own["k"] == k]
            rates = (_over_seeds(of_k[name], 2) for name in ("places", "exact", "unsure"))
            cells.append(", ".join(rates))
        print(f"| {label} | {precision} | {' | '.join(cells)} |")


def given_ks(table: pd.DataFrame) -> list[int]:
    """The numbers of composed places."""
    return sorted(set(table["k"].tolist()))


def _over_seeds(values: Any, digits: int) -> str:
    """Mean, least and greatest."""
    shown = [f"{number:.{digits}f}" for number in (values.mean(), values.min(), values.max())]
    return f"{shown[0]} ({shown[1]} to {shown[2]})"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    training = commands.add_parser("train", help="train and sample")
    training.add_argument("data", type=Path)
    training.add_argument("out", type=Path)
    networks = [
        name
        for name, one in load_files([]).config.models.items()
        if isinstance(one, ModelConfig) and one.datasets and one.condition != "none"
    ]
    training.add_argument("--model", default="single", choices=networks)
    training.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    training.add_argument("--images", type=int, default=100_000)
    training.add_argument("--seeds", type=int, default=3)
    training.add_argument("--first-seed", type=int, default=0)
    training.add_argument("--composed", type=int, nargs="+", default=[6, 9])
    training.add_argument("--samples", type=int, default=64)
    training.add_argument("--precisions", nargs="+", default=["fp32"], choices=PRECISIONS)
    training.add_argument(
        "--minutes", type=float, default=60, help="no seed begins that cannot end"
    )
    training.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    training.set_defaults(work=train)
    counting = commands.add_parser("count", help="count what was sampled")
    counting.add_argument("out", type=Path)
    counting.add_argument("detector", type=Path)
    counting.set_defaults(work=count)
    given = parser.parse_args()
    given.work(given)


if __name__ == "__main__":
    main()
