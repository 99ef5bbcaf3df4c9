"""The locality in a plan: nothing where it is not asked for, and of every composed model if so."""

import json
from functools import reduce

import pytest
from known_config import known

from projcomp.errors import ConfigError
from projcomp.plan.load import load, merge
from projcomp.plan.plan import Plan

MEASURED = {"evaluation": {"locality": {"probes": 3}}}
WINDOWED = {
    "models": {"local": {"exact": "single", "condition": "position", "window": 9}},
    "experiments": {
        "A": {"exact": True},
        "L": {
            "conditionals": "local",
            "background": {"model": "single", "condition": "empty"},
            "num_composed": [1],
            "num_samples": 4,
        },
    },
}


def plan(*changes: dict) -> Plan:
    return Plan(load(reduce(merge, changes, known())))


def test_where_it_is_not_asked_for_there_is_nothing() -> None:
    found = plan()
    assert found.job_counts()["measure_locality"] == 0
    assert "locality" not in found.figures
    assert not [path for path in found.intermediates() if "locality" in path]


def test_it_is_measured_of_every_model_that_experiments_compose() -> None:
    found = plan(WINDOWED, MEASURED)
    names = ["single", "cluttered", "colored", "local", "single-exact"]
    assert sorted(found.run.followed) == sorted(names)
    assert found.job_counts()["measure_locality"] == 5
    paths = {f"models/{name}/locality.csv" for name in names}
    assert paths <= set(found.intermediates())
    assert set(found.figure_inputs("locality")) == paths


def test_deltas_are_from_every_background_that_experiments_compose_over_each_once() -> None:
    settings = json.loads(plan(MEASURED).locality_settings("single"))
    assert settings["backgrounds"] == [
        {"model": "single", "condition": "empty"},  # of A
        {"model": "single", "condition": "unconditional"},  # of B, its own
    ]
    assert settings["dataset"] == "single"  # nine in ten of its draws
    assert settings["locality"]["probes"] == 3
    assert settings["exact"] == {}


def test_it_reads_the_models_and_the_held_out_renders() -> None:
    found = plan(WINDOWED, MEASURED)
    network = ["models/single/weights.safetensors", "models/single/model.json"]
    assert found.locality_inputs("single") == [*network, "data/single.h5"]
    assert found.locality_inputs("single-exact") == ["data/single.h5", "data/empty.h5"]
    assert found.locality_inputs("local") == ["data/single.h5", *network]
    assert json.loads(found.locality_settings("local"))["exact"]["local"]["window"] == 9


def test_asking_for_it_changes_no_other_job() -> None:
    without, asked = plan(), plan(MEASURED)
    assert without.train_settings("single") == asked.train_settings("single")
    assert without.sample_settings("A", "k2") == asked.sample_settings("A", "k2")
    assert without.evaluate_settings("A", "k2") == asked.evaluate_settings("A", "k2")
    assert without.summary_settings() == asked.summary_settings()


def test_a_distance_named_twice_is_one_line() -> None:
    with pytest.raises(ConfigError) as caught:
        plan({"evaluation": {"locality": {"distances": [2, 4, 2]}}})
    line = "config: evaluation.locality.distances: expected every entry once, got 2 twice"
    assert str(caught.value) == line
