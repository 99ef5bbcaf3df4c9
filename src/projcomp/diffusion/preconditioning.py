"""EDM preconditioning (Karras et al. 2022, table 1): D = c_skip x + c_out F(c_in x; c_noise)."""

from typing import NamedTuple

from torch import Tensor


class Preconditioning(NamedTuple):
    """The four coefficients, each of the shape of ``sigma``."""

    c_skip: Tensor
    c_out: Tensor
    c_in: Tensor
    c_noise: Tensor


def preconditioning(sigma: Tensor, sigma_data: float) -> Preconditioning:
    """Coefficients at ``sigma`` (any shape, positive) for data of standard deviation sigma_data."""
    total = sigma.square() + sigma_data**2
    return Preconditioning(
        c_skip=sigma_data**2 / total,
        c_out=sigma * sigma_data * total.rsqrt(),
        c_in=total.rsqrt(),
        c_noise=sigma.log() / 4,
    )
