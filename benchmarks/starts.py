"""What a start of each light command costs: its imports, and its work on tiny made-up inputs.

Usage: python benchmarks/starts.py [--repeats 5]

Seconds of the processor, the least of several rounds in which all take turns, and ratios to
`python -c "import torch"`, which most of them need not do. The first lines are what every command
does: Python itself, and the command line with its settings.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from projcomp import seeds
from projcomp.config.learning import NetworkConfig
from projcomp.config.scenes import SceneConfig
from projcomp.config.section import Section
from projcomp.data.images import write_samples
from projcomp.data.picture import Picture
from projcomp.data.shards import write_shard
from projcomp.evaluation.detector import Detector, save_detector
from projcomp.networks.checkpoint import save_model
from projcomp.networks.denoiser import Denoiser
from projcomp.scenes.placement import generate_scene
from projcomp.settings.case import Case
from projcomp.settings.report import FigureSettings, TableSettings
from projcomp.settings.stages import (
    CheckSettings,
    EvaluateSettings,
    RenderRecipe,
    RenderSettings,
    SummarySettings,
    to_json,
)

SIDE, COUNT = 16, 8
CASE = Case(name="k1", locations=[(0.5, 0.5)])
CASES = {"A": [CASE.name]}
ERRORS = """num_objects,images,exact_count,one_less,one_more,all_found,some_false
0,8,1,0,0,1,0
1,8,1,0,0,1,0
"""
DATA = RenderSettings(
    seed=0,
    resolution=SIDE,
    dataset="toy",
    min_objects=0,
    max_objects=3,
    scene=SceneConfig(),
    render=RenderRecipe(samples=1, denoise=False, filter_width=1),
    shard_size=COUNT,
)


def make_inputs(root: Path) -> None:
    """A shard, a model, a detector and the samples of one case: noise, and nothing trained."""
    for name in ("data/toy", "models/toy", "models/detector", "samples/A", "results/A"):
        (root / name).mkdir(parents=True)
    (root / "results/figures").mkdir()
    pictures = []
    for index in range(COUNT):
        rng = seeds.generator(0, "starts", index)
        scene = generate_scene(rng, DATA.scene, DATA.min_objects, DATA.max_objects)
        image = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        pictures.append((scene, Picture(image, np.zeros((SIDE, SIDE), np.uint8))))
    write_shard(
        root / "data/toy/shard-00000.h5",
        pictures,
        count=COUNT,
        size=(SIDE, SIDE),
        max_objects=DATA.max_objects,
        settings=DATA.model_dump(mode="json"),
        attributes={"seed": 0, "shard": 0},
    )
    network = NetworkConfig(channels=8, multipliers=[1], blocks=1, attention_resolutions=[])
    described = {"network": network.model_dump(), "resolution": SIDE, "condition": "none"}
    save_model(root / "models/toy", Denoiser(network, SIDE, "none"), described)
    save_detector(root / "models/detector", Detector(4, SIDE), {}, 4)
    (root / "models/detector/check.csv").write_text(ERRORS)
    images = np.stack([picture.image for _, picture in pictures])
    write_samples(root / "samples/A/k1.h5", images, CASE, {"experiment": "A"})


def commands() -> dict[str, list[str]]:
    """The arguments of each light command, to be run in this order in the folder of the inputs."""
    report = {"format": 1, "name": "sweep_toy", "kind": "sweep", "cases": CASES}
    sure = {"seed": 0, "confidence": 0.95, "bootstrap": 100}
    made: dict[str, tuple[Section, str]] = {
        "index": (DATA, "data/toy --num-shards 1 --out data/toy.h5"),
        "preview": (DATA, "data/toy.h5 --out data/toy.png"),
        "check-model": (
            CheckSettings(seed=0, model="toy", datasets=["toy"], sigma_min=0.01, sigma_max=20),
            "--data data --model models/toy --out models/toy/check.csv --device cpu",
        ),
        "evaluate": (
            EvaluateSettings(experiment="A", case=CASE, threshold=0.5, radius=0.09),
            "samples/A/k1.h5 --detector models/detector --out results/A/k1.csv",
        ),
        "summarize": (
            SummarySettings(**sure, cases=CASES),
            "results --out results/summary.csv",
        ),
        "table": (
            TableSettings(**report, **sure, members={"A": ("product", "heun")}),
            "sweep_toy --root . --out results/sweep_toy.csv",
        ),
        "figure": (
            FigureSettings(**report),
            "sweep_toy --root . --png results/figures/toy.png --svg results/figures/toy.svg",
        ),
    }
    told = {name: ["--settings", to_json(settings)] for name, (settings, _) in made.items()}
    told["preview"] = []
    return {name: [name, *rest.split(), *told[name]] for name, (_, rest) in made.items()}


def seconds(arguments: list[str], folder: Path) -> float:
    """Seconds of the processor that Python takes for ``arguments``, on one core."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], cwd=folder, env=os.environ | one, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    ways = {
        "import torch": ["-c", "import torch"],
        "Python": ["-c", ""],
        "command line": ["-c", "import projcomp.cli"],
        **{name: ["-m", "projcomp.cli", *rest] for name, rest in commands().items()},
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_inputs(folder)
        rounds = [
            {way: seconds(taken, folder) for way, taken in ways.items()} for _ in range(repeats)
        ]
    least = {way: min(one[way] for one in rounds) for way in ways}
    print("start           seconds   of import torch")
    for way, taken in least.items():
        print(f"{way:14s} {taken:8.2f} {taken / least['import torch']:12.2f}")


if __name__ == "__main__":
    main()
