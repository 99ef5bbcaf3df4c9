"""A new operator from a file, beside the built-in product.

The file's product acts in a window of noise levels only. The models are exact Gaussians around
(1, 0) and (0, 1) over a background around (0, 0), so the product is a Gaussian around (1, 1).
"""

import tempfile
from pathlib import Path

from projcomp import (
    GaussianMixture,
    Heun,
    edm_sigmas,
    product_field,
    sample,
    stacked_scores,
    start_noise,
)
from projcomp.diffusion.field import ScoreField
from projcomp.sampling.from_file import own_field

OPERATOR = """
def operator(scores, x, sigma, least=0.0):
    background, *conditionals = scores
    if sigma < least:
        return background
    return background + sum(c - background for c in conditionals)
"""
means = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]  # the background first
scores = stacked_scores([GaussianMixture.isotropic([mean], 0.2) for mean in means])
fields: dict[str, ScoreField] = {"built in": product_field(scores, weights=[1.0, 1.0])}
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "limited.py"
    file.write_text(OPERATOR)
    for least in (0.0, 0.1, 0.4):
        own = own_field(str(file), scores, num_composed=2, dims=(2,), settings={"least": least})
        fields[f"own, above {least}"] = own

sigmas = edm_sigmas(num_steps=32, sigma_min=0.01, sigma_max=20.0, rho=7.0)
x = sigmas[0] * start_noise(range(1000), dims=(2,))
print("operator          mean of x and y   standard deviation")
for name, field in fields.items():
    end = sample(field, field.start_scale * x, sigmas, Heun()).x
    mean, std = end.mean(0), end.std(0).mean()
    print(f"{name:16}  {mean[0]:7.2f} {mean[1]:7.2f}   {std:18.3f}")
