"""presets/sdxl.yaml by the real Snakemake, cut short, with tiny random pipelines for weights."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from projcomp.plan.load import load_files
from projcomp.plan.plan import Plan

pytest.importorskip("diffusers", reason="pip install 'projcomp[diffusers]'")

REPOSITORY = Path(__file__).parents[2]
PRESET = REPOSITORY / "presets/sdxl.yaml"
STEPS = 3


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
    shutil.copytree(REPOSITORY / "workflow", made / "workflow")
    return made


def snakemake(folder: Path, *arguments: str) -> str:
    """Run Snakemake on the preset, cut short, in ``folder``; what it said."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    files = [str(REPOSITORY / "config.yaml"), str(PRESET), "tiny.yaml"]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--configfile", *files, *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout + done.stderr


def test_the_preset_runs_from_prompts_to_scores(folder: Path) -> None:
    snakemake(folder, "--cores", "2")
    table = pd.read_csv(folder / "run/results/prompts.csv", keep_default_na=False)
    experiments = {"fig1", "fig7", "joint", "table2-and-sde", "table2-mean-sde"}
    assert set(table["experiment"]) == experiments
    least = table[table["measure"] == "least"].set_index("experiment")
    assert set(least.index) == experiments
    assert (least["low"].astype(float) <= least["value"].astype(float)).all()
    scored = table[table["measure"] == "score"].groupby("experiment")["prompt"].agg(list)
    pair = ["a mountain landscape", "silhouette of a dog"]
    for name in ("joint", "table2-and-sde", "table2-mean-sde"):  # judged by the same
        assert scored[name] == pair
    assert scored["fig1"] == ["a photo of a sks dog", "an oil painting"]
    cost = table[table["measure"] == "network_evaluations"].set_index("experiment")["value"]
    assert float(cost["fig1"]) == 3 * STEPS
    assert float(cost["joint"]) == 2 * STEPS
    assert float(cost["fig7"]) == 3 * (STEPS + 3 * (STEPS - 1))
    measured = table.groupby("experiment")["measure"].agg(set)
    assert {"kappa", "log_q", "gap"} <= measured["table2-and-sde"]
    assert "interaction" in measured["table2-mean-sde"]
    for name in experiments:
        assert (folder / f"run/results/figures/prompts_{name}.png").stat().st_size > 1000
    assert not (folder / "run/models").exists()


def test_then_nothing_is_left_to_do_until_a_pipeline_is_another(folder: Path) -> None:
    assert "Nothing to be done" in snakemake(folder, "-n")
    index = folder / "weights/sd/model_index.json"
    os.utime(index, ns=(0, index.stat().st_mtime_ns + 10**9))
    told = snakemake(folder, "-n")
    for name in ("joint", "table2-and-sde", "table2-mean-sde"):
        assert f"experiment={name}" in told
    assert "experiment=fig1" not in told


def test_the_whole_preset_is_400_pictures_a_column_and_renders_nothing() -> None:
    plan = Plan(load_files([REPOSITORY / "config.yaml", PRESET]))
    jobs = {rule: count for rule, count in plan.job_counts().items() if count}
    sampled = 3 + 2 + 3 * 20
    assert jobs == {
        "sample_case": sampled,
        "score_case": sampled,
        "make_table": 1,
        "draw_figure": 5,
        "all": 1,
    }
    columns = ("joint", "table2-and-sde", "table2-mean-sde")
    for name in columns:
        experiment = plan.run.experiments[name]
        assert experiment.config.num_samples * len(experiment.cases) == 400
        assert experiment.sampling.num_steps == 1000
    assert plan.run.experiments["fig1"].sampling.num_steps == 30
