"""What a wrong config says: one line with the key, what was expected and what was got."""

import math
from pathlib import Path
from typing import Any, get_args

import pytest
from known_config import known
from pydantic import BaseModel, ValidationError

from projcomp.config.root import Config
from projcomp.config.strict_yaml import read_yaml
from projcomp.errors import ConfigError
from projcomp.plan.load import load, load_files, merge

WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"trainin": {}}, ["trainin: ", "did you mean training?"]),
    ({"training": {"lerning_rate": 1}}, ["training.lerning_rate", "did you mean learning_rate?"]),
    (
        {"datasets": {"x": {"num_imges": 10}}},
        ["datasets.x.num_imges", "did you mean num_images?", "(and 3 more)"],
    ),
    (
        {"experiments": {"A": {"conditionals": "single", "backgroud": {}, "num_samples": 1}}},
        ["experiments.A.backgroud", "did you mean background?"],
    ),
    (
        {"experiments": {"A": {"background": {"modl": "single"}}}},
        ["experiments.A.background.modl", "did you mean model?"],
    ),
    (
        {"datasets": {"x": {"num_images": 10, "min_objects": 0}}},
        ["datasets.x.max_objects: expected", "greatest number", "got nothing"],
    ),
    ({"resolution": "big"}, ["resolution: expected a whole number, got 'big'"]),
    ({"resolution": 32.5}, ["resolution: expected a whole number, got 32.5"]),
    ({"seed": -1}, ["seed: expected a number of at least 0, got -1"]),
    ({"training": {"learning_rate": 0}}, ["learning_rate: expected a number greater than 0"]),
    ({"training": {"precision": "fp8"}}, ["expected one of bf16, fp32, got 'fp8'"]),
    ({"render": {"denoise": "perhaps"}}, ["render.denoise: expected true or false"]),
    ({"scene": {"shapes": []}}, ["scene.shapes: expected at least 1 entry, got []"]),
    ({"scene": {"shapes": ["cone"]}}, ["scene.shapes.0: expected one of cube", "got 'cone'"]),
    ({"training": {"batch_size": True}}, ["batch_size: expected a number, got True"]),
    ({"scene": {"extent": True}}, ["scene.extent: expected a number, got True"]),
    ({"network": {"multipliers": [1, True]}}, ["network.multipliers.1: expected a number"]),
    (
        {
            "experiments": {
                "A": {"operator": {"name": "product", "weights": [True]}, "num_samples": 1}
            }
        },
        ["experiments.A.operator.weights.0: expected a number", "got True"],
    ),
    ({"training": {"sigma_log_mean": math.nan}}, ["expected a finite number, got nan"]),
    ({"training": {"learning_rate": "1e400"}}, ["expected a finite number, got '1e400'"]),
    ({"scene": {"min_distance": math.inf}}, ["min_distance: expected a finite number, got inf"]),
    (
        {
            "experiments": {
                "A": {"operator": {"name": "product", "weights": math.inf}, "num_samples": 1}
            }
        },
        ["experiments.A.operator.weights: expected a finite number", "got inf"],
    ),
    ({"training": {"learning_rate": 1e-320}}, ["a number that single precision holds"]),
    ({"sampling": {"rho": 1e-300}}, ["sampling.rho: expected a number"]),
    ({"sampling": {"num_steps": 10**9}}, ["num_steps: expected a number of at most 10000"]),
    ({"seed": int("9" * 4000)}, ["seed: expected a number less than 4.29497e+09"]),
    ({"seed": 16**5000}, ["seed: expected", "got a number of thousands of digits"]),
    ({"seed": "9" * 5000}, ["seed: expected a whole number"]),
    ({"wandb": {"project": "a\nb"}}, ["project: expected a line of text without control"]),
    ({"render": {"assets": "a\0b"}}, ["assets: expected a line of text without control"]),
    ({"training": {"condition_dropout": 1}}, ["condition_dropout: expected a number less than 1"]),
    ({"detector": {"threshold": 1}}, ["detector.threshold: expected a number of at most 0.99"]),
    ({"evaluation": {"confidence": 1 - 1e-16}}, ["confidence: expected a number of at most"]),
    ({"detector": {"dataset": False}}, ["expected text, got False; put it in quotes"]),
    ({"root": 1}, ["root: expected text, got 1; put it in quotes"]),
    ({"k" * 5000: 1}, ["kkk...: expected one of the keys"]),
    ({"\x1b[31mred": 1}, ["\\x1b[31mred: expected one of the keys"]),
    ({"detector": {"dataset": ["x" * 5000]}}, ["expected text, got ['xxx"]),
    (
        {"network": {"multipliers": [1] * 11}},
        ["network.multipliers: expected at most 10 entries, got [1, 1,"],
    ),
    ({"scene": 3}, ["scene: expected a section with keys, got 3"]),
    ({"datasets": None}, ["datasets: expected a section with keys, got nothing (null)"]),
    (
        {
            "experiments": {
                "A": {
                    "conditionals": "colored",
                    "color_pairs": [["red", "pink"]],
                    "num_samples": 1,
                }
            }
        },
        ["experiments.A.color_pairs.0.1: expected one of gray", "got 'pink'"],
    ),
    (
        {"experiments": {"A": {"conditionals": "a", "color_pairs": "some", "num_samples": 1}}},
        ["experiments.A.color_pairs: expected all or a list, got 'some'"],
    ),
    (
        {"experiments": {"A": {"conditionals": "a", "num_composed": [21], "num_samples": 1}}},
        ["experiments.A.num_composed.0: expected a number of at most 20, got 21"],
    ),
]


@pytest.mark.parametrize(("wrong", "words"), WRONG)
def test_a_wrong_value_is_named_in_one_line(wrong: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(wrong)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 500
    assert message.startswith("config: ")
    for word in words:
        assert word in message


def test_nothing_given_is_the_default_config() -> None:
    assert load({}).config == Config()


def test_text_from_the_command_line_is_understood() -> None:
    assert load({"seed": "3", "training": {"learning_rate": "2e-3"}}).config.seed == 3


def _sections(model: type[BaseModel], seen: set[type[BaseModel]]) -> set[type[BaseModel]]:
    """The section and all sections that stand in its fields' types."""
    if model in seen:
        return seen
    seen.add(model)
    waiting: list[Any] = [field.annotation for field in model.model_fields.values()]
    while waiting:
        one = waiting.pop()
        if isinstance(one, type) and issubclass(one, BaseModel):
            _sections(one, seen)
        waiting += get_args(one)
    return seen


def test_every_number_refuses_truth_and_is_bounded_or_finite() -> None:
    sections = _sections(Config, set())
    assert len(sections) > 30
    for section in sections:
        for name in section.model_fields:
            key = section.model_fields[name].alias or name
            schema = section.model_json_schema()["properties"][key]
            if schema.get("type") not in ("integer", "number"):
                continue
            with pytest.raises(ValidationError):
                section.__pydantic_validator__.validate_assignment(
                    section.model_construct(), name, True
                )
            if schema["type"] == "integer":
                assert "maximum" in schema or "exclusiveMaximum" in schema, (section, name)


def test_text_as_snakemake_hands_it_over_is_read_as_the_number_it_is() -> None:
    change = {"sampling": {"num_steps": "20", "rho": "5"}, "render": {"denoise": "false"}}
    config = load(change).config
    assert (config.sampling.num_steps, config.sampling.rho, config.render.denoise) == (20, 5, False)


def test_a_root_loses_what_says_nothing() -> None:
    assert load({"root": "./runs//a/"}).config.root == "runs/a"


def test_merging_is_deep_and_the_last_one_wins() -> None:
    base = {"a": {"b": 1, "c": [1, 2]}, "d": None}
    over = {"a": {"c": [3]}, "d": {"e": 1}}
    assert merge(base, over) == {"a": {"b": 1, "c": [3]}, "d": {"e": 1}}
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": None}


def test_null_removes_an_entry_of_a_named_collection() -> None:
    removed = {"experiments": {"C": None}, "models": {"cluttered": None}}
    config = load(known(removed)).config
    assert "C" not in config.experiments
    assert "cluttered" not in config.models


def test_files_are_merged_in_order(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("seed: 1\ntraining: {batch_size: 7}\n")
    (tmp_path / "b.yaml").write_text("compute: {training: {threads: 3}}\nseed: 2\n")
    (tmp_path / "c.yaml").write_text("# nothing\n")
    config = load_files(tmp_path / name for name in ("a.yaml", "b.yaml", "c.yaml")).config
    assert (config.seed, config.training.batch_size, config.compute.training.threads) == (2, 7, 3)


@pytest.mark.parametrize(
    ("text", "word"), [("[1, 2]", "expected keys and values"), ("a: [", "expected YAML")]
)
def test_a_file_that_is_no_mapping_is_named(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    assert str(path) in str(caught.value)
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: expected a YAML file, got: No such file"):
        read_yaml(tmp_path / "none.yaml")
