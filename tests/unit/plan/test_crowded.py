"""The most crowded scenes of every dataset are drawn before a run begins."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from projcomp.cli import app
from projcomp.errors import ConfigError
from projcomp.plan.crowded import check_crowded
from projcomp.plan.load import load_files
from projcomp.plan.plan import Plan

REPOSITORY = Path(__file__).parents[3]
TOO_MANY = "datasets: {counting: {num_images: 6000, min_objects: 0, max_objects: 14}}\n"


def planned(monkeypatch: pytest.MonkeyPatch, root: Path, *files: str) -> Plan:
    """The plan of the demo with these files over it, in an empty root."""
    monkeypatch.chdir(REPOSITORY)
    (root / "root.yaml").write_text(f"root: {root}\n")
    return Plan(load_files(["config.yaml", *files, root / "root.yaml"]))


def files_of(preset: Path) -> list[str]:
    """What the preset's own command line merges over the demo."""
    lines = preset.read_text(encoding="utf-8").splitlines()
    line = next(line for line in lines if line.startswith("#") and preset.name in line)
    return [word for word in line.split() if word.startswith("presets/")]


@pytest.mark.parametrize("preset", sorted(REPOSITORY.glob("presets/*.yaml")), ids=lambda p: p.stem)
def test_scenes_of_every_preset_can_be_drawn(preset, tmp_path, monkeypatch):
    files = files_of(preset)
    assert files[-1] == f"presets/{preset.name}"
    check_crowded(planned(monkeypatch, tmp_path, *files))


def test_scenes_that_cannot_are_said_with_their_key(tmp_path, monkeypatch):
    (tmp_path / "many.yaml").write_text(TOO_MANY)
    plan = planned(monkeypatch, tmp_path, str(tmp_path / "many.yaml"))
    with pytest.raises(ConfigError, match=r"datasets\.counting\.max_objects: .* 14 objects"):
        check_crowded(plan)


@pytest.mark.parametrize("made", ["data/counting.h5", "models/detector/weights.safetensors"])
def test_a_dataset_that_was_made_is_not_drawn_again(made, tmp_path, monkeypatch):
    (tmp_path / "many.yaml").write_text(TOO_MANY)
    plan = planned(monkeypatch, tmp_path, str(tmp_path / "many.yaml"))
    (tmp_path / made).parent.mkdir(parents=True)
    (tmp_path / made).touch()
    check_crowded(plan)


def test_the_check_says_how_large_the_run_is_and_then_that_it_cannot_be(tmp_path, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    (tmp_path / "many.yaml").write_text(f"root: {tmp_path}\n{TOO_MANY}")
    asked = ["check", "--preset", str(tmp_path / "many.yaml")]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 1
    assert "render_shard" in result.output
    assert "datasets.counting.max_objects: " in result.output
