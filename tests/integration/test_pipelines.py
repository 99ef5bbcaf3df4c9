"""presets/sdxl.yaml, cut short, with tiny random pipelines for weights: all of it in one process,
and one experiment of it by Snakemake itself."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from projcomp.cli import app
from projcomp.plan.load import load_files
from projcomp.plan.plan import Plan

pytest.importorskip("diffusers", reason="pip install 'projcomp[diffusers]'")

REPOSITORY = Path(__file__).parents[2]
PRESET = REPOSITORY / "presets/sdxl.yaml"
STEPS = 3
ORDER = ("sample", "score", "table", "figure")


def tiny() -> dict[str, Any]:
    """What goes over the preset: other weights, one case each, two samples, few steps."""
    preset = yaml.safe_load(PRESET.read_text(encoding="utf-8"))
    short = {"num_steps": STEPS}
    entries = {name: entry for name, entry in preset["experiments"].items() if entry}
    experiments = {
        name: {"prompts": entry["prompts"][:1], "num_samples": 2, "sampling": short}
        for name, entry in entries.items()
    }
    swept = preset["sweeps"]["table2"]
    table2 = {"prompts": swept["prompts"][:1], "num_samples": 2, "samplers": {"sde": short}}
    return {
        "root": "run",
        "models": {
            "sdxl": {"pipeline": "weights/sdxl", "dtype": "fp32"},
            "dog": {"pipeline": "weights/sdxl", "lora": "weights/dog", "dtype": "fp32"},
            "sd14": {"pipeline": "weights/sd", "dtype": "fp32"},
        },
        "experiments": experiments,
        "sweeps": {"table2": table2},
        "compute": {"sampling": {"device": "cpu"}},
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from toy_pipelines import save_clip, save_pipelines

    made = tmp_path_factory.mktemp("sdxl")
    save_pipelines(made / "weights")
    save_clip(made / "weights/clip")
    (made / "tiny.yaml").write_text(yaml.safe_dump(tiny()))
    shutil.copy(REPOSITORY / "Snakefile", made)
    shutil.copy(REPOSITORY / "config.yaml", made)
    for name in ("workflow", "envs"):
        shutil.copytree(REPOSITORY / name, made / name)
    return made


def snakemake(folder: Path, *arguments: str) -> str:
    """What Snakemake tells of a run of the preset with ``tiny.yaml`` over it."""
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--configfile", "config.yaml", str(PRESET), *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "1000"},
        capture_output=True,
        text=True,
        check=False,
    )
    told = done.stdout + done.stderr
    assert done.returncode == 0, told[-6000:]
    return told


def lines_of_jobs(folder: Path) -> list[str]:
    """The shell lines of the preset's jobs, cut short, as Snakemake would run them in order."""
    told = snakemake(folder, "tiny.yaml", "-n", "-p")
    return re.findall(r"\bprojcomp ((?:sample|score|table|figure) .*) > \S+\.log 2>&1", told)


@pytest.mark.slow
def test_the_preset_runs_from_prompts_to_scores(folder: Path, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    lines = lines_of_jobs(folder)
    stages = [line.split()[0] for line in lines]
    assert sorted(stages) == ["figure"] * 7 + ["sample"] * 7 + ["score"] * 7 + ["table"]
    for line in sorted(lines, key=lambda line: ORDER.index(line.split()[0])):
        arguments = shlex.split(line)
        for flag in ("--out", "--png"):
            if flag in arguments:  # Snakemake makes the folders of outputs
                Path(arguments[arguments.index(flag) + 1]).parent.mkdir(parents=True, exist_ok=True)
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, (line, done.output)
    table = pd.read_csv(folder / "run/results/prompts.csv", keep_default_na=False)
    table2 = {f"table2-{operator}-sde" for operator in ("and", "or", "mean")}
    experiments = {"fig1", "fig7", "joint", "joint_or", *table2}
    assert set(table["experiment"]) == experiments
    least = table[table["measure"] == "least"].set_index("experiment")
    assert set(least.index) == experiments
    assert (least["low"].astype(float) <= least["value"].astype(float)).all()
    scored = table[table["measure"] == "score"].groupby("experiment")["prompt"].agg(list)
    pair = ["a mountain landscape", "silhouette of a dog"]
    for name in ("joint", "joint_or", *table2):  # judged by the same
        assert scored[name] == pair
    assert scored["fig1"] == ["a photo of a sks dog", "an oil painting"]
    cost = table[table["measure"] == "network_evaluations"].set_index("experiment")["value"]
    assert float(cost["fig1"]) == 3 * STEPS
    assert float(cost["joint"]) == 2 * STEPS
    assert float(cost["fig7"]) == 3 * (STEPS + 3 * (STEPS - 1))
    measured = table.groupby("experiment")["measure"].agg(set)
    for operator in ("and", "or", "mean"):
        assert {"log_q", "gap", "interaction"} <= measured[f"table2-{operator}-sde"]
        assert ("kappa" in measured[f"table2-{operator}-sde"]) == (operator != "mean")
    for name in ("fig1", "fig7"):  # their steps are none that Ito's estimator holds for
        assert "interaction" in measured[name]
        assert "log_q" not in measured[name]
    assert "log_q" in measured["joint"]  # of one prompt: no gap, and no pair
    assert not {"gap", "interaction"} & measured["joint"]
    for name in experiments:
        assert (folder / f"run/results/figures/prompts_{name}.png").stat().st_size > 1000
    assert not (folder / "run/models").exists()


@pytest.mark.smoke
def test_snakemake_itself_goes_from_prompts_to_a_figure_and_then_has_nothing_to_do(
    folder: Path,
) -> None:
    config = tiny()
    others = [name for name in config["experiments"] if name != "fig1"]
    config |= {"root": "by_snakemake", "sweeps": {"table2": None}}
    config["experiments"] |= dict.fromkeys(others)
    (folder / "one.yaml").write_text(yaml.safe_dump(config))
    run = ("one.yaml", "--cores", "2")
    snakemake(folder, *run)
    assert (folder / "by_snakemake/results/figures/prompts_fig1.png").stat().st_size > 1000
    table = pd.read_csv(folder / "by_snakemake/results/prompts.csv", keep_default_na=False)
    assert set(table["experiment"]) == {"fig1"}
    assert "Nothing to be done" in snakemake(folder, *run)


def test_the_whole_preset_is_400_pictures_a_column_and_renders_nothing() -> None:
    plan = Plan(load_files([REPOSITORY / "config.yaml", PRESET]))
    jobs = {rule: count for rule, count in plan.job_counts().items() if count}
    sampled = 3 + 2 + 5 * 20
    assert jobs == {
        "sample_case": sampled,
        "score_case": sampled,
        "make_table": 1,
        "draw_figure": 7,
        "all": 1,
    }
    columns = ("joint", "joint_or", "table2-and-sde", "table2-or-sde", "table2-mean-sde")
    for name in columns:
        experiment = plan.run.experiments[name]
        assert experiment.config.num_samples * len(experiment.cases) == 400
        assert experiment.sampling.num_steps == 1000
    assert plan.run.experiments["fig1"].sampling.num_steps == 30
