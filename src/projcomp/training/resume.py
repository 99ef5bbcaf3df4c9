"""The state to resume a training from: one safetensors file outside the rule's outputs.

It holds the weights, Adam's moments and the running average, and in its header the number of
updates made and the settings it belongs to. Random streams need no state (``batches.py``).
"""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from projcomp.tensor_files import write_tensors
from projcomp.training.module import DiffusionTraining

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


def save_state(path: Path, module: DiffusionTraining, settings: str) -> None:
    """Write the state of ``module`` and of its optimiser, atomically."""
    tensors: dict[str, Tensor] = {f"model.{k}": v for k, v in module.model.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in module.average.mean.items()}
    optimizer = _optimizer(module)
    for name, parameter in module.model.named_parameters():
        for moment in _MOMENTS:
            if moment in optimizer.state[parameter]:
                tensors[f"{moment}.{name}"] = optimizer.state[parameter][moment]
    header = {
        "updates_made": str(module.updates_made),
        "average_count": str(module.average.count),
        "settings": settings,
    }
    write_tensors(path, tensors, header)


def read_updates_made(path: Path, settings: str) -> int:
    """Updates made by the run that left ``path``; 0 if absent, damaged or of other settings."""
    if not path.is_file():
        return 0
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
    except SafetensorError:
        return 0
    if json.loads(header.get("settings", "null")) != json.loads(settings):
        return 0
    return int(header["updates_made"])


def load_state(path: Path, module: DiffusionTraining) -> None:
    """Put the state of ``path`` into ``module`` and its optimiser."""
    with safe_open(path, "pt") as file:
        header = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    module.model.load_state_dict(_under("model.", tensors))
    module.updates_made = int(header["updates_made"])
    device = next(module.model.parameters()).device
    mean = {k: v.to(device) for k, v in _under("average.", tensors).items()}
    module.average.load_state_dict({"count": int(header["average_count"]), "mean": mean})
    optimizer = _optimizer(module)
    for name, parameter in module.model.named_parameters():
        state = {m: tensors[f"{m}.{name}"] for m in _MOMENTS if f"{m}.{name}" in tensors}
        if state:
            optimizer.state[parameter] = {m: _laid_out_as(parameter, v) for m, v in state.items()}


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _laid_out_as(parameter: Tensor, value: Tensor) -> Tensor:
    """``value`` with the strides of ``parameter``: the fused Adam walks both memories in step."""
    if value.ndim == 0:
        return value.to(parameter.device)
    return torch.empty_like(parameter).copy_(value)


def _optimizer(module: DiffusionTraining) -> torch.optim.Optimizer:
    optimizer = module.optimizers(use_pl_optimizer=False)
    assert isinstance(optimizer, torch.optim.Optimizer)
    return optimizer
