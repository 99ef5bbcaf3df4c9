"""A file of the user's own that is edited while a stage works by it: nothing passes for the new."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from known_config import known
from pixel_model import PixelModel
from toy_training import FakeImages, settings
from typer.testing import CliRunner

from projcomp import cli
from projcomp.config.compute import TrainingCompute
from projcomp.config.experiments import BackgroundConfig
from projcomp.config.features import FeaturesFromFile
from projcomp.config.judges import JudgeFromFile
from projcomp.config.samplers import SamplingConfig
from projcomp.data.images import read_samples, write_samples
from projcomp.evaluation import measure_locality
from projcomp.folder import STATE, WEIGHTS
from projcomp.networks.checkpoint import load_model
from projcomp.own_code import OwnCodeError, load_function, unedited
from projcomp.plan.load import load
from projcomp.plan.stages import locality_settings
from projcomp.sampling import run as sampling
from projcomp.settings.case import Case
from projcomp.settings.stages import SampleSettings, ScoreSettings, to_json
from projcomp.training import train as train_module
from projcomp.training.train import Machine, train

OPERATOR = "def operator(scores, x, sigma):\n    return scores.sum(0)\n"
EDITED = """
def edit():  # as the user does meanwhile
    with open("mine.py", "a") as file:
        file.write("# another\\n")
"""
LINE = r"^mine\.py: expected the code that this began with, got one edited since: run the same"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sample(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One case by the operator ``code``, into ``out.h5``."""
    Path("mine.py").write_text(code)
    Path("models/single").mkdir(parents=True)
    Path("models/single", WEIGHTS).write_bytes(b"weights")
    monkeypatch.setattr(sampling, "load_model", lambda folder, device: PixelModel())
    asked = SampleSettings(
        seed=5,
        experiment="A",
        stream="A",
        case=Case(name="k", locations=[(0.1, 0.1)]),
        operator={"name": "own", "file": "mine.py"},  # pyright: ignore
        conditionals="single",
        background=BackgroundConfig(model="single", condition="empty"),
        sampling=SamplingConfig(num_steps=2, precision="fp32"),
        num_samples=1,
    )
    sampling.run(asked, Path("models"), Path("out.h5"), "cpu")


def test_samples_carry_the_sum_of_what_was_executed(monkeypatch: pytest.MonkeyPatch) -> None:
    sample(OPERATOR, monkeypatch)
    told = json.loads(read_samples("out.h5").attrs["own_files"])
    assert told == {"mine.py": hashlib.sha256(OPERATOR.encode()).hexdigest()}


def test_samples_of_an_operator_that_was_edited_are_not_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(OwnCodeError, match=LINE):
        sample(EDITED + OPERATOR.replace("return", "edit(); return"), monkeypatch)
    assert not Path("out.h5").exists()


def test_a_file_that_is_gone_or_was_executed_twice_is_edited_too() -> None:
    Path("mine.py").write_text(OPERATOR)
    following = unedited()
    executed = following.__enter__()
    load_function("mine.py", "operator")
    assert list(executed) == ["mine.py"]
    Path("mine.py").unlink()
    with pytest.raises(OwnCodeError, match=LINE):
        following.__exit__(None, None, None)
    Path("mine.py").write_text(OPERATOR)
    with unedited():
        load_function("mine.py", "operator")
        Path("mine.py").write_text(OPERATOR + "# another\n")
        with pytest.raises(OwnCodeError, match=LINE):
            load_function("mine.py", "operator")
        Path("mine.py").write_text(OPERATOR)
    with unedited() as executed:
        pass
    load_function("mine.py", "operator")
    assert not executed


def test_scores_of_a_judge_that_was_edited_are_an_error() -> None:
    write_samples("s.h5", np.zeros((2, 4, 4, 3), np.uint8), Case(name="k"), {"experiment": "A"})
    judge = "def judge(images, prompts):\n    edit(); return [[1.0]] * len(images)\n"
    Path("mine.py").write_text(EDITED + judge)
    asked = ScoreSettings(
        experiment="A", case="k", prompts=["a cat"], judge=JudgeFromFile(file="mine.py")
    )
    flags = ["--settings", to_json(asked), "--out", "scores.npz", "--device", "cpu"]
    done = CliRunner().invoke(cli.app, ["score", "s.h5", *flags])
    assert done.exit_code == 1
    assert "mine.py: expected the code that this began with, got one edited" in done.output
    assert not Path("scores.npz").exists()


def test_a_locality_of_features_that_were_edited_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("mine.py").write_text(OPERATOR)

    def rows(*_: object) -> list[dict[str, object]]:  # as of an exact model with such features
        load_function("mine.py", "operator")
        Path("mine.py").write_text(OPERATOR + "# another\n")
        return []

    monkeypatch.setattr(measure_locality, "_rows", rows)
    asked = locality_settings(load(known({"evaluation": {"locality": {}}})), "single")
    flags = ["--models", "models", "--out", "locality.csv", "--device", "cpu"]
    done = CliRunner().invoke(cli.app, ["locality", "--settings", to_json(asked), *flags])
    assert done.exit_code == 1
    assert "mine.py: expected the code that this began with, got one edited" in done.output
    assert not Path("locality.csv").exists()


@pytest.mark.parametrize("minutes", [1e-6, 60.0], ids=["at a checkpoint", "at the end"])
def test_a_training_whose_features_were_edited_ends_and_begins_anew(
    monkeypatch: pytest.MonkeyPatch, minutes: float
) -> None:
    monkeypatch.setattr(train_module, "RenderedImages", FakeImages)
    here = Path()
    halves = "def encode(x):\n    return 2 * x\ndef decode(f):\n    return f / 2\n"
    # a batch, not a picture of the trial
    late = halves.replace("return 2", "return (edit() if len(x) > 2 else None) or 2")
    compute = TrainingCompute.model_construct(device="cpu", checkpoint_minutes=minutes)
    chosen = settings().model_copy(update={"features": FeaturesFromFile(file="mine.py")})
    Path("mine.py").write_text(EDITED + late)
    with pytest.raises(OwnCodeError, match=LINE):
        train(chosen, here, here / "toy", here / "state", Machine(compute=compute))
    assert not Path("toy", WEIGHTS).exists()
    assert not Path("state", STATE).exists()
    Path("mine.py").write_text(halves)
    train(chosen, here, here / "toy", here / "state", Machine(compute=compute))
    assert load_model(here / "toy").features.channels == 3
