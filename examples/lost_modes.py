"""Modes that diffusion loses: the papers' Lemma 7.2, from its mathematics.

Two models in four dimensions, with clusters at e_0 and e_2 and at e_1 and e_3; the background is a
cluster at 0. A shear takes e_1 to e_0 + e_1 and e_3 to e_2 + e_3. Without noise the product has
four equal clusters. With noise their weights are as M, 1, 1, M, and M grows without bound as the
clusters' width tau falls: the path of products jumps at its end, where no sampler can follow.
"""

import math

import torch

from projcomp import (
    GaussianMixture,
    edm_sigmas,
    euler,
    product_field,
    sample,
    stacked_scores,
    start_noise,
)
from projcomp.composition.mixtures import product_over_gaussian

SHEAR = torch.eye(4).double()
SHEAR[0, 1] = SHEAR[2, 3] = 1.0
sigmas = edm_sigmas(num_steps=100, sigma_min=0.02, sigma_max=20.0, rho=7.0)
x = sigmas[0] * start_noise(range(1000), dims=(4,))


def clusters(axes: list[int], tau: float) -> GaussianMixture:
    means = torch.eye(4)[axes] if axes else torch.zeros(1, 4)
    return GaussianMixture.isotropic(means, tau).mapped(SHEAR)


print("share of the two clusters that the lemma calls lost (without noise it is 0.5)")
print(" tau   at sigma = tau, exact   by the lemma   of samples by diffusion")
for tau in (0.05, 0.1, 0.2, 0.4):
    models = [clusters(axes, tau) for axes in ([], [0, 2], [1, 3])]
    noised = [model.noised(tau) for model in models]
    exact = product_over_gaussian(noised[1:], noised[0]).log_weights.exp()[1:3].sum()
    lemma = 1 / (1 + math.exp(1 / (5 * tau**2)))  # M = exp(1 / (5 tau^2)) at sigma = tau

    end = sample(product_field(stacked_scores(models), [1.0, 1.0]), x, sigmas, euler).x
    places = product_over_gaussian(models[1:], models[0]).means
    nearest = torch.cdist(end.double() @ SHEAR.inverse().T, places @ SHEAR.inverse().T).argmin(1)
    lost = ((nearest == 1) | (nearest == 2)).double().mean()
    print(f"{tau:4}   {exact:21.3f}   {lemma:12.3f}   {lost:23.3f}")
