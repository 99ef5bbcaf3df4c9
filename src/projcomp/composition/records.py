"""What a composition has measured along the way, by name, for the samples file."""

from typing import Any

import torch
from torch import Tensor

from projcomp.composition.densities import Superposed
from projcomp.composition.feynman_kac import Interaction
from projcomp.composition.random_choice import Choice


def records(state: Any) -> dict[str, Tensor]:
    """What the state at the end of a path holds, each of shape ``(batch, ...)``.

    ``log_weight`` ``(batch,)``, ``interaction`` ``(batch, levels, M, M)`` and, elementwise over a
    sample, ``interaction_map`` ``(batch, *dims)`` of weighed linear compositions (without a
    background the deltas are the scores themselves); ``log_q`` and ``kappa`` ``(batch, M)`` of
    superpositions, ``log_q`` alone of followed linear compositions; ``choice`` ``(batch,)`` of a
    random choice.
    """
    match state:
        case Interaction():
            found = {"log_weight": state.log_weight}
            if state.per_level:
                found["interaction"] = torch.stack(state.per_level, 1)
                found["interaction_map"] = state.density
            return found
        case Superposed():
            found = {"log_q": state.log_q.T}
            return found if state.kappa is None else {**found, "kappa": state.kappa.T}
        case Choice():
            return {"choice": state.model}
        case _:
            return {}
