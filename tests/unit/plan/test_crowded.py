"""The most crowded scenes of every dataset are drawn before a run begins."""

from pathlib import Path

import pytest

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


@pytest.mark.parametrize("preset", sorted(path.stem for path in REPOSITORY.glob("presets/*.yaml")))
def test_scenes_of_every_preset_can_be_drawn(preset, tmp_path, monkeypatch):
    over = {"paper_local": ["paper"], "gpu_local": ["gpu"], "fashion_small": ["fashion"]}
    over |= {"gpu_detector": ["gpu"], "gpu_detector_128": ["gpu", "gpu_detector"]}
    files = [f"presets/{name}.yaml" for name in [*over.get(preset, []), preset]]
    check_crowded(planned(monkeypatch, tmp_path, *files))


def test_scenes_that_cannot_are_said_with_their_key(tmp_path, monkeypatch):
    (tmp_path / "many.yaml").write_text(TOO_MANY)
    plan = planned(monkeypatch, tmp_path, str(tmp_path / "many.yaml"))
    with pytest.raises(ConfigError, match=r"datasets\.counting\.max_objects: .* 14 objects"):
        check_crowded(plan)


def test_a_dataset_that_is_there_is_not_drawn_again(tmp_path, monkeypatch):
    (tmp_path / "many.yaml").write_text(TOO_MANY)
    plan = planned(monkeypatch, tmp_path, str(tmp_path / "many.yaml"))
    index = Path(plan.folder.index("counting"))
    index.parent.mkdir(parents=True)
    index.touch()
    check_crowded(plan)
