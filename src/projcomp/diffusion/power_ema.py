"""EDM2's averages with power-function profiles, and their reconstruction afterwards.

Karras et al. 2024, section 3 and appendix C. A profile of exponent gamma at time t weighs the
weights of time tau in proportion to ``tau^gamma`` for tau in [0, t]. Its relative width
``sigma_rel`` is its standard deviation divided by t.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor


def sigma_rel_of(gamma: ArrayLike) -> NDArray[np.float64]:
    """Relative width of the profile of exponent ``gamma`` (> -1/2): appendix C."""
    gamma = np.asarray(gamma, dtype=np.float64)
    return np.asarray(np.sqrt(gamma + 1) / ((gamma + 2) * np.sqrt(gamma + 3)))


def gamma_of(sigma_rel: float) -> float:
    """Exponent of the profile of relative width ``sigma_rel``, in (0, 0.28].

    The largest root of ``(gamma + 2)^2 (gamma + 3) sigma_rel^2 = gamma + 1`` (the width, squared).

    Raises:
        ValueError: the width is out of bounds; the plain mean (gamma = 0) has .289.
    """
    if not 0 < sigma_rel <= 0.28:
        raise ValueError(f"sigma_rel in (0, 0.28] expected, got {sigma_rel}")
    inverse = sigma_rel**-2
    roots = np.roots([1.0, 7.0, 16.0 - inverse, 12.0 - inverse])
    return float(roots[np.abs(roots.imag) < 1e-9].real.max())


def decay(gamma: float, update: int) -> float:
    """Weight that the average keeps at update number ``update`` (from 1)."""
    return (1.0 - 1.0 / update) ** (gamma + 1.0)


class PowerAverage:
    """The running average with a power-function profile, in one copy of the weights.

    Args:
        sigma_rel: relative width of the profile.
    """

    def __init__(self, sigma_rel: float):
        self.gamma = gamma_of(sigma_rel)
        self.mean: dict[str, Tensor] = {}

    @torch.no_grad()
    def update(self, update: int, weights: dict[str, Tensor]) -> None:
        """Take in the weights after update number ``update`` (from 0)."""
        keep = decay(self.gamma, update + 1)
        if not self.mean:
            self.mean = {name: value.detach().clone() for name, value in weights.items()}
            return
        for name, value in weights.items():
            self.mean[name].lerp_(value.detach(), 1.0 - keep)


def profile_product(
    gamma_a: ArrayLike, time_a: ArrayLike, gamma_b: ArrayLike, time_b: ArrayLike
) -> NDArray[np.float64]:
    """Inner product of two profiles, each of mass 1, elementwise.

    ``(g_a + 1)(g_b + 1) / (g_a + g_b + 1) * min^(g_a + g_b + 1) / (t_a^(g_a + 1) t_b^(g_b + 1))``,
    written by ratios of times, so that large exponents do not overflow.
    """
    ga, ta, gb, tb = (np.asarray(v, dtype=np.float64) for v in (gamma_a, time_a, gamma_b, time_b))
    earlier = np.minimum(ta, tb)
    size = (ga + 1) * (gb + 1) / (ga + gb + 1)
    return np.asarray(size * (earlier / ta) ** ga * (earlier / tb) ** gb * earlier / (ta * tb))


def reconstruction(
    gammas: Sequence[float], times: Sequence[float], gamma: float, time: float
) -> NDArray[np.float64]:
    """Coefficients (n,) by which n stored averages come nearest to another one.

    Least squares between profiles: solves ``A c = b`` with A the products of the stored profiles
    among each other, and b those with the wanted one.

    Args:
        gammas: exponent of each stored average.
        times: number of updates after which each was stored.
        gamma: wanted exponent.
        time: wanted end, at most the last of ``times``.
    """
    g, t = np.asarray(gammas, dtype=np.float64), np.asarray(times, dtype=np.float64)
    products = profile_product(g[:, None], t[:, None], g, t)
    wanted = profile_product(g, t, gamma, time)
    return np.linalg.lstsq(products, wanted, rcond=None)[0]


def reconstruct(
    stored: Sequence[dict[str, Tensor]],
    gammas: Sequence[float],
    times: Sequence[float],
    sigma_rel: float,
) -> dict[str, Tensor]:
    """The average of relative width ``sigma_rel`` at the last of ``times``, from stored averages.

    Args:
        stored: weights by name, one per stored average.
        gammas: exponent of each.
        times: number of updates after which each was stored.
        sigma_rel: wanted relative width.
    """
    coefficients = reconstruction(gammas, times, gamma_of(sigma_rel), max(times))
    return {
        name: sum(
            (
                float(c) * weights[name].double()
                for c, weights in zip(coefficients, stored, strict=True)
            ),
            start=torch.zeros_like(first, dtype=torch.float64),
        ).to(first.dtype)
        for name, first in stored[0].items()
    }
