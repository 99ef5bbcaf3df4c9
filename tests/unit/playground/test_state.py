"""Links lead back to what they were made of; the YAML of a state loads."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from in_node import in_node, needs_node

from projcomp.config.demo import places
from projcomp.config.strict_yaml import read_yaml
from projcomp.plan.load import load
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


@cache
def defaults() -> dict[str, Any]:
    return in_node("State.defaults(given.meta)", meta=META)


def state(*objects: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**defaults(), "objects": list(objects), **changes}


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
    """The demo's config."""
    return read_yaml(Path(__file__).parents[3] / "config.yaml")


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


NO_YAML = {
    "place an object first": [],
    "a place or a colour": [placed(0.5, 0.5), anywhere(color="red")],
    "one or two colours": [anywhere(color="red")] * 3,
    "got one twice": [placed(0.5, 0.5)] * 2,
}


def shown(name: str) -> dict[str, Any]:
    objects, changes = SHOWN[name]
    return state(*objects, **{"steps": 24, "samples": 5, **changes})


@pytest.fixture(scope="module")
def written(demo) -> dict[str, str]:
    """The YAML of every state on the demo's page, or why there is none."""
    known = known_run(load(demo))
    assert known is not None
    states = {name: shown(name) for name in SHOWN}
    states |= {why: state(*objects) for why, objects in NO_YAML.items()}
    expression = (
        "given.states.map((one) => { try { return State.toYaml(one, given.meta, 0.05); }"
        " catch (error) { return error.message; } })"
    )
    meta = {**META, "run": known.model_dump()}
    texts = in_node(expression, states=list(states.values()), meta=meta)
    return dict(zip(states, texts, strict=True))


@pytest.mark.parametrize("name", SHOWN)
def test_the_yaml_of_what_is_shown_loads_and_asks_for_the_same(demo, written, name: str) -> None:
    objects, asked = SHOWN[name][0], shown(name)
    added = yaml.safe_load(written[name])
    run = load({**demo, **{key: {**demo[key], **value} for key, value in added.items()}})
    experiment = run.experiments["playground"]
    config = experiment.config
    assert config.num_samples == 5
    assert config.operator.name == asked["operator"]
    assert experiment.sampling.num_steps == 24
    assert experiment.sampling.sampler.name == asked["sampler"]
    (case,) = experiment.cases.values()
    wanted = [one for one in objects if one["weight"] > 0]
    avoided = [one["at"] for one in objects if one["weight"] < 0]
    if objects[0]["at"]:
        assert [list(point) for point in case.locations] == [one["at"] for one in wanted]
        assert [list(point) for point in case.avoided_locations] == avoided
    else:
        assert case.colors == [one["labels"]["color"] for one in wanted]
    if name == "weights":
        assert config.operator.weights_of(2) == [2, -1]
        assert config.background.condition == "unconditional"
    model = run.models[config.conditionals]
    assert (model.features.name if model.features else "rgb") == asked["features"]
    assert bool(model.exact) == bool(asked["window"])
    is_the_demos = config.conditionals in load(demo).networks
    assert is_the_demos == (name not in ("luminance", "palette", "window"))
    assert ("without size" in written[name]) == (name == "sizes")


@pytest.mark.parametrize("wanted", NO_YAML)
def test_what_no_config_can_say_is_told(written, wanted: str) -> None:
    assert wanted in written[wanted]


def test_pictures_of_no_run_have_no_yaml() -> None:
    expression = "(() => { try { State.toYaml(given.state, given.meta, 0); }"
    expression += " catch (error) { return error.message; } })()"
    told = in_node(expression, state=state(*APART), meta=META)
    assert "there is no config that knows them" in told
