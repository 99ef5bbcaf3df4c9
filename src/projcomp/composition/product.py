"""The product of conditionals over a background, ``p_b * prod_i (p_i / p_b)^w_i``.

Bradley et al. 2025, Definition 5.1. With the unconditional model as background it is the Bayes
composition (Du et al. 2023); with ``M = 1`` conditional and weight ``g`` it is classifier-free
guidance; a negative weight negates its conditional.
"""

from collections.abc import Sequence

from projcomp.composition.linear import LinearField
from projcomp.diffusion.field import ScoreStack


def product_coefficients(weights: Sequence[float]) -> tuple[float, ...]:
    """Coefficients of the stacked scores, the background first.

    Args:
        weights: ``w_i``, one per conditional; none leaves the background alone.

    Returns:
        ``(1 - sum_i w_i, w_1, ..., w_M)``; they sum to 1.
    """
    return (1.0 - sum(weights), *map(float, weights))


def product_field(scores: ScoreStack, weights: Sequence[float]) -> LinearField:
    """The score field of the product over a background.

    Args:
        scores: stacked scores of the background and then of the conditionals.
        weights: ``w_i``, one per conditional; all 1 for the plain product.
    """
    return LinearField(scores, product_coefficients(weights))
