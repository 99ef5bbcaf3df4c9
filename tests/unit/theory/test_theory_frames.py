"""The exact experiment on frames: what the published choices of noise do."""

import pytest
import torch
from theory_settings import settings_of

from projcomp.theory import frames


@pytest.fixture(scope="module")
def errors():
    """Of every choice OR's errors ``(seeds, samples)`` and shares, in few steps."""
    settings = settings_of("frames", num_samples=1600)
    return {choice: frames._either(settings, choice, 20) for choice in frames.CHOICES}


def test_one_noise_for_both_blocks_adds_a_bias(errors):
    shared, own = (errors[choice][0].mean() for choice in (frames.SHARED, frames.INDEPENDENT))
    assert 0.4 < (own - shared).item() < 1.6


def test_scaled_noise_leaves_log_densities_that_are_none(errors):
    assert errors[frames.SCALED][0].square().mean().sqrt() > 10
    assert errors[frames.SCALED][1].max() < 0.1
    assert errors[frames.INDEPENDENT][1].mean().item() == pytest.approx(frames.SHARE, abs=0.08)


def test_the_choices_are_what_they_are_called():
    noise = torch.arange(24.0).reshape(2, 2, 6)
    shared = frames.CHOICES[frames.SHARED](noise)
    assert torch.equal(shared[..., :3], noise[..., :3])
    assert torch.equal(shared[..., 3:], noise[..., :3])
    assert torch.equal(frames.CHOICES[frames.SCALED](noise), 0.1 * noise)
    assert torch.equal(frames.CHOICES[frames.INDEPENDENT](noise), noise)
