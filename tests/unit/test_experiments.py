"""Experiments and sweeps as they are run: members, streams, settings, tables."""

import itertools
from typing import Any

import pytest
from known_config import known
from pydantic import ValidationError

from projcomp import displays, stages
from projcomp.cases import Case, cases, location_case
from projcomp.config import Config
from projcomp.config_load import load
from projcomp.experiments import all_experiments, members
from projcomp.plan import Plan

EMPTY = {"model": "single", "condition": "empty"}
SWEEP = {
    "conditionals": "single",
    "background": EMPTY,
    "num_composed": [2, 3],
    "num_samples": 4,
    "operators": {"p": "product", "b": "bayes", "and": "superposition_and"},
    "samplers": {
        "heun": {},
        "sde": {"sampler": "sde", "num_steps": 7},
        "swarm": {"sampler": "sde", "swarm": {"particles": 3}},
    },
}
MIXTURE = {"models": ["single", "colored"], "num_objects": [1], "num_samples": 4}


def config_with(**sections: Any) -> Config:
    return load(known(sections))


def test_a_sweep_is_the_grid_of_what_goes_together() -> None:
    config = config_with(sweeps={"S": SWEEP})
    grid = {(m.operator, m.sampler): m.refused for m in members(config, "S")}
    assert len(grid) == 9
    refused = {pair for pair, why in grid.items() if why}
    assert refused == {("and", "heun"), ("and", "swarm")}
    names = {f"S-{operator}-{sampler}" for operator, sampler in set(grid) - refused}
    assert set(all_experiments(config)) == {"A", "B", "C", "colors", *names}


def test_members_share_their_requests_and_their_noise() -> None:
    config = config_with(sweeps={"S": SWEEP}, sampling={"num_steps": 5})
    product = stages.sample_settings(config, "S-p-sde", cases(config, "S-p-sde")[0])
    bayes = stages.sample_settings(config, "S-b-heun", cases(config, "S-b-heun")[0])
    assert product.stream == bayes.stream == "S"
    assert product.case == bayes.case
    assert (product.sampling.num_steps, bayes.sampling.num_steps) == (7, 5)
    assert product.sampling.sampler.name == "sde"
    assert product.background is not None
    assert product.background.condition == "empty"
    assert bayes.background is not None
    assert bayes.background.condition == "unconditional"
    and_ = stages.sample_settings(config, "S-and-sde", cases(config, "S-and-sde")[0])
    assert and_.background is None


def test_an_experiment_changes_only_the_settings_that_it_names() -> None:
    own = {"sampler": "euler", "precision": "fp32"}
    config = config_with(experiments={"A": {"sampling": own}}, sampling={"num_steps": 5})
    changed = all_experiments(config)["A"].sampling
    assert (changed.sampler.name, changed.precision, changed.num_steps) == ("euler", "fp32", 5)
    assert all_experiments(config)["B"].sampling == config.sampling


def test_null_takes_back_what_all_experiments_have() -> None:
    config = config_with(
        experiments={"A": {"sampling": {"corrector": None}}}, sampling={"corrector": "langevin"}
    )
    assert all_experiments(config)["A"].sampling.corrector is None
    assert all_experiments(config)["B"].sampling.corrector is not None


def test_a_sweep_is_in_its_own_table_and_figure_only() -> None:
    config = config_with(sweeps={"S": SWEEP})
    table = displays.tables(config)["sweep_S"]
    assert table.members["S-and-sde"] == ("and", "sde")
    assert len(table.members) == 7
    figures = displays.figures(config)
    assert figures["sweep_S"].cases == table.cases
    assert "grid_S-p-heun" not in figures
    assert set(figures["counts"].cases) == {"A", "B", "C", "truth"}
    assert "k3" in Plan(config)._cases["truth"]
    assert "k3" not in figures["counts"].cases["truth"]
    plan = Plan(config)
    assert plan.comparison_inputs("sweep_S") == ["results/summary.csv"]
    assert plan.figure_inputs("sweep_S") == ["results/sweep_S.csv"]
    assert "results/sweep_S.csv" in plan.targets()
    assert plan.job_counts()["sample_case"] == 5 + 7 * 2


@pytest.mark.parametrize(
    ("change", "measured"),
    [
        ({}, True),
        ({"operator": {"name": "product", "weights": 0.5}}, True),
        ({"operator": {"name": "product", "weights": [1, -1]}}, False),
        ({"operator": "average", "background": None}, False),
        ({"sampling": {"sampler": {"name": "heun", "churn": 0.1}}}, False),
    ],
)
def test_pairs_over_a_background_tell_their_interaction(
    change: dict[str, Any], measured: bool
) -> None:
    config = config_with(experiments={"colors": change})
    assert ("interaction_colors" in displays.tables(config)) == measured


def test_mixtures_stand_beside_the_truth() -> None:
    config = config_with(
        experiments={
            "choice": {**MIXTURE, "operator": "random_choice"},
            "alone": {**MIXTURE, "models": ["single"], "operator": "average"},
        }
    )
    table = displays.tables(config)["mixture"]
    assert table.cases == {"choice": ["n1"], "alone": ["n1"], "truth": ["n1"]}
    assert table.colors == config.scene.colors
    plan = Plan(config)
    assert plan.comparison_inputs("mixture") == [
        f"results/{name}/n1.csv" for name in ("choice", "alone", "truth")
    ]
    assert [path.split("/")[1] for path in plan.models_of("choice")[::2]] == ["single", "colored"]


def test_models_beside_conditions_are_waited_for_and_no_pair_is_read_off_them() -> None:
    entry = {"conditionals": "single", "models": ["colored"], "num_samples": 4}
    over = {"background": {"model": "single", "condition": "empty"}}
    config = config_with(experiments={"mixed": {**entry, **over, "location_pairs": [[1, 5]]}})
    names = [path.split("/")[1] for path in Plan(config).models_of("mixed")[::2]]
    assert names == ["single", "colored"]
    assert "interaction_mixed" not in displays.tables(config)
    settings = stages.sample_settings(config, "mixed", cases(config, "mixed")[0])
    assert (settings.conditionals, settings.models) == ("single", ["colored"])


def test_what_complift_judges_stands_in_its_own_table_alone() -> None:
    judged = {"p": "product"}, {"plain": {}, "judged": {"complift": {}}}
    sweep = {**SWEEP, "num_composed": [0, 2], "operators": judged[0], "samplers": judged[1]}
    tables = displays.tables(config_with(sweeps={"S": sweep}))
    assert set(tables["sweep_S"].members) == {"S-p-plain"}
    assert tables["selected"].cases == {"S-p-judged": ["k2"]}  # of nothing, nothing is judged
    alone = {**sweep, "samplers": {"judged": {"complift": {}}}}
    assert "sweep_S" not in displays.tables(config_with(sweeps={"S": alone}))


def test_cases_that_avoid_a_place_are_drawn_but_not_against_k() -> None:
    avoiding = {"operator": {"name": "product", "weights": [1, -0.5]}, "num_composed": [2]}
    config = config_with(experiments={"A": {**avoiding, "num_samples": 4}})
    (name,) = (case.name for case in cases(config, "A"))
    figures = displays.figures(config)
    assert name == "k1-not1"
    assert figures["grid_A"].cases == {"A": [name]}
    for kind in ("counts", "rates"):
        assert "A" not in figures[kind].cases
        assert "B" in figures[kind].cases
        assert name not in figures[kind].cases["truth"]


def test_a_control_is_a_model_to_wait_for() -> None:
    control = {"model": "colored", "condition": "empty"}
    config = config_with(experiments={"A": {"control": control}})
    assert "models/colored/model.json" in Plan(config).models_of("A")


def test_a_datasets_colours_are_its_own() -> None:
    plain, own = config_with(), config_with(datasets={"single": {"colors": ["red", "blue"]}})
    assert stages.render_settings(own, "single").scene.colors == ["red", "blue"]
    assert Plan(own).render_settings("single") != Plan(plain).render_settings("single")
    for name in ("empty", "colored"):
        assert Plan(own).render_settings(name) == Plan(plain).render_settings(name)


def test_a_case_asks_for_one_kind_of_thing():
    """Places and colours at once would be drawn as colours anywhere."""
    with pytest.raises(ValidationError, match="more than one of them"):
        Case(name="both", locations=[(0.5, 0.5)], colors=["red"])


@pytest.mark.parametrize("count", range(1, 6))
def test_cases_of_one_name_ask_for_the_same(count: int) -> None:
    known_cases: dict[str, Case] = {}
    for weights in itertools.product([1.0, -1.0], repeat=count):
        case = location_case(count, [weight > 0 for weight in weights])
        assert known_cases.setdefault(case.name, case) == case
    assert len(known_cases) == 2**count
    assert location_case(3, [True, True, False]).name == "k2-not1"
    assert location_case(3, [True, False, True]).name == "p1-p3-not-p2"
