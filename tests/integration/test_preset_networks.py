"""The networks of the large presets, whole: an update, and a composed sample, on a CPU."""

from pathlib import Path

import pytest
import torch

from projcomp import Heun, edm_sigmas, product_field, sample, start_noise
from projcomp.config.root import Config
from projcomp.diffusion.loss import denoising_error, uncertainty_weighted
from projcomp.networks.conditioning import empty, given
from projcomp.networks.denoiser import Denoiser
from projcomp.plan.load import load_files

REPOSITORY = Path(__file__).parents[2]


def denoiser(config: Config) -> Denoiser:
    torch.manual_seed(0)
    return Denoiser(config.network, config.resolution, "position", learns_empty=True)


@pytest.mark.parametrize("preset", ["gpu", "gpu gpu_local", "paper", "paper paper_local"])
def test_a_presets_network_learns_and_is_composed(preset: str) -> None:
    files = ["config.yaml", *(f"presets/{name}.yaml" for name in preset.split())]
    config = load_files([REPOSITORY / name for name in files]).config
    model, side = denoiser(config).train(), config.resolution
    rng = torch.Generator().manual_seed(0)
    x0 = 0.2 * torch.randn(1, 3, side, side, generator=rng)
    noise = torch.randn(x0.shape, generator=rng)
    condition, sigma = given("position", [(0.3, 0.4)]), torch.tensor([0.5])
    optimizer = torch.optim.Adam(model.parameters(), lr=config.training.learning_rate / 10)

    def error() -> torch.Tensor:
        return denoising_error(
            lambda x, s: model(x, s, condition), x0, sigma, noise, model.sigma_data
        )

    before = error()
    uncertainty_weighted(before, model.logvar(sigma)).sum().backward()
    model.project_gradients()
    optimizer.step()
    model.normalize_weights()
    model.eval()
    with torch.inference_mode():
        assert float(before.detach()) > float(error()) > 0

    rows = torch.cat([empty("position"), given("position", [(0.2, 0.4)])])

    def scores(x: torch.Tensor, sigma: float) -> torch.Tensor:
        levels = torch.full((len(x),), sigma)
        denoised = [model(x, levels, row.expand(len(x), -1)) for row in rows]
        return torch.stack([(one - x) / sigma**2 for one in denoised])

    sigmas = edm_sigmas(
        num_steps=1,
        sigma_min=config.sampling.sigma_min,
        sigma_max=config.sampling.sigma_max,
        rho=config.sampling.rho,
    )
    start = sigmas[0] * start_noise(range(1), dims=(3, side, side))
    with torch.inference_mode():
        drawn = sample(product_field(scores, weights=[1.0]), start, sigmas, Heun()).x
    assert drawn.shape == (1, 3, side, side)
    assert drawn.isfinite().all()
