"""Which runs have a page to play with, and what it is told of them."""

import copy
import json
from typing import Any

from known_config import known

from projcomp.plan.load import load
from projcomp.plan.plan import Plan


def plan(**changes: Any) -> Plan:
    config = copy.deepcopy(known())
    for section, values in changes.items():
        config[section] = {**config[section], **values} if isinstance(values, dict) else values
    return Plan(load(config))


def test_a_run_of_small_pictures_has_a_page_of_its_single_objects() -> None:
    found = plan()
    assert "results/playground.html" in found.targets()
    assert "results/playground.html" in found.exact_targets()
    inputs = (["data/single.h5", "data/colored.h5"], "data/empty.h5")
    assert found.playground_inputs() == inputs
    assert found.job_counts()["playground"] == 1
    run = json.loads(found.playground_settings())["run"]
    assert run["datasets"] == ["single", "colored"]
    assert [(one["name"], one["condition"], one["features"]) for one in run["trained"]] == [
        ("single", "position", "rgb"),
        ("colored", "color", "rgb"),
    ]


def test_networks_of_other_pictures_are_not_offered() -> None:
    colored = {"num_images": 10, "min_objects": 1, "max_objects": 1, "colors": ["red", "blue"]}
    run = json.loads(plan(datasets={"colored": colored}).playground_settings())["run"]
    assert run["datasets"] == ["single"]
    assert [one["name"] for one in run["trained"]] == ["single"]


def test_the_demos_page_has_small_objects_and_large_ones() -> None:
    found = Plan(load({}))
    inputs, _ = found.playground_inputs()
    assert inputs == ["data/single.h5", "data/placed.h5", "data/small.h5"]
    sizes = {tuple(found.config.scene_of(name).sizes) for name in ("single", "placed", "small")}
    assert sizes == {("large",), ("small",)}
    # nothing else of the demo reads them
    assert not [one for one in found.config.models.values() if "small" in one.sources]


def test_larger_pictures_have_no_page() -> None:
    found = plan(resolution=64, network={"attention_resolutions": [16]})
    assert found.playground_targets() == []
    assert found.job_counts()["playground"] == 0
    assert not [path for path in found.targets() if "playground" in path]
