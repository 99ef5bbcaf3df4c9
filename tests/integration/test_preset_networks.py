"""The networks of the large presets, whole: their own stages train and compose them, on a CPU."""

import csv
import json
from pathlib import Path

import pytest
from safetensors.torch import load_file
from toy_dataset import write_toy

from projcomp.data.images import read_samples
from projcomp.plan.load import load_files
from projcomp.plan.plan import Plan
from projcomp.sampling import run as sampling
from projcomp.settings.stages import SampleSettings, TrainSettings
from projcomp.training.train import Machine, train

REPOSITORY = Path(__file__).parents[2]
SMALL = {
    "compute": {"training": {"device": "cpu", "microbatch": None}},
    "training": {"batch_size": 1, "ramp_images": 1},
    "models": {"single": {"images_seen": 2}},
    "experiments": {"B": {"num_samples": 1, "sampling": {"num_steps": 1}}},
}
"""Two updates, and the least of samples; networks, precision and places are the preset's.

B composes one network alone."""


@pytest.mark.parametrize("preset", ["gpu", "gpu gpu_local", "paper", "paper paper_local"])
def test_a_presets_network_learns_and_is_composed(preset: str, tmp_path: Path) -> None:
    small = tmp_path / "small.yaml"
    small.write_text(json.dumps(SMALL))
    names = ["config.yaml", *(f"presets/{name}.yaml" for name in preset.split())]
    plan = Plan(load_files([*(REPOSITORY / name for name in names), small]))
    data, models = tmp_path / "data", tmp_path / "models"
    learning = TrainSettings.model_validate_json(plan.train_settings("single"))
    for name in learning.datasets:
        number = 0 if name == "empty" else 1
        write_toy(data, name=name, side=plan.config.resolution, objects=(number, number))
    machine = Machine(compute=plan.config.compute.training, sampling=plan.config.sampling)
    train(learning, data, models / "single", tmp_path / "state", machine)
    (row,) = csv.DictReader((models / "single/metrics.csv").read_text().splitlines())
    assert float(row["images_seen"]) == 2
    weights = load_file(models / "single/weights.safetensors")
    assert sum(value.numel() for value in weights.values()) > 1e6
    assert all(bool(value.isfinite().all()) for value in weights.values())

    asked = SampleSettings.model_validate_json(plan.sample_settings("B", case(plan)))
    sampling.run(asked, models, tmp_path / "samples.h5", "cpu")
    side = plan.config.resolution
    assert read_samples(tmp_path / "samples.h5").images.shape == (1, side, side, 3)


def case(plan: Plan) -> str:
    """Of the cases of B, that of two places."""
    cases = plan.run.experiments["B"].cases.values()
    return next(one.name for one in cases if len(one.locations) == 2)
