"""A model's own network: what it overrides, what trains again, and in which order trainings go."""

from pathlib import Path

import pytest
import yaml
from known_config import known

from projcomp.plan.load import load, load_files
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
        (
            {**LOCAL, "conditioning": "both"},
            "conditioned on position by embedding and map, sees 8 pixels far, "
            "an embedded condition reaches all",
        ),
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
    old = train_settings(load(known()), "single").model_dump(mode="json")
    assert old["network"] == {
        "channels": 16,
        "multipliers": [1, 2, 4],
        "blocks": 1,
        "attention_resolutions": [8],
        "position_frequencies": 32,
        "position_bandwidth": 4.0,
        "coordinate_planes": True,
        "sigma_data": 0.5,
    }
    new = train_settings(load(known({"network": LOCAL})), "single").model_dump_json()
    assert '"conditioning":"map"' in new


def test_an_override_by_the_default_stays_one_when_the_config_is_written_down() -> None:
    own = {"conditioning": "embedding", "blob_width": 0.047}
    change = {"network": {**LOCAL, "blob_width": 0.1}, "models": {"single": {"network": own}}}
    run = load(known(change))
    again = load(run.config.model_dump(mode="json", exclude_unset=True))
    assert train_settings(again, "single") == train_settings(run, "single")
    assert train_settings(run, "single").network.conditioning == "embedding"


def test_no_network_of_its_own_is_the_common_one() -> None:
    change = {"network": LOCAL, "models": {"single": {"network": None}}}
    run = load(known(change))
    assert train_settings(run, "single").network == run.config.network


def test_an_exact_twin_has_no_network() -> None:
    own = {"models": {"single": {"network": {"channels": 24}}}}
    run = load(known({**own, "experiments": {"A": {"exact": True}}}))
    assert run.models["single-exact"].network is None
    assert run.models["single-exact"].exact


def test_presets_are_merged_with_each_other_first_as_snakemake_does(tmp_path) -> None:
    texts = [
        yaml.safe_dump(known({"models": {"single": {"network": {"channels": 24, "blocks": 2}}}})),
        "models: {single: {network: null}}",
        "models: {single: {network: {blocks: 3}}}",
    ]
    files = [tmp_path / f"{number}.yaml" for number in range(3)]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    network = train_settings(load_files(files), "single").network
    assert (network.channels, network.blocks) == (24, 3)


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
    text = (Path(__file__).parents[3] / "workflow/rules/render.smk").read_text()
    shards = int(text.split("rule render_shard")[1].split("priority: ")[1].split()[0])
    assert all(shards < plan.training_priority(name) <= 89 for name in order)
