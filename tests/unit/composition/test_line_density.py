"""Log-densities down a straight line, against exact mixtures."""

import math

import numpy as np
import pytest
import torch

from projcomp.composition.densities import DensityTracker
from projcomp.composition.line_density import line_log_densities
from projcomp.composition.mixtures import GaussianMixture, stacked_scores
from projcomp.errors import ConfigError

MODELS = [
    GaussianMixture.isotropic([[-1.0, -0.7], [1.0, 0.9]], 0.4),
    GaussianMixture.isotropic([[1.0, 0.0]], 0.3),
]
"""The first's derivatives do not commute with the axes: a probe of signs is not exact."""

COUNT = 400
EXACT = DensityTracker("exact")


def levels(count: int) -> list[float]:
    return np.geomspace(300.0, 0.05, count).tolist()


def drawn(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return tuple(torch.randn(count, 2, generator=generator).double() for _ in range(2))


def errors(count: int, densities: DensityTracker | None = None) -> torch.Tensor:
    """Of every model, level and sample."""
    x0, noise = drawn(COUNT)
    sigmas = levels(count)
    found = line_log_densities(stacked_scores(MODELS), x0, sigmas, noise, densities)
    true = [[m.log_density(x0 + s * noise, s) for s in sigmas] for m in MODELS]
    return found - torch.stack([torch.stack(one) for one in true])


def test_it_is_the_density_at_every_level_and_of_second_order():
    coarse, fine, finest = (errors(count, EXACT) for count in (101, 201, 801))
    assert fine.shape == (2, 201, COUNT)
    assert fine.abs().max() < 0.1
    # all start with the same error, as if the models were centred there
    off = [(one[:, -1] - finest[:, -1]).abs().median() for one in (coarse, fine)]
    assert off[0] / off[1] == pytest.approx(4, rel=0.2)


def test_probes_leave_a_spread_that_falls_with_the_levels_and_no_bias():
    """Probes of samples and levels are independent."""
    spreads = []
    for count in (101, 401):
        off = (errors(count) - errors(count, EXACT))[0, -1]
        assert abs(off.mean()) < 4 * off.std() / math.sqrt(len(off))
        spreads.append(off.std().item())
    assert math.log(spreads[0] / spreads[1], 4) == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("sigmas", [[], [1.0, 1.0], [1.0, 0.0], [0.1, 1.0]])
def test_levels_that_do_not_decrease_are_one_clear_line(sigmas):
    x0, noise = drawn(2)
    with pytest.raises(ConfigError, match="expected decreasing ones above zero"):
        line_log_densities(stacked_scores(MODELS), x0, sigmas, noise)


def test_an_estimator_without_divergences_is_refused():
    x0, noise = drawn(2)
    with pytest.raises(ConfigError, match="got ito"):
        line_log_densities(stacked_scores(MODELS), x0, [1.0, 0.5], noise, DensityTracker("ito"))
