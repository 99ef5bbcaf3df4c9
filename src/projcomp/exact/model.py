"""A model whose distributions are the renders themselves, wherever a network may stand."""

from collections.abc import Mapping

import torch
from torch import Tensor

from projcomp.conditions.kinds import kind_of
from projcomp.conditions.position import Position
from projcomp.data.dataset import RenderedImages
from projcomp.errors import UserError
from projcomp.exact.featured import points_in
from projcomp.exact.points import Points
from projcomp.exact.windows import local_mean
from projcomp.features.feature_map import RGB, Features
from projcomp.networks import conditioning


class ExactModelError(UserError):
    """A dataset has no images of what is asked for."""


class ExactModel:
    """The exact denoiser of rendered datasets, conditioned on one of an image's objects.

    An image answers a condition as training draws them: a dataset by its share, an image of it, one
    of the image's objects as its label. Its weight is therefore the dataset's share over the number
    of its images, times the share of the image's objects that answer. An image that was rendered
    for a place answers for that place alone. Held-out images are left out, as in training.

    Args:
        name: what it is called in messages.
        datasets: the images, by the name of their dataset; all of one kind of condition and size.
        shares: each dataset's share of the draws, by name.
        bandwidth: how near an object's centre must lie to a requested place, as a share of the
            image's side.
        window: side of the window of the local posterior, pixels; None for the whole picture's.
        features: map in front of it: the renders' features are what it is a distribution of.
        device: where it is computed.

    Attributes:
        condition_kind: what it is told (``conditions/kinds.py``), or "none".
        resolution: side of the images, pixels.
        discarded: greatest share of the weight that any sample left out so far
            (``exact/points.py``).
    """

    def __init__(
        self,
        name: str,
        datasets: Mapping[str, RenderedImages],
        shares: Mapping[str, float],
        *,
        bandwidth: float,
        window: int | None = None,
        features: Features = RGB,
        device: torch.device | str = "cpu",
    ) -> None:
        self.name, self.bandwidth, self.window = name, bandwidth, window
        self.discarded = 0.0
        self._datasets, self._shares = dict(datasets), dict(shares)
        self.features, self._device = features, torch.device(device)
        first = next(iter(datasets.values()))
        self.condition_kind, self.resolution = first.condition, first.shape[0]
        self._points: dict[tuple[float, ...], Points] = {}

    @property
    def num_images(self) -> int:
        """Number of images, of all datasets together."""
        return sum(map(len, self._datasets.values()))

    def __call__(self, x: Tensor, sigma: Tensor, condition: Tensor) -> Tensor:
        """Denoise ``x`` ``(B, *dims)`` at ``sigma`` ``(B,)`` given ``condition`` ``(B, C)``.

        Raises:
            ExactModelError: no image answers a condition.
        """
        distinct, which = condition.unique(dim=0, return_inverse=True)
        rows = [(which == number).nonzero()[:, 0] for number in range(len(distinct))]
        with torch.autocast(x.device.type, enabled=False):
            parts = [
                self._denoised(self.points(asked), x[here], sigma[here])
                for asked, here in zip(distinct, rows, strict=True)
            ]
        return torch.cat(parts)[torch.cat(rows).argsort()]

    def answers(self, condition: Tensor) -> bool:
        """Whether any image answers a condition, shape ``(C,)``."""
        asked = condition.cpu()
        return any(
            bool(_answering(data, asked, self.bandwidth).any()) for data in self._datasets.values()
        )

    def points(self, condition: Tensor) -> Points:
        """The images that answer a condition, shape ``(C,)``, with their weights.

        Raises:
            ExactModelError: there are none.
        """
        key = tuple(condition.tolist())
        if key not in self._points:
            found = [self._chosen(name, condition.cpu()) for name in self._datasets]
            images, weights = (torch.cat(parts) for parts in zip(*found, strict=True))
            if not len(images):
                raise ExactModelError(self._nothing(condition.cpu()))
            self._points[key] = points_in(self.features, images.to(self._device), weights)
        return self._points[key]

    def _denoised(self, points: Points, x: Tensor, sigma: Tensor) -> Tensor:
        if self.window is not None:
            return local_mean(points, x, sigma, self.window)
        posterior = points.posterior(x, sigma)
        self.discarded = max(self.discarded, float(posterior.discarded.detach().max()))
        return posterior.mean

    def _chosen(self, name: str, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Images of one dataset that answer a condition, with their log-weights."""
        data = self._datasets[name]
        answer = _answering(data, condition, self.bandwidth)
        index = answer.nonzero()[:, 0]
        share = self._shares[name] / len(data)
        return data.read(index), (share * answer[index]).log()

    def _nothing(self, condition: Tensor) -> str:
        words = conditioning.in_words(condition, self.condition_kind)
        mend = "render images of it"
        if condition[0] == conditioning.GIVEN and not kind_of(self.condition_kind).values:
            words = f"with an object within {self.bandwidth:g} of ({words})"
            mend = "raise its bandwidth (a twin has its network's), or render at the places"
        return (
            f"exact model {self.name}: expected images {words} in {', '.join(self._datasets)}, "
            f"got none; {mend}"
        )


def _answering(data: RenderedImages, condition: Tensor, bandwidth: float) -> Tensor:
    """The share of every image's objects that answer, float64 ``(N,)``."""
    kind, number = condition[0], data.num_objects
    if kind == conditioning.DROPPED:
        return torch.ones(len(data), dtype=torch.float64)
    if kind == conditioning.EMPTY:
        return (number == 0).double()
    asked = kind_of(data.condition)
    if isinstance(asked, Position) and data.requested is not None:
        # rendered for its place: the others of its objects are what surrounds it there
        return asked.answers(data.requested, condition[1:], bandwidth).double()
    match = asked.answers(data.labels, condition[1:], bandwidth)
    there = torch.arange(data.labels.shape[1]) < number[:, None]
    return (match & there).sum(1) / number.clamp(min=1).double()
