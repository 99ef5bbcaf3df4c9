"""Exact models in a plan: no training, renders as inputs, and a twin for every experiment asked."""

import json

import pytest

from projcomp.errors import ConfigError
from projcomp.plan.load import load
from projcomp.plan.plan import Plan

NETWORK = {
    "datasets": {"single": 0.85, "empty": 0.15},
    "condition": "position",
    "images_seen": 120_000,
}
A = {
    "conditionals": "single",
    "background": {"model": "single", "condition": "empty"},
    "num_composed": [1, 2],
    "num_samples": 4,
}


def plan(models: dict, experiments: dict, sweeps: dict | None = None) -> Plan:
    return Plan(load({"models": models, "experiments": experiments, "sweeps": sweeps or {}}))


def test_an_exact_model_is_never_trained_and_is_made_of_renders() -> None:
    models = {
        "perfect": {"exact": "single", "condition": "position"},
        "bare": {"exact": "empty", "condition": "none"},
    }
    background = {"model": "bare", "condition": "unconditional"}
    found = plan(models, {"P": {**A, "conditionals": "perfect", "background": background}})
    assert found.sample_inputs("P") == ["data/single.h5", "data/empty.h5"]
    assert found.job_counts()["train_model"] == found.job_counts()["check_model"] == 0
    assert not [path for path in found.intermediates() if "models/perfect" in path]
    settings = json.loads(found.sample_settings("P", "k1"))
    assert settings["exact"]["perfect"]["datasets"] == {"single": 1.0}
    assert settings["exact"]["bare"]["condition"] == "none"


def test_a_twin_asks_the_same_of_exact_models_with_the_same_noise() -> None:
    found = plan({"single": NETWORK}, {"A": {**A, "exact": True}})
    assert list(found.run.own) == ["A", "A-exact"]
    trained, exact = (json.loads(found.sample_settings(name, "k2")) for name in ("A", "A-exact"))
    assert "exact" not in trained
    assert exact["exact"]["single-exact"]["datasets"] == NETWORK["datasets"]
    assert exact["conditionals"] == exact["background"]["model"] == "single-exact"
    for same in ("stream", "seed", "case", "operator", "sampling", "num_samples"):
        assert exact[same] == trained[same]
    assert found.sample_inputs("A-exact") == ["data/single.h5", "data/empty.h5"]
    assert found.run.networks == ["single"]


def test_a_twin_has_its_networks_bandwidth() -> None:
    found = plan({"single": {**NETWORK, "bandwidth": 0.2}}, {"A": {**A, "exact": True}})
    settings = json.loads(found.sample_settings("A-exact", "k1"))
    assert settings["exact"]["single-exact"]["bandwidth"] == 0.2


def test_asking_for_a_twin_changes_nothing_of_the_experiment() -> None:
    with_twin = plan({"single": NETWORK}, {"A": {**A, "exact": True}})
    without = plan({"single": NETWORK}, {"A": A})
    assert with_twin.sample_settings("A", "k1") == without.sample_settings("A", "k1")
    assert with_twin.train_settings("single") == without.train_settings("single")


@pytest.mark.parametrize(
    ("model", "line"),
    [
        (
            {"exact": "single", "condition": "none", "images_seen": 5},
            "models.m.images_seen: expected none, because models.m is exact, got one; remove "
            "either",
        ),
        (
            {"condition": "none", "images_seen": 5000},
            "models.m.datasets: expected the name of at least one dataset, got none",
        ),
        (
            {"datasets": {"single": 1}, "condition": "none"},
            "models.m.images_seen: expected the length of the training, in images, got nothing",
        ),
        (
            {"exact": "single", "condition": "none", "window": 4},
            "models.m.window: expected an odd number of pixels, got 4; make it 5",
        ),
        (
            {**NETWORK, "window": 9},
            "models.m.window: expected none, because models.m is a network, got one; remove it",
        ),
    ],
)
def test_a_model_is_a_network_or_exact(model, line) -> None:
    experiment = {"models": ["m"], "operator": "average", "num_objects": [1], "num_samples": 4}
    with pytest.raises(ConfigError) as caught:
        plan({"m": model}, {"P": experiment})
    assert str(caught.value).startswith(f"config: {line}")


def test_a_twin_needs_networks_and_a_free_name() -> None:
    exact = {"exact": {"single": 0.85, "empty": 0.15}, "condition": "position"}
    with pytest.raises(ConfigError, match="expected networks to replace, got exact models alone"):
        plan({"single": exact}, {"A": {**A, "exact": True}})
    with pytest.raises(ConfigError, match=r"expected no experiments.A-exact, its twin's name"):
        plan({"single": NETWORK}, {"A": {**A, "exact": True}, "A-exact": A})
    with pytest.raises(ConfigError, match=r"expected no models.single-exact, its twin's name"):
        plan({"single": NETWORK, "single-exact": exact}, {"A": {**A, "exact": True}})


SWEEP = {
    **A,
    "operators": {"p": "product", "and": "superposition_and"},
    "samplers": {"heun": {}, "sde": {"sampler": "sde"}},
    "exact": True,
}


def test_a_sweep_has_an_exact_twin_of_every_member_on_its_noise() -> None:
    found = plan({"single": NETWORK}, {}, {"S": SWEEP})
    names = ["S-p-heun", "S-p-sde", "S-and-sde"]
    assert list(found.run.experiments) == [*names, *(f"{name}-exact" for name in names)]
    for name in names:
        trained, exact = (
            json.loads(found.sample_settings(one, "k2")) for one in (name, f"{name}-exact")
        )
        assert exact["conditionals"] == "single-exact"
        for same in ("stream", "seed", "case", "operator", "sampling", "num_samples"):
            assert exact[same] == trained[same]
    told = found.tables["sweep_S"].settings.members
    assert told["S-p-heun"] == ("p", "heun")
    assert told["S-p-heun-exact"] == ("p-exact", "heun")
    assert found.run.networks == ["single"]
    assert set(found.run.exact_experiments) == {f"{name}-exact" for name in names}
    without = plan({"single": NETWORK}, {}, {"S": {**SWEEP, "exact": False}})
    assert without.sample_settings("S-p-sde", "k1") == found.sample_settings("S-p-sde", "k1")


def test_a_sweeps_twins_need_networks_free_names_and_no_prompts() -> None:
    exact = {"exact": {"single": 0.85, "empty": 0.15}, "condition": "position"}
    with pytest.raises(ConfigError, match=r"sweeps.S.exact: expected networks to replace"):
        plan({"single": exact}, {}, {"S": SWEEP})
    with pytest.raises(ConfigError, match=r"expected no models.single-exact, its twin's name"):
        plan({"single": NETWORK, "single-exact": exact}, {}, {"S": SWEEP})
    named = {**SWEEP, "operators": {"p": "product", "p-exact": "bayes"}}
    with pytest.raises(ConfigError, match=r"sweeps.S.exact: expected no operator p-exact"):
        plan({"single": NETWORK}, {}, {"S": named})
    taken = {**A, "num_composed": [1]}
    with pytest.raises(ConfigError, match=r"got S-p-heun-exact from it and from experiments\."):
        plan({"single": NETWORK}, {"S-p-heun-exact": taken}, {"S": SWEEP})
    prompts = {"conditionals": "pipe", "prompts": [["an otter", "a heron"]], "num_samples": 2}
    prompts |= {name: SWEEP[name] for name in ("samplers", "exact")}
    prompts |= {"operators": {"or": "superposition_or"}}
    with pytest.raises(ConfigError, match=r"sweeps.S.exact: expected prompts, because a pipeline"):
        plan({"pipe": {"pipeline": "folder"}}, {}, {"S": prompts})


def test_what_is_known_before_any_training_shows_exact_models_and_the_truth_alone() -> None:
    pairs = {**A, "num_composed": None, "location_pairs": [[1, 2], [1, 3], [2, 3]]}
    found = plan({"single": NETWORK}, {"A": {**A, "exact": True}, "P": {**pairs, "exact": True}})
    targets = found.exact_targets()
    assert {path for path in targets if path.startswith("results/A")} == {
        "results/A-exact/k1.csv",
        "results/A-exact/k2.csv",
    }
    assert {"results/figures/grid_A-exact.png", "results/interaction_P-exact.csv"} <= set(targets)
    for name, figure in found.figures.items():
        reads = {*figure.reads(found.folder), *figure.settings.cases}
        if reads & {"A", "P", found.folder.summary()}:
            assert f"results/figures/{name}.png" not in targets
    assert not [path for path in targets if "ceiling" in path or "models/" in path]


def test_a_sweep_that_requests_attributes_has_a_table_of_what_became_of_them() -> None:
    asked = {
        "composed": [
            {"model": "renders", "told": "case", "only": ["color"]},
            {"model": "renders", "told": "case", "only": ["shape"]},
        ],
        "background": {"model": "renders", "condition": "unconditional"},
        "cases": [{"for": {"color": ["red"], "shape": "all"}}],
        "num_samples": 4,
    }
    samplers = {"heun": {}, "sde": {"sampler": "sde"}}
    sweep = {**asked, "operators": {"product": "product"}, "samplers": samplers}
    models = {"renders": {"exact": "single", "condition": ["color", "shape"]}}
    found = plan(models, {"one": asked}, {"tried": sweep})
    shown = found.tables["binding_tried"].settings
    assert list(shown.cases) == ["tried-product-heun", "tried-product-sde", "truth"]
    assert shown.asked == found.tables["binding_one"].settings.asked
    assert shown.datasets == {"single": 1.0}
    assert "binding_tried" in found.figures
    assert "attributes_tried" not in found.tables
