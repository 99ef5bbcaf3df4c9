"""SuperDiff's OR and AND of two exact mixtures, on noise that the samplers share.

OR samples the union of what its models sample. AND keeps the log-densities of its models equal as
Ito's estimator follows them. In the plane and in many steps, as here, the estimator is right, and
its samples are equally likely under both models, which those of an average of scores are not.
"""

import math

import torch

from projcomp import (
    GaussianMixture,
    NoiseStreams,
    ReverseSde,
    SuperpositionAnd,
    SuperpositionOr,
    average,
    edm_sigmas,
    sample,
    stacked_scores,
    start_noise,
)

COUNT = 400
first = GaussianMixture.isotropic([[-2.0, 0.0], [-1.0, 2.0]], 0.3)
second = GaussianMixture.isotropic([[2.0, 0.0], [2.0, -1.0]], 0.6)
scores = stacked_scores([first, second])
fields = {
    "average": average(scores, [1.0, 1.0]),
    "OR": SuperpositionOr(scores, num_models=2),
    "OR, 1 to 3": SuperpositionOr(scores, num_models=2, bias=(0.0, math.log(3.0))),
    "AND": SuperpositionAnd(scores, num_models=2),
    "AND, corrected": SuperpositionAnd(scores, num_models=2, corrected=True),
}
sigmas = edm_sigmas(num_steps=150, sigma_min=0.01, sigma_max=20.0, rho=7.0)
x = sigmas[0] * start_noise(range(COUNT), dims=(2,))
print("                 at first  at second  at neither   log p - log q, middle half")
for name, field in fields.items():
    end = sample(field, x, sigmas, ReverseSde(), noise=NoiseStreams(range(COUNT), (2,))).x
    log_p, log_q = first.log_density(end), second.log_density(end)
    at_first, at_second = (
        (torch.cdist(end.double(), model.means) < 4 * std).any(1)
        for model, std in ((first, 0.3), (second, 0.6))
    )
    shares = (at_first, at_second, ~(at_first | at_second))
    told = "  ".join(f"{float(share.double().mean()):9.0%}" for share in shares)
    low, high = (log_p - log_q).quantile(torch.tensor([0.25, 0.75]).double()).tolist()
    print(f"{name:14}  {told}  {low:9.1f} to {high:.1f} nats")
