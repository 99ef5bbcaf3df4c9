"""Which pairs compose: the interaction of their score deltas, and the weights that it makes.

Each of two models has clusters on either side of a background, along a line of its own. Where the
lines are orthogonal the deltas do not interact, all Feynman-Kac weights are 1, and the product is
sampled as it is. Where they are not, the weights tell it without the truth, and they mend it.
"""

import math

import torch

from projcomp import (
    GaussianMixture,
    Heun,
    edm_sigmas,
    sample,
    stacked_scores,
    start_noise,
    weighted_product,
)
from projcomp.composition.mixtures import product_over_gaussian

COUNT, STD = 4000, 0.7
sigmas = edm_sigmas(num_steps=60, sigma_min=0.01, sigma_max=10.0, rho=7.0)
x = sigmas[0] * start_noise(range(COUNT), dims=(2,))
print("                                               mean of |x|^2")
print("angle  cosine of the deltas  effective size   sampled  weighed  exact")
for degrees in (90, 80, 70, 60):
    angle = math.radians(degrees)
    lines = torch.tensor([[1.0, 0.0], [math.cos(angle), math.sin(angle)]])
    background = GaussianMixture.isotropic([[0.0, 0.0]], STD)
    pair = [GaussianMixture.isotropic(torch.stack([end, -end]), STD) for end in lines]
    field = weighted_product(stacked_scores([background, *pair]), weights=[1.0, 1.0])
    result = sample(field, x, sigmas, Heun())

    cosine = result.state.normalised[:, 0, 1].abs().mean()
    weight = result.state.log_weight.softmax(0)
    effective = 1 / (COUNT * weight.square().sum())
    square = result.x.square().sum(1)
    truth = product_over_gaussian(pair, background)
    exact = truth.log_weights.exp() @ truth.means.square().sum(1) + 2 * STD**2
    print(
        f"{degrees:5}  {cosine:20.2f}  {effective:14.0%}  "
        f"{square.mean():8.2f}  {weight @ square.double():7.2f}  {exact:5.2f}"
    )
