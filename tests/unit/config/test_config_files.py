"""The files generated from the config, and the presets."""

import re
from pathlib import Path

import pytest
import yaml

from projcomp.config.generated import generated_files
from projcomp.config.root import Config
from projcomp.plan.load import load, load_files
from projcomp.plan.plan import Plan
from projcomp.plan.run import Run

REPOSITORY = Path(__file__).parents[3]


def preset(name: str) -> Run:
    return load_files([REPOSITORY / "config.yaml", REPOSITORY / f"presets/{name}.yaml"])


@pytest.mark.parametrize("name", sorted(path.stem for path in REPOSITORY.glob("presets/*.yaml")))
def test_every_preset_says_how_it_is_run_and_stands_on_a_page(name: str) -> None:
    text = (REPOSITORY / f"presets/{name}.yaml").read_text(encoding="utf-8")
    assert re.search(rf"--configfile (presets/\w+\.yaml )*presets/{name}\.yaml", text)
    pages = [REPOSITORY / "README.md", *REPOSITORY.glob("docs/*.md")]
    assert any(f"presets/{name}.yaml" in page.read_text(encoding="utf-8") for page in pages)


@pytest.mark.parametrize("name", generated_files())
def test_a_generated_file_is_what_the_code_generates(name: str) -> None:
    message = "run `projcomp config write`"
    assert (REPOSITORY / name).read_text(encoding="utf-8") == generated_files()[name], message


def test_config_yaml_holds_the_defaults() -> None:
    assert load(yaml.safe_load((REPOSITORY / "config.yaml").read_text())).config == Config()


def test_every_setting_is_described() -> None:
    page = generated_files()["docs/configuration.md"]
    for section in ("scene", "render", "training", "sampling", "evaluation"):
        for key in getattr(Config(), section).model_dump():
            assert f"| `{key}` |" in page


def test_the_smoke_preset_is_small() -> None:
    config = preset("smoke").config
    assert sum(dataset.num_images for dataset in config.datasets.values()) <= 500
    assert config.root == "runs/smoke"


def test_the_paper_preset_has_the_papers_numbers() -> None:
    config = preset("paper").config
    images = {name: dataset.num_images for name, dataset in config.datasets.items()}
    assert config.resolution == 128
    assert (images["empty"], images["single"]) == (50_000, 1_550_000)
    assert images["cluttered"] == 5 * 500_000
    assert (config.scene.camera_jitter, config.scene.light_jitter) == (0.5, 1.0)
    assert (config.network.channels, config.network.blocks) == (128, 3)
    assert config.network.multipliers == [1, 2, 3, 4]
    assert not config.network.coordinate_planes
    training = config.training
    assert (training.batch_size, training.learning_rate) == (2048, 0.012)
    assert (training.decay_updates, training.average_updates) == (35_000, 4096)
    assert training.cooldown == preset("gpu").config.training.cooldown == 0  # EDM2's schedule
    assert {model.images_seen for model in config.models.values() if not model.exact} == {
        128 * 2**20
    }
    assert (training.sigma_log_mean, training.sigma_log_std) == (-0.8, 1.6)
    assert (training.ramp_images, config.network.sigma_data) == (10_000_000, 0.5)
    sampling = config.sampling
    assert (sampling.num_steps, sampling.rho) == (32, 7)
    assert (sampling.sigma_min, sampling.sigma_max) == (0.002, 80)
    assert config.experiments["A"].num_composed == list(range(10))
    background = config.experiments["A"].background
    assert background is not None
    assert config.models[background.model].datasets == {"empty": 1.0}
    assert config.models["single"].datasets == {"single": 1.0}


def test_the_paper_preset_stays_under_6000_jobs() -> None:
    assert sum(Plan(preset("paper")).job_counts().values()) < 6000
