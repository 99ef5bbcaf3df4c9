"""The kinds of network that a pipeline may have: what they are told, and how they are called."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from projcomp.adapters.diffusers.told import Parts
from projcomp.diffusion.shapes import PerSample, Samples
from projcomp.errors import UserError
from projcomp.words import quoted

Size = tuple[int, int]
"""Height and width of a picture, in pixels."""


@dataclass(frozen=True)
class Family:
    """One kind of network.

    Attributes:
        prompt: ``(pipe, text, size)`` to what the network is told of a text.
        nothing: ``(pipe, size)`` to what it is told where the pipeline guides away from nothing.
        predict: ``(network, x, steps, parts)`` to its prediction; ``parts`` are stacked.
    """

    prompt: Callable[[Any, str, Size], Parts]
    nothing: Callable[[Any, Size], Parts]
    predict: Callable[[Any, Samples, PerSample, Parts], Tensor]


def network_of(pipe: Any) -> Any:
    """The network of a pipeline: its U-Net or its transformer.

    Raises:
        UserError: it has neither.
    """
    network = getattr(pipe, "unet", None) or getattr(pipe, "transformer", None)
    if network is None:
        raise UserError(
            f"pipeline: expected one with a U-Net or a transformer, got {type(pipe).__name__}"
        )
    return network


def family_of(pipe: Any) -> Family:
    """The kind of a pipeline's network.

    Raises:
        UserError: it is of no kind that is known.
    """
    network = network_of(pipe)
    kind = type(network).__name__
    if kind == "UNet2DConditionModel":
        kind = f"{kind}, {network.config.addition_embed_type or 'plain'}"
    if kind not in _FAMILIES:
        raise UserError(
            "pipeline: expected the network of SD 1.x or 2.x, SDXL, DiT or SD3, got "
            f"{type(pipe).__name__} with {kind}; write a denoiser of your own (docs/library.md)"
        )
    if getattr(pipe, "vae", None) is None:
        raise UserError(
            "pipeline: expected one with a vae, which makes pictures of latents, got "
            f"{type(pipe).__name__} without; take a pipeline of latents"
        )
    if pipe.vae.config.latent_channels != network.config.in_channels:
        raise UserError(
            f"pipeline: expected one from text or a label to pictures, got {type(pipe).__name__} "
            f"whose network has {network.config.in_channels} channels for "
            f"{pipe.vae.config.latent_channels} of a latent"
        )
    return _FAMILIES[kind]


def _sd_prompt(pipe: Any, text: str, size: Size) -> Parts:
    return {"tokens": pipe.encode_prompt(text, pipe._execution_device, 1, False)[0][0]}


def _sd_nothing(pipe: Any, size: Size) -> Parts:
    return _sd_prompt(pipe, "", size)


def _sd_predict(network: Any, x: Samples, steps: PerSample, parts: Parts) -> Tensor:
    return network(x, steps, encoder_hidden_states=parts["tokens"], return_dict=False)[0]


def _sdxl_prompt(pipe: Any, text: str, size: Size) -> Parts:
    encoded = pipe.encode_prompt(
        text, device=pipe._execution_device, do_classifier_free_guidance=False
    )
    tokens, pooled = encoded[0][0], encoded[2][0]
    # the picture's size, where it was cropped, the size that was asked for
    sizes = torch.tensor([*size, 0, 0, *size], dtype=tokens.dtype, device=tokens.device)
    return {"tokens": tokens, "pooled": pooled, "sizes": sizes}


def _sdxl_nothing(pipe: Any, size: Size) -> Parts:
    parts = _sdxl_prompt(pipe, "", size)
    if not pipe.config.force_zeros_for_empty_prompt:
        return parts
    zeros = {name: torch.zeros_like(parts[name]) for name in ("tokens", "pooled")}
    return {**parts, **zeros}


def _sdxl_predict(network: Any, x: Samples, steps: PerSample, parts: Parts) -> Tensor:
    added = {"text_embeds": parts["pooled"], "time_ids": parts["sizes"]}
    return network(
        x,
        steps,
        encoder_hidden_states=parts["tokens"],
        added_cond_kwargs=added,
        return_dict=False,
    )[0]


def _dit_prompt(pipe: Any, text: str, size: Size) -> Parts:
    if text in pipe.labels:
        return _label(pipe, pipe.labels[text])
    count = pipe.transformer.config.num_embeds_ada_norm
    if not text.isdecimal() or int(text) >= count:
        raise UserError(
            f"prompt: expected the name of a class or a number below {count}, got {quoted(text)}"
        )
    return _label(pipe, int(text))


def _dit_nothing(pipe: Any, size: Size) -> Parts:
    return _label(pipe, pipe.transformer.config.num_embeds_ada_norm)  # the class after the last


def _label(pipe: Any, number: int) -> Parts:
    return {"label": torch.tensor(number, device=pipe._execution_device)}


def _dit_predict(network: Any, x: Samples, steps: PerSample, parts: Parts) -> Tensor:
    return network(x, timestep=steps, class_labels=parts["label"], return_dict=False)[0]


def _sd3_prompt(pipe: Any, text: str, size: Size) -> Parts:
    encoded = pipe.encode_prompt(
        text, text, text, device=pipe._execution_device, do_classifier_free_guidance=False
    )
    return {"tokens": encoded[0][0], "pooled": encoded[2][0]}


def _sd3_nothing(pipe: Any, size: Size) -> Parts:
    return _sd3_prompt(pipe, "", size)


def _sd3_predict(network: Any, x: Samples, steps: PerSample, parts: Parts) -> Tensor:
    return network(
        x,
        timestep=steps,
        encoder_hidden_states=parts["tokens"],
        pooled_projections=parts["pooled"],
        return_dict=False,
    )[0]


_FAMILIES = {
    "UNet2DConditionModel, plain": Family(_sd_prompt, _sd_nothing, _sd_predict),
    "UNet2DConditionModel, text_time": Family(_sdxl_prompt, _sdxl_nothing, _sdxl_predict),
    "DiTTransformer2DModel": Family(_dit_prompt, _dit_nothing, _dit_predict),
    "SD3Transformer2DModel": Family(_sd3_prompt, _sd3_nothing, _sd3_predict),
}
"""By the class of the network, and for a U-Net by what it is told beside the tokens."""
