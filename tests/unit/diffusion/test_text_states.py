"""Latent models told by a text's states: their signature, and compositions of them."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from projcomp.composition.linear import average
from projcomp.composition.product import product_field
from projcomp.composition.superposition_and import SuperpositionAnd
from projcomp.diffusion.batched import BatchedScores
from projcomp.diffusion.epsilon import denoiser_of, vp_sigmas
from projcomp.diffusion.text_states import epsilon_of_states, states_row
from projcomp.errors import ConfigError
from projcomp.samplers.heun import Heun
from projcomp.samplers.noise import NoiseStreams
from projcomp.samplers.process import sample
from projcomp.samplers.sde import ReverseSde
from projcomp.samplers.start import start_noise

CHANNELS, LENGTH, TOKENS, WIDTH, HIDDEN = 4, 6, 5, 8, 16
ABAR = torch.cumprod(1 - torch.linspace(1e-3, 0.2, 50, dtype=torch.float64), 0)


class TinyDiT(nn.Module):
    """A transformer block as LDMol's: adaptive norms by the step, attention to the text's states.

    It takes ``(x, step, states, mask)`` and predicts the noise and a variance, 2C channels.
    """

    def __init__(self):
        super().__init__()
        self.calls: list[int] = []
        self.into, self.place = nn.Linear(CHANNELS, HIDDEN), nn.Embedding(LENGTH, HIDDEN)
        self.states = nn.Linear(WIDTH, HIDDEN)
        self.own = nn.MultiheadAttention(HIDDEN, 2, batch_first=True)
        self.text = nn.MultiheadAttention(HIDDEN, 2, batch_first=True)
        self.modulation = nn.Linear(HIDDEN, 6 * HIDDEN)
        self.norm = nn.LayerNorm(HIDDEN, elementwise_affine=False)
        self.out = nn.Linear(HIDDEN, 2 * CHANNELS)

    def forward(self, x, step, states, mask):
        self.calls.append(len(x))
        frequencies = torch.exp(-torch.arange(HIDDEN // 2) / 4).to(x)
        angles = step[:, None].to(x) * frequencies
        told = self.modulation(torch.cat([angles.cos(), angles.sin()], 1))[:, None].chunk(6, 2)
        h = self.into(x.squeeze(-1).mT) + self.place.weight
        y = self.norm(h) * (1 + told[0]) + told[1]
        h = h + told[2] * self.own(y, y, y)[0]
        text = self.states(states)
        y = self.norm(h) * (1 + told[3]) + told[4]
        h = h + told[5] * self.text(y, text, text, key_padding_mask=~mask)[0]
        return self.out(h).mT[..., None]


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return TinyDiT().double().requires_grad_(False)


def text(seed, tokens):
    """A text's states, filled up to ``TOKENS`` with what no model may look at."""
    rng = torch.Generator().manual_seed(seed)
    states = torch.randn(TOKENS, WIDTH, generator=rng, dtype=torch.float64)
    return states, torch.arange(TOKENS) < tokens


def noisy(count):
    return start_noise(range(count), (CHANNELS, LENGTH, 1)).double()


def test_the_denoiser_takes_the_noise_of_the_first_channels(network):
    states, mask = text(1, 3)
    denoise = denoiser_of(epsilon_of_states(network, WIDTH), ABAR)
    sigma, x = vp_sigmas(ABAR)[[4, 20, 49]], noisy(3)
    rows = states_row(states, mask).expand(3, -1)
    predicted = network(
        x / (1 + sigma[:, None, None, None] ** 2).sqrt(),
        torch.tensor([4, 20, 49]),
        states.expand(3, -1, -1),
        mask.expand(3, -1),
    )
    assert predicted.shape == (3, 2 * CHANNELS, LENGTH, 1)
    expected = x - sigma[:, None, None, None] * predicted[:, :CHANNELS]
    torch.testing.assert_close(denoise(x, sigma, rows), expected)


def test_what_the_mask_leaves_out_changes_nothing(network):
    """Nor is it another condition: equal texts are evaluated once, whatever fills them up."""
    states, mask = text(1, 3)
    other = torch.where(mask[:, None], states, text(2, 3)[0])
    torch.testing.assert_close(states_row(states, mask), states_row(other, mask))
    denoise = denoiser_of(epsilon_of_states(network, WIDTH), ABAR)
    requests = [(denoise, states_row(one, mask)) for one in (states, other)]
    assert BatchedScores(requests, 8).num_distinct == 1
    longer = states_row(states, torch.arange(TOKENS) < 4)
    assert not torch.allclose(
        BatchedScores(requests[:1], 8)(noisy(2), 1.0),
        BatchedScores([(denoise, longer)], 8)(noisy(2), 1.0),
    )


def test_guided_and_of_two_texts_is_the_loop_of_the_paper(network):
    """SuperDiff's AND over the empty text, written out; all texts of a step are one batch."""
    rows = [states_row(*text(seed, tokens)) for seed, tokens in ((0, 1), (1, 3), (2, 5))]
    denoise = denoiser_of(epsilon_of_states(network, WIDTH), ABAR)
    guidance, count = 2.0, 3
    sigmas = vp_sigmas(ABAR).flip(0)[::8]
    field = SuperpositionAnd(
        BatchedScores([(denoise, row) for row in rows], 64), num_models=2, guidance=guidance
    )
    start = float(sigmas[0]) * noisy(count)
    streams = NoiseStreams(range(10, 10 + count), (CHANNELS, LENGTH, 1))
    network.calls.clear()
    result = sample(field, start, sigmas, ReverseSde(), noise=streams)
    assert network.calls == [3 * count] * (len(sigmas) - 1)

    x, log_q = start, torch.zeros(2, count).double()
    streams = NoiseStreams(range(10, 10 + count), (CHANNELS, LENGTH, 1))
    for high, low in pairwise(sigmas.tolist()):
        dv, level = high**2 - low**2, torch.full((count,), high).double()
        empty, one, two = ((denoise(x, level, row.expand(count, -1)) - x) / high**2 for row in rows)
        kick = math.sqrt(dv) * streams.normal().double()
        apart = (two - one).flatten(1)
        guided = empty + guidance * (one - empty)
        rest = dv / 2 * apart.square().sum(1) - (apart * kick.flatten(1)).sum(1)
        rest = rest + dv * (apart * (one - guided).flatten(1)).sum(1)
        step = rest / apart.square().sum(1)
        dx = dv * guided + step[:, None, None, None] * (two - one) + kick
        for i, score in enumerate((one, two)):
            inner = (score * dx).flatten(1).sum(1)
            log_q[i] += inner - dv / 2 * score.flatten(1).square().sum(1)
        x = x + dx
    torch.testing.assert_close(result.x, x, rtol=1e-5, atol=1e-6)
    followed = result.state.log_q
    torch.testing.assert_close(followed[0] - followed[1], log_q[0] - log_q[1], rtol=0, atol=1e-3)


def test_products_and_averages_of_exact_models_are_exact():
    """A text's masked mean is the mean of a Gaussian: N(a) N(b) / N(0) is N(a + b)."""
    spread = 0.2

    def exact(x, step, states, mask):
        abar = ABAR[step][:, None].to(x)
        mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        noise = (1 - abar).sqrt() * (x - abar.sqrt() * mean) / (abar * spread**2 + 1 - abar)
        return torch.cat([noise, torch.full_like(noise, 9.0)], 1)  # of its variance

    def row(*points):
        states = torch.tensor([*points, (7.0, 7.0)]).double()
        return states_row(states, torch.arange(len(states)) < len(points))

    denoise = denoiser_of(epsilon_of_states(exact, 2), ABAR)
    rows = [row((1.0, 0.0), (-1.0, 0.0)), row((2.0, 0.0), (0.0, 0.0)), row((0, 1), (0, 1))]
    scores = BatchedScores([(denoise, one) for one in rows], 512)
    sigmas = torch.cat([vp_sigmas(ABAR).flip(0), torch.zeros(1)])
    start = sigmas[0] * start_noise(range(256), (2,)).double()
    both = sample(product_field(scores, [1.0, 1.0]), start, sigmas, Heun()).x
    torch.testing.assert_close(both.mean(0), torch.ones(2).double(), rtol=0, atol=0.05)
    between = sample(average(scores, [0.0, 1.0, 1.0]), start, sigmas, Heun()).x
    torch.testing.assert_close(between.mean(0), torch.full((2,), 0.5).double(), rtol=0, atol=0.05)


@pytest.mark.parametrize(
    ("width", "channels", "told"),
    [
        (WIDTH + 1, CHANNELS, r"^condition: expected rows of tokens with 9 numbers .* rows of 45;"),
        (WIDTH, 3 * CHANNELS, r"^model: expected noise of shape \(2, 4, 6, 1\), .* 8 channels"),
    ],
)
def test_what_does_not_fit_is_one_line(width, channels, told):
    def model(x, step, states, mask):
        return torch.zeros(len(x), channels, LENGTH, 1).double()

    denoise = denoiser_of(epsilon_of_states(model, width), ABAR)
    with pytest.raises(ConfigError, match=told):
        denoise(noisy(2), torch.ones(2).double(), states_row(*text(1, 3)).expand(2, -1))
    with pytest.raises(ConfigError, match=r"^mask: expected at least one token"):
        states_row(text(1, 3)[0], torch.zeros(TOKENS, dtype=torch.bool))
