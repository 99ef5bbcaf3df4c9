"""Low-rank adapters (LoRA) on shared weights: switched on and off, and several in one batch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from diffusers.utils.peft_utils import set_adapter_layers, set_weights_and_activate_adapters
from peft.tuners.lora import LoraLayer
from peft.tuners.tuners_utils import BaseTunerLayer

from projcomp.adapters.diffusers.told import Loras

_NONE = "__base__"
"""What peft calls a row of a batch without an adapter."""


def switch(model: Any, loras: Loras) -> None:
    """Have ``model`` (a network, a text encoder) evaluated with these adapters and no others."""
    if not _layers(model):
        return
    set_adapter_layers(model, enabled=bool(loras))
    if loras:
        names, weights = [name for name, _ in loras], [weight for _, weight in loras]
        set_weights_and_activate_adapters(model, names, weights)


def can_mix(model: Any, rows: Sequence[Loras]) -> bool:
    """Whether one batch can hold rows that differ: at most one adapter each, of one weight.

    Adapters that are more than a product of two matrices (DoRA) are evaluated one by one.
    """
    distinct = set(rows)
    names = [name for loras in distinct for name, _ in loras]
    return (
        len(distinct) > 1
        and all(len(loras) <= 1 for loras in distinct)
        and len(names) == len(set(names))
        and all(isinstance(layer, LoraLayer) and _is_plain(layer) for layer in _layers(model))
    )


@contextmanager
def mixed(model: Any, rows: Sequence[Loras]) -> Iterator[None]:
    """Within, ``model`` is called with one batch whose rows have adapters of their own.

    Args:
        model: the network.
        rows: those of every row; they can be mixed.
    """
    every = tuple(sorted({pair for loras in rows for pair in loras}))
    switch(model, every)
    names = [loras[0][0] if loras else _NONE for loras in rows]
    hooks = [
        layer.register_forward_pre_hook(
            lambda _, args, named: (args, {**named, "adapter_names": names}), with_kwargs=True
        )
        for layer in _layers(model)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _is_plain(layer: LoraLayer) -> bool:
    return not layer.lora_variant and not layer.merged


def _layers(model: Any) -> list[Any]:
    return [module for module in model.modules() if isinstance(module, BaseTunerLayer)]
