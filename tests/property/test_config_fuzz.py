"""Whatever a config says: it is accepted, planned and can be built, or refused in one line."""

import copy
import string
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from known_config import known

from projcomp.config.root import Config
from projcomp.errors import ConfigError
from projcomp.evaluation.detector import Detector
from projcomp.networks.conditioning import width
from projcomp.networks.denoiser import Denoiser
from projcomp.plan.load import load, load_files
from projcomp.plan.overview import overview
from projcomp.plan.plan import Plan
from projcomp.plan.run import Run
from projcomp.settings.case import TRUTH

SWEEP = {
    "conditionals": "single",
    "background": {"model": "single", "condition": "empty"},
    "num_composed": [2],
    "num_samples": 4,
    "operators": {"p": {"name": "product", "weights": [1.0, -1.0]}, "and": "superposition_and"},
    "samplers": {
        "heun": {"sampler": {"name": "heun", "churn": 0.1}},
        "sde": {"sampler": "sde", "corrector": "hmc", "complift": {"num_levels": 2}},
        "swarm": {"sampler": "sde", "swarm": {"particles": 3}},
    },
}
MIXED = {
    "models": ["single", "colored"],
    "operator": {"name": "superposition_or", "bias": [0.0, 1.0]},
    "num_objects": [1],
    "num_samples": 4,
    "sampling": {"sampler": "sde"},
}
FAR = {**SWEEP, "places": "spread"}
del FAR["operators"], FAR["samplers"]
OWN_NETWORK = {
    "channels": 8,
    "multipliers": [1, 2],
    "attention_resolutions": [],
    "conditioning": "both",
    "blob_width": 0.1,
}
ASKED = {
    "composed": [
        {"model": "single", "told": "case", "only": ["position"]},
        {"model": "colored", "told": "case", "weight": 0.5},
        {"model": "single", "told": {"position": [0.5, 0.5]}},
    ],
    "background": {"model": "colored", "condition": {"color": "red"}},
    "cases": [
        {"asked": [{"place": 1, "color": "red", "not": {"color": "blue"}}], "same": True},
        {"for": {"place": [2], "color": ["green", "cyan"]}},
    ],
    "num_samples": 4,
    "exact": True,
}
PIPELINE = {"pipeline": "owner/name", "revision": "0" * 40}
PROMPTS = {
    "composed": [{"model": "pipe", "told": "case", "joined": "and"}],
    "prompts": [["an otter", "a heron"]],
    "operator": "average",
    "num_samples": 2,
}
EXPERIMENTS = {"mixed": MIXED, "far": FAR, "asked": ASKED, "prompts": PROMPTS}
AT = {
    "at": {
        "num_images": 10,
        "min_objects": 1,
        "max_objects": 5,
        "places": "grid",
        "moved_from": "cluttered",
    }
}
BASE: dict[str, Any] = load(
    known(
        {"sweeps": {"S": SWEEP}, "experiments": EXPERIMENTS, "datasets": AT}
        | {"models": {"cluttered": {"network": OWN_NETWORK}, "pipe": PIPELINE}}
    )
).config.model_dump(mode="json", exclude_unset=True) | {
    section: Config().model_dump(mode="json")[section]
    for section in (
        "scene",
        "places",
        "network",
        "training",
        "sampling",
        "detector",
        "evaluation",
        "wandb",
    )
}
ODD = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    3,
    7,
    8,
    16,
    255,
    256,
    1000,
    65_537,
    2**31,
    2**63,
    10**30,
    0.0,
    -0.0,
    0.1,
    0.5,
    0.999,
    1e-5,
    1e-30,
    1e-320,
    1e30,
    1e308,
    1.5,
    -3.7,
    float("inf"),
    float("-inf"),
    float("nan"),
    "",
    " ",
    "a",
    "all",
    "1",
    "1e400",
    "nan",
    "inf",
    "null",
    "no",
    "../x",
    "a b",
    "R&D",
    "-x",
    "~",
    "x" * 300,
    "1" * 5000,
    "größe",
    "a\nb",
    "\x1b[31m",
    "https://x/y",
    "product",
    "sde",
    [],
    [[]],
    [None],
    [1, 1],
    ["red", "red"],
    [1, [2, [3]]],
    {},
    {"a": 1},
    {"name": "hmc"},
    {"name": 3},
    {"a": {"b": {"c": 1}}},
    {"": 1},
    {"x": None},
]
NAMES = [
    "k" * 5000,
    "\x1b[31m",
    "",
    "no",
    "x",
    "A",
    "S",
    "S-p-heun",
    "truth",
    "detector",
    "theory",
    "a/b",
    "..",
    "y" * 201,
]


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in nested mappings and lists."""
    inside: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    return [p for key, below in inside for p in ((*here, key), *paths(below, (*here, key)))]


PATHS = paths(BASE)
SCHEMA = Config.model_json_schema()
Place = tuple[str, ...]
Told = tuple[tuple[Place, Any], ...]


@st.composite
def configs(draw: st.DrawFn) -> dict[str, Any]:
    """The known config, changed in one to three places."""
    config = copy.deepcopy(BASE)
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from(PATHS))
        parent: Any = config
        try:
            for key in above:
                parent = parent[key]
            change = draw(st.sampled_from(["replace", "scale", "remove", "rename", "add"]))
            if change == "replace":
                parent[last] = copy.deepcopy(draw(st.sampled_from(ODD)))
            elif change == "scale" and isinstance(parent[last], int | float):
                parent[last] *= draw(st.sampled_from([-1, 2, 3, 10, 100, 10**6, 0.1, 1e-6]))
            elif change == "remove":
                del parent[last]
            elif isinstance(parent, dict):
                value = copy.deepcopy(parent[last])
                if change == "rename":
                    del parent[last]
                parent[draw(st.sampled_from(NAMES))] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    return config


def schema_places(
    schema: dict[str, Any], base: Any, here: Place = (), told: Told = ()
) -> dict[Place, Told]:
    """Every place that the schema knows, and what must stand beside it for it to be looked at.

    Of what may have several forms, such as the operators, every form is gone through: its ``name``
    then stands beside. A name of the user's own is one that ``base`` has there, or a new one.
    """
    while "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    found: dict[Place, Told] = {here: told} if here else {}
    for form in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        found |= schema_places(form, base, here, told)
    fields = schema.get("properties", {})
    fixed = {key: field["const"] for key, field in fields.items() if "const" in field}
    beside = (*told, *(((*here, key), value) for key, value in fixed.items()))
    named = base if isinstance(base, dict) else {}
    for key, field in fields.items():
        found |= schema_places(field, named.get(key), (*here, key), beside)
    if isinstance(schema.get("additionalProperties"), dict):
        name = next(iter(named), "x")
        found |= schema_places(schema["additionalProperties"], named.get(name), (*here, name), told)
    return found


def put(config: dict[str, Any], place: Place, value: Any) -> None:
    """Set a value, making whatever sections are missing on the way."""
    for key in place[:-1]:
        if not isinstance(config.get(key), dict):
            config[key] = {}
        config = config[key]
    config[place[-1]] = copy.deepcopy(value)


@st.composite
def configs_by_schema(draw: st.DrawFn) -> dict[str, Any]:
    """The known config with something odd at one to three places that the schema knows."""
    config = copy.deepcopy(BASE)
    for place in draw(st.lists(st.sampled_from(sorted(SCHEMA_PLACES)), min_size=1, max_size=3)):
        for beside, value in SCHEMA_PLACES[place]:
            put(config, beside, value)
        put(config, place, draw(st.sampled_from(ODD)))
    return config


def check(path: Path) -> Config | None:
    """The config if it is accepted, and all of its run planned."""
    try:
        run = load_files([path])
    except ConfigError as error:
        message = str(error)
        assert message.isprintable()
        assert "expected" in message
        assert len(message) < len(str(path)) + 500
        return None
    plan, config = Plan(run), run.config
    assert overview(plan)
    for name in config.datasets:
        plan.render_settings(name)
    for name in config.models:
        plan.train_settings(name)
        plan.check_settings(name)
    for experiment, found in run.cases.items():
        for case in found:
            plan.evaluate_settings(experiment, case)
            if experiment == TRUTH:
                plan.reference_settings(case)
            else:
                plan.sample_settings(experiment, case)
    for name in plan.figures:
        plan.figure_inputs(name)
    assert len(set(plan.targets())) == len(plan.targets())
    assert len(set(plan.intermediates())) == len(plan.intermediates())
    return config


SCHEMA_PLACES = schema_places(SCHEMA, BASE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("configs")


@given(config=configs())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_changed_config_is_planned_or_refused_in_one_line(
    folder: Path, config: dict[str, Any]
) -> None:
    planned_or_refused(folder / "x.yaml", config)


def test_every_key_of_the_schema_is_tried() -> None:
    keys = {key for part in SCHEMA["$defs"].values() for key in part.get("properties", ())}
    # of a list's entries, which only configs() changes
    assert keys - {place[-1] for place in SCHEMA_PLACES} <= {path[-1] for path in PATHS} | {"for"}


@given(config=configs_by_schema())
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_stands_at_a_key_is_planned_or_refused_in_one_line(
    folder: Path, config: dict[str, Any]
) -> None:
    planned_or_refused(folder / "z.yaml", config)


def planned_or_refused(path: Path, config: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    accepted = check(path)
    if accepted is not None:
        build(load_files([path]))


def build(run: Run) -> None:
    """All networks see a picture, on a device that computes nothing."""
    config, side = run.config, run.config.resolution
    with torch.device("meta"), torch.no_grad():
        Detector(config.detector.channels, side)(torch.zeros(1, 3, side, side))
        for name, model in config.models.items():
            network = Denoiser(run.network(name), side, model.condition, learns_empty=True)
            rows = torch.zeros(2, width(model.condition))
            network(torch.zeros(2, 3, side, side), torch.ones(2), rows)


@given(
    place=st.integers(0, 20_000),
    length=st.integers(0, 30),
    text=st.text(st.sampled_from(string.printable + "ä\0\ufeff"), max_size=4),
)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_changed_text_is_planned_or_refused_in_one_line(
    folder: Path, place: int, length: int, text: str
) -> None:
    whole = yaml.safe_dump(BASE, sort_keys=False)
    place %= len(whole)
    path = folder / "y.yaml"
    path.write_text(whole[:place] + text + whole[place + length :], encoding="utf-8")
    check(path)
