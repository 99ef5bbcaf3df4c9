"""Sets of places: cases, figures and datasets that count in another set than the grid."""

from typing import Any

import pytest
from known_config import known

from projcomp.errors import ConfigError
from projcomp.plan import stages
from projcomp.plan.figures import figures
from projcomp.plan.load import load
from projcomp.plan.overview import describe
from projcomp.plan.plan import Plan
from projcomp.plan.run import Run

OVER_EMPTY = {
    "conditionals": "single",
    "background": {"model": "single", "condition": "empty"},
    "num_samples": 4,
}
FAR = {**OVER_EMPTY, "places": "spread", "num_composed": [0, 1, 4, 9]}
FAR_PAIRS = {**OVER_EMPTY, "places": "spread", "location_pairs": "all"}


def run_with(**sections: Any) -> Run:
    return load(known(sections))


RUN = run_with(
    experiments={"A": {"num_composed": [0, 2, 4]}, "far": FAR, "far_pairs": FAR_PAIRS},
    datasets={"at": {"num_images": 20, "min_objects": 1, "max_objects": 1, "places": "spread"}},
)


def test_cases_of_another_set_tell_it_and_ask_for_its_places() -> None:
    points = RUN.config.places["spread"]
    assert list(RUN.cases["far"]) == ["k0", "spread-k1", "spread-k4", "spread-k9"]
    assert RUN.cases["far"]["spread-k4"].locations == points[:4]
    assert len(RUN.cases["far_pairs"]) == 36
    assert RUN.cases["far_pairs"]["spread-p2-p9"].locations == [points[1], points[8]]
    assert RUN.cases["truth"]["k4"].locations != RUN.cases["truth"]["spread-k4"].locations


def test_what_is_avoided_is_of_the_same_set() -> None:
    weights = {"operator": {"name": "product", "weights": [1, -1]}}
    (case,) = (
        run_with(experiments={"far": {**FAR, "num_composed": [2], **weights}}).cases["far"].values()
    )
    assert case.name == "spread-k1-not1"
    assert case.avoided_locations == [RUN.config.places["spread"][1]]


def test_a_sweep_counts_in_its_set() -> None:
    sweep = {**FAR, "num_composed": [2], "operators": {"p": "product"}, "samplers": {"heun": {}}}
    assert list(run_with(sweeps={"S": sweep}).cases["S-p-heun"]) == ["spread-k2"]


def test_each_set_has_its_own_curves_and_its_own_truth() -> None:
    drawn = {name: figure.settings.cases for name, figure in figures(RUN).items()}
    for kind in ("counts", "rates"):
        assert drawn[kind]["A"] == drawn[kind]["truth"] == ["k0", "k2", "k4"]
        assert "far" not in drawn[kind]
        names = ["k0", "spread-k1", "spread-k4", "spread-k9"]
        assert drawn[f"{kind}_spread"] == {"far": names, "truth": names}


def test_figures_know_backgrounds_and_fours_by_what_they_ask_for() -> None:
    drawn = {name: figure.settings.cases for name, figure in figures(RUN).items()}
    assert drawn["grid_far"] == {"far": ["spread-k1", "spread-k4", "spread-k9"]}
    assert drawn["samples4_far"] == {"far": ["spread-k4"]}
    assert drawn["samples4_truth"] == {"truth": ["k4", "spread-k4"]}
    assert drawn["unconditional"] == {"A": ["k0"], "far": ["k0"], "truth": ["k0"]}
    assert "interaction_far_pairs" in drawn


def test_a_dataset_at_places_is_told_the_points_and_others_nothing() -> None:
    settings = stages.render_settings(RUN, "at")
    assert settings.points == RUN.config.places["spread"]
    assert "spread" not in settings.model_dump_json()
    assert "points" not in stages.render_settings(RUN, "single").model_dump_json()
    assert type(settings).model_validate_json(settings.model_dump_json()) == settings


def test_a_moved_dataset_is_told_whose_scenes_it_has() -> None:
    settings = stages.render_settings(run_with(datasets={"at": CLUTTER}), "at")
    assert settings.moved_from == "cluttered"
    assert "moved_from" not in stages.render_settings(RUN, "at").model_dump_json()


def test_the_names_of_sets_change_no_render() -> None:
    renamed = run_with(
        places={"far": RUN.config.places["spread"]},
        datasets={"at": {"num_images": 20, "min_objects": 1, "max_objects": 1, "places": "far"}},
    )
    assert Plan(renamed).render_settings("at") == Plan(RUN).render_settings("at")


def test_the_overview_names_the_pairs_that_can_overlap() -> None:
    lines = describe(Plan(run_with(experiments={"far": FAR}, scene={"shapes": ["sphere"]})))
    assert "places spread: of 36 composed pairs none can overlap in the picture" in lines
    line = next(line for line in describe(Plan(RUN)) if line.startswith("places spread"))
    assert line == (
        "places spread: of 36 composed pairs 10 can overlap in the picture "
        "(p1-p9, p2-p5, p2-p7, p3-p5, p3-p6, p3-p9, p4-p6, p5-p7, p6-p8, p8-p9)"
    )
    (grid,) = (line for line in describe(Plan(RUN)) if line.startswith("places grid"))
    assert grid.startswith("places grid: of 6 composed pairs ")


ONE = {"num_images": 20, "min_objects": 1, "max_objects": 1}


def test_the_overview_names_places_of_which_nothing_is_learned() -> None:
    """The rules put objects within the extent alone; renders at the places have them."""

    def line(**sections: Any) -> str:
        places = {"two": [[0.5, 0.5], [0.5, 0.2]]}
        far = {**FAR, "places": "two", "num_composed": [2]} | sections.pop("far", {})
        run = run_with(places=places, experiments={"far": far}, **sections)
        (found,) = (one for one in describe(Plan(run)) if one.startswith("places two"))
        return found

    assert line().endswith("; no model has learned an object at p2")
    assert "no model" not in line(scene={"extent": 5.0})
    models = {"perfect": {"exact": {"at": 0.85, "empty": 0.15}, "condition": "position"}}
    far = {"conditionals": "perfect", "background": {"model": "perfect", "condition": "empty"}}
    at = {"at": {**ONE, "places": "two"}}
    assert "no model" not in line(far=far, models=models, datasets=at)
    assert "no model" in line(datasets=at)  # rendered, and learned by nobody who composes it


CLUTTER = {**ONE, "max_objects": 5, "places": "spread", "moved_from": "cluttered"}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown set": (
        {"experiments": {"far": {**FAR, "places": "sprad"}}},
        "experiments.far.places: expected a name under places (grid, spread, apart), got 'sprad'",
    ),
    "more than there are in the grid": (
        {"experiments": {"A": {"num_composed": [10]}}},
        "experiments.A.num_composed: expected at most 9, the number of places of grid, got 10",
    ),
    "more than there are": (
        {
            "places": {"two": [[0.3, 0.5], [0.7, 0.5]]},
            "experiments": {"far": {**FAR, "places": "two"}},
        },
        "experiments.far.num_composed: expected at most 2, the number of places of two, got 9",
    ),
    "a pair of more than there are": (
        {
            "places": {"two": [[0.3, 0.5], [0.7, 0.5]]},
            "experiments": {"far": {**FAR_PAIRS, "places": "two", "location_pairs": [[1, 3]]}},
        },
        "experiments.far.location_pairs: expected at most 2, the number of places of two, got 3",
    ),
    "pairs of one": (
        {"places": {"one": [[0.3, 0.5]]}, "experiments": {"far": {**FAR_PAIRS, "places": "one"}}},
        "experiments.far.places: expected at least two places for pairs, got one in one",
    ),
    "places of colours": (
        {"experiments": {"colors": {"places": "spread"}}},
        "experiments.colors.places: expected num_composed, location_pairs or cases beside it, got ",
    ),
    "a set called as the grid": (
        {"places": {"grid": [[0.3, 0.5]]}},
        "places.grid: expected another name, got one that is reserved",
    ),
    "a set of no file name": (
        {"places": {"a b": [[0.3, 0.5]]}},
        "places: expected names of letters, digits, _ and -, got 'a b'",
    ),
    "a long name": (
        {"places": {"a" * 41: [[0.3, 0.5]]}},
        "places: expected names of at most 40 letters, got ",
    ),
    "a place twice": (
        {"places": {"two": [[0.3, 0.5], [0.3, 0.5]]}},
        "places.two: expected every entry once, got (0.3, 0.5) twice",
    ),
    "no place": ({"places": {"none": []}}, "places.none: expected at least 1 entry, got []"),
    "a place out of the picture": (
        {"places": {"out": [[0.3, 1.5]]}},
        "places.out.0.1: expected a number of at most 1, got 1.5",
    ),
    "a place in the sky": (
        {"places": {"sky": [[0.5, 0.02]]}, "scene": {"camera_jitter": 2}},
        "places.sky: expected points on the ground, got (0.5, 0.02), above the horizon",
    ),
    "a dataset at an unknown set": (
        {"datasets": {"at": {**ONE, "places": "sprad"}}},
        "datasets.at.places: expected a name under places (grid, spread, apart), got 'sprad'",
    ),
    "a dataset at places without an object": (
        {"datasets": {"at": {**ONE, "min_objects": 0, "places": "spread"}}},
        "datasets.at.min_objects: expected at least 1, the object that stands at one of the places "
        "'spread', got 0",
    ),
    "a dataset at the edge": (
        {"places": {"edge": [[0.5, 0.0]]}, "datasets": {"at": {**ONE, "places": "edge"}}},
        "datasets.at.places: expected places where objects show at least "
        "scene.min_visible_pixels = 200 pixels, got (0.5, 0) of edge, where one shows ",
    ),
    "clutter around places off its ground": (
        {"datasets": {"at": {**ONE, "max_objects": 3, "places": "apart"}}},
        "datasets.at.places: expected places within scene.extent = 3, where objects stand, got ",
    ),
    "moved to nowhere": (
        {"datasets": {"at": {**CLUTTER, "places": None}}},
        "datasets.at.places: expected where objects of 'cluttered' move, got nothing",
    ),
    "moved from nowhere": (
        {"datasets": {"at": {**CLUTTER, "moved_from": "clutter"}}},
        "datasets.at.moved_from: expected a name under datasets (",
    ),
    "moved from a dataset at places": (
        {"datasets": {"at": CLUTTER, "cluttered": {"places": "spread"}}},
        "datasets.at.moved_from: expected a dataset without places, got cluttered (spread)",
    ),
    "moved from scenes of other numbers": (
        {"datasets": {"at": {**CLUTTER, "max_objects": 4}}},
        "datasets.at.max_objects: expected that of datasets.cluttered, 5, got 4",
    ),
    "moved from scenes of one object": (
        {"datasets": {"at": {**ONE, "places": "spread", "moved_from": "single"}}},
        "datasets.at.moved_from: expected datasets of more than one object, of which one moves",
    ),
    "one name for two requests": (
        {
            "places": {"p1": [[0.3, 0.5], [0.7, 0.5], [0.5, 0.7]]},
            "experiments": {
                "A": {
                    "num_composed": [3],
                    "operator": {"name": "product", "weights": [1, -1, 1]},
                },
                "other": {
                    **OVER_EMPTY,
                    "places": "p1",
                    "location_pairs": [[3, 2]],
                    "operator": {"name": "product", "weights": [1, -1]},
                },
            },
        },
        "experiments.other.places: expected cases of other names than those of another set, got "
        "p1-p3-not-p2; rename p1",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_one_line(name: str) -> None:
    change, told = WRONG[name]
    with pytest.raises(ConfigError) as caught:
        load(known(change))
    assert str(caught.value).startswith(f"config: {told}")
    assert "\n" not in str(caught.value)
