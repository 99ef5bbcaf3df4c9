"""How much memory and time a job asks a scheduler for: what follows from the config, generously.

A limit that is too low ends a job; one that is too high keeps it waiting. So these are a few times
what was measured on two cores of a Xeon (docs/rendering.md, docs/training.md), and every further
attempt of a job asks for as much again; but for no more time where it goes on from a saved state.
No result depends on them. A cluster whose machines are others sets its own values in its profile
(`set-resources`).
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from math import ceil
from pathlib import Path

from projcomp.config.evaluation import ClassifierConfig
from projcomp.config.learning import DetectorConfig, NetworkConfig
from projcomp.config.samplers import SamplingConfig
from projcomp.files.pipeline_folder import pipeline_folder
from projcomp.plan.run import Run
from projcomp.settings.stages import model_names

MOST_MINUTES = 7 * 24 * 60
"""Longest time that is asked for: few clusters give more, and a training resumes anyway."""

_MIB = 2**20
_LEAST_MIB, _CUDA_MIB = 1500, 3500
"""Of a process with torch or Blender; what CUDA's libraries take of the machine's memory more."""
_LEAST_MINUTES = 30
"""For starting, reading and writing, on a file system that others use too."""

_RENDER_IMAGE, _RENDER_SAMPLE = 0.6, 1e-5
"""Core-seconds of an image, and of one sample of one pixel: three times the measured ones."""

_CPU_RATE, _GPU_RATE = 5e9, 2e13
"""Multiply-adds a second of one thread and of one GPU. A thread with AMX made 25 to 45 times 1e9;
an H200 makes 1.3e12 in the demo's trainings, 4.2e13 in those of the gpu preset (docs/gpu.md)."""

_READ_RATE = 2e7
"""Bytes a second that are read and summed, on a file system that others use too."""

_KEPT_BYTES = 4 * 2**30
"""A dataset of up to so many bytes of pixels is kept in memory (``data/dataset.py``)."""
_FILED_PICTURES = 100_000
"""Of a dataset from a file: more than Fashion-MNIST and CIFAR-10 have."""
_BYTES_PER_WEIGHT = 32
"""In a training: weight, gradient, two moments, average, and copies while they are written."""
_BYTES_PER_ACTIVATION = 16
"""In a training, with what the backward pass needs; half of that in bf16."""
_LIVE_LAYERS = 24
"""Layers' outputs at the full resolution that live at once where nothing is kept."""
_PICTURES_MIB = 8000
"""Of a pipeline's latents and of the pictures that are decoded from them."""
_EVALUATIONS_PER_STEP = 4
"""Of Heun's two, and of estimators that ask for derivatives."""


@dataclass(frozen=True)
class Need:
    """What a job asks for at its first attempt.

    Attributes:
        mib: memory of each node, MiB.
        minutes: of the clock.
        resumes: it goes on from a state that the attempt before has saved, so that no attempt takes
            longer than the first. Jobs that ask a partition for more than it gives wait for ever.
    """

    mib: float
    minutes: float = 0.0
    resumes: bool = False

    def mem_mb(self, attempt: int = 1) -> int:
        """Memory at an attempt, in whole hundreds of MiB."""
        return attempt * 100 * ceil(self.mib / 100)

    def runtime(self, attempt: int = 1) -> int:
        """Minutes at an attempt, at least half an hour and at most :data:`MOST_MINUTES`."""
        attempts = 1 if self.resumes else attempt
        return min(attempts * (_LEAST_MINUTES + ceil(self.minutes)), MOST_MINUTES)


def rendering(run: Run) -> Need:
    """Of a shard of any dataset."""
    return _renders(run, run.config.render.shard_size)


def reference(run: Run) -> Need:
    """Of the rendered truth of any case."""
    return _renders(run, run.config.reference.num_images)


def indexing(run: Run, dataset: str) -> Need:
    """Of reading every shard of a dataset, for its check sum."""
    return Need(1000, _pixel_bytes(run, dataset) / _READ_RATE / 60)


def training(run: Run, model: str) -> Need:
    """Of training ``model``; memory is of one node."""
    config, network = run.config, run.network(model)
    compute, side = config.compute.training, config.resolution
    sizes = [_pixel_bytes(run, name) for name in run.models[model].datasets]
    kept = sum(size for size in sizes if size <= _KEPT_BYTES)
    share = ceil(config.training.batch_size / (compute.devices * compute.nodes))
    images = min(compute.microbatch or share, share)
    process = kept + _BYTES_PER_WEIGHT * network.num_weights(side)
    if compute.device != "gpu":
        process += images * _BYTES_PER_ACTIVATION * network.num_activations(side)
    mib = compute.devices * (_base(compute.device) + process / _MIB)
    # forward and backward
    work = 3 * (run.models[model].images_seen or 0) * network.work(side)
    rate = compute.devices * compute.nodes * _rate(compute.device, compute.threads)
    return Need(mib, work / rate / 60, resumes=True)


def checking(run: Run, model: str) -> Need:
    """Of the errors of ``model`` on held-out images."""
    return Need(_models_mib(run, [model], 128), 60)


def locality(run: Run, model: str) -> Need:
    """Of how far ``model`` reaches, with the backgrounds it is composed over."""
    names = [model, *(one.model for one in run.backgrounds(model))]
    return Need(2 * _models_mib(run, names, run.config.sampling.chunk_size), 240)


def detector(run: Run) -> Need:
    """Of training the detector; all its images are in memory, with their masks, twice."""
    chosen = run.config.detector
    pixels = 2 * _pixel_bytes(run, chosen.dataset) * 4 / 3
    return replace(_judge(run, chosen, pixels, run.config.compute.training.device), resumes=True)


def classifier(run: Run) -> Need:
    """Of training the classifier of pictures from files, all of which are in memory."""
    chosen = run.config.evaluation.classifier
    if chosen is None:
        return Need(_LEAST_MIB)
    return _judge(run, chosen, 2 * _pixel_bytes(run, chosen.dataset), "cpu")


def filed(run: Run) -> Need:
    """Of reading a dataset from a file, of which it keeps what it chooses."""
    return Need(_LEAST_MIB + 4 * _FILED_PICTURES * _image_bytes(run) / _MIB)


def sampling(run: Run, experiment: str, case: str) -> Need:
    """Of the samples of one case of ``experiment``."""
    resolved = run.experiments[experiment]
    chosen, settings, compute = resolved.config, resolved.sampling, run.config.compute.sampling
    names = model_names(chosen)
    if any(name in run.config.pipelines for name in names):
        return _of_pipelines(run, names)
    stacked = resolved.cases[case].num_conditions + len(chosen.models or []) + 2
    evaluations = chosen.num_samples * _evaluations(settings)
    work = evaluations * stacked * max(_evaluation_work(run, name) for name in names)
    minutes = work / _rate(compute.device, compute.threads) / 60
    derivatives = 2 if settings.densities else 1  # as of locality
    return Need(derivatives * _models_mib(run, names, settings.chunk_size), minutes)


def scoring(run: Run) -> Need:
    """Of judging how well pictures show prompts."""
    judge = run.config.evaluation.judge
    folder = getattr(judge, "folder", None)
    return Need(_base(run.config.compute.sampling.device) + 2 * _folder_mib(folder), 60)


def _of_pipelines(run: Run, names: Iterable[str]) -> Need:
    """Of prompts told to pipelines; how long one of them takes is not known here: a day."""
    known = {run.config.pipelines[name].pipeline: run.config.pipelines[name] for name in names}
    folders = [pipeline_folder(model.pipeline, model.revision) for model in known.values()]
    # read, and perhaps turned into another precision
    weights = 2 * sum(_folder_mib(folder) for folder in folders)
    return Need(_base(run.config.compute.sampling.device) + weights + _PICTURES_MIB, 24 * 60)


@cache
def _folder_mib(folder: str | os.PathLike[str] | None) -> float:
    """Of the files in a folder, looked at once, not for every job; none where there is none."""
    if folder is None:
        return 0.0
    found = [path for path in Path(folder).rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in found) / _MIB


def counting(run: Run, experiment: str) -> Need:
    """Of what is counted in a case's images."""
    samples = run.experiments.get(experiment)
    number = samples.config.num_samples if samples else run.config.reference.num_images
    # the images and the detector's layers of a part of them
    return Need(1000 + 16 * number * _image_bytes(run) / _MIB)


def _judge(run: Run, chosen: DetectorConfig | ClassifierConfig, pixels: float, device: str) -> Need:
    """Of training a network that judges: three levels of equal work, some 30 convolutions."""
    layer = run.config.resolution**2 * chosen.channels
    work = 3 * chosen.images_seen * 270 * layer * chosen.channels
    activations = 30 * chosen.batch_size * _BYTES_PER_ACTIVATION * layer
    held = pixels + (activations if device != "gpu" else 0)
    rate = _rate(device, run.config.compute.training.threads)
    return Need(_base(device) + held / _MIB, work / rate / 60)


def _renders(run: Run, images: int) -> Need:
    """Of rendering ``images`` images in one process."""
    config, threads = run.config, run.config.compute.rendering.threads
    samples = config.render.samples * config.resolution**2
    seconds = images * (_RENDER_IMAGE + _RENDER_SAMPLE * samples) / threads
    return Need(_LEAST_MIB + 4 * images * _image_bytes(run) / _MIB, seconds / 60)


def _evaluations(settings: SamplingConfig) -> float:
    """Evaluations of every model for one sample, about."""
    corrector, swarm, filter_ = settings.corrector, settings.swarm, settings.complift
    moves = corrector.moves if corrector else 0
    levels = filter_.num_levels if filter_ else 0
    per_particle = _EVALUATIONS_PER_STEP * settings.num_steps * (1 + moves) + 4 * levels
    lines = settings.densities
    # an evaluation with derivatives costs about three
    finished = 3 * lines.num_lines * lines.num_levels if lines else 0
    return per_particle * (swarm.particles if swarm else 1) + finished


def _evaluation_work(run: Run, name: str) -> float:
    """Multiply-adds of one evaluation of a model: a network, or its renders one by one."""
    model = run.models[name]
    if not model.exact:
        return run.network(name).work(run.config.resolution)
    numbers = sum(_pixel_bytes(run, dataset) for dataset in model.exact)
    # compared and averaged; a window does both in the square around every pixel
    return numbers * (2 if model.window is None else 32)


def _models_mib(run: Run, names: Iterable[str], images: int) -> float:
    """Memory of a process that evaluates models on so many images at once."""
    side, device = run.config.resolution, run.config.compute.sampling.device
    held = 0.0
    for name in names:
        model = run.models[name]
        if model.exact:
            numbers = sum(_pixel_bytes(run, dataset) for dataset in model.exact)
            held += numbers * (1 + 2 * 4)  # as they are read, and twice as floats
        else:
            held += _held_by_a_network(run.network(name), side, images, device)
    return _base(device) + held / _MIB


def _held_by_a_network(network: NetworkConfig, side: int, images: int, device: str) -> float:
    """Bytes of the machine's memory that a network takes which learns nothing."""
    weights = 8 * network.num_weights(side)
    if device == "gpu":
        return weights
    widest = max(
        (side >> level) ** 2 * network.channels * multiplier
        for level, multiplier in enumerate(network.multipliers)
    )
    return weights + 4 * _LIVE_LAYERS * images * widest


def _pixel_bytes(run: Run, dataset: str) -> float:
    """Bytes of the pixels of a dataset; how many pictures a file has is not read for this."""
    rendered = run.config.rendered.get(dataset)
    return (rendered.num_images if rendered else _FILED_PICTURES) * _image_bytes(run)


def _image_bytes(run: Run) -> float:
    return 3.0 * run.config.resolution**2


def _base(device: str) -> float:
    return _LEAST_MIB + (0 if device == "cpu" else _CUDA_MIB)


def _rate(device: str, threads: int) -> float:
    """Multiply-adds a second; with `auto` a job may find no GPU."""
    return _GPU_RATE if device == "gpu" else _CPU_RATE * threads
