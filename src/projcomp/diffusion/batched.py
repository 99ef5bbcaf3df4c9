"""The scores of many (network, condition) pairs in as few network evaluations as possible."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from projcomp.diffusion.bounds import check_made
from projcomp.diffusion.convert import denoised_to_score
from projcomp.diffusion.field import Denoiser
from projcomp.diffusion.shapes import Index, Samples, Stacked
from projcomp.errors import ConfigError
from projcomp.machine.memory import Halving, memory_for

_NO_ROOM = (
    "sampling: expected a device whose memory holds the network and one image, got too little; "
    "take a larger device, or the CPU"
)


class BatchedScores:
    """A score stack over requests ``(denoiser, condition)``.

    All conditions of one denoiser are evaluated as one batch, one forward per denoiser, cut only
    where it would exceed ``chunk_size`` images, or the device's memory: where that does not
    suffice, the pieces become half as large for good. Equal requests (the same denoiser and the
    same condition) are evaluated once. Evaluation ``(condition c, sample b)`` sees the same inputs
    whatever the other requests are.

    A condition is a row of numbers, shape ``(C,)``, or anything else that ``==`` compares, such as
    the parts of a prompt under a key; no numpy array. A denoiser is handed rows stacked,
    ``(batch, C)``, and what is no tensor as a list, one a sample.

    Args:
        requests: the stacked models in order, each a denoiser and its condition.
        chunk_size: the greatest number of images in one call of a denoiser; where memory does not
            suffice it falls.

    Raises:
        ConfigError: there is no request, the chunk is less than one image, or a condition cannot be
            told from the others.
        UserError: on a call, where a denoiser returns anything but a tensor shaped as its samples.
        DeviceError: on a call, where the device's memory does not suffice for one image.
    """

    def __init__(self, requests: Sequence[tuple[Denoiser, Any]], chunk_size: int) -> None:
        if not requests or chunk_size < 1:
            raise ConfigError(
                "scores: expected at least one request and a chunk of at least one image, got "
                f"{len(requests)} and {chunk_size}"
            )
        self._pieces = Halving(chunk_size)
        groups: dict[object, _Group] = {}
        slots: list[tuple[object, int]] = []
        for denoiser, condition in requests:
            # a bound method is a new object every time it is asked for, and equal to the others
            key = denoiser if isinstance(denoiser, Hashable) else id(denoiser)
            group = groups.setdefault(key, _Group(denoiser))
            slots.append((key, group.slot(condition)))
        self._groups = list(groups.values())
        offsets, total = {}, 0
        for key, group in groups.items():
            offsets[key], total = total, total + len(group.conditions)
        self._rows = [offsets[key] + slot for key, slot in slots]

    @property
    def num_distinct(self) -> int:
        """Number of network evaluations that one sample costs at one noise level."""
        return sum(len(group.conditions) for group in self._groups)

    @property
    def widest_group(self) -> int:
        """The greatest number of distinct conditions of any one denoiser."""
        return max(len(group.conditions) for group in self._groups)

    def __call__(self, x: Samples, sigma: float) -> Stacked:
        """Scores of all requests at ``x``, shape ``(batch, *dims)``.

        Returns:
            Shape ``(num_models, batch, *dims)``, the dtype of ``x``.
        """
        return self._in_order(denoised_to_score(self._distinct(x, sigma), x, sigma))

    def denoised(self, x: Samples, sigma: float) -> Stacked:
        """``E[x0 | x]`` of all requests, of the shape of their scores.

        At an infinite noise level, where there are no scores, ``x`` is the noise itself.
        """
        return self._in_order(self._distinct(x, sigma))

    def _distinct(self, x: Samples, sigma: float) -> Stacked:
        """Denoised ``x`` of every distinct request."""
        return torch.cat([self._denoise(group, x, sigma) for group in self._groups])

    def _in_order(self, distinct: Float[Tensor, "distinct batch *dims"]) -> Stacked:
        """Rows of distinct requests in the order of all requests."""
        return distinct if self._rows == list(range(len(distinct))) else distinct[self._rows]

    def _denoise(self, group: "_Group", x: Samples, sigma: float) -> Stacked:
        """Denoised ``x`` in pieces that fit into the memory."""
        with memory_for(_NO_ROOM):
            return self._pieces(
                lambda size: group.denoise(x, sigma, size), len(x) * len(group.conditions)
            )


class _Group:
    """One denoiser and the distinct conditions asked of it."""

    def __init__(self, denoiser: Denoiser) -> None:
        self.denoiser = denoiser
        self.conditions: list[Any] = []
        self._stacked: Tensor | None = None  # on the samples' device: copied once, not every time

    def slot(self, condition: Any) -> int:
        """The position of ``condition`` among the distinct ones, added where it is new.

        Raises:
            ConfigError: it cannot be compared, or is a row of another length.
        """
        _check_condition(condition, self.conditions)
        for i, known in enumerate(self.conditions):
            if _equal(known, condition):
                return i
        self.conditions.append(condition)
        self._stacked = None
        return len(self.conditions) - 1

    def denoise(self, x: Samples, sigma: float, chunk_size: int) -> Stacked:
        """Denoised ``x`` under every condition, shape ``(num_conditions, batch, *dims)``."""
        batch, total = len(x), len(x) * len(self.conditions)
        exact = torch.promote_types(x.dtype, torch.float32)  # half a precision asks another level
        parts = []
        for start in range(0, total, chunk_size):
            index = torch.arange(start, min(start + chunk_size, total), device=x.device)
            level = torch.full((len(index),), sigma, dtype=exact, device=x.device)
            asked = x[index % batch]
            part = self.denoiser(asked, level, self._told(index // batch))
            check_made(f"denoiser {_name(self.denoiser)}", part, asked)
            parts.append(part.to(x.dtype))
        return torch.cat(parts).reshape(len(self.conditions), *x.shape)

    def _told(self, index: Index) -> Any:
        """The conditions ``index``, shape ``(batch,)``: rows are stacked, others a list."""
        if not all(isinstance(condition, Tensor) for condition in self.conditions):
            return [self.conditions[i] for i in index.tolist()]
        if self._stacked is None or self._stacked.device != index.device:
            self._stacked = torch.stack(self.conditions).to(index.device)
        return self._stacked[index]


def _name(denoiser: Denoiser) -> str:
    """What its author calls it."""
    return getattr(denoiser, "__name__", type(denoiser).__name__)


def _check_condition(condition: Any, others: Sequence[Any]) -> None:
    """Whether a condition can stand beside the others of its denoiser.

    Raises:
        ConfigError: it is an array, which ``==`` compares number by number, or another row's shape.
    """
    if isinstance(condition, np.ndarray):
        raise ConfigError(
            "condition: expected a tensor (a row of numbers) or what == compares as a whole, got a "
            "numpy array; make a tensor of it by torch.as_tensor"
        )
    for other in others:
        both = isinstance(condition, Tensor) and isinstance(other, Tensor)
        if both and condition.shape != other.shape:
            raise ConfigError(
                "condition: expected rows of one length for one denoiser, got shapes "
                f"{tuple(other.shape)} and {tuple(condition.shape)}"
            )


def _equal(a: Any, b: Any) -> bool:
    """Whether two conditions are the same."""
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return isinstance(a, Tensor) and isinstance(b, Tensor) and torch.equal(a, b)
    return bool(a == b)
