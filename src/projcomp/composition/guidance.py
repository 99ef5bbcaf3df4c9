"""Guidance over a background of what a superposition drives its path with.

SuperDiff's image experiments (Skreta et al. 2025) follow ``u = s_b + g (sum_i kappa_i s_i - s_b)``
and mix or keep equal the densities of the *unguided* ``s_i``: the estimators hold for any drift
(docs/method.md, section 4).
"""

import math

from jaxtyping import Float
from torch import Tensor

from projcomp.diffusion.shapes import Samples, Stacked
from projcomp.errors import ConfigError


def split(
    stacked: Stacked, num_models: int, guidance: float | None
) -> tuple[Samples | None, Float[Tensor, "superposed batch *dims"]]:
    """The background, where there is guidance, and the scores of what is superposed.

    Args:
        stacked: shape ``(num_models, batch, *dims)``; with guidance the background before them.
        num_models: how many models are superposed.
        guidance: ``g``, or None for no background.

    Raises:
        ConfigError: there are more or fewer scores.
    """
    expected = num_models + (guidance is not None)
    if len(stacked) != expected:
        raise ConfigError(
            f"num_models: expected {expected} stacked scores, got {len(stacked)}; stack as many "
            "conditions, or change num_models"
        )
    return (None, stacked) if guidance is None else (stacked[0], stacked[1:])


def guided(score: Samples, background: Samples | None, guidance: float | None) -> Samples:
    """``s_b + g (s - s_b)``, shape ``(batch, *dims)``; the score itself without a background."""
    if background is None or guidance is None:
        return score
    return background + guidance * (score - background)


def check(guidance: float | None) -> None:
    """Whether weights can be told of what is guided.

    Raises:
        ConfigError: the guidance is not above zero, so that the composed scores drive nothing, or
            not finite.
    """
    if guidance is not None and not 0 < guidance < math.inf:
        raise ConfigError(
            f"guidance: expected a number above 0, got {guidance:g}; raise it, or take a linear "
            "composition"
        )
