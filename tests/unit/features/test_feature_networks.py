"""A network that learns features: trained, saved, loaded, sampled; and models of before."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from toy_training import FakeImages, settings

from projcomp.config.compute import TrainingCompute
from projcomp.config.experiments import BackgroundConfig
from projcomp.config.features import FeaturesFromFile, Luminance, Palette
from projcomp.config.samplers import CompLift, SamplingConfig
from projcomp.errors import ConfigError, FileFormatError
from projcomp.evaluation import denoising
from projcomp.features.feature_map import RGB
from projcomp.features.make import make_features
from projcomp.networks.checkpoint import load_model
from projcomp.sampling.case import sample_case
from projcomp.settings.case import Case
from projcomp.settings.stages import CheckSettings, SampleSettings
from projcomp.training import train as train_module
from projcomp.training.train import Machine, train

OWN = "def encode(x):\n    return 2 * x\ndef decode(f):\n    return f / 2\n"


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_module, "RenderedImages", FakeImages)


def trained(folder: Path, features: Any, name: str = "toy") -> Path:
    machine = Machine(
        compute=TrainingCompute.model_validate({"device": "cpu", "sample_images": 32}),
        sampling=SamplingConfig.model_validate({"num_steps": 2}),
    )
    chosen = settings(precision="bf16").model_copy(update={"features": features})
    train(chosen, folder, folder / name, folder / f"state_{name}", machine)
    return folder / name


def drawn(folder: Path, **parts: Any) -> Any:
    asked = SampleSettings(
        seed=1,
        experiment="A",
        stream="A",
        case=Case(name="k", locations=[(0.2, 0.2), (0.8, 0.3)]),
        operator="product",  # pyright: ignore
        conditionals="toy",
        background=BackgroundConfig(model=parts.pop("background", "toy"), condition="empty"),
        sampling=SamplingConfig(num_steps=3, precision="fp32", **parts),
        num_samples=3,
    )
    return sample_case(asked, lambda name: load_model(folder / name), torch.device("cpu"))


def test_a_network_of_a_palette_is_trained_saved_loaded_and_sampled(tmp_path: Path) -> None:
    trained(tmp_path, Palette())
    described = json.loads((tmp_path / "toy" / "model.json").read_text())
    assert described["features"]["name"] == "palette"
    model = load_model(tmp_path / "toy")
    assert model.features.channels == 11
    assert model(torch.zeros(2, 11, 8, 8), torch.ones(2), torch.zeros(2, 3)).shape[1] == 11
    (sheet,) = (tmp_path / "toy" / "samples").glob("*.png")
    assert Image.open(sheet).mode == "RGB"
    samples = drawn(tmp_path, complift=CompLift(num_levels=2))
    assert samples.images.shape == (3, 8, 8, 3)
    assert samples.images.dtype == np.uint8
    assert samples.measured["interaction_map"].shape == (3, 8, 8)
    assert samples.measured["lift"].shape == (3, 2)


def test_samples_of_features_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same network and noise, read as RGB and as twice RGB."""
    trained(tmp_path, Luminance(scale=1, gain=2))
    decoded = drawn(tmp_path).images.astype(float) - 127.5
    monkeypatch.setattr(
        "projcomp.networks.checkpoint.make_features", lambda chosen: make_features(None)
    )
    raw = drawn(tmp_path).images.astype(float) - 127.5
    inside = np.abs(raw) < 127
    assert inside.mean() > 0.3
    np.testing.assert_allclose(decoded[inside], raw[inside] / 2, atol=1)


def test_a_training_sees_the_features(tmp_path: Path) -> None:
    """The error at high noise, of images of another size, is another."""
    for name, features in {"plain": None, "large": Luminance(scale=1, gain=3)}.items():
        trained(tmp_path, features, name)
    plain, large = (load_model(tmp_path / name).state_dict() for name in ("plain", "large"))
    assert plain.keys() == large.keys()
    assert any(not torch.equal(plain[key], large[key]) for key in plain)


def test_a_model_is_checked_in_its_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Held(FakeImages):
        def __init__(self, path: Path, condition: str, **_: Any) -> None:
            super().__init__(path, condition)

    monkeypatch.setattr(denoising, "RenderedImages", Held)
    folder = trained(tmp_path, Palette())
    asked = CheckSettings(seed=0, model="toy", datasets=["single"], sigma_min=0.1, sigma_max=5)
    denoising.check_model(asked, tmp_path, folder, tmp_path / "check.csv", "cpu")
    assert len((tmp_path / "check.csv").read_text().splitlines()) == 1 + 2 * 2 * 9


def test_a_model_without_features_is_described_and_loads_as_before(tmp_path: Path) -> None:
    trained(tmp_path, None)
    described = json.loads((tmp_path / "toy" / "model.json").read_text())
    assert not [key for key in described if "features" in key]
    assert load_model(tmp_path / "toy").features is RGB


def test_models_of_other_features_are_not_sampled_together(tmp_path: Path) -> None:
    trained(tmp_path, Luminance())
    trained(tmp_path, None, "plain")
    with pytest.raises(ConfigError, match=r"the same features, got .*luminance.*'plain': 'none'"):
        drawn(tmp_path, background="plain")


def test_a_model_whose_file_was_edited_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(OWN)
    trained(tmp_path, FeaturesFromFile(file="mine.py"))
    assert load_model(tmp_path / "toy").features.channels == 3
    Path("mine.py").write_text(OWN.replace("2", "4"))
    with pytest.raises(
        FileFormatError, match=r"edited after the training.*; train the model again"
    ):
        load_model(tmp_path / "toy")
