"""What is measured of finished samples, on pixels that are Gaussian."""

import numpy as np
import torch
from pixel_model import PixelModel
from test_sampling import PLACES, draw, settings_of

from projcomp.config.samplers import SamplingConfig

SIGMA_MIN = 0.05
STD = 0.3
STEPS = {"sampler": "sde", "num_steps": 40, "sigma_min": SIGMA_MIN, "precision": "fp32"}


def recipe(num_levels: int, num_lines: int) -> SamplingConfig:
    densities = {"num_levels": num_levels, "num_lines": num_lines}
    return SamplingConfig.model_validate({**STEPS, "densities": densities})


def exact_gap(images: np.ndarray, model: PixelModel, variance: float) -> np.ndarray:
    """Mean over noise of ``log q_1 - log q_2`` of the noised pictures, two places: ``(N,)``.

    The noise has mean zero, and both Gaussians are of the same width: what is left is of ``x0``.
    """
    means = [model.mean(torch.tensor([1.0, *place])) for place in PLACES[:2]]
    miss = [np.square(images - mean.numpy()).sum((1, 2, 3)) for mean in means]
    return (miss[1] - miss[0]) / (2 * variance)


def test_the_lines_have_the_exact_gap_and_follow_what_is_composed_alone():
    model = PixelModel(std=STD)
    # an average stays far from equal densities
    superposed = {"operator": "average", "background": None, "num_samples": 4}
    drawn = draw(settings_of(**superposed, sampling=recipe(120, 3)), single=model)
    lines = drawn.measured["line_log_q"]
    assert lines.shape == (4, 3, 120, 2)
    assert lines.dtype == np.float64
    x0 = drawn.images.transpose(0, 3, 1, 2) / 127.5 - 1
    variance = STD**2 + SIGMA_MIN**2
    gap = lines[:, :, -1, 0] - lines[:, :, -1, 1]
    # a line's own noise moves the gap by sigma <n, mu_1 - mu_2> / variance: 0.8 over three lines
    exact = exact_gap(x0, model, variance)
    assert np.abs(gap.mean(1) - exact).max() < 3
    assert np.abs(exact).max() > 10
    plain = draw(settings_of(**superposed, sampling=SamplingConfig(**STEPS)), single=model)
    assert np.array_equal(plain.images, drawn.images)  # the measurement changes no sample
    assert drawn.network_evaluations == plain.network_evaluations  # nor what one costs


def test_backgrounds_and_controls_are_not_among_them_and_one_condition_has_no_gap():
    model, other = PixelModel(std=STD), PixelModel(std=STD, kind="none")
    control = {"model": "other", "condition": "unconditional"}
    asked = {"sampling": recipe(3, 2)}
    both = draw(settings_of(**asked, control=control), single=model, other=other)
    assert both.measured["line_log_q"].shape == (3, 2, 3, 2)
    one = draw(settings_of(PLACES[:1], **asked), single=model)
    assert "line_log_q" not in one.measured
