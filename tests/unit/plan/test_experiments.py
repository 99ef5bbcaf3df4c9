"""Experiments and sweeps as they are run: members, streams, settings, tables."""

import itertools
from typing import Any

import pytest
from known_config import known
from pydantic import ValidationError

from projcomp.errors import ConfigError
from projcomp.plan import stages
from projcomp.plan.cases import location_case
from projcomp.plan.figures import figures
from projcomp.plan.load import load
from projcomp.plan.plan import Plan
from projcomp.plan.run import Run
from projcomp.plan.tables import tables
from projcomp.settings.case import Case

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


def run_with(**sections: Any) -> Run:
    return load(known(sections))


def test_a_sweep_is_the_grid_of_what_goes_together() -> None:
    run = run_with(sweeps={"S": SWEEP})
    grid = {(m.operator, m.sampler): m.refused for m in run.grids["S"]}
    assert len(grid) == 9
    refused = {pair for pair, why in grid.items() if why}
    assert refused == {("and", "heun"), ("and", "swarm")}
    names = {f"S-{operator}-{sampler}" for operator, sampler in set(grid) - refused}
    assert set(run.experiments) == {"A", "B", "C", "colors", *names}


def test_an_experiment_may_start_from_anothers_noise_and_is_compared_in_pairs() -> None:
    other = {
        "conditionals": "single",
        "operator": "bayes",
        "num_composed": [2],
        "num_samples": 4,
        "noise_of": "A",
    }
    run = run_with(experiments={"other": other})
    assert stages.sample_settings(run, "other", "k2").stream == "A"
    methods = Plan(run).tables["leaderboard"].settings.methods
    assert methods["other"].stream == methods["A"].stream == "A"
    assert methods["B"].stream == "B"
    with pytest.raises(ConfigError, match=r"experiments.other.noise_of: expected a name under"):
        run_with(experiments={"other": {**other, "noise_of": "D"}})
    chain = {"other": other, "third": {**other, "noise_of": "other"}}
    with pytest.raises(ConfigError, match=r"with noise of its own, got other; name one"):
        run_with(experiments=chain)
    with pytest.raises(ConfigError, match=r"expected another experiment, with noise of its own"):
        run_with(experiments={"other": {**other, "noise_of": "other"}})
    with pytest.raises(ConfigError, match=r"noise_of: expected an experiment with cases of"):
        run_with(experiments={"other": {**other, "noise_of": "colors"}})


def test_members_share_their_requests_and_their_noise() -> None:
    run = run_with(sweeps={"S": SWEEP}, sampling={"num_steps": 5})
    product = stages.sample_settings(run, "S-p-sde", next(iter(run.cases["S-p-sde"])))
    bayes = stages.sample_settings(run, "S-b-heun", next(iter(run.cases["S-b-heun"])))
    assert product.stream == bayes.stream == "S"
    assert product.case == bayes.case
    assert (product.sampling.num_steps, bayes.sampling.num_steps) == (7, 5)
    assert product.sampling.sampler.name == "sde"
    assert product.background is not None
    assert product.background.condition == "empty"
    assert bayes.background is not None
    assert bayes.background.condition == "unconditional"
    and_ = stages.sample_settings(run, "S-and-sde", next(iter(run.cases["S-and-sde"])))
    assert and_.background is None


def test_an_experiment_changes_only_the_settings_that_it_names() -> None:
    own = {"sampler": "euler", "precision": "fp32"}
    run = run_with(experiments={"A": {"sampling": own}}, sampling={"num_steps": 5})
    changed = run.experiments["A"].sampling
    assert (changed.sampler.name, changed.precision, changed.num_steps) == ("euler", "fp32", 5)
    assert run.experiments["B"].sampling == run.config.sampling


def test_null_takes_back_what_all_experiments_have() -> None:
    run = run_with(
        experiments={"A": {"sampling": {"corrector": None}}}, sampling={"corrector": "langevin"}
    )
    assert run.experiments["A"].sampling.corrector is None
    assert run.experiments["B"].sampling.corrector is not None


def test_a_sweep_is_in_its_own_table_and_figure_only() -> None:
    run = run_with(sweeps={"S": SWEEP})
    table = tables(run)["sweep_S"].settings
    assert table.members["S-and-sde"] == ("and", "sde")
    assert len(table.members) == 7
    drawn = {name: figure.settings for name, figure in figures(run).items()}
    assert drawn["sweep_S"].cases == table.cases
    assert "grid_S-p-heun" not in drawn
    assert set(drawn["counts"].cases) == {"A", "B", "C", "truth"}
    assert "k3" in Plan(run).run.cases["truth"]
    assert "k3" not in drawn["counts"].cases["truth"]
    plan = Plan(run)
    assert plan.table_inputs("sweep_S") == ["results/summary.csv"]
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
    run = run_with(experiments={"colors": change})
    assert ("interaction_colors" in tables(run)) == measured


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, ["red-cube", "blue-cube"]),
        ({"composed": [{"model": "described", "told": "case"}]}, None),  # one distribution
        ({"composed": [{"model": "described", "told": "case"}] * 2}, None),  # both are told both
        ({"composed": [{"model": "described", "told": "case"}, {"model": "single"}]}, None),
        ({"cases": [{"asked": [{"color": "red"}, {"shape": "cube"}]}]}, None),  # two objects
        ({"cases": [{"asked": [{"shape": "cube", "not": {"color": "red"}}]}]}, None),
        ({"operator": "average", "background": None}, None),
    ],
)
def test_two_values_of_one_object_are_a_pair_whose_interaction_is_told(
    change: dict[str, Any], told: list[str] | None
) -> None:
    kinds = ["color", "shape"]
    entry = {
        "composed": [{"model": "described", "told": "case", "only": [kind]} for kind in kinds],
        "background": {"model": "described", "condition": "unconditional"},
        "cases": [{"for": {"color": ["red", "blue"], "shape": ["cube"]}}],
        "num_samples": 4,
    }
    described = {"datasets": {"single": 0.9, "empty": 0.1}, "condition": kinds, "images_seen": 64}
    run = run_with(models={"described": described}, experiments={"both": {**entry, **change}})
    table = tables(run).get("interaction_both")
    assert (table and table.settings.cases["both"]) == told
    for figure in ("interaction_both", "overlap_both"):
        assert (figure in figures(run)) == (told is not None)


def test_mixtures_stand_beside_the_truth() -> None:
    run = run_with(
        experiments={
            "choice": {**MIXTURE, "operator": "random_choice"},
            "alone": {**MIXTURE, "models": ["single"], "operator": "average"},
        }
    )
    table = tables(run)["mixture"].settings
    assert table.cases == {"choice": ["n1"], "alone": ["n1"], "truth": ["n1"]}
    assert table.colors == run.config.scene.colors
    plan = Plan(run)
    assert plan.table_inputs("mixture") == [
        f"results/{name}/n1.csv" for name in ("choice", "alone", "truth")
    ]
    assert [path.split("/")[1] for path in plan.models_of("choice")[::2]] == ["single", "colored"]


def test_models_beside_conditions_are_waited_for_and_no_pair_is_read_off_them() -> None:
    entry = {"conditionals": "single", "models": ["colored"], "num_samples": 4}
    over = {"background": {"model": "single", "condition": "empty"}}
    run = run_with(experiments={"mixed": {**entry, **over, "location_pairs": [[1, 5]]}})
    names = [path.split("/")[1] for path in Plan(run).models_of("mixed")[::2]]
    assert names == ["single", "colored"]
    assert "interaction_mixed" not in tables(run)
    settings = stages.sample_settings(run, "mixed", next(iter(run.cases["mixed"])))
    assert (settings.conditionals, settings.models) == ("single", ["colored"])


def test_what_complift_judges_stands_in_its_own_table_alone() -> None:
    judged = {"p": "product"}, {"plain": {}, "judged": {"complift": {}}}
    sweep = {**SWEEP, "num_composed": [0, 2], "operators": judged[0], "samplers": judged[1]}
    found = tables(run_with(sweeps={"S": sweep}))
    assert set(found["sweep_S"].settings.members) == {"S-p-plain"}
    assert found["selected"].settings.cases == {
        "S-p-judged": ["k2"]
    }  # of nothing, nothing is judged
    alone = {**sweep, "samplers": {"judged": {"complift": {}}}}
    assert "sweep_S" not in tables(run_with(sweeps={"S": alone}))


def test_cases_that_avoid_a_place_are_drawn_but_not_against_k() -> None:
    avoiding = {"operator": {"name": "product", "weights": [1, -0.5]}, "num_composed": [2]}
    run = run_with(experiments={"A": {**avoiding, "num_samples": 4}})
    (name,) = (case.name for case in run.cases["A"].values())
    drawn = {name: figure.settings for name, figure in figures(run).items()}
    assert name == "k1-not1"
    assert drawn["grid_A"].cases == {"A": [name]}
    for kind in ("counts", "rates"):
        assert "A" not in drawn[kind].cases
        assert "B" in drawn[kind].cases
        assert name not in drawn[kind].cases["truth"]


def test_a_control_is_a_model_to_wait_for() -> None:
    control = {"model": "colored", "condition": "empty"}
    run = run_with(experiments={"A": {"control": control}})
    assert "models/colored/model.json" in Plan(run).models_of("A")


def test_a_datasets_colours_are_its_own() -> None:
    plain, own = run_with(), run_with(datasets={"single": {"colors": ["red", "blue"]}})
    assert stages.render_settings(own, "single").scene.colors == ["red", "blue"]
    assert Plan(own).render_settings("single") != Plan(plain).render_settings("single")
    for name in ("empty", "colored"):
        assert Plan(own).render_settings(name) == Plan(plain).render_settings(name)


def test_a_datasets_sizes_are_its_own() -> None:
    plain, own = run_with(), run_with(datasets={"single": {"sizes": ["small"]}})
    assert stages.render_settings(own, "single").scene.sizes == ["small"]
    assert stages.render_settings(plain, "single").scene.sizes == plain.config.scene.sizes
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
