"""Stacked scores of conditions that are no rows of numbers, and of states of half precision."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import Tensor

from projcomp.composition.densities import bits_of
from projcomp.diffusion.batched import BatchedScores
from projcomp.diffusion.epsilon import denoiser_of, vp_sigmas
from projcomp.errors import ConfigError, UserError


@dataclass(frozen=True)
class Named:
    """A condition that is compared by its name."""

    name: str
    mean: Tensor = field(compare=False)


class Network:
    """Answers every sample's mean, and remembers what it was told."""

    def __init__(self):
        self.told = []
        self.levels = []

    def __call__(self, x, sigma, told):
        self.told.append([one.name for one in told])
        self.levels.append(sigma)
        return torch.stack([one.mean for one in told]) + 0 * x


def test_conditions_of_any_kind_are_equal_by_what_compares_them():
    network = Network()
    one, other = Named("a", torch.ones(2)), Named("b", torch.zeros(2))
    again = Named("a", torch.full((2,), 7.0))  # equal, so never asked
    scores = BatchedScores([(network, one), (network, other), (network, again)], chunk_size=3)
    denoised = scores.denoised(torch.zeros(2, 2), 1.0)
    assert denoised[:, :, 0].tolist() == [[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]]
    assert network.told == [["a", "a", "b"], ["b"]]
    assert scores.num_distinct == 2


def test_a_row_of_numbers_is_no_other_condition():
    network = lambda x, sigma, told: x  # noqa: E731
    scores = BatchedScores([(network, torch.ones(1)), (network, "a")], chunk_size=4)
    assert scores.num_distinct == 2


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_state_of_half_precision_asks_the_level_that_was_meant(dtype):
    alphas_cumprod = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000), 0)
    asked = []

    def model(x, step, condition):
        asked.append(step)
        return torch.zeros_like(x)

    step = 701
    scores = BatchedScores([(denoiser_of(model, alphas_cumprod), torch.zeros(1))], 4)
    stacked = scores(torch.ones(2, 3, dtype=dtype), float(vp_sigmas(alphas_cumprod)[step]))
    assert asked[0].tolist() == [step, step]
    assert stacked.dtype == dtype


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_probes_of_half_precision_are_those_of_the_same_numbers(dtype):
    x = torch.randn(4, 5, generator=torch.Generator().manual_seed(1)).to(dtype)
    assert torch.equal(bits_of(x), bits_of(x.float()))


WRONG = {
    "channels last": (lambda x: x.permute(0, 2, 3, 1), r"\(2, 8, 8, 3\)"),
    "transposed": (lambda x: x.transpose(0, 1), r"\(3, 2, 8, 8\)"),
    "flat": (lambda x: x.flatten(1), r"\(2, 192\)"),
    "one axis more": (lambda x: x[..., None], r"\(2, 3, 8, 8, 1\)"),
    "one channel": (lambda x: x[:, :1], r"\(2, 1, 8, 8\)"),
    "a tuple": (lambda x: (x, x), "tuple"),
    "an array": (lambda x: x.numpy(), "ndarray"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_tensor_shaped_as_the_samples_is_refused(kind):
    made, got = WRONG[kind]

    def mine(x, sigma, condition):
        return made(x)

    told = rf"denoiser mine: expected a tensor of shape \(2, 3, 8, 8\), .* got {got};"
    with pytest.raises(UserError, match=told) as caught:
        BatchedScores([(mine, torch.ones(1))], 2)(torch.zeros(3, 3, 8, 8), 1.0)
    assert "\n" not in str(caught.value)

    ddpm = denoiser_of(mine, torch.tensor([0.9, 0.5]))
    with pytest.raises(UserError, match=rf"model of noise: .*\(2, 3, 8, 8\), .* got {got};"):
        ddpm(torch.zeros(2, 3, 8, 8), torch.ones(2), torch.ones(2, 1))


@pytest.mark.parametrize(
    ("conditions", "told"),
    [
        ([np.ones(2)], "condition: expected a tensor .* numpy array; .*torch.as_tensor"),
        ([np.ones(2), np.zeros(2)], "numpy array"),
        ([torch.ones(2), torch.ones(3)], r"rows of one length .* \(2,\) and \(3,\)"),
        ([], "at least one request"),
    ],
)
def test_conditions_that_cannot_stand_side_by_side_are_refused(conditions, told):
    network = lambda x, sigma, told: x  # noqa: E731
    with pytest.raises(ConfigError, match=told):
        BatchedScores([(network, condition) for condition in conditions], 4)
