"""The state to resume a training from: one safetensors file outside the rule's outputs.

It holds the weights, Adam's moments, the running average and the losses since the last row of the
metrics, and in its header the number of updates made and the settings it belongs to. Random streams
need no state (``batches.py``).
"""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from projcomp.errors import FileFormatError
from projcomp.files.tensors import write_tensors
from projcomp.training.losses import SUMS
from projcomp.training.module import DiffusionTraining
from projcomp.words import first_line

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")
_LOSSES = "losses"


def save_state(path: Path, module: DiffusionTraining, settings: str) -> None:
    """Write the state of ``module`` and of its optimiser, atomically."""
    tensors: dict[str, Tensor] = {f"model.{k}": v for k, v in module.model.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in module.average.mean.items()}
    optimizer = _optimizer(module)
    for name, parameter in module.model.named_parameters():
        for moment in _MOMENTS:
            if moment in optimizer.state[parameter]:
                tensors[f"{moment}.{name}"] = optimizer.state[parameter][moment]
    if module.losses.sums is not None:
        tensors[_LOSSES] = module.losses.sums
    header = {
        "updates_made": str(module.updates_made),
        "average_count": str(module.average.count),
        "settings": settings,
    }
    write_tensors(path, tensors, header)


def read_updates_made(path: Path, settings: str, total: int | None = None) -> int:
    """Updates made by the run that left ``path``; 0 if absent, damaged or of other settings.

    Where a state is passed over, a line tells why, since the training then starts anew.

    Args:
        path: the state.
        settings: of the training that asks, as JSON; what ``save_state`` was given.
        total: updates of the whole training; no state is saved after the last.
    """
    if not path.is_file():
        return 0
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
        of_these_settings = json.loads(header["settings"]) == json.loads(settings)
        updates, averaged = int(header["updates_made"]), int(header["average_count"])
    except (SafetensorError, OSError, KeyError, ValueError, RecursionError) as error:
        print(f"{path}: passed over, damaged ({first_line(error)}); starting anew", flush=True)
        return 0
    if not of_these_settings:
        print(f"{path}: passed over, of other settings or images; starting anew", flush=True)
        return 0
    if not 0 <= updates < (total or updates + 1) or averaged < 0:
        print(f"{path}: passed over, damaged (update {updates}); starting anew", flush=True)
        return 0
    return updates


def load_state(path: Path, module: DiffusionTraining) -> None:
    """Put the state of ``path`` into ``module`` and its optimiser.

    Of several processes the first has the losses of all.

    Raises:
        FileFormatError: it is damaged, or of another network or training.
    """
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        updates, averaged = int(header["updates_made"]), int(header["average_count"])
    except (SafetensorError, OSError, KeyError, ValueError, RecursionError) as error:
        raise _unusable(path, first_line(error)) from None
    problem = _problem(tensors, module, updates, averaged)
    if problem:
        raise _unusable(path, problem)
    module.model.load_state_dict(_under("model.", tensors))
    module.updates_made = updates
    device = next(module.model.parameters()).device
    mean = {k: v.to(device) for k, v in _under("average.", tensors).items()}
    module.average.load_state_dict({"count": averaged, "mean": mean})
    if _LOSSES in tensors and module.global_rank == 0:
        module.losses.sums = tensors[_LOSSES].to(device)
    optimizer = _optimizer(module)
    for name, parameter in module.model.named_parameters():
        state = {m: tensors[f"{m}.{name}"] for m in _MOMENTS if f"{m}.{name}" in tensors}
        if state:
            optimizer.state[parameter] = {m: _laid_out_as(parameter, v) for m, v in state.items()}


def _problem(
    tensors: dict[str, Tensor], module: DiffusionTraining, updates: int, averaged: int
) -> str | None:
    """What ``save_state`` would not have written of ``module`` after so many updates, or None.

    Copying into place would stretch a tensor of another shape, and pass over one that is missing.
    """
    weights = dict(module.model.state_dict())
    named = dict(module.model.named_parameters())
    if averaged != max(updates - module.average.start, 0):
        return f"an average of {averaged} updates after {updates}"
    moments = {m: _under(f"{m}.", tensors) for m in _MOMENTS}
    trained = {k: v for k, v in named.items() if k in moments["step"]}
    steps = dict.fromkeys(trained, torch.zeros(()))
    parts = {
        "model.": (_under("model.", tensors), weights),
        "average.": (_under("average.", tensors), weights if averaged else {}),
        "step.": (moments["step"], steps),
        "exp_avg.": (moments["exp_avg"], trained),
        "exp_avg_sq.": (moments["exp_avg_sq"], trained),
    }
    if _LOSSES in tensors:  # states of earlier versions have none
        parts[""] = ({_LOSSES: tensors[_LOSSES]}, {_LOSSES: torch.zeros(SUMS, dtype=torch.float64)})
    if not trained:
        return "no moments of Adam"
    for prefix, (found, expected) in parts.items():
        for name in (*expected, *found):
            if name not in found:
                return f"no tensor {prefix}{name}"
            if name not in expected:
                return f"an unknown tensor {prefix}{name}"
            if found[name].shape != expected[name].shape:
                return f"{prefix}{name} of another shape {tuple(found[name].shape)}"
            if found[name].dtype != expected[name].dtype:
                return f"{prefix}{name} of another type {found[name].dtype}"
    return None


def _unusable(path: Path, reason: str) -> FileFormatError:
    return FileFormatError(
        f"{path}: expected the state of this training, got one that is damaged or of another "
        f"({reason}); delete it, and the same command starts the training anew"
    )


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
