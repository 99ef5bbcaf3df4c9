"""What the library is given: numbers that mean something, and tensors of the right shape."""

import math
from typing import Any

from torch import Tensor

from projcomp.errors import ConfigError, UserError


def check_made(who: str, made: Any, like: Tensor) -> None:
    """Whether a model made a tensor shaped as ``like``, which it was handed.

    A reshape would make samples of pictures whose channels stand last, and broadcasting would of
    one channel; neither would say so.

    Raises:
        UserError: it did not.
    """
    got = tuple(made.shape) if isinstance(made, Tensor) else type(made).__name__
    if got != tuple(like.shape):
        raise UserError(
            f"{who}: expected a tensor of shape {tuple(like.shape)}, as the samples that it was "
            f"handed, got {got}; return one in their shape"
        )


def check_number(name: str, value: float, least: float = -math.inf, most: float = math.inf) -> None:
    """Whether ``value`` is a finite number from ``least`` to ``most``, both allowed.

    Raises:
        ConfigError: it is not, NaN included.
    """
    if not (math.isfinite(value) and least <= value <= most):
        upper = "" if math.isinf(most) else f", at most {most:g}"
        lower = "" if math.isinf(least) else f", at least {least:g}"
        raise ConfigError(f"{name}: expected a finite number{lower}{upper}, got {value:g}")


def check_positive(name: str, value: float) -> None:
    """Whether ``value`` is a finite number above 0.

    Raises:
        ConfigError: it is not, NaN included.
    """
    if not (math.isfinite(value) and value > 0):
        raise ConfigError(f"{name}: expected a finite number above 0, got {value:g}")
