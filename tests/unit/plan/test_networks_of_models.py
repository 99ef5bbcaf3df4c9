"""A model's own network: what it overrides, what trains again, and in which order trainings go."""

import pytest
from known_config import known

from projcomp.plan.load import load
from projcomp.plan.overview import describe
from projcomp.plan.plan import Plan
from projcomp.plan.stages import train_settings

LOCAL = {"multipliers": [1], "attention_resolutions": [], "conditioning": "map"}


def test_a_models_network_overrides_what_it_names_and_no_other_model() -> None:
    run = load(known({"models": {"single": {"network": {"channels": 24}}}}))
    plain = load(known())
    assert train_settings(run, "single").network.channels == 24
    assert train_settings(run, "single").network.multipliers == [1, 2, 4]
    for other in ("cluttered", "colored"):
        assert train_settings(run, other) == train_settings(plain, other)


def test_the_common_network_may_be_one_that_no_model_has() -> None:
    whole = {"network": {"multipliers": [1, 2, 4], "attention_resolutions": [8]}}
    change = {"network": LOCAL, "models": {"colored": whole}}
    assert train_settings(load(known(change)), "colored").network.conditioning == "map"


@pytest.mark.parametrize(
    ("network", "told"),
    [
        ({}, "conditioned on position by embedding, sees the whole picture"),
        (LOCAL, "conditioned on position by map, sees 8 pixels far"),
        ({**LOCAL, "blocks": 2}, "conditioned on position by map, sees 12 pixels far"),
        (
            {**LOCAL, "conditioning": "both", "multipliers": [1, 2, 4]},
            "conditioned on position by embedding and map, sees the whole picture",
        ),
    ],
)
def test_the_check_says_how_a_network_is_told_and_how_far_it_sees(network, told) -> None:
    plan = Plan(load(known({"models": {"single": {"network": network}}})))
    (line,) = (line for line in describe(plan) if line.startswith("model single:"))
    assert line.endswith(told)


def test_embedded_networks_have_the_settings_that_they_had() -> None:
    """So that nobody's training starts again: new fields show where they are used."""
    old = train_settings(load(known()), "single").model_dump_json()
    assert "conditioning" not in old
    assert "blob_width" not in old
    new = train_settings(load(known({"network": LOCAL})), "single").model_dump_json()
    assert '"conditioning":"map"' in new


def test_the_longest_training_goes_first_and_before_renders() -> None:
    change = {
        "models": {
            "cluttered": {"images_seen": 6400},
            "colored": {"network": {"channels": 32}},
        }
    }
    plan = Plan(load(known(change)))
    order = sorted(plan.run.networks, key=plan.training_priority, reverse=True)
    assert order == ["cluttered", "colored", "single"]
    assert all(80 <= plan.training_priority(name) <= 89 for name in order)
