"""A superposition's guidance in the config: left out where it changes nothing."""

import pytest
from known_config import known
from pydantic import ValidationError

from projcomp.config.experiments import BackgroundConfig
from projcomp.config.operators import SuperpositionAnd, SuperpositionOr
from projcomp.plan.load import load

KINDS = (SuperpositionOr, SuperpositionAnd)


@pytest.mark.parametrize("kind", KINDS)
def test_settings_without_guidance_are_those_of_before_there_was_any(kind):
    assert "guidance" not in kind().model_dump(mode="json")
    assert kind().background_from == "none"
    assert kind(guidance=2).model_dump(mode="json")["guidance"] == 2
    assert kind(guidance=2).background_from == "given"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("guidance", [0, -1, 1e5])
def test_guidance_is_a_number_above_zero(kind, guidance):
    with pytest.raises(ValidationError, match="guidance"):
        kind(guidance=guidance)


def test_members_of_a_sweep_have_the_background_where_they_are_guided():
    sweep = {
        "conditionals": "single",
        "background": {"model": "single", "condition": "empty"},
        "num_composed": [2],
        "num_samples": 2,
        "operators": {
            "plain": "superposition_and",
            "guided": {"name": "superposition_and", "guidance": 2},
        },
        "samplers": {"sde": {"sampler": "sde"}},
    }
    run = load(known({"sweeps": {"tools": sweep}}))
    backgrounds = {member.operator: member.experiment.background for member in run.members["tools"]}
    assert backgrounds["plain"] is None
    assert backgrounds["guided"] == BackgroundConfig(model="single", condition="empty")
