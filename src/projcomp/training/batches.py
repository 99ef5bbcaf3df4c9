"""The batches of a training run: update ``u`` sees the same images whenever and wherever it runs.

Everything random about an update (images, labels, dropped conditions, noise levels, noise) comes
from a generator seeded by ``(seed, model, u)``, so that a resumed run needs no saved random state.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from projcomp.data.dataset import RenderedImages
from projcomp.errors import UserError
from projcomp.networks import conditioning
from projcomp.seeds import integer_seed


class Batch(NamedTuple):
    """One process's part of an update.

    Attributes:
        images: uint8 ``(B, H, W, 3)``.
        conditions: ``(B, C)``.
        noise_seed: seed of the whole update's noise.
        first: number of the first image within the whole update.
    """

    images: Tensor
    conditions: Tensor
    noise_seed: int
    first: int


class UpdateBatches(IterableDataset):
    """Batches of the updates ``start, start + 1, ...`` up to ``total``.

    Args:
        datasets: the rendered images drawn from.
        shares: the share of the draws of each.
        kind: what the network is told (``conditions/kinds.py``), or "none".
        dropout: probability that a condition is dropped.
        batch_size: images per update.
        seed: root seed.
        model: name of the model; part of the random stream's name.
        start: first update.
        total: updates of the whole training.
        rank: which of the processes that share each update this is.
        world: how many of them there are; each takes an equal part of the update's images.
    """

    def __init__(
        self,
        datasets: Sequence[RenderedImages],
        shares: Sequence[float],
        *,
        kind: str,
        dropout: float,
        batch_size: int,
        seed: int,
        model: str,
        start: int,
        total: int,
        rank: int = 0,
        world: int = 1,
    ):
        self.datasets = list(datasets)
        self.shares = torch.tensor(list(shares), dtype=torch.float64)
        self.kind, self.dropout, self.batch_size = kind, dropout, batch_size
        self.seed, self.model, self.start, self.total = seed, model, start, total
        share = batch_size // world
        self.first, self.last = rank * share, (rank + 1) * share

    def __iter__(self) -> Iterator[Batch]:
        """Yield the updates in order; of several workers each makes every so many-th of them.

        A worker yields a user's error in place of the batch, for the training to raise: torch
        would tell of it with the worker's whole traceback.
        """
        worker = get_worker_info()
        first, step = (worker.id, worker.num_workers) if worker else (0, 1)
        for update in range(self.start + first, self.total, step):
            try:
                batch = self.batch(update)
            except UserError as error:
                if worker is None:
                    raise
                batch = cast(Batch, error)
            yield batch

    @property
    def in_memory(self) -> bool:
        """Whether a batch is made without reading from the disk."""
        return all(dataset.in_memory for dataset in self.datasets)

    def batch(self, update: int) -> Batch:
        """The batch of one update."""
        index, rows = self._draw(update)
        images, passed = [], 0
        for dataset, chosen in zip(self.datasets, index, strict=True):
            # every process draws the whole update, and reads its own part
            own = chosen[max(self.first - passed, 0) : max(self.last - passed, 0)]
            if len(chosen):
                images.append(dataset.read(own))
            passed += len(chosen)
        noise_seed = integer_seed(self.seed, "training", self.model, "noise", update)
        return Batch(torch.cat(images), rows[self.first : self.last], noise_seed, self.first)

    def conditions(self, update: int) -> Tensor:
        """The conditions ``(batch_size, C)`` of one update, of all processes; nothing is read."""
        return self._draw(update)[1]

    def _draw(self, update: int) -> tuple[list[Tensor], Tensor]:
        """Which images of every dataset an update takes, and what the network is told of each."""
        rng = torch.Generator().manual_seed(
            integer_seed(self.seed, "training", self.model, "draws", update)
        )
        which = torch.multinomial(self.shares, self.batch_size, replacement=True, generator=rng)
        index, conditions = [], []
        for i, dataset in enumerate(self.datasets):
            number = int((which == i).sum())
            index.append(torch.empty(0, dtype=torch.long))
            if number:
                index[-1] = torch.randint(len(dataset), (number,), generator=rng)
                conditions.append(dataset.draw_conditions(index[-1], rng))
        rows = torch.cat(conditions)
        dropped = torch.rand(len(rows), generator=rng) < self.dropout
        rows[dropped] = conditioning.unconditional(self.kind)
        return index, rows
