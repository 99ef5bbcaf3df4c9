"""Which experiments are held against the exact composition over clutter follows from the config."""

from typing import Any

import pytest
from known_config import known

from projcomp.plan.clutter import clutter_of
from projcomp.plan.figures import figures
from projcomp.plan.load import load
from projcomp.plan.tables import tables
from projcomp.settings.report import Clutter

UNIFORM = [0, 0.2, 0.2, 0.2, 0.2, 0.2]
OWN_MODEL = {"model": "cluttered", "condition": "unconditional"}
OTHER = {"datasets": {"cluttered": 0.5, "counting": 0.5}, "condition": "none", "images_seen": 640}


def found(change: dict[str, Any], **sections: Any) -> Clutter | None:
    run = load(known({"experiments": {"C": change}, **sections}))
    return clutter_of(run, run.own["C"])


def test_bayes_over_pictures_of_several_objects_composes_clutter_whatever_its_name() -> None:
    run = load(known({"experiments": {"renamed": known()["experiments"]["C"], "C": None}}))
    expected = Clutter(datasets={"cluttered": 1}, counts=UNIFORM)
    assert {name: clutter_of(run, one) for name, one in run.own.items()} == {
        **dict.fromkeys(["A", "B", "colors"]),
        "renamed": expected,
    }
    assert tables(run)["clutter"].settings.clutter == {"renamed": expected}
    assert figures(run)["counts"].settings.clutter == ["renamed"]


def test_a_product_over_the_unconditional_model_of_the_same_pictures_is_bayes() -> None:
    clutter = found({"operator": "product", "background": OWN_MODEL})
    assert clutter is not None
    assert clutter.counts == UNIFORM


@pytest.mark.parametrize(
    "change",
    [
        {"operator": {"name": "bayes", "weights": 1.5}},
        {"operator": {"name": "bayes", "weights": [1, -1]}},
        {"operator": "average"},
        {"operator": "product", "background": {"model": "other", "condition": "unconditional"}},
    ],
)
def test_other_weights_operators_and_backgrounds_have_no_known_law(change: dict[str, Any]) -> None:
    assert found(change, models={"other": OTHER}) is None


LISTED = {"conditionals": None, "composed": [{"model": "cluttered", "told": "case"}]}


def test_a_list_of_what_is_composed_is_the_same_as_its_short_form() -> None:
    over = {"operator": "product", "background": OWN_MODEL}
    for change in (LISTED, {**LISTED, **over}):
        assert found(change) == found({})


@pytest.mark.parametrize(
    "change",
    [
        {"composed": [{"model": "cluttered", "told": "case", "weight": 1.5}]},
        {"composed": 2 * [{"model": "cluttered", "told": "case"}]},  # every place twice
        {"composed": [{"model": "cluttered", "told": "case"}, {"model": "other"}]},
        {"composed": [{"model": "single", "told": "case"}]},  # other pictures than the background's
        {"num_composed": None, "cases": [{"asked": [{"place": 1}]}]},
    ],
)
def test_other_lists_have_no_known_law(change: dict[str, Any]) -> None:
    over = {**LISTED, "operator": "product", "background": OWN_MODEL}
    assert found({**over, **change}, models={"other": OTHER}) is None


def test_a_background_that_is_told_something_is_no_clutter() -> None:
    told = {"model": "cluttered", "condition": {"position": [0.5, 0.5]}}
    assert found({"operator": "product", "background": told}) is None


def test_the_counts_are_of_all_datasets_by_their_shares() -> None:
    clutter = found({}, models={"cluttered": {"datasets": {"cluttered": 3, "single": 1}}})
    assert clutter is not None
    assert clutter.counts == pytest.approx([0, 0.25 + 0.15, 0.15, 0.15, 0.15, 0.15])


def test_without_clutter_there_is_no_such_table_and_no_setting_of_it() -> None:
    run = load(known({"experiments": {"C": None}}))
    assert "clutter" not in tables(run)
    assert "clutter" not in figures(run)["counts"].settings.model_dump_json()
    told = tables(run)["interaction_colors"].settings.model_dump()
    assert not {"clutter", "places", "radius", "datasets", "requested"} & set(told)


def test_single_colours_are_cases_beside_the_pairs() -> None:
    colors = {"color_pairs": [["red", "blue"]], "single_colors": ["red"]}
    run = load(known({"experiments": {"colors": colors}}))
    assert list(run.own["colors"].cases) == ["red-blue", "red"]
    assert run.own["colors"].cases["red"].num_conditions == 1
    assert "red" in run.truth
    everything = load(known({"experiments": {"colors": {"single_colors": "all"}}}))
    assert len(everything.own["colors"].cases) == 1 + 8
    alone = load(known({"experiments": {"colors": {**colors, "color_pairs": None}}}))
    assert list(alone.own["colors"].cases) == ["red"]
    assert not any(name.startswith(("pairs", "interaction")) for name in tables(alone))
