"""Models composed as a list, and cases of objects with attributes."""

from typing import Any

import pytest
from known_config import known

from projcomp.errors import ConfigError
from projcomp.plan.load import load
from projcomp.plan.run import Run
from projcomp.plan.stages import sample_settings
from projcomp.settings.case import Wanted
from projcomp.settings.stages import Composed

LEARNED = {"datasets": {"single": 0.9, "empty": 0.1}, "images_seen": 640}
MODELS = {
    "shaped": {**LEARNED, "condition": "shape"},
    "both": {**LEARNED, "condition": ["shape", "color"]},
}
OVER_EMPTY = {"background": {"model": "single", "condition": "empty"}, "num_samples": 4}


def run_with(**entry: Any) -> Run:
    return load(known({"models": MODELS, "experiments": {"X": {**OVER_EMPTY, **entry}}}))


def told(run: Run, case: str) -> list[tuple[str, Any, float]]:
    """What the models are told of a case."""
    composed = sample_settings(run, "X", case).composed
    return [(one.model, one.condition, one.weight) for one in composed]


PLACE_AND_COLOR = [{"model": "single", "told": "case"}, {"model": "colored", "told": "case"}]


def test_each_model_is_told_what_it_can_be_of_every_object() -> None:
    run = run_with(
        composed=[
            *PLACE_AND_COLOR,
            {"model": "shaped"},
            {"model": "colored", "told": {"color": "cyan"}},
        ],
        cases=[{"asked": [{"place": 1, "color": "red"}, {"color": "blue"}]}],
    )
    (case,) = run.cases["X"].values()
    point = run.own["X"].places.points[0]
    assert case.name == "p1-red_blue"
    assert case.asked == [
        Wanted(told={"position": point, "color": "red"}),
        Wanted(told={"color": "blue"}),
    ]
    assert told(run, case.name) == [
        ("single", {"position": point}, 1.0),
        ("colored", {"color": "red"}, 1.0),
        ("colored", {"color": "blue"}, 1.0),
        ("shaped", "unconditional", 1.0),
        ("colored", {"color": "cyan"}, 1.0),
    ]


def test_a_joint_model_is_told_everything_at_once() -> None:
    run = run_with(
        composed=[{"model": "both", "told": "case"}],
        cases=[{"asked": [{"color": "red", "shape": "cube"}, {"shape": "sphere"}]}],
    )
    assert run.models["both"].condition == "color+shape"
    assert told(run, "red-cube_sphere") == [
        ("both", {"color": "red", "shape": "cube"}, 1.0),
        ("both", {"shape": "sphere"}, 1.0),
    ]


def test_a_joint_model_is_told_some_kinds_only() -> None:
    both = {"model": "both", "told": "case"}
    run = run_with(
        composed=[{**both, "only": ["shape"]}, {**both, "only": ["color"]}],
        cases=[{"asked": [{"color": "red", "shape": "cube"}]}],
    )
    assert told(run, "red-cube") == [
        ("both", {"shape": "cube"}, 1.0),
        ("both", {"color": "red"}, 1.0),
    ]


def test_a_grid_is_a_case_for_every_combination() -> None:
    run = run_with(
        composed=[{"model": "both", "told": "case"}],
        cases=[{"for": {"color": "all", "shape": ["cube", "sphere"]}}],
    )
    names = list(run.cases["X"])
    assert len(names) == 16
    assert names[:3] == ["gray-cube", "gray-sphere", "red-cube"]


def test_one_object_may_answer_to_everything() -> None:
    entry = {
        "composed": [{"model": "colored", "told": "case"}, {"model": "shaped", "told": "case"}],
        "cases": [{"asked": [{"color": "red"}, {"shape": "cube"}], "same": True}],
    }
    (case,) = run_with(**entry).cases["X"].values()
    assert case.asked == [Wanted(told={"color": "red", "shape": "cube"})]
    entry["cases"][0]["same"] = False
    (case,) = run_with(**entry).cases["X"].values()
    assert len(case.asked) == 2


def test_what_is_negated_has_a_negative_weight() -> None:
    run = run_with(
        composed=[
            {"model": "shaped", "told": "case"},
            {"model": "colored", "told": "case", "weight": 0.5},
        ],
        cases=[{"asked": [{"shape": "cube", "not": {"color": "red"}}]}],
    )
    assert told(run, "cube-not-red") == [
        ("shaped", {"shape": "cube"}, 1.0),
        ("colored", {"color": "red"}, -0.5),
    ]
    assert run.truth["cube-not-red"].avoids


def test_places_of_another_set_are_told_in_the_name() -> None:
    run = run_with(
        composed=PLACE_AND_COLOR,
        places="apart",
        cases=[{"for": {"place": [1, 9], "color": ["red"]}}],
    )
    assert list(run.cases["X"]) == ["apart-p1-red", "apart-p9-red"]


def test_numbers_of_places_are_told_too() -> None:
    run = run_with(
        composed=[
            {"model": "single", "told": "case"},
            {"model": "colored", "told": {"color": "red"}},
        ],
        num_composed=[2],
    )
    points = run.own["X"].places.points
    assert told(run, "k2") == [
        ("single", {"position": points[0]}, 1.0),
        ("single", {"position": points[1]}, 1.0),
        ("colored", {"color": "red"}, 1.0),
    ]


def test_a_twin_composes_exact_models_of_the_same() -> None:
    run = run_with(
        composed=PLACE_AND_COLOR, exact=True, cases=[{"asked": [{"place": 2, "color": "red"}]}]
    )
    composed = sample_settings(run, "X-exact", "p2-red").composed
    assert [one.model for one in composed] == ["single-exact", "colored-exact"]


def test_bayes_composes_over_the_only_model() -> None:
    entry = {
        "composed": [{"model": "both", "told": "case"}],
        "operator": "bayes",
        "background": None,
    }
    cases = [{"asked": [{"color": "red"}]}]
    run = load(
        known({"models": MODELS, "experiments": {"X": {**entry, "cases": cases, "num_samples": 4}}})
    )
    settings = sample_settings(run, "X", "red")
    assert settings.background is not None
    assert settings.background.model == "both"
    assert settings.composed == [Composed(model="both", condition={"color": "red"})]


ONE = [{"asked": [{"color": "red"}]}]
COLORED = [{"model": "colored", "told": "case"}]


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ({"cases": ONE}, "X.composed: expected the models that are told what `cases` ask for"),
        ({"composed": COLORED}, "X.cases: expected what is asked for, got nothing"),
        (
            {"composed": COLORED, "conditionals": "single", "cases": ONE},
            "X.conditionals: expected none",
        ),
        (
            {"composed": COLORED, "num_objects": [1]},
            "X.num_objects: expected cases or num_composed",
        ),
        (
            {"composed": COLORED, "num_composed": [1], "cases": ONE},
            "X.num_composed: expected none beside",
        ),
        ({"composed": [{"model": "colord"}], "cases": ONE}, "X.composed.0.model: expected"),
        (
            {"composed": [{"model": "colored", "told": {"shape": "cube"}}], "cases": ONE},
            "X.composed.0.told: expected what colored can be told, which is told color, got shape",
        ),
        (
            {"composed": [{"model": "colored", "told": {"color": "pink"}}], "cases": ONE},
            "X.composed.0.told.color: expected one of gray",
        ),
        ({"composed": COLORED, "cases": [{"asked": [{"colour": "red"}]}]}, "colour: expected"),
        ({"composed": COLORED, "cases": [{"asked": [{"color": "pink"}]}]}, "expected one of gray"),
        (
            {"composed": COLORED, "cases": [{"for": {"color": ["pink"]}}]},
            "X.cases.0.for.color: expected",
        ),
        (
            {"composed": COLORED, "cases": [{"for": {"color": [1]}}]},
            "X.cases.0.for.color: expected one of gray",
        ),
        (
            {"composed": COLORED, "cases": [{"asked": [{"not": {"not": "red"}}]}]},
            "X.cases.0.asked.0.not.not: expected",
        ),
        (
            {"composed": [{"model": "", "told": "case"}], "cases": ONE},
            "X.composed.0.model: expected",
        ),
        ({"composed": COLORED, "cases": [{"for": {"color": []}}]}, "expected at least one value"),
        ({"composed": COLORED, "cases": [{"asked": []}]}, "X.cases.0: expected objects in `asked`"),
        ({"composed": COLORED, "cases": [*ONE, *ONE]}, "expected each case once, got red twice"),
        (
            {"composed": COLORED, "cases": [{"asked": [{"shape": "cube"}]}]},
            "X.composed: expected a model that is told shape (case cube), got none",
        ),
        (
            {"composed": [{**COLORED[0], "only": ["shape"]}], "cases": ONE},
            "X.composed.0.only: expected some of ['color'], got shape",
        ),
        (
            {"composed": [{"model": "colored", "only": ["color"]}], "cases": ONE},
            "X.composed.0.only: expected told: case beside it, got unconditional",
        ),
        (
            {"composed": PLACE_AND_COLOR, "cases": [{"asked": [{"place": 10}]}]},
            "expected a place from 1 to 9, got 10",
        ),
        (
            {
                "composed": PLACE_AND_COLOR,
                "cases": [{"asked": [{"place": 1, "position": [0.5, 0.5]}]}],
            },
            "expected place or position, got both",
        ),
        (
            {
                "composed": COLORED,
                "cases": [{"asked": [{"color": "red"}, {"color": "blue"}], "same": True}],
            },
            "X.cases.0.same: expected one color of one object, got 2",
        ),
        (
            {
                "composed": COLORED,
                "operator": "superposition_and",
                "background": None,
                "sampling": {"sampler": "sde"},
                "cases": [{"asked": [{"color": "red"}, {"not": {"color": "blue"}}]}],
            },
            "X.operator: expected one with weights for what is negated",
        ),
        (
            {
                "composed": PLACE_AND_COLOR,
                "operator": "bayes",
                "background": None,
                "cases": [{"asked": [{"place": 1, "color": "red"}]}],
            },
            "X.composed: expected a model for operator bayes, got several",
        ),
        (
            {
                "composed": COLORED,
                "cases": ONE,
                "background": {"model": "single", "condition": {"color": "red"}},
            },
            "X.background.condition: expected what single can be told",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(entry: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        run_with(**entry)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
