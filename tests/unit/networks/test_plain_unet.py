"""Our network computes what a plain reading of the equations computes."""

import pytest
import torch
from benchmark_file import benchmark

from projcomp.config.learning import NetworkConfig
from projcomp.networks import conditioning
from projcomp.networks.denoiser import Denoiser

plain_unet = benchmark("plain_unet")

DEEP = NetworkConfig(channels=16, multipliers=[1, 2, 8], blocks=2, attention_resolutions=[8, 4])
LOCAL = NetworkConfig(
    channels=16, multipliers=[1, 2], attention_resolutions=[], conditioning="map", blob_width=0.1
)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("config", [DEEP, LOCAL], ids=["deep", "local"])
def test_values_and_gradients_are_those_of_the_plain_network(config, training):
    torch.manual_seed(0)
    ours = Denoiser(config, 16, "position", learns_empty=True)
    for name, parameter in ours.named_parameters():
        if name.endswith("gain"):
            torch.nn.init.constant_(parameter, 0.7)
    plain = plain_unet.PlainDenoiser(config, 16, "position", learns_empty=True)
    plain.load_state_dict(ours.state_dict())
    ours.train(training)
    x, sigma = torch.randn(3, 3, 16, 16), torch.tensor([0.05, 0.5, 5.0])
    condition = torch.cat(
        [conditioning.given("position", [(0.2, 0.6), (0.9, 0.1)]), conditioning.empty("position")]
    )
    results = [model(x, sigma, condition) for model in (ours, plain)]
    torch.testing.assert_close(*results, atol=1e-5, rtol=1e-4)
    if training:
        for result in results:
            result.square().sum().backward()
        ours.project_gradients()
        # a sum that cancels, as a gain's, keeps the rounding of its terms, which are as large as
        # other gradients: the order of fp32 sums is the processor's
        largest = max(float(b.grad.abs().max()) for b in plain.parameters() if b.grad is not None)
        rounding = torch.finfo(torch.float32).eps * largest
        for (name, a), b in zip(ours.named_parameters(), plain.parameters(), strict=True):
            if a.grad is None:
                assert b.grad is None
                continue
            scale = float(b.grad.abs().max())
            difference = float((a.grad - b.grad).abs().max())
            assert difference <= 1e-3 * scale + rounding, name
