"""Memory and open files of one process over many images: rendered, sampled, counted.

Usage: python benchmarks/long_runs.py [--images 1000] [--stages render-shard,sample,evaluate]

Each stage runs as a process of its own, as a rule starts it, over a quarter of the images and over
all of them, at 16 x 16 with an untrained network and detector. What is printed is the most memory
that it held (MiB), how many files it had open for half of the time or longer, and what one more
image added to the memory (KiB). What a stage keeps of an image on purpose, its pixels and its
table, is about 1 KiB rendered and 20 sampled; the goal is below 64, and no file more.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from statistics import median_high
from typing import Any

from faults import SMALL

from projcomp.evaluation.detector import Detector, save_detector
from projcomp.networks.checkpoint import save_model
from projcomp.networks.denoiser import Denoiser
from projcomp.plan.load import load, merge
from projcomp.plan.plan import Plan

STAGES = ("render-shard", "sample", "evaluate")
GOAL = 64.0
"""KiB that one more image may add."""


def planned(images: int) -> Plan:
    """The small run of ``faults.py``, with so many images in a shard and in a case."""
    many: dict[str, Any] = {
        "render": {"shard_size": images},
        "datasets": {name: {"num_images": images} for name in SMALL["datasets"]},
        "experiments": {"A": {"num_samples": images}},
    }
    return Plan(load(merge(SMALL, many)))


def make_models(root: Path, plan: Plan) -> None:
    """A network and a detector that have learned nothing."""
    side, network = plan.config.resolution, plan.run.network("single")
    model = Denoiser(network, side, "position", learns_empty=True)
    told = {"network": network.model_dump(), "resolution": side, "condition": "position"}
    (root / "models/single").mkdir(parents=True)
    (root / "models/detector").mkdir()
    save_model(root / "models/single", model, {**told, "learns_empty": True})
    channels = plan.config.detector.channels
    save_detector(root / "models/detector", Detector(channels, side), {}, channels)


def arguments(stage: str, plan: Plan) -> list[str]:
    """Of a stage, to be run in the folder of the models."""
    case = next(iter(plan.run.cases["A"]))
    return {
        "render-shard": [
            "--settings",
            plan.render_settings("single"),
            "--shard",
            "0",
            "--out",
            "data/single/shard-00000.h5",
        ],
        "sample": [
            "--settings",
            plan.sample_settings("A", case),
            "--models",
            "models",
            "--device",
            "cpu",
            "--out",
            "samples/A.h5",
        ],
        "evaluate": [
            "samples/A.h5",
            "--settings",
            plan.evaluate_settings("A", case),
            "--detector",
            "models/detector",
            "--out",
            "results/A.csv",
        ],
    }[stage]


def measured(stage: str, given: list[str], folder: Path) -> tuple[float, int]:
    """The most memory of a stage, in MiB, and the median of how many files it had open."""
    with (folder / "said").open("w") as said:
        command = [sys.executable, "-m", "projcomp", stage, *given]
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said)
        files = []
        while True:
            with suppress(FileNotFoundError):
                files.append(len(os.listdir(f"/proc/{process.pid}/fd")))
            ended, status, used = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            time.sleep(0.02)
    if status:
        raise SystemExit((folder / "said").read_text()[-2000:])
    return used.ru_maxrss / 1024, median_high(files)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--stages", default=",".join(STAGES))
    options = parser.parse_args()
    few, many = options.images // 4, options.images
    good = True
    print(f"{'stage':14s} {'images':>7s} {'MiB':>7s} {'files':>6s} {'KiB an image':>13s}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_models(folder, planned(few))
        for stage in options.stages.split(","):
            found = []
            for images in (few, many):
                plan = planned(images)
                if stage == "evaluate":  # it reads what sampling wrote
                    measured("sample", arguments("sample", plan), folder)
                found.append(measured(stage, arguments(stage, plan), folder))
            added = 1024 * (found[1][0] - found[0][0]) / (many - few)
            for told, images, (mebibytes, files) in zip(
                ("", f"{added:.1f}"), (few, many), found, strict=True
            ):
                print(f"{stage:14s} {images:7d} {mebibytes:7.0f} {files:6d} {told:>13s}")
            good = good and added < GOAL and found[1][1] <= found[0][1]
    raise SystemExit(not good)


if __name__ == "__main__":
    main()
