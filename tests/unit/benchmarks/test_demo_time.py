"""The benchmark that says where a run's time goes reads what Snakemake records."""

import base64
import json

import pytest
from benchmark_file import benchmark

demo_time = benchmark("demo_time")


@pytest.fixture
def recorded(tmp_path):
    """The folder .snakemake, and what writes the record of an output into it."""
    folder = tmp_path / ".snakemake"

    def write(output: str, rule: str, log: str, end: float, incomplete: bool = False) -> None:
        name = base64.urlsafe_b64encode(output.encode()).decode()
        parts = [name[i : i + 50] for i in range(0, len(name), 50)]
        path = folder.joinpath("metadata", *(f"@{part}" for part in parts[:-1]), parts[-1])
        path.parent.mkdir(parents=True, exist_ok=True)
        record = {"rule": rule, "log": [log], "starttime": 100.0, "endtime": end}
        path.write_text(json.dumps({**record, "incomplete": incomplete}))

    write("models/a/weights.safetensors", "train_model", "logs/train/a.log", 106.0)
    write("models/a/metrics.csv", "train_model", "logs/train/a.log", 105.9)
    write("results/A/" + "long" * 30 + ".csv", "evaluate_case", "logs/evaluate/A/k1.log", 101.0)
    write("results/A/k2.csv", "evaluate_case", "logs/evaluate/A/k2.log", 102.0)
    write("results/A/k3.csv", "evaluate_case", "logs/evaluate/A/k3.log", 150.0, incomplete=True)
    write("results/theory/t.csv", "theory_experiment", "logs/theory/t.log", 101.0)
    write("runs/smoke/results/A/k1.csv", "evaluate_case", "runs/smoke/logs/e.log", 190.0)
    return folder


def test_every_job_of_the_run_counts_once(recorded, tmp_path):
    rules = demo_time.seconds(demo_time.records(recorded, tmp_path))
    assert {rule: sorted(taken) for rule, taken in rules.items()} == {
        "train_model": [6.0],
        "evaluate_case": [1.0, 2.0],
        "theory_experiment": [1.0],
    }
    other = demo_time.seconds(demo_time.records(recorded, tmp_path / "runs/smoke"))
    assert other == {"evaluate_case": [90.0]}


def test_the_table_says_what_is_light(recorded, tmp_path):
    head, *rows, last = demo_time.table(demo_time.seconds(demo_time.records(recorded, tmp_path)))
    assert head.split() == ["rule", "jobs", "seconds", "mean", "share"]
    assert [row.split() for row in rows] == [
        ["train_model", "1", "6.0", "6.00", "60.0%"],
        ["evaluate_case", "2", "3.0", "1.50", "30.0%"],
        ["theory_experiment", "1", "1.0", "1.00", "10.0%"],
        ["all", "4", "10.0", "2.50", "100.0%"],
    ]
    assert last == (
        "neither rendering, training nor sampling: 30.0%; with the exact experiments: 40.0%"
    )


def test_what_exact_models_took_before_the_first_training():
    def record(rule, start, end, incomplete=False):
        times = {"starttime": start, "endtime": end, "incomplete": incomplete}
        return {"rule": rule, "log": [f"{rule}-{start}"], **times}

    found = [
        record("render_shard", 0.0, 300.0),
        record("train_detector", 300.0, 600.0),
        record("sample_case", 300.0, 500.0),
        record("make_table", 550.0, 590.0),
        record("make_table", 560.0, 570.0, incomplete=True),
        record("sample_case", 580.0, 700.0),  # still at it then
    ]
    told = demo_time.before_networks(found)
    assert told == "before the first training: no network was trained"
    told = demo_time.before_networks([*found, record("train_model", 600.0, 900.0)])
    assert "renders and detector 600 s of jobs, all else 240 s" in told
    assert "at least 2 minutes on 2 cores" in told
