"""Links lead back to what they were made of; the YAML of a state loads."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from in_node import in_node, needs_node
from known_config import known_config

from projcomp.config.demo import places
from projcomp.config.strict_yaml import read_yaml
from projcomp.plan.load import load, load_files
from projcomp.plan.plan import Plan
from projcomp.plan.playground import known_run

pytestmark = needs_node

META = {
    "backgrounds": 64,
    "points": [0.5, 0.5],
    "by": "position",
    "labels": {
        "color": {"names": ["red", "blue", "a b:~&="]},
        "size": {"names": ["large", "small"]},
    },
    "features": {"luminance": {"scale": 0.1}},
    "run": None,
}


def placed(x: float, y: float, weight: float = 1, **labels: str) -> dict[str, Any]:
    return {"at": [x, y], "weight": weight, "labels": labels}


def anywhere(weight: float = 1, **labels: str) -> dict[str, Any]:
    return {"at": None, "weight": weight, "labels": labels}


def state(*objects: dict[str, Any], **changes: Any) -> dict[str, Any]:
    defaults = in_node("State.defaults(given.meta)", meta=META)
    return {**defaults, "objects": list(objects), **changes}


def test_a_link_leads_back_to_its_state() -> None:
    states = [
        state(),
        state(placed(0.125, 0.5, color="red", size="small"), anywhere(-1.5, color="a b:~&=")),
        state(anywhere(), operator="bayes", sampler="sde", seed=4294967295, samples=64),
        state(placed(0, 1), features="luminance", scale=0.3, window=9, least=0.002, greatest=80),
    ]
    expression = (
        "given.states.map((s) => "
        "State.fromFragment('#' + State.toFragment(s, given.meta), given.meta))"
    )
    assert in_node(expression, states=states, meta=META) == states


BROKEN = {
    "operator=divide": "operator: one of product",
    "nonsense": "a known setting expected, got nonsen",
    "objects=at:0.5": "at:x:y, attribute:value or weight:w expected",
    "objects=at:0.5:1.5": "two numbers from 0 to 1",
    "objects=at:a:0": "a number expected, got a",
    "objects=color:mauve": "color: one of red, blue",
    "objects=taste:sweet": "taste: an attribute of this page",
    "objects=%E0%A4%A": "a whole link expected",
    "objects=" + "~~".join(["any"] * 10): "at most 9",
    "steps=1": "steps: a whole number from 2 to 64",
    "steps=": "a number expected, got nothing",
    "seed=1.5": "seed: a whole number",
    "window=4": "an odd number of pixels",
    "operator=superposition_or": "sampler: sde expected",
    "operator=average&objects=weight:-1": "a positive sum expected",
    "features=smell": "features: one of rgb",
}


def test_a_broken_link_is_told_in_one_line() -> None:
    expression = (
        "given.links.map((link) => { try { State.fromFragment(link, given.meta); return null; }"
        " catch (error) { return error.message; } })"
    )
    told = in_node(expression, links=list(BROKEN), meta=META)
    for line, (link, wanted) in zip(told, BROKEN.items(), strict=True):
        assert line is not None, link
        assert wanted in line
        assert "\n" not in line


@pytest.fixture(scope="module")
def demo():
    """The demo's config and what its page knows of it."""
    config = read_yaml(Path(__file__).parents[3] / "config.yaml")
    run = known_run(load(config))
    assert run is not None
    return config, {**META, "run": run.model_dump()}


def written(demo, shown: dict[str, Any], radius: float = 0.05):
    """The YAML of a state, and its experiment in the loaded run."""
    config, meta = demo
    text = in_node("State.toYaml(given.state, given.meta, given.radius)", state=shown, meta=meta, radius=radius)
    added = yaml.safe_load(text)
    merged = {
        **config,
        **{key: {**config.get(key, {}), **value} for key, value in added.items()},
    }
    return text, load(merged)


APART = [placed(*point) for point in places()["apart"]]

SHOWN = {
    "A": (APART, {}),
    "B": (APART[:3], {"operator": "bayes"}),
    "weights": ([placed(0.5, 0.5, -1), placed(0.3, 0.6, 2)], {"background": "unconditional"}),
    "sizes": ([placed(0.5, 0.5, size="large")], {"sampler": "sde", "operator": "product"}),
    "average": (APART[:2], {"operator": "average"}),
    "or": (APART[:2], {"operator": "superposition_or", "sampler": "sde"}),
    "and": (APART[:2], {"operator": "superposition_and", "sampler": "sde"}),
    "color": ([anywhere(color="red")], {}),
    "colors": ([anywhere(color="red"), anywhere(color="blue")], {}),
    "palette": ([anywhere(color="red"), anywhere(color="blue")], {"features": "palette"}),
    "luminance": (APART[:2], {"features": "luminance", "scale": 0.3}),
    "window": (APART[:2], {"window": 9, "features": "palette"}),
}


@pytest.mark.parametrize("name", SHOWN)
def test_the_yaml_of_what_is_shown_loads_and_asks_for_the_same(demo, name: str) -> None:
    objects, changes = SHOWN[name]
    shown = state(*objects, **{"steps": 24, "samples": 5, **changes})
    text, run = written(demo, shown)
    experiment = run.experiments["playground"]
    config = experiment.config
    assert config.num_samples == 5
    assert experiment.operator.name == shown["operator"]
    assert experiment.sampling.num_steps == 24
    assert experiment.sampling.sampler.name == shown["sampler"]
    (case,) = experiment.cases.values()
    wanted = [one for one in objects if one["weight"] > 0]
    if objects[0]["at"]:
        assert len(case.locations) == len(objects)
        assert list(map(list, case.locations[: len(wanted)])) == [one["at"] for one in wanted]
    else:
        assert list(case.colors) == [one["labels"]["color"] for one in objects]
    if name == "weights":
        assert experiment.operator.weights == [2, -1]
        assert config.background.condition == "unconditional"
    model = run.models[config.conditionals]
    assert (model.features.name if model.features else "rgb") == shown["features"]
    assert bool(model.exact) == bool(shown["window"])
    if name in ("A", "B", "weights", "color", "colors", "palette"):
        assert config.conditionals in Plan(load(demo[0])).run.networks  # trained by the demo
    assert ("without size" in text) == (name == "sizes")


NO_YAML = {
    "place an object first": [],
    "a place or a colour": [placed(0.5, 0.5), anywhere(color="red")],
    "one or two colours": [anywhere(color="red")] * 3,
    "got one twice": [placed(0.5, 0.5)] * 2,
}


@pytest.mark.parametrize("wanted", NO_YAML)
def test_what_no_config_can_say_is_told(demo, wanted: str) -> None:
    with pytest.raises(AssertionError, match=wanted):
        written(demo, state(*NO_YAML[wanted]))


def test_pictures_of_no_run_have_no_yaml() -> None:
    with pytest.raises(AssertionError, match="there is no config that knows them"):
        in_node("State.toYaml(given.state, given.meta, 0)", state=state(*APART), meta=META)
