"""Models composed as a list, and cases of objects with attributes."""

from typing import Any

import pytest
from known_config import known

from projcomp.errors import ConfigError
from projcomp.plan.load import load
from projcomp.plan.run import Run
from projcomp.plan.stages import sample_settings
from projcomp.plan.tables import tables
from projcomp.settings.case import Wanted
from projcomp.settings.stages import Composed

LEARNED = {"datasets": {"single": 0.9, "empty": 0.1}, "images_seen": 640}
MODELS = {
    "shaped": {**LEARNED, "condition": "shape"},
    "both": {**LEARNED, "condition": ["shape", "color"]},
    "counted": {"datasets": {"cluttered": 1}, "images_seen": 640, "condition": "count"},
    "full": {"datasets": {"single": 1}, "images_seen": 640, "condition": "shape"},
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


def test_a_place_can_be_negated_too() -> None:
    run = run_with(
        composed=PLACE_AND_COLOR,
        places="apart",
        cases=[{"asked": [{"color": "red", "not": {"place": 2}}]}],
    )
    point = run.own["X"].places.points[1]
    assert told(run, "apart-red-not-p2") == [
        ("single", {"position": point}, -1.0),
        ("colored", {"color": "red"}, 1.0),
    ]


def test_numbers_in_a_grid_are_what_they_are_in_an_object() -> None:
    for entry in ({"for": {"count": [2, 3]}}, {"asked": [{"count": 2}]}):
        run = run_with(composed=[{"model": "counted", "told": "case"}], cases=[entry])
        assert told(run, "2") == [("counted", {"count": "2"}, 1.0)]


def test_what_is_told_whatever_the_case_may_be_asked_for() -> None:
    composed = [{"model": "single", "told": "case"}, {"model": "colored", "told": {"color": "red"}}]
    red = {"cases": [{"for": {"place": [1]}, "asked": [{"color": "red"}], "same": True}]}
    run = run_with(composed=composed, **red)
    assert [told for _, told, _ in told(run, "p1-red")][1] == {"color": "red"}
    assert run.truth["p1-red"].asked[0].told["color"] == "red"
    negated = [composed[0], {**composed[1], "weight": -1}]
    for wrong in (negated, [composed[0], {"model": "colored", "told": {"color": "blue"}}]):
        with pytest.raises(ConfigError, match="expected a model that is told color"):
            run_with(composed=wrong, **red)
    run_with(composed=negated, cases=[{"asked": [{"place": 1, "not": {"color": "red"}}]}])


def test_unconditional_models_are_a_list_too() -> None:
    short = run_with(models=["single", "colored"], num_objects=[1])
    long = run_with(composed=[{"model": "single"}, {"model": "colored"}], num_objects=[1])
    assert short.cases["X"] == long.cases["X"]
    assert "X" in tables(long)["mixture"].settings.cases


def test_the_leaderboard_knows_what_a_list_composes() -> None:
    twin = {"composed": [{"model": "single", "told": "case"}, {"model": "colored"}], "exact": True}
    run = run_with(**twin, num_composed=[2])
    methods = tables(run)["leaderboard"].settings.methods
    assert (methods["X"].kind, methods["X-exact"].kind) == ("network", "exact")
    assert methods["X"].model == methods["A"].model
    assert methods["X"].operator == methods["A"].operator
    weighed = run_with(composed=[{**twin["composed"][0], "weight": 2}], num_composed=[2])
    told = tables(weighed)["leaderboard"].settings.methods["X"].operator
    assert told == f"{methods['A'].operator}, weights 2"


def test_colours_are_paired_by_a_list_as_by_its_short_form() -> None:
    pairs = {"color_pairs": [["red", "blue"]]}
    short = tables(run_with(conditionals="colored", **pairs))
    long = tables(run_with(composed=[{"model": "colored", "told": "case"}], **pairs))
    assert {name for name in long if name.endswith("_X")} == {
        name for name in short if name.endswith("_X")
    }
    assert long["pairs_X"].settings.datasets == short["pairs_X"].settings.datasets
    third = [{"model": "colored", "told": "case"}, {"model": "single"}]
    assert "interaction_X" not in tables(run_with(composed=third, **pairs))


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
                "cases": [
                    {"asked": [{"not": {"color": "red"}}, {"not": {"color": "blue"}}], "same": True}
                ],
            },
            "X.cases.0.same: expected one color in `not` of one object, got 2",
        ),
        (
            {
                "composed": PLACE_AND_COLOR,
                "cases": [
                    {"for": {"place": [1]}, "asked": [{"position": [0.5, 0.5]}], "same": True}
                ],
            },
            "X.cases.0.same: expected one position of one object, got 2",
        ),
        (
            {
                "composed": COLORED,
                "cases": [{"asked": [{"color": "red", "not": {"color": "red"}}]}],
            },
            "X.cases: expected color asked for or in `not` of one object, got red in both",
        ),
        (
            {"composed": COLORED, "cases": [{"asked": [{"not": {}}]}]},
            "X.cases.0.asked.0: expected something in not",
        ),
        (
            {
                "composed": [{"model": "counted", "told": "case"}],
                "cases": [{"asked": [{"count": 2}, {"count": 3}]}],
            },
            "X.cases: expected one count of a picture, got 2 and 3",
        ),
        (
            {
                "composed": [{"model": "counted", "told": "case"}, COLORED[0]],
                "cases": [{"asked": [{"count": 1}, {"color": "red"}]}],
            },
            "X.cases: expected a count of at least the 2 objects, got 1",
        ),
        (
            {
                "composed": [{"model": "both", "told": "case"}],
                "cases": [{"asked": [{"color": "purple", "shape": "cylinder"}] * 13}],
            },
            "X.cases: expected names of at most 200 letters, got ",
        ),
        (
            {
                "composed": [{"model": "counted", "told": "case"}],
                "cases": [{"for": {"count": [9]}}],
            },
            "X.composed.0: expected a count that counted learns (1, 2, 3, 4, 5), got 9",
        ),
        (
            {"composed": [{**COLORED[0], "weight": -1}], "cases": ONE},
            "X.composed.0.weight: expected at least 0 beside told: case, got -1",
        ),
        (
            {"composed": [*COLORED, {"model": "full", "told": "empty"}], "cases": ONE},
            "X.composed.1.told: expected a model that also learns from empty scenes",
        ),
        (
            {
                "composed": COLORED,
                "operator": "average",
                "background": None,
                "cases": [{"asked": [{"not": {"color": "blue"}}]}],
            },
            "X.composed: expected weights of a positive sum",
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
