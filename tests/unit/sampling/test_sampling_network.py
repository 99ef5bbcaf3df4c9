"""Sampling with a real U-Net of random weights, saved and loaded as training leaves it."""

import numpy as np
import pytest
import torch

from projcomp.config.experiments import BackgroundConfig
from projcomp.config.learning import NetworkConfig
from projcomp.config.samplers import SamplingConfig
from projcomp.errors import ConfigError
from projcomp.networks.checkpoint import load_model, save_model
from projcomp.networks.denoiser import Denoiser
from projcomp.sampling.case import sample_case
from projcomp.settings.case import Case
from projcomp.settings.stages import Composed, SampleSettings

PLACES = [(0.2, 0.2), (0.8, 0.3), (0.5, 0.8)]


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    network = NetworkConfig(channels=8, multipliers=[1, 2], attention_resolutions=[4])
    model = Denoiser(network, 8, "position")
    with torch.no_grad():
        for name, weight in model.named_parameters():
            # Gains start at zero; at one, images and conditions matter.
            if name.endswith("gain"):
                weight.fill_(1.0)
    description = {"network": network.model_dump(), "resolution": 8, "condition": "position"}
    save_model(tmp_path / "single", model, description)
    return tmp_path


def draw(
    folder,
    places=PLACES,
    composed=(),
    chunk_size=512,
    precision="fp32",
    operator="product",
    sampler="heun",
    **parts,
):
    background = BackgroundConfig(model="single", condition="empty")
    name = operator if isinstance(operator, str) else operator["name"]
    settings = SampleSettings(
        seed=1,
        experiment="A",
        stream="A",
        case=Case(name="k", locations=places),
        operator=operator,
        conditionals=None if composed else "single",
        composed=list(composed),
        background=background if name == "product" else None,
        sampling=SamplingConfig(
            sampler=sampler, num_steps=4, chunk_size=chunk_size, precision=precision, **parts
        ),
        num_samples=6,
    )
    cpu = torch.device("cpu")
    return sample_case(settings, lambda name: load_model(folder / name, cpu), cpu).images


def test_a_sample_is_the_same_in_every_batch(folder):
    together, alone = draw(folder), draw(folder, chunk_size=1)
    assert together.std() > 5
    assert np.abs(together.astype(int) - alone.astype(int)).max() <= 1


def test_the_order_of_the_places_does_not_matter(folder):
    one, other = draw(folder), draw(folder, places=PLACES[::-1])
    assert np.abs(one.astype(int) - other.astype(int)).max() <= 1
    assert np.abs(one.astype(int) - draw(folder, places=PLACES[:2]).astype(int)).max() > 1


@pytest.fixture
def bf16(monkeypatch):
    """A device that computes in bf16, or that imitates it."""
    monkeypatch.setattr("projcomp.networks.precision.computes_bf16", lambda device: True)


@pytest.mark.usefixtures("bf16")
def test_bf16_is_near_fp32(folder):
    difference = draw(folder, precision="bf16").astype(int) - draw(folder).astype(int)
    assert 0 < np.abs(difference).mean() < 10


DERIVED = [
    ({"name": "superposition_and", "form": "corrected"}, "sde"),
    ({"name": "superposition_and", "form": "ode"}, "euler"),
    ({"name": "superposition_or", "estimator": "hutchinson"}, "euler"),
]


@pytest.mark.parametrize(
    ("operator", "sampler"),
    [
        *DERIVED,
        ("superposition_or", "sde"),
        ("superposition_and", "sde"),
        ("random_choice", "heun"),
        ("product", "ancestral"),
    ],
)
def test_a_sample_is_the_same_in_every_batch_by_any_operator(folder, operator, sampler):
    """A network's last bits depend on the batch; nothing that is decided may hang on them."""
    together = draw(folder, operator=operator, sampler=sampler)
    alone = draw(folder, operator=operator, sampler=sampler, chunk_size=1)
    assert np.abs(together.astype(int) - alone.astype(int)).max() <= 1


@pytest.mark.parametrize(
    "parts",
    [
        {"corrector": "langevin"},
        {"corrector": "mala"},
        {"corrector": {"name": "hmc", "sigma_max": 5}},
        {"swarm": {"particles": 3}},
        {"swarm": {"particles": 3, "threshold": 1, "sigma_max": 5}},
        {"swarm": {"particles": 3}, "corrector": "langevin"},
    ],
)
def test_a_sample_is_the_same_in_every_batch_by_correctors_and_swarms(folder, parts):
    together = draw(folder, sampler="sde", **parts)
    alone = draw(folder, sampler="sde", chunk_size=1, **parts)
    assert together.std() > 5
    assert np.abs(together.astype(int) - alone.astype(int)).max() <= 1


@pytest.mark.usefixtures("bf16")
def test_in_bf16_a_sample_is_the_same_in_every_batch_but_for_rounding(folder):
    """Products of matrices round their sums in an order that depends on the batch."""
    together, alone = draw(folder, precision="bf16"), draw(folder, precision="bf16", chunk_size=1)
    difference = np.abs(together.astype(int) - alone.astype(int))
    assert difference.mean() < np.abs(together.astype(int) - draw(folder).astype(int)).mean()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(("operator", "sampler"), DERIVED)
@pytest.mark.usefixtures("bf16")
def test_forward_derivatives_go_through_a_network(folder, operator, sampler, precision):
    images = draw(folder, precision=precision, operator=operator, sampler=sampler)
    assert images.std() > 5


def at(place, weight=1.0):
    return Composed(model="single", condition={"position": place}, weight=weight)


def test_what_is_listed_is_composed_as_the_case_would_be(folder):
    listed = draw(folder, composed=[at(place) for place in PLACES])
    assert np.array_equal(listed, draw(folder))


def test_what_is_listed_has_weights_of_its_own(folder):
    """p_b (p_1 / p_b) (p_2 / p_b) (p_2 / p_b)^-1 is p_1, and the operator's weights are factors."""
    first, second = PLACES[:2]
    one = draw(folder, places=[first]).astype(int)
    cancelled = draw(folder, composed=[at(first), at(second), at(second, -1.0)])
    assert np.abs(one - cancelled).max() <= 1
    halved = draw(folder, composed=[at(first, 2.0)], operator={"name": "product", "weights": 0.5})
    assert np.abs(one - halved).max() <= 1
    assert np.abs(one - draw(folder, composed=[at(first, 0.3)])).max() > 1


def test_an_empty_or_unconditional_one_may_be_listed(folder):
    empty = Composed(model="single", condition="empty")
    assert np.array_equal(draw(folder, composed=[at(PLACES[0]), empty]), draw(folder, PLACES[:1]))


def test_a_model_is_not_told_what_it_has_no_words_for(folder):
    red = Composed(model="single", condition={"color": "red"})
    with pytest.raises(ConfigError, match="expected values of position, got one of color"):
        draw(folder, composed=[red])
