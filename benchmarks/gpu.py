"""Everything that a GPU alone can show, as one table, within eight minutes.

Usage: python benchmarks/gpu.py [--minutes 8] [--parts card training ...] [--longest 60]
       [--device cpu] [--quick]

Needs the extras ``train`` and ``workflow``, any Python and torch that they run with, and no
Blender: without it the part ``rendering`` says so. Every measurement runs in a process of its own,
so that its peak memory is its own and an error ends nothing else; what no time is left for is said.
``--quick`` takes the smallest sizes, to try the command itself, on a CPU too (``--device cpu``).

- ``card``: what this is, and its two ceilings: copies within memory, and products of matrices.
- ``training``: an update and a forward pass of the networks of demo, gpu and paper, against the
  plain network of ``plain_unet.py``, with the most memory taken.
- ``stage``: updates of the training as it runs, by Lightning, and how often one waits for the GPU.
- ``sampling``: whole reverse processes of nine composed conditionals and a background.
- ``exact``: the same of exact models of 10 x 1,000 images, against one thread of the CPU.
- ``room``: sampling in a memory too small for its batches, and training in one too small at all.
- ``compiled``: training and sampling with ``torch.compile``, which takes long to begin.
- ``rendering``: the demo's renders by OptiX, CUDA and the CPU, the first picture apart; where torch
  and Blender are not in one environment, ``render_devices.py`` measures it alone.
"""

import argparse
import multiprocessing
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import torch
from common import PRESETS, peak_memory, seconds
from exact import composed as exact_composed
from render_devices import rendered as render
from render_devices import told
from sample import network as sampling_network
from torch import Tensor
from train import Variant
from train import measure as measure_training

from projcomp.composition.product import product_field
from projcomp.diffusion.batched import BatchedScores
from projcomp.diffusion.field import Step
from projcomp.diffusion.noise_levels import edm_sigmas
from projcomp.errors import is_out_of_memory
from projcomp.networks import conditioning
from projcomp.networks.denoiser import Denoiser
from projcomp.plan.load import load_files
from projcomp.samplers.heun import Heun
from projcomp.samplers.process import sample
from projcomp.training.batches import Batch
from projcomp.training.module import DiffusionTraining

BATCHES = {"demo": 64, "gpu": 256, "paper": 32}
"""Images of a pass; the paper's network takes more memory than a GPU has for 256."""

SAMPLES = {"demo": 64, "gpu": 64, "paper": 16}
"""Images of a reverse process, of nine conditionals and a background each."""


LONGEST = 60.0
"""Seconds of one measurement at most where nothing else is said, so that the others have theirs."""


@dataclass(frozen=True)
class Measurement:
    """One line of the table.

    Attributes:
        part: the part it belongs to.
        what: what is measured, in words.
        work: returns what to print; runs in a process of its own.
        arguments: of ``work``.
    """

    part: str
    what: str
    work: Callable[..., str]
    arguments: tuple


# The card -----------------------------------------------------------------------------------------


def versions(device: torch.device) -> str:
    name, memory = platform.processor() or platform.machine(), ""
    if device.type == "cuda":
        found = torch.cuda.get_device_properties(device)
        name, memory = found.name, f", {found.total_memory / 2**30:.0f} GiB"
    return (
        f"{name}{memory}; Python {platform.python_version()}, torch {torch.__version__}, "
        f"CUDA {torch.version.cuda}"
    )


def copies(device: torch.device, quick: bool) -> str:
    source = torch.rand(2**20 if quick else 2**30, device=device)
    target = torch.empty_like(source)
    took = seconds(lambda: target.copy_(source), device, 5, warm_up=2)
    return f"{2 * 4 * source.numel() / took / 1e12:.2f} TB/s, read and written"


def products(device: torch.device, quick: bool) -> str:
    side = 256 if quick else 8192
    first, second = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    took = seconds(lambda: first @ second, device, 5, warm_up=2)
    return f"{2 * side**3 / took / 1e12:.0f} TFLOP/s, bf16, {side} x {side}"


# Networks -----------------------------------------------------------------------------------------


def training(variant: Variant, repeats: int) -> str:
    stepping, passing, memory = measure_training(variant, repeats)
    return f"{stepping:,.0f} images/s an update, {passing:,.0f} a forward pass, {memory:,.0f} MiB"


class _Updates(torch.utils.data.IterableDataset):
    """Made-up batches, as ``training/batches.py`` hands them to the training."""

    def __init__(self, batch: int, side: int, count: int) -> None:
        self.batch, self.side, self.count = batch, side, count

    def __iter__(self) -> Iterator[Batch]:
        rng = torch.Generator().manual_seed(0)
        shape = (self.batch, self.side, self.side, 3)
        images = torch.randint(0, 256, shape, generator=rng, dtype=torch.uint8)
        places = torch.rand(self.batch, 2, generator=rng).numpy()
        conditions = conditioning.given("position", places)
        for update in range(self.count):
            yield Batch(images, conditions, update, 0)


class _Watched(DiffusionTraining):
    """A training that takes the time after some updates, and counts what waits in one of them."""

    def watch(self, device: torch.device, warm_up: int) -> None:
        """Count in the third update, and take the time from the update ``warm_up`` on."""
        self.waits_for_gpu = device.type == "cuda"
        self.warm_up, self.began, self.waits = warm_up, 0.0, 0

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        if batch_idx == self.warm_up:
            self._wait()
            self.began = time.perf_counter()
        if batch_idx != 2:
            super().training_step(batch, batch_idx)
            return
        with _waits(self.waits_for_gpu) as found:
            super().training_step(batch, batch_idx)
        self.waits = len(found)

    def seconds(self) -> float:
        """Since the update ``warm_up`` began, once all of them are done."""
        self._wait()
        return time.perf_counter() - self.began

    def _wait(self) -> None:
        if self.waits_for_gpu:
            torch.cuda.synchronize()


@contextmanager
def _waits(on_gpu: bool) -> Iterator[list[str]]:
    """Where the CPU waits for the GPU, as torch warns of it."""
    found: list[str] = []
    if not on_gpu:
        yield found
        return
    torch.cuda.set_sync_debug_mode("warn")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield found
    torch.cuda.set_sync_debug_mode("default")
    found += [
        f"{Path(one.filename).name}:{one.lineno}"
        for one in caught
        if "synchron" in str(one.message)
    ]


def _trainer(device: torch.device, updates: int):
    import lightning  # only the training's room imports it at the module's level

    on_gpu = device.type == "cuda"
    return lightning.Trainer(
        accelerator="gpu" if on_gpu else "cpu",
        devices=1,
        precision="bf16-mixed" if on_gpu else "32-true",
        max_steps=updates,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def stage(preset: str, device: torch.device, batch: int, updates: int) -> str:
    config = load_files(PRESETS[preset]).config
    torch.manual_seed(0)
    model = Denoiser(config.network, config.resolution, "position")
    model.to(memory_format=torch.channels_last)  # pyright: ignore
    warm_up = max(updates // 4, 3)
    microbatch = config.compute.training.microbatch
    module = _Watched(model, config.training, updates + warm_up, microbatch)
    module.watch(device, warm_up)
    data = _Updates(batch, config.resolution, updates + warm_up)
    loader = torch.utils.data.DataLoader(data, batch_size=None)
    _trainer(device, updates + warm_up).fit(module, loader)
    rate = updates * batch / module.seconds()
    pieces = f"in passes of {microbatch}, " if microbatch else ""
    return f"{rate:,.0f} images/s, {pieces}{module.waits} waits for the GPU in an update"


@torch.inference_mode()
def sampling(preset: str, device: torch.device, count: int, precision: str, compiled: bool) -> str:
    config = load_files(PRESETS[preset]).config
    denoise = sampling_network(config, device, precision)
    fields = _product(_ten(torch.compile(denoise) if compiled else denoise, device, 1024))
    settings = config.sampling
    sigmas = edm_sigmas(settings.num_steps, settings.sigma_min, settings.sigma_max, settings.rho)
    side = config.resolution

    def run() -> Tensor:
        start = settings.sigma_max * torch.randn(count, 3, side, side, device=device)
        return sample(fields, start, sigmas, Heun()).x

    took = seconds(run, device, 1, warm_up=1)
    calls = 2 * settings.num_steps - 1
    with _waits(device.type == "cuda") as found:
        run()
    return (
        f"{count / took:,.2f} images/s ({count} at once, {calls} x 10 evaluations each), "
        f"{peak_memory(device):,.0f} MiB, "
        f"{len(found)} waits for the GPU in {settings.num_steps} steps"
    )


def _ten(denoise, device: torch.device, chunk: int) -> BatchedScores:
    """A background and nine conditionals of one network."""
    places = torch.rand(9, 2, generator=torch.Generator().manual_seed(9)).numpy()
    rows = [conditioning.empty("position")[0], *conditioning.given("position", places)]
    return BatchedScores([(denoise, row.to(device)) for row in rows], chunk)


def _product(scores: BatchedScores):
    """The product of the nine over the background."""
    return product_field(scores, [1.0] * 9)


# Exact models -------------------------------------------------------------------------------------


def exact(device: torch.device, images: int, count: int) -> str:
    torch.set_num_threads(1)
    took = exact_composed(9, images, 32, count, images, device.type)
    return f"{took:.2f} s for {count} images of 9 conditions x {images:,} renders, 18 Heun steps"


# Room ---------------------------------------------------------------------------------------------


@torch.inference_mode()
def room_for_samples(device: torch.device, preset: str) -> str:
    """Pieces halve until they fit; the images are those of small pieces."""
    config = load_files(PRESETS[preset]).config
    denoise = sampling_network(config, device, "fp32")
    side = config.resolution
    x = torch.randn(512, 3, side, side, device=device)
    wanted = _product(_ten(denoise, device, 64)).score(Step(x, 1.0, 0.5), None)[0]
    torch.cuda.empty_cache()
    _allow(device, gib=2.0)
    torch.cuda.reset_peak_memory_stats()
    stack = _ten(denoise, device, 65_536)
    got = _product(stack).score(Step(x, 1.0, 0.5), None)[0]
    error = float((got - wanted).abs().max() / wanted.abs().max())
    return (
        f"of 5,120 images at once, {stack._pieces.size:,} fit into 2 GiB; largest difference to "
        f"pieces of 64: {error:.0e} of the largest score"
    )


def room_for_training(device: torch.device, preset: str) -> str:
    """What a training says whose images do not fit, and that it learns in smaller passes."""
    _allow(device, gib=2.0)
    config = load_files(PRESETS[preset]).config
    said = ""
    for microbatch in (None, 16):
        model = Denoiser(config.network, config.resolution, "position")
        module = DiffusionTraining(model, config.training, 4, microbatch)
        trainer = _trainer(device, 2)
        loader = torch.utils.data.DataLoader(_Updates(512, config.resolution, 2), batch_size=None)
        try:
            trainer.fit(module, loader)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            said += f"512 images in {microbatch or 'one'} pass: out of memory, seen as such; "
            del error
        else:
            said += f"in passes of {microbatch or 512}: learned"
        del model, module, trainer
        torch.cuda.empty_cache()
    return said


def _allow(device: torch.device, gib: float) -> None:
    """Let this process take no more than so much of the GPU's memory."""
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(gib * 2**30 / total, torch.cuda.current_device())


# Renders ------------------------------------------------------------------------------------------


def rendering(kind: str, count: int) -> str:
    if find_spec("bpy") is None:
        raise ModuleNotFoundError(name="bpy")
    return told(render(kind, 32, count))  # in this process: what takes too long ends with it


# All of it ----------------------------------------------------------------------------------------


def measurements(device: torch.device, quick: bool) -> list[Measurement]:
    """Everything that is measured, the shortest parts first."""
    presets = ["demo"] if quick else list(PRESETS)
    found = [
        Measurement("card", "this machine", versions, (device,)),
        Measurement("card", "copies", copies, (device, quick)),
        Measurement("card", "matrix products", products, (device, quick)),
    ]
    cpu = torch.device("cpu")
    images, count = (100, 4) if quick else (1_000, 64)
    for where in dict.fromkeys([device, cpu]):
        found.append(Measurement("exact", where.type, exact, (where, images, count)))
    for preset in presets:
        batch = 4 if quick else {"demo": 64, "gpu": 256, "paper": 256}[preset]
        updates = 4 if quick else {"demo": 200, "gpu": 40, "paper": 8}[preset]
        words = f"{preset}, batch {batch}"
        found.append(Measurement("stage", words, stage, (preset, device, batch, updates)))
    for preset in presets:
        count = 2 if quick else SAMPLES[preset]
        found.append(
            Measurement("sampling", preset, sampling, (preset, device, count, "bf16", False))
        )
    for preset in presets:
        batch = 4 if quick else BATCHES[preset]
        ours = Variant("ours, bf16", preset, batch, device.type, 1)
        for variant in (
            replace(ours, name="plain, bf16", plain=True),
            ours,
            replace(ours, name="plain, fp32", plain=True, bf16=False),
            replace(ours, name="ours, fp32", bf16=False),
        ):
            words = f"{preset}, batch {batch}: {variant.name}"
            found.append(Measurement("training", words, training, (variant, 2 if quick else 10)))
    if device.type == "cuda":
        found.append(Measurement("room", "sampling, demo", room_for_samples, (device, "demo")))
        found.append(Measurement("room", "training, gpu", room_for_training, (device, "gpu")))
    for kind in ("optix", "cuda", "cpu") if device.type == "cuda" else ("cpu",):
        found.append(Measurement("rendering", kind, rendering, (kind, 3 if quick else 200)))
    if not quick:
        for preset in ("demo", "gpu"):
            batch = BATCHES[preset]
            for plain in (False, True):
                name = f"{'plain' if plain else 'ours'}, bf16, compiled"
                variant = Variant(name, preset, batch, device.type, 1, plain=plain, compiled=True)
                words = f"{preset}, batch {batch}: {name}"
                found.append(Measurement("compiled", words, training, (variant, 10)))
            arguments = (preset, device, SAMPLES[preset], "bf16", True)
            found.append(Measurement("compiled", f"{preset}, sampling", sampling, arguments))
    return found


def result(measurement: Measurement, limit: float) -> str:
    """What a measurement says, or why it says nothing."""
    # a server that has imported what takes long, and touched no GPU, makes every process
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lightning", "train", "sample", "exact"])
    pool = ProcessPoolExecutor(1, context)
    job = pool.submit(measurement.work, *measurement.arguments)
    try:
        return job.result(timeout=limit)
    except TimeoutError:
        for process in list(pool._processes.values()):
            process.kill()
        return f"not within {limit:.0f} s"
    except BrokenProcessPool:
        return "failed: its process ended"
    except ModuleNotFoundError as error:
        return f"left out: {error.name} is not installed"
    except Exception as error:
        return f"failed: {type(error).__name__}: {str(error).splitlines()[0]}"
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=8.0, help="no measurement runs longer")
    parser.add_argument("--parts", nargs="+", help="these parts alone")
    parser.add_argument("--longest", type=float, default=LONGEST, help="seconds of one measurement")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="the smallest sizes")
    given = parser.parse_args()
    device = torch.device(given.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        sys.exit("error: expected a GPU that torch can use, got none; try --device cpu --quick")
    end = time.monotonic() + 60 * given.minutes
    print("| part | what | measured |\n|---|---|---|")
    for measurement in measurements(device, given.quick):
        if given.parts and measurement.part not in given.parts:
            continue
        left = end - time.monotonic()
        limit = min(left, given.longest)
        said = result(measurement, limit) if left > 5 else "left out: no time was left"
        print(f"| {measurement.part} | {measurement.what} | {said} |", flush=True)


if __name__ == "__main__":
    main()
