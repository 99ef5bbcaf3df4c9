"""Training on patches: every square is told what the whole picture is told of its pixels."""

import pytest
import torch
from benchmark_file import benchmark

from projcomp.config.learning import NetworkConfig
from projcomp.networks.conditioning import EMPTY, given
from projcomp.networks.denoiser import Denoiser
from projcomp.training.batches import Batch

quality = benchmark("quality")
WHOLE, SIDE, COUNT = 32, 16, 6


@pytest.fixture
def denoiser() -> Denoiser:
    return Denoiser(NetworkConfig(**quality.PLANES), WHOLE, "position", learns_empty=True)


def test_a_patch_has_the_planes_and_the_blob_of_its_place(denoiser) -> None:
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (COUNT, WHOLE, WHOLE, 3), generator=rng, dtype=torch.uint8)
    conditions = given("position", torch.rand(COUNT, 2, generator=rng).tolist())
    conditions[-1] = torch.tensor([EMPTY, 0.0, 0.0])
    unet = denoiser.unet
    blobs, planes = unet.condition_map(conditions), unet.coordinate_planes
    crops, corners = quality.Crops(denoiser, SIDE, seed=0), []
    with crops.of(Batch(images, conditions, 0, 0), update=3) as found:
        assert found.images.shape == (COUNT, SIDE, SIDE, 3)
        told, where = unet.condition_map(found.conditions), unet.coordinate_planes
        for one in range(COUNT):
            # random pictures hold each of their squares once
            windows = images[one].unfold(0, SIDE, 1).unfold(1, SIDE, 1).permute(0, 1, 3, 4, 2)
            same = (windows == found.images[one]).flatten(2).all(2).nonzero()
            ((y, x),) = same.tolist()
            inside = (..., slice(y, y + SIDE), slice(x, x + SIDE))
            assert torch.allclose(told[one], blobs[one][inside], atol=1e-5)
            assert torch.equal(where[one], planes[inside])
            corners.append((x, y))
        patch = denoiser(torch.zeros(COUNT, 3, SIDE, SIDE), torch.ones(COUNT), found.conditions)
        assert patch.shape == (COUNT, 3, SIDE, SIDE)
    assert len(set(corners)) > 3
    assert unet.coordinate_planes is planes
    assert (
        denoiser(torch.zeros(1, 3, WHOLE, WHOLE), torch.ones(1), conditions[:1]).shape[2] == WHOLE
    )
