"""Exact mixtures and random streams for the tests of compositions and samplers."""

import torch

from projcomp.composition.linear import LinearField
from projcomp.composition.mixtures import GaussianMixture, stacked_scores
from projcomp.diffusion.noise_levels import edm_sigmas
from projcomp.samplers.noise import NoiseStreams

DIM = 2


def field_of(*mixtures, coefficients=(1.0,)):
    """The linear field of exact scores."""
    return LinearField(stacked_scores(mixtures), tuple(coefficients))


def streams(count, *dims, seed=0):
    """Float64 noise streams of ``count`` samples."""
    seeds = range(seed * 10**6, seed * 10**6 + count)
    return NoiseStreams(seeds, dims, dtype=torch.float64)


def start(count, *dims, sigma=1.0, seed=0):
    """Gaussian starts of standard deviation ``sigma``, float64."""
    rng = torch.Generator().manual_seed(seed + 12345)
    return sigma * torch.randn(count, *dims, generator=rng, dtype=torch.float64)


def levels(num_steps, sigma_min=0.02, sigma_max=20.0, rho=7.0):
    """EDM's noise levels without the final zero."""
    return edm_sigmas(num_steps, sigma_min, sigma_max, rho)[:-1]


def two_modes(distance=1.0, std=0.3, weights=(0.3, 0.7)):
    """Two Gaussians on the first axis of the plane."""
    return GaussianMixture.isotropic([[-distance, 0.0], [distance, 0.0]], std, list(weights))
