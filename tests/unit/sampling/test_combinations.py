"""Every operator with every sampler: it runs, or the config refuses it; nothing in between."""

import itertools
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from known_config import known
from pixel_model import PixelModel

from projcomp.config.compatibility import refusal
from projcomp.config.experiments import BackgroundConfig
from projcomp.config.operators import OPERATORS
from projcomp.config.samplers import SAMPLERS, AnyCorrector, SamplingConfig
from projcomp.errors import ConfigError
from projcomp.plan.load import load
from projcomp.sampling.case import sample_case
from projcomp.settings.case import Case
from projcomp.settings.stages import SampleSettings

SIDE = 4
OWN = Path(__file__).parents[2] / "own"
CHOSEN = {
    "product": {"name": "product"},
    "guidance": {"name": "product", "weights": 1.5},
    "negation": {"name": "product", "weights": [1.0, -0.5]},
    "bayes": {"name": "bayes"},
    "simple_product": {"name": "simple_product"},
    "average": {"name": "average"},
    "or_ito": {"name": "superposition_or"},
    "or_published": {"name": "superposition_or", "estimator": "published_balance"},
    "or_balance": {"name": "superposition_or", "estimator": "detailed_balance"},
    "or_probe": {"name": "superposition_or", "estimator": "hutchinson", "temperature": 5.0},
    "or_guided": {"name": "superposition_or", "guidance": 2.0},
    "and": {"name": "superposition_and"},
    "and_corrected": {"name": "superposition_and", "form": "corrected", "lift": [1.0]},
    "and_ode": {"name": "superposition_and", "form": "ode"},
    "and_guided": {"name": "superposition_and", "form": "ode", "lift": [1.0], "guidance": 2.0},
    "random_choice": {"name": "random_choice"},
    "own": {"name": "own", "file": str(OWN / "product.py"), "settings": {"strength": 0.8}},
}
PREDICTORS = {
    "heun": {"name": "heun"},
    "churned": {"name": "heun", "churn": 0.1},
    "euler": {"name": "euler"},
    "sde": {"name": "sde"},
    "half": {"name": "sde", "noise_share": 0.5},
    "ancestral": {"name": "ancestral"},
    "own": {"name": "own", "file": str(OWN / "half_sde.py")},
}
CORRECTORS = {
    "alone": None,
    "langevin": {"name": "langevin", "steps": 2, "sigma_max": 5.0},
    "mala": {"name": "mala", "sigma_min": 0.1},
    "hmc": {"name": "hmc", "keep": 0.3},
}
SWARMS = {"single": None, "swarm": {"particles": 3}}
GRID = list(itertools.product(CHOSEN, PREDICTORS, CORRECTORS, SWARMS))


def settings_of(operator, predictor, corrector, swarm, **sampling):
    recipe = SamplingConfig(
        sampler=PREDICTORS[predictor],
        corrector=CORRECTORS[corrector],
        swarm=SWARMS[swarm],
        **{"num_steps": 3, "precision": "fp32", **sampling},
    )
    backgrounds = {"product": "empty", "bayes": "unconditional", "own": "empty"}
    guided = "empty" if "guidance" in CHOSEN[operator] else None
    condition = backgrounds.get(CHOSEN[operator]["name"], guided)
    return SampleSettings(
        seed=5,
        experiment="X",
        stream="X",
        case=Case(name="case", locations=[(0.1, 0.1), (0.9, 0.6)]),
        operator=CHOSEN[operator],
        conditionals="single",
        background=condition and BackgroundConfig(model="single", condition=condition),
        sampling=recipe,
        num_samples=3,
    )


def draw(settings):
    model = PixelModel(std=0.4, resolution=SIDE)
    return sample_case(settings, lambda name: model, torch.device("cpu"))


@pytest.mark.parametrize("operator", CHOSEN)
def test_what_is_not_refused_runs_and_does_not_depend_on_the_batch(operator):
    count = 0
    for combination in [names for names in GRID if names[0] == operator]:
        settings = settings_of(*combination)
        if refusal(settings.operator, settings.sampling):
            continue
        count += 1
        drawn = draw(settings)
        assert drawn.images.shape == (3, SIDE, SIDE, 3), combination
        assert drawn.images.std() > 5, combination
        # a network evaluation takes one sample's particles at a time
        alone = draw(settings_of(*combination, chunk_size=1))
        assert np.array_equal(alone.images, drawn.images), combination
        for name, values in drawn.measured.items():
            assert len(values) == 3, (combination, name)
            assert np.isfinite(values).all(), (combination, name)
            assert np.array_equal(alone.measured[name], values), (combination, name)
    assert count >= 1


@pytest.mark.parametrize("operator", CHOSEN)
def test_what_is_refused_would_not_have_run(operator):
    """The table is no stricter than the samplers; swarms of copies run, and mean nothing.

    So would operators that follow steps with a sampler of one's own, whose noise nobody knows.
    """
    known_steps = [names for names in GRID if names[1] != "own"]
    for combination in [names for names in known_steps if names[0] == operator]:
        settings = settings_of(*combination)
        refused = refusal(settings.operator, settings.sampling)
        if refused is None or "copies of a particle" in refused:
            continue
        with pytest.raises(ConfigError):
            draw(settings)


def test_the_config_refuses_in_one_line_that_says_what_to_change():
    for operator, predictor, corrector, swarm in GRID:
        settings = settings_of(operator, predictor, corrector, swarm)
        refused = refusal(settings.operator, settings.sampling)
        if refused is None:
            continue
        own = settings.sampling.model_dump(include={"sampler", "corrector", "swarm"})
        background = settings.background if settings.operator.background_from == "given" else None
        entry = {
            "conditionals": "single",
            "operator": CHOSEN[operator],
            "background": background and background.model_dump(),
            "num_composed": [2],
            "num_samples": 2,
            "sampling": own,
        }
        with pytest.raises(ConfigError) as caught:
            load(known({"experiments": {"X": entry}}))
        message = str(caught.value)
        assert message.startswith("config: experiments.X.sampling."), message
        assert "expected" in message
        assert "; " in message
        assert "\n" not in message


def test_every_operator_and_sampler_of_the_config_is_tried():
    assert {chosen["name"] for chosen in CHOSEN.values()} == {
        kind.model_fields["name"].default for kind in OPERATORS
    }
    assert {chosen["name"] for chosen in PREDICTORS.values()} == {
        kind.model_fields["name"].default for kind in SAMPLERS
    }
    assert {chosen["name"] for chosen in CORRECTORS.values() if chosen} == {
        kind.model_fields["name"].default for kind in get_args(AnyCorrector)
    }
