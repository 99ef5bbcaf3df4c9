"""Losses summed where they are computed, so that no update waits for them."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

EDGES = (0.1, 0.5, 2.0)
"""Noise levels that part the bands of ``metrics.csv``."""

BANDS = ("error_below_0.1", "error_0.1_to_0.5", "error_0.5_to_2", "error_above_2")
"""Denoising errors by noise level, weighted as in ``diffusion/loss.py``."""


SUMS = (3, len(BANDS))
"""Shape of the sums: rows are loss, errors and how many, columns are bands."""


class RunningLosses:
    """Sums of losses and errors, and the first update whose loss was not finite.

    Everything stays on the device of the losses until it is asked for.
    """

    def __init__(self) -> None:
        self._sums: Tensor | None = None
        self._bad: Tensor | None = None

    def add(self, update: int, sigma: Tensor, loss: Tensor, error: Tensor) -> None:
        """Take in losses and errors ``(B,)`` at noise levels ``sigma`` ``(B,)`` of an update."""
        if self._sums is None or self._bad is None:
            self._begin(torch.zeros(SUMS, dtype=torch.float64, device=loss.device))
        assert self._sums is not None
        assert self._bad is not None
        values = torch.stack([loss, error, torch.ones_like(loss)]).double()
        self._sums.index_add_(1, torch.bucketize(sigma, self._edges), values)
        bad = ~loss.isfinite()
        low = torch.where(bad, sigma, math.inf).amin()
        high = torch.where(bad, sigma, -math.inf).amax()
        here = torch.stack([torch.full_like(low, update), low, high]).double()
        fresh = bad.any() & self._bad[0].isnan()
        self._bad = torch.where(fresh, here, self._bad)

    def _begin(self, sums: Tensor) -> None:
        self._sums = sums
        self._bad = torch.full((3,), math.nan, dtype=torch.float64, device=sums.device)
        self._edges = torch.tensor(EDGES, device=sums.device)

    def gather(self, add_up: Callable[[Tensor], Tensor], first: bool) -> None:
        """Give the sums of all processes that share the updates to the first.

        Args:
            add_up: sums a tensor over all of them.
            first: whether this is the first.
        """
        assert self._sums is not None, "no loss was added"
        total = add_up(self._sums.clone())
        self._sums = total if first else torch.zeros_like(total)

    @property
    def sums(self) -> Tensor | None:
        """Losses, errors and how many, ``SUMS``, since the last ``take``; None before the first."""
        return self._sums

    @sums.setter
    def sums(self, sums: Tensor) -> None:
        self._begin(sums.clone())

    def first_bad(
        self, gather: Callable[[Tensor], Tensor] = lambda bad: bad
    ) -> tuple[int, float, float] | None:
        """The first update with losses that were not finite, and between which noise levels.

        Args:
            gather: stacks a tensor of all processes that share the updates.
        """
        if self._bad is None:
            return None
        rows = gather(self._bad).reshape(-1, 3)
        rows = rows[~rows[:, 0].isnan()]
        if not len(rows):
            return None
        rows = rows[rows[:, 0] == rows[:, 0].amin()]
        return int(rows[0, 0]), float(rows[:, 1].amin()), float(rows[:, 2].amax())

    def take(self, add_up: Callable[[Tensor], Tensor] = lambda sums: sums) -> dict[str, float]:
        """Means since the last call: the ``loss``, and the error of every band (nan if empty).

        Args:
            add_up: sums a tensor over all processes that share the updates.
        """
        assert self._sums is not None, "no loss was added"
        losses, errors, counts = add_up(self._sums.clone()).tolist()
        self._sums.zero_()
        means = {
            name: error / count if count else math.nan
            for name, error, count in zip(BANDS, errors, counts, strict=True)
        }
        return {"loss": sum(losses) / sum(counts), **means}
