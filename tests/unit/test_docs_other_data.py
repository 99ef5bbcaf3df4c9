"""The page on other data: its pictures are made, its settings planned, and its samples drawn."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from projcomp.cli import app
from projcomp.data.images import read_samples
from projcomp.data.preview import draw_preview
from projcomp.data.read_dataset import read_dataset
from projcomp.plan.load import load_files, look_at_files
from projcomp.plan.stages import read_settings, sample_settings
from projcomp.sampling.run import run as sample

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "other_data.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The one block of that language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    exec(block("python"), {})
    Path("shapes.yaml").write_text(block("yaml"), encoding="utf-8")
    return load_files([REPOSITORY / "config.yaml", "shapes.yaml"])


def test_the_composition_of_the_page_is_of_both_labels(example) -> None:
    look_at_files(example)
    root = Path("runs/shapes")
    (root / "data").mkdir(parents=True)
    settings = read_settings(example, "shapes")
    read_dataset(settings, root / "data/shapes.h5")
    draw_preview(root / "data/shapes.h5", root / "data/shapes.png")
    stored = np.load("shapes.npz")
    for name, form, tone in (("disc-bright", "disc", "bright"), ("bar-dim", "bar", "dim")):
        case = sample_settings(example, "both", name)
        sample(case, root / "models", root / f"{name}.h5", device="cpu")
        drawn = read_samples(root / f"{name}.h5").images[..., 0].astype(float)
        away = np.abs(drawn[:, None] - stored["images"][None]).mean((2, 3))
        nearest = away.argmin(1)
        assert (away.min(1) < 3).mean() > 0.9  # an exact model shows a picture that there is
        assert (stored["form"][nearest] == form).mean() > 0.7
        assert (stored["tone"][nearest] == tone).mean() > 0.7


def test_predict_reads_the_pictures_of_the_page_as_it_says(example) -> None:
    (command,) = re.findall(r"`projcomp (predict [^`]*)`", PAGE.replace("\n", " "))
    done = CliRunner().invoke(app, [*command.split(), "--device", "cpu", "--samples", "4"])
    assert done.exit_code == 0, done.output
    assert len(pd.read_csv("pairs.csv")) == 4


def test_the_page_links_to_what_is_there() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", PAGE):
        assert (REPOSITORY / "docs" / link).exists(), link
