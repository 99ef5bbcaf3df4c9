"""The command line: its errors, its exit codes, and that it stays light."""

import subprocess
import sys
from pathlib import Path

import pytest
from known_config import known
from typer.testing import CliRunner

from projcomp.cli import app
from projcomp.config import generated as config_docs
from projcomp.config.root import Config
from projcomp.plan import stages
from projcomp.plan.load import load
from projcomp.settings.stages import to_json

REPOSITORY = Path(__file__).parents[3]
STAGES = (
    "render-shard",
    "render-reference",
    "render-scenes",
    "index",
    "preview",
    "train",
    "inspect",
    "results",
    "train-detector",
    "locality",
    "sample",
    "evaluate",
    "summarize",
    "theory",
    "figure",
    "labels",
    "count",
    "predict",
    "playground",
    "check",
    "config",
)
RENDER = to_json(stages.render_settings(load(known()), "single"))


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_help(stage: str) -> None:
    code, output = run(stage, "--help")
    assert code == 0
    if stage != "config":
        assert f"projcomp {stage}" in " ".join(output.split())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("render-scenes", "a.json", "b.h5", "--width", "1"), "'--width'"),
        (("render-scenes", "a.json", "b.h5", "--width", "wide"), "'--width'"),
        (("render-scenes", "a.json"), "Missing argument"),
        (("sample", "--threads", "0"), "'--threads'"),
        (("labels", "3"), "Missing option '--out'; "),
        (("render-scenes", "a.json", "b.h5", "--height", "65537"), "less than or equal to 65536"),
        (("check", "--presets", "x"), "No such option"),
        (("nosuch",), "No such command"),
        (("--bad",), "No such option"),
        (("config", "--bad"), "No such option"),
    ],
)
def test_wrong_flags_are_one_line(arguments: tuple[str, ...], told: str) -> None:
    code, output = run(*arguments)
    assert code == 1
    assert output.startswith("error: ")
    assert told in output
    assert "--help` says what it takes" in output
    assert ".;" not in output
    assert output.count("\n") == 1


def test_no_command_shows_what_there_is() -> None:
    for arguments in ((), ("config",)):
        code, output = run(*arguments)
        assert code == 2
        assert "Usage: " in output
        assert "error" not in output


def test_a_setting_told_twice_is_refused(tmp_path: Path) -> None:
    text = RENDER.replace('"seed":0', '"seed":0,"seed":1')
    code, output = run(
        "render-shard", "--settings", text, "--shard", "0", "--out", str(tmp_path / "x.h5")
    )
    assert (code, output) == (1, "error: --settings: every key once expected, got 'seed' twice\n")


def test_check_says_how_large_the_run_is() -> None:
    code, output = run(
        "check", str(REPOSITORY / "config.yaml"), "--preset", str(REPOSITORY / "presets/smoke.yaml")
    )
    assert code == 0
    assert "dataset single: 48 images" in output
    assert "jobs: 16 render_shard" in output


ADDITIONS = {
    "experiments: {}\n": "got one without datasets and models",
    "datasets: {empty: {num_images: 9}}\n": "got one without models",
    "datasets: {empty: {num_images: 9}}\nmodels: {single: null}\n": "was taken in place",
}
"""Files that are to be merged over config.yaml, as ``--configfile`` does."""


@pytest.mark.parametrize("text", ADDITIONS)
def test_what_goes_over_a_config_is_not_taken_in_its_place(tmp_path: Path, text: str) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(text)
    for preset in ((), ("--preset", str(REPOSITORY / "presets/smoke.yaml"))):
        code, output = run("check", str(mine), *preset)
        assert (code, output.count("\n")) == (1, 1)
        assert ADDITIONS[text] in output
        assert output.endswith(f"did you mean --preset {mine}?\n")


def test_a_whole_config_of_another_name_is_checked_and_said_not_to_be_snakemakes(
    tmp_path: Path,
) -> None:
    whole = tmp_path / "whole.yaml"
    whole.write_bytes((REPOSITORY / "config.yaml").read_bytes())
    told = []
    for path in (REPOSITORY / "config.yaml", whole):
        result = CliRunner().invoke(app, ["check", str(path)])
        assert result.exit_code == 0
        told.append((result.stdout, result.stderr))
    assert told[0] == (told[1][0], "")
    assert told[1][1].startswith(f"note: {whole} was taken in place of config.yaml; ")
    assert told[1][1].count("\n") == 1


def test_a_wrong_config_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("sed: 1\n")
    code, output = run("check", str(path))
    assert code == 1
    assert output.startswith("error: config: sed: expected one of the keys seed, root")
    assert output.count("\n") == 1


def test_wrong_settings_are_one_line(tmp_path: Path) -> None:
    text = RENDER.replace('"resolution":32', '"resolution":"big"')
    code, output = run(
        "render-shard", "--settings", text, "--shard", "0", "--out", str(tmp_path / "x.h5")
    )
    assert code == 1
    assert output == "error: --settings: resolution: expected a whole number, got 'big'\n"


def test_settings_that_are_no_json_are_one_line(tmp_path: Path) -> None:
    code, output = run("summarize", str(tmp_path), "--settings", "{", "--out", "x.csv")
    assert code == 1
    assert output.startswith("error: --settings: ")
    assert output.count("\n") == 1


def test_a_missing_shard_is_one_line(tmp_path: Path) -> None:
    code, output = run(
        "index",
        str(tmp_path),
        "--num-shards",
        "2",
        "--settings",
        RENDER,
        "--out",
        str(tmp_path / "x.h5"),
    )
    assert code == 1
    assert "shard-00000.h5" in output
    assert output.count("\n") == 1
    assert not (tmp_path / "x.h5").exists()


def test_inspecting_a_file_that_is_no_dataset_is_one_line(tmp_path: Path) -> None:
    for check in ([], ["--check"]):
        code, output = run("inspect", str(tmp_path / "absent.h5"), *check)
        assert code == 1
        assert output.count("\n") == 1
        assert "a projcomp dataset file expected, got no file" in output


def test_an_interrupt_exits_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(paths: object) -> Config:
        raise KeyboardInterrupt

    monkeypatch.setattr("projcomp.plan.load.load_files", interrupt)
    code, output = run("check")
    assert (code, output) == (130, "interrupted\n")


TRAIN = to_json(stages.train_settings(load(known()), "single"))


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        ('--compute {"devices":3}', "training.batch_size: expected a multiple of 3, the number of"),
        (
            '--compute {"nodes":2}',
            "compute.training.nodes = 2: expected a process that Slurm's",
        ),
        (
            '--compute {"checkpoint_minutes":0}',
            "--compute: checkpoint_minutes: expected a number",
        ),
        ('--compute {"cores":2}', "--compute: cores: expected one of the keys device, devices"),
        ('--sampling {"sigma_min":90}', "sigma_min: expected a number above 0 and below"),
        ("--sampling {", "--sampling: "),
        ('--wandb {"enabled":true,"project":"a/b"}', "wandb.project: expected a name of 1 to 128 "),
    ],
)
def test_flags_of_a_training_hold_what_the_config_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, line: str
) -> None:
    for name in ("SLURM_NTASKS", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    folders = ("--data", tmp_path, "--out", tmp_path / "out", "--state", tmp_path / "state")
    code, output = run("train", "--settings", TRAIN, *map(str, folders), *flags.split())
    assert code == 1
    assert output.startswith(f"error: {line}")
    assert output.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_memory_that_does_not_suffice_is_one_line_in_every_stage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def too_much(paths: object) -> Config:
        raise MemoryError

    monkeypatch.setattr("projcomp.plan.load.load_files", too_much)
    code, output = run("check")
    assert code == 1
    assert output.startswith("error: memory: expected enough for this stage, got none left; ")


def test_config_write_writes_once(tmp_path: Path) -> None:
    code, first = run("config", "write", "--folder", str(tmp_path))
    assert code == 0
    assert first.count("wrote ") == 3
    assert (tmp_path / "config.yaml").read_text() == (REPOSITORY / "config.yaml").read_text()
    assert "up to date" in run("config", "write", "--folder", str(tmp_path))[1]


@pytest.mark.parametrize(
    "edit", [("seed: 0", "seed: 3"), ("# root", "# my root"), ("\n", "\n#x\n")]
)
def test_config_write_leaves_an_edited_config_alone(tmp_path: Path, edit: tuple[str, str]) -> None:
    assert run("config", "write", "--folder", str(tmp_path))[0] == 0
    path = tmp_path / "config.yaml"
    edited = path.read_text().replace(*edit)
    path.write_text(edited)
    (tmp_path / "docs/configuration.md").unlink()
    code, output = run("config", "write", "--folder", str(tmp_path))
    assert (code, output.count("\n")) == (1, 1)
    assert "git checkout config.yaml" in output
    assert path.read_text() == edited
    assert not (tmp_path / "docs/configuration.md").exists()
    code, output = run("config", "write", "--folder", str(tmp_path), "--replace")
    assert code == 0
    assert path.read_text() == (REPOSITORY / "config.yaml").read_text()


def test_config_write_replaces_no_page_of_somebodys(tmp_path: Path) -> None:
    page = tmp_path / "docs/configuration.md"
    page.parent.mkdir()
    page.write_text("# My own\n")
    code, output = run("config", "write", "--folder", str(tmp_path))
    assert (code, output.count("\n")) == (1, 1)
    assert "docs/configuration.md: a file that `projcomp config write` made expected" in output
    assert [path.name for path in tmp_path.rglob("*")] == ["docs", "configuration.md"]
    assert page.read_text() == "# My own\n"


def test_config_write_renews_what_another_version_generated(tmp_path: Path, monkeypatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(config_docs, "WIDTH", 90)
        assert run("config", "write", "--folder", str(tmp_path))[0] == 0
    path = tmp_path / "config.yaml"
    assert path.read_text() != (REPOSITORY / "config.yaml").read_text()
    assert run("config", "write", "--folder", str(tmp_path))[0] == 0
    assert path.read_text() == (REPOSITORY / "config.yaml").read_text()


def test_importing_the_command_line_is_light() -> None:
    heavy = ("bpy", "torch", "lightning", "matplotlib", "pandas", "scipy", "h5py")
    code = f"import sys, projcomp.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
