"""The average of the weights of the last N updates (Bradley et al. 2025), as a running mean."""

import torch
from torch import Tensor


class TailAverage:
    """Uniform average over the last ``length`` of ``total`` updates, in one copy of the weights.

    The training's length is known beforehand, so the mean starts at update ``total - length`` and
    no old weights need to be kept.

    Args:
        total: updates of the whole training.
        length: updates averaged; more than ``total`` means all of them.
    """

    def __init__(self, total: int, length: int):
        self.start = max(total - length, 0)
        self.count = 0
        self.mean: dict[str, Tensor] = {}

    @torch.no_grad()
    def update(self, update: int, weights: dict[str, Tensor]) -> None:
        """Take in the weights after update number ``update`` (from 0)."""
        if update < self.start:
            return
        self.count += 1
        if self.count == 1:
            self.mean = {name: value.detach().clone() for name, value in weights.items()}
            return
        for name, value in weights.items():
            self.mean[name].lerp_(value.detach(), 1.0 / self.count)

    def state_dict(self) -> dict[str, object]:
        """What is needed to go on after a kill."""
        return {"count": self.count, "mean": self.mean}

    def load_state_dict(self, state: dict) -> None:
        """Go on from ``state_dict()``."""
        self.count, self.mean = state["count"], state["mean"]
