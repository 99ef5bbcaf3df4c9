"""The rows of figures and tables name the files that are read: no less, and no more."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from known_config import known
from made_up_results import copied, write_results
from matplotlib.figure import Figure

from projcomp.errors import FileFormatError
from projcomp.evaluation.make_table import KINDS as TABLE_KINDS
from projcomp.evaluation.make_table import kind_module
from projcomp.folder import Folder
from projcomp.plan.figures import FIGURES
from projcomp.plan.load import load
from projcomp.plan.plan import Plan
from projcomp.plan.tables import TABLES
from projcomp.reporting.draw import KINDS as FIGURE_KINDS
from projcomp.reporting.draw import drawer
from projcomp.reporting.style import plain_style

PAIRS = [["gray", "red"], ["gray", "blue"], ["red", "blue"], ["red", "green"]]
PAIRS += [["blue", "cyan"], ["green", "cyan"], ["cyan", "yellow"]]
COLORED = {
    "conditionals": "colored",
    "background": {"model": "colored", "condition": "empty"},
    "num_samples": 4,
}
OVER_EMPTY = {
    "conditionals": "single",
    "background": {"model": "single", "condition": "empty"},
    "num_samples": 4,
}
NEGATED = {"name": "product", "weights": [1, -0.5]}
RUN = load(
    known(
        {
            "models": {
                "pictures": {"exact": "pictures", "condition": "none"},
                "pipe": {"pipeline": "pipe"},
                "told_nothing": {
                    "datasets": {"single": 1},
                    "condition": "none",
                    "images_seen": 640,
                },
                "other": {
                    "datasets": {"single": 0.9, "empty": 0.1},
                    "condition": "position",
                    "images_seen": 640,
                },
            },
            "experiments": {
                "A": {"num_composed": [0, 1, 2, 4], "exact": True},
                "A_other": {
                    **OVER_EMPTY,
                    "conditionals": "other",
                    "background": {"model": "other", "condition": "empty"},
                    "num_composed": [0, 1, 2, 4],
                    "exact": True,
                },
                "avoiding": {**OVER_EMPTY, "operator": NEGATED, "num_composed": [2]},
                "background": {**OVER_EMPTY, "num_composed": [0]},
                "colors": {"color_pairs": PAIRS, "single_colors": ["red", "cyan"]},
                "not_blue": {**COLORED, "operator": NEGATED, "color_pairs": [["red", "blue"]]},
                "places": {**OVER_EMPTY, "location_pairs": [[1, 2], [1, 9]]},
                "judged": {
                    **OVER_EMPTY,
                    "num_composed": [1, 2],
                    "sampling": {"densities": {"num_levels": 3}},
                },
                "far": {**OVER_EMPTY, "places": "spread", "num_composed": [0, 2, 4]},
                "far_pairs": {**OVER_EMPTY, "places": "spread", "location_pairs": [[1, 2], [1, 9]]},
                "described": {
                    "composed": [
                        {"model": "other", "told": "case"},
                        {"model": "colored", "told": "case"},
                    ],
                    "background": {"model": "other", "condition": "empty"},
                    "cases": [{"for": {"place": [1, 2], "color": ["red", "blue"]}}],
                    "num_samples": 4,
                    "exact": True,
                },
                "prompted": {
                    "conditionals": "pipe",
                    "background": {"model": "pipe", "condition": "unconditional"},
                    "prompts": [["an otter", "a heron"]],
                    "num_samples": 4,
                },
                "filed": {"models": ["pictures"], "operator": "average", "num_samples": 4},
                "mixed": {
                    "models": ["told_nothing"],
                    "operator": "average",
                    "num_objects": [1],
                    "num_samples": 4,
                },
            },
            "labels": {"form": ["bar", "cross"]},
            "datasets": {"pictures": {"file": "a.npz", "labels": {"form": "form"}}},
            "evaluation": {
                "locality": {},
                "judge": {"name": "own", "file": "judge.py"},
                "classifier": {"dataset": "pictures", "label": "form", "reference": "pictures"},
            },
            "sweeps": {
                "S": {
                    **OVER_EMPTY,
                    "num_composed": [2],
                    "operators": {"p": "product"},
                    "samplers": {"heun": {}, "lift": {"complift": {}}},
                }
            },
        }
    )
)
PLAN = Plan(RUN)
DRAWN = [name for name in PLAN.figures if not name.startswith("theory_")]
"""The exact experiments are drawn in test_theory_figures.py."""


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """The folder of the run with made-up results of everything."""
    root = str(tmp_path_factory.mktemp("run"))
    plan = Plan(replace(RUN, config=RUN.config.model_copy(update={"root": root})))
    write_results(plan)
    return plan.folder


def without_each(files: list[str], made_up: Folder, root: Path):
    """The folder with all of ``files`` but one, for each of them, and the name of that one.

    The middle of a long list is of cases that are read as those at its ends are.
    """
    folder = copied(files, made_up, root)
    for path in files if len(files) <= 24 else [*files[:8], *files[-4:]]:
        taken = root / Path(path).relative_to(made_up.root)
        aside = taken.rename(root / "aside")
        yield folder, str(taken)
        aside.rename(taken)


def test_every_kind_has_a_row_and_is_tried() -> None:
    assert {row.kind for row in FIGURES} == set(FIGURE_KINDS)
    assert {row.kind for row in TABLES} == set(TABLE_KINDS)
    assert {PLAN.figures[name].row.kind for name in DRAWN} == set(FIGURE_KINDS) - {"theory"}
    assert {table.row.kind for table in PLAN.tables.values()} == set(TABLE_KINDS)


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_reads_nothing_but_what_its_row_says(name, made_up, tmp_path) -> None:
    figure = PLAN.figures[name]
    folder = copied(figure.reads(made_up), made_up, tmp_path)
    with plain_style():
        drawn = drawer(figure.row.kind)(figure.settings, folder)
    assert isinstance(drawn, Figure)
    assert drawn.axes


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_reads_all_that_its_row_says(name, made_up, tmp_path) -> None:
    figure = PLAN.figures[name]
    for folder, taken in without_each(figure.reads(made_up), made_up, tmp_path):
        with plain_style(), pytest.raises(FileFormatError) as caught:
            drawer(figure.row.kind)(figure.settings, folder)
        assert re.fullmatch(rf"{taken}: .*expected.*, got no .*", str(caught.value))


@pytest.mark.parametrize("name", PLAN.tables)
def test_a_table_reads_nothing_but_what_its_row_says(name, made_up, tmp_path) -> None:
    table = PLAN.tables[name]
    module, folder = kind_module(table.row.kind), copied(table.reads(made_up), made_up, tmp_path)
    computed = module.table(table.settings, folder)
    assert list(computed.columns) == module.COLUMNS
    assert len(computed) > 0


@pytest.mark.parametrize("name", PLAN.tables)
def test_a_table_reads_all_that_its_row_says(name, made_up, tmp_path) -> None:
    table = PLAN.tables[name]
    for folder, taken in without_each(table.reads(made_up), made_up, tmp_path):
        with pytest.raises(FileFormatError) as caught:
            kind_module(table.row.kind).table(table.settings, folder)
        assert re.fullmatch(rf"{taken}: .*expected.*, got no .*", str(caught.value))


def test_distances_of_pairs_and_attributes_are_of_all_requests_together() -> None:
    pairs = ["-".join(pair) for pair in PAIRS]
    settings = PLAN.tables["distance_colors"].settings
    assert settings.cases == {"colors": pairs, "truth": pairs}  # single colours are controls
    assert settings.places == {}
    assert PLAN.tables["distance_described"].settings.places == {}
    assert "distance_colors" not in PLAN.figures
    assert "distance_A" in PLAN.figures
    assert "colors" not in PLAN.tables["leaderboard"].settings.distances
    assert "memorised_colors" not in PLAN.tables


def test_a_gap_of_densities_is_of_several_distributions() -> None:
    assert PLAN.tables["densities"].settings.cases == {"judged": ["k2"]}


def test_a_grid_shows_the_background_only_where_there_is_nothing_else() -> None:
    assert PLAN.figures["grid_A"].settings.cases == {"A": ["k1", "k2", "k4"]}
    assert PLAN.figures["grid_background"].settings.cases == {"background": ["k0"]}


def test_histograms_are_of_single_colours_against_the_background() -> None:
    settings = PLAN.figures["rgb_colors"].settings
    assert settings.cases == {"colors": ["red", "cyan"], "truth": ["red", "cyan"]}
    assert settings.datasets == ["empty"]
    assert "rgb_not_blue" not in PLAN.figures


def test_pairs_alone_have_an_interaction_and_single_colours_are_controls() -> None:
    pairs = ["-".join(pair) for pair in PAIRS]
    assert PLAN.tables["interaction_colors"].settings.cases == {"colors": pairs}
    settings = PLAN.tables["pairs_colors"].settings
    assert settings.cases == {"colors": [*pairs, "red", "cyan"]}
    assert settings.requested["red-blue"] == ["red", "blue"]
    assert settings.requested["cyan"] == ["cyan"]
    assert settings.datasets == {"colored": 0.9}
    assert PLAN.tables["pairs_truth"].settings.datasets == {}
    assert PLAN.tables["pairs_not_blue"].settings.requested == {}


def test_networks_that_compose_the_same_are_set_side_by_side() -> None:
    settings = PLAN.tables["local_A"].settings
    assert settings.deltas == {"A": ("single", "single empty"), "A_other": ("other", "other empty")}
    assert settings.cases == {"A": ["k2", "k4"], "A_other": ["k2", "k4"]}
    assert [name for name in PLAN.tables if name.startswith("local")] == ["local_A"]


def test_projections_are_of_places_and_the_truth_is_not_of_clutter() -> None:
    settings = PLAN.tables["projection_A"].settings
    assert settings.cases == {name: ["k0", "k1", "k2", "k4"] for name in ("A", "truth")}
    assert PLAN.tables["distance_A"].settings.cases["truth"] == ["k1", "k2", "k4"]
    # members of a sweep stand in one table, but for what CompLift judges
    assert PLAN.tables["distance_S"].settings.cases == {"S-p-heun": ["k2"], "truth": ["k2"]}
    ranked = PLAN.tables["leaderboard"].settings.distances
    assert ranked["S-p-heun"] == "S"
    assert ranked["A"] == "A"
    assert set(PLAN.tables["memorised_A-exact"].settings.datasets) == {"single", "empty"}
    assert set(PLAN.tables["projection_C"].settings.cases) == {"C"}
    absent = {"distance_C", "memorised_C", "projection_background", "projection_avoiding"}
    assert not {*absent, "projection_places", "projection_not_blue"} & set(PLAN.tables)
    assert "projection_colors" in set(PLAN.tables) - set(PLAN.figures)
    assert not PLAN.tables["projection_colors"].settings.threshold


def test_no_file_is_named_twice() -> None:
    folder = PLAN.folder
    for shown in [*PLAN.figures.values(), *PLAN.tables.values()]:
        reads = shown.reads(folder)
        assert len(reads) == len(set(reads)), shown.settings.name
