"""What a preset costs by stage, on paper; and how long its jobs take to plan as shards grow.

    python benchmarks/scale.py --preset paper
    python benchmarks/scale.py --preset paper --render 1.02 --multiply-adds 1e14
    python benchmarks/scale.py --plan 100 1000 10000

The table is arithmetic: numbers from the plan times the rates that are given. By default these are
what other benchmarks measured: two cores of a Xeon (docs/rendering.md), and one H200 that trained
the gpu preset's network (docs/gpu.md). `benchmarks/gpu.py` measures the images a second of others;
times `work`, the multiply-adds of one forward and backward, they are --multiply-adds. The detector,
exact models and experiments, tables and figures are left out.

--plan makes dry runs of the smoke preset with so many shards of one dataset, in an empty folder:
processor seconds and the most memory of Snakemake, the jobs, and the lines that it prints.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from planned import PRESETS, REPOSITORY, config_files

from projcomp.config.samplers import Heun
from projcomp.plan.load import load_files
from projcomp.plan.plan import Plan
from projcomp.plan.run import Run
from projcomp.settings.case import TRUTH
from projcomp.settings.stages import model_names

IMAGE_BYTES = {32: 1766, 64: 4657, 128: 12749}
"""Of a render, compressed, by resolution (benchmarks/storage.py)."""
LINKED = ("Snakefile", "workflow", "envs", "profiles", "config.yaml", "presets")


@dataclass(frozen=True)
class Rates:
    """What was measured, or is assumed.

    Attributes:
        render: core-seconds of a rendered image.
        multiply_adds: of one GPU, a second.
        count: core-seconds of an image that is counted.
        image_bytes: of a compressed image.
    """

    render: float
    multiply_adds: float
    count: float
    image_bytes: float


@dataclass(frozen=True)
class Stage:
    """What one stage of a run costs.

    Attributes:
        name: the stage.
        jobs: of the cluster.
        items: images, or evaluations of networks.
        core_hours: of processors.
        gpu_hours: of GPUs.
        gibibytes: of files that stay.
        files: that stay.
    """

    name: str
    jobs: int
    items: float
    core_hours: float
    gpu_hours: float
    gibibytes: float
    files: int


def stages(run: Run, rates: Rates) -> Iterator[Stage]:
    """The stages of a run, in order."""
    config, side = run.config, run.config.resolution
    jobs = Plan(run).job_counts()
    images = sum(dataset.num_images for dataset in config.datasets.values())
    yield _rendered("renders", jobs["render_shard"] + len(config.datasets), images, rates)
    truth = len(run.cases[TRUTH]) * config.reference.num_images
    yield _rendered("ground truth", jobs["render_reference"], truth, rates)

    seen = {name: run.models[name].images_seen or 0 for name in run.networks}
    work = sum(3 * number * run.network(name).work(side) for name, number in seen.items())
    weights = sum(4 * run.network(name).num_weights(side) for name in seen)
    hours = work / rates.multiply_adds / 3600
    yield Stage("trainings", len(seen), sum(seen.values()), 0, hours, _gib(weights), 3 * len(seen))

    evaluations = work = samples = 0.0
    for name, experiment in run.experiments.items():
        networks = [one for one in model_names(experiment.config) if not run.models[one].exact]
        for case in run.cases[name].values():
            samples += experiment.config.num_samples
            if networks:
                number = experiment.config.num_samples * _evaluations(run, name)
                number *= case.num_conditions + (experiment.background is not None)
                evaluations += number
                work += number * max(run.network(one).work(side) for one in networks)
    hours = work / rates.multiply_adds / 3600
    size = _gib(samples * rates.image_bytes)
    yield Stage("samples", jobs["sample_case"], evaluations, 0, hours, size, jobs["sample_case"])

    counted = samples + truth
    hours = counted * rates.count / 3600
    yield Stage(
        "counts",
        jobs["evaluate_case"],
        counted,
        hours,
        0,
        _gib(300 * counted),
        jobs["evaluate_case"],
    )


def _rendered(name: str, jobs: int, images: int, rates: Rates) -> Stage:
    hours = images * rates.render / 3600
    return Stage(name, jobs, images, hours, 0, _gib(images * rates.image_bytes), jobs)


def _evaluations(run: Run, experiment: str) -> float:
    """Of each composed network for one sample, by the sampler alone."""
    sampling = run.experiments[experiment].sampling
    steps = sampling.num_steps * (2 if isinstance(sampling.sampler, Heun) else 1)
    moves = getattr(sampling.corrector, "steps", 0) * getattr(sampling.corrector, "leapfrog", 1)
    particles = sampling.swarm.particles if sampling.swarm else 1
    levels = sampling.complift.num_levels if sampling.complift else 0
    return particles * (steps + moves * sampling.num_steps) + levels


def _gib(size: float) -> float:
    return size / 2**30


def report(run: Run, rates: Rates) -> Iterator[str]:
    """The table, in lines."""
    yield (
        f"{'stage':<14}{'jobs':>8}{'items':>16}{'core-hours':>12}{'GPU-hours':>12}"
        f"{'GiB':>9}{'files':>8}"
    )
    found = list(stages(run, rates))
    everything = Stage(
        "all",
        *(
            sum(getattr(stage, name) for stage in found)
            for name in ("jobs", "items", "core_hours", "gpu_hours", "gibibytes", "files")
        ),
    )
    for stage in [*found, everything]:
        items = "" if stage.name == "all" else f"{stage.items:,.0f}"
        yield (
            f"{stage.name:<14}{stage.jobs:>8,}{items:>16}{stage.core_hours:>12,.0f}"
            f"{stage.gpu_hours:>12,.0f}{stage.gibibytes:>9,.1f}{stage.files:>8,}"
        )
    side = run.config.resolution
    for name in run.networks:
        yield f"work of {name}: {3 * run.network(name).work(side):.3g} multiply-adds an image"


def planned(shards: int) -> str:
    """A dry run with so many shards of one dataset: a line."""
    smoke = yaml.safe_load((REPOSITORY / "presets/smoke.yaml").read_text())
    change = {"datasets": {"single": {"num_images": shards * smoke["render"]["shard_size"]}}}
    with tempfile.TemporaryDirectory() as folder:
        for name in LINKED:
            (Path(folder) / name).symlink_to(REPOSITORY / name)
        (Path(folder) / "shards.yaml").write_text(yaml.safe_dump(change))
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "snakemake",
                "-n",
                "--configfile",
                "presets/smoke.yaml",
                "shards.yaml",
            ],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        output = process.stdout.read() if process.stdout else ""
        _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(output)
    jobs = next(line.split()[1] for line in output.splitlines() if line.startswith("total "))
    return (
        f"{shards:>8,}{int(jobs):>8,}{used.ru_utime + used.ru_stime:>10.1f}"
        f"{used.ru_maxrss / 1024:>8,.0f}{output.count(os.linesep):>10,}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--preset", choices=PRESETS, default="paper")
    parser.add_argument("--render", type=float, default=25.9, help="core-seconds of a render")
    parser.add_argument("--multiply-adds", type=float, default=4.2e13, help="of a GPU, a second")
    parser.add_argument("--count", type=float, default=0, help="core-seconds of an image counted")
    parser.add_argument("--image-bytes", type=float, help="of an image, compressed")
    parser.add_argument("--plan", type=int, nargs="+", metavar="SHARDS", help="only plan")
    asked = parser.parse_args()
    if asked.plan:
        print(f"{'shards':>8}{'jobs':>8}{'seconds':>10}{'MiB':>8}{'lines':>10}")
        for shards in asked.plan:
            print(planned(shards), flush=True)
        return
    run = load_files(config_files(REPOSITORY, asked.preset))
    size = asked.image_bytes or IMAGE_BYTES.get(run.config.resolution)
    if size is None:
        sys.exit("--image-bytes: expected a number for this resolution, got none; give one")
    rates = Rates(asked.render, asked.multiply_adds, asked.count, size)
    print("\n".join(report(run, rates)))


if __name__ == "__main__":
    main()
