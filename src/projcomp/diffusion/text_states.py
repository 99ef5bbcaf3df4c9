"""Latent models that are told a text by the states of its encoder, as LDMol is of molecules.

Such a model is called with ``(x_vp, step, states, mask)``: a vector for every token of the text,
and which tokens there are. One that has learned its variance predicts 2C channels for the C of its
latents, the noise first (Nichol and Dhariwal 2021). Here the two tensors become one row of numbers,
so that the model is a denoiser as any other, and all texts of a step are evaluated as one batch.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from projcomp.diffusion.epsilon import EpsilonModel
from projcomp.diffusion.shapes import Condition, Index, Samples
from projcomp.errors import ConfigError

States = Float[Tensor, "batch tokens width"]
"""What the text's encoder makes of every token."""

Mask = Bool[Tensor, "batch tokens"]
"""Which tokens there are; the others fill the text up to the common length."""

StatesModel = Callable[[Samples, Index, States, Mask], Tensor]
"""``(x_vp (batch, C, *dims), step, states, mask) -> (batch, C, *dims)`` or ``(batch, 2C, *dims)``.
"""


def states_row(
    states: Float[Tensor, "tokens width"], mask: Bool[Tensor, " tokens"]
) -> Float[Tensor, " features"]:
    """The condition of one text: its states and its mask as one row of numbers.

    Texts that are composed need one length (encoders fill them up). What the mask leaves out
    becomes 0, so that equal texts are equal rows, which are evaluated once.

    Args:
        states: of the text's tokens, shape ``(tokens, width)``.
        mask: which of them there are, shape ``(tokens,)``.

    Returns:
        Shape ``(tokens * (width + 1),)``.

    Raises:
        ConfigError: there is no token; a model's attention would be none.
    """
    if not mask.any():
        raise ConfigError("mask: expected at least one token of the text, got none; encode a text")
    kept = mask[:, None].to(states)
    return torch.cat([states * kept, kept], 1).flatten()


def epsilon_of_states(model: StatesModel, width: int) -> EpsilonModel:
    """The predicted noise of ``model``, told rows of :func:`states_row`; for ``denoiser_of``.

    A learned variance is dropped: the samplers have their own.

    Args:
        model: a latent model; channels are the first axis after the batch.
        width: length of one token's vector.

    Raises:
        ConfigError: on a call, where rows hold no tokens of that width, or where the model predicts
            neither C nor 2C channels.
    """

    def predict(x: Samples, step: Index, condition: Condition) -> Samples:
        if condition.shape[1] % (width + 1):
            raise ConfigError(
                f"condition: expected rows of tokens with {width} numbers and a mask each, got "
                f"rows of {condition.shape[1]}; make them by states_row, from states of that width"
            )
        told = condition.unflatten(1, (-1, width + 1))
        predicted = model(x, step, told[..., :-1], told[..., -1] > 0)
        return _noise(predicted, x)

    return predict


def _noise(predicted: Tensor, x: Samples) -> Samples:
    channels = x.shape[1]
    dims = (*predicted.shape[:1], *predicted.shape[2:])
    if dims != (len(x), *x.shape[2:]) or predicted.shape[1] not in (channels, 2 * channels):
        raise ConfigError(
            f"model: expected noise of shape {tuple(x.shape)}, or with {2 * channels} channels "
            f"where its variance is learned, got {tuple(predicted.shape)}; does its patch size fit?"
        )
    return predicted[:, :channels]
