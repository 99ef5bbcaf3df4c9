"""A model trained by the real training, against the exact posterior mean of its data.

The data are three patterns of 8 x 8 pixels plus Gaussian noise: a mixture of Gaussians, told by the
"colour" of its component. So the denoiser is known in closed form, with the condition and without.
"""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from projcomp.composition.mixtures import GaussianMixture
from projcomp.config.compute import TrainingCompute
from projcomp.config.learning import NetworkConfig, TrainingConfig
from projcomp.data.dataset import RenderedImages
from projcomp.networks import conditioning
from projcomp.networks.denoiser import Denoiser
from projcomp.scenes.vocabulary import COLORS
from projcomp.settings.stages import TrainSettings
from projcomp.training import train as train_module
from projcomp.training.train import Machine, train

SIDE, STD, COUNT = 8, 0.15, 6000


def patterns():
    """Three smooth patterns ``(3, 3, 8, 8)`` within [-0.5, 0.5]."""
    line = torch.linspace(-1, 1, SIDE)
    across = line[None, :].expand(SIDE, SIDE)
    down = line[:, None].expand(SIDE, SIDE)
    hill = 1 - (across.square() + down.square())
    return (
        torch.stack(
            [
                torch.stack([across, down, -across]),
                torch.stack([down, hill, across]),
                -hill.expand(3, -1, -1),
            ]
        )
        * 0.5
    )


class Mixture(RenderedImages):
    """Draws of the mixture as bytes; a step of 1/127.5 is little beside the noise."""

    def __init__(self, path, condition):
        rng = torch.Generator().manual_seed(0)
        which = torch.arange(COUNT) % 3
        x0 = patterns()[which] + STD * torch.randn(COUNT, 3, SIDE, SIDE, generator=rng)
        pixels = ((x0 + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        self._images, self._rows = pixels.permute(0, 2, 3, 1).contiguous(), torch.arange(COUNT)
        self.num_objects = torch.ones(COUNT).long()
        self.labels = which[:, None, None].float()
        self.condition = condition
        self.shape = (SIDE, SIDE, 3)
        self.identity = "draws of the mixture"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("learned")
    network = NetworkConfig(
        channels=16,
        multipliers=[1, 2],
        blocks=1,
        attention_resolutions=[],
        coordinate_planes=True,
    )
    settings = TrainSettings(
        seed=0,
        resolution=SIDE,
        model="toy",
        condition="color",
        datasets={"mixture": 1.0},
        images_seen=100_000,
        network=network,
        training=TrainingConfig(batch_size=128, precision="fp32", condition_dropout=0.3),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_module, "RenderedImages", Mixture)
        machine = Machine(TrainingCompute(device="cpu", sample_images=10**9))
        train(settings, folder, folder / "toy", folder / "state", machine)
    model = Denoiser(network, SIDE, "color")
    model.load_state_dict(load_file(folder / "toy" / "weights.safetensors"))
    return model.eval().requires_grad_(False)


@pytest.mark.slow
@pytest.mark.parametrize("told", [0, 2, None])
@pytest.mark.parametrize("sigma", [0.1, 0.3, 1.0, 3.0])
def test_the_learned_denoiser_is_the_exact_one(trained, told, sigma):
    """Its squared distance from E[x0 | x] is a few hundredths of that mean's own variance."""
    means = patterns().flatten(1).double()
    exact = GaussianMixture.isotropic(means if told is None else means[told : told + 1], STD)
    rng = torch.Generator().manual_seed(1)
    which = torch.arange(300) % 3 if told is None else torch.full((300,), told)
    x0 = means[which] + STD * torch.randn(300, means.shape[1], generator=rng).double()
    x = x0 + sigma * torch.randn(300, means.shape[1], generator=rng).double()
    expected = exact.denoised(x, sigma)
    row = conditioning.unconditional("color")
    if told is not None:
        row = conditioning.given("color", [list(COLORS)[told]])
    got = trained(
        x.float().reshape(-1, 3, SIDE, SIDE), torch.full((300,), sigma), row.expand(300, -1)
    )
    error = (got.flatten(1).double() - expected).square().mean()
    # what the best guess that does not look at x would be off by
    spread = (x0 - x0.mean(0) if told is None else STD * torch.ones(1)).square().mean()
    assert error < 0.1 * spread
    assert np.isfinite(float(error))
