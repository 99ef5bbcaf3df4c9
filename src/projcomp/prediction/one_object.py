"""Two conditions on one object: which picture a sample is, and whether it answers to both.

Over the background of all pictures, ``p(x | a) p(x | b) / p(x)`` is the law of pictures with both
labels where the labels are independent given the picture. A sample is read as the picture that lies
nearest to it, by the labels of that picture.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from projcomp.diffusion.pixels import encode
from projcomp.errors import FileFormatError
from projcomp.prediction.composing import Pair
from projcomp.prediction.strict_reader import EXPLAINED, OUTCOMES
from projcomp.words import brief


class OneObject:
    """Reads pictures of one object with two labels each.

    Args:
        images: uint8 ``(N, H, W, 3)``.
        first: label of each by the first column, ``(N,)``.
        second: by the second.
        device: where it is computed.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        first: NDArray[np.str_],
        second: NDArray[np.str_],
        device: torch.device | str = "cpu",
    ) -> None:
        numbers = encode(torch.from_numpy(np.ascontiguousarray(images)).to(device)).flatten(1)
        self._center = numbers.mean(0)
        self._numbers = numbers - self._center
        self._energy = self._numbers.square().sum(1)
        self._labels = first, second

    def outcomes(self, x: Tensor, pair: Pair) -> Tensor:
        """What samples ``(S, 3, H, W)`` are: numbers of OUTCOMES, ``(S,)``.

        One that leaves more than EXPLAINED of its nearest picture's contrast to the mean picture
        unexplained is neither.
        """
        numbers = x.clamp(-1, 1).flatten(1) - self._center
        own = numbers.square().sum(1, keepdim=True)
        squares = (own - 2 * numbers @ self._numbers.T + self._energy).clamp(min=0)
        nearest = squares.argmin(1)
        explained = squares.amin(1) <= EXPLAINED * self._energy[nearest]
        has = [
            torch.from_numpy(labels == name).to(x.device)[nearest] & explained
            for labels, name in zip(self._labels, pair, strict=True)
        ]
        outcome = torch.full((len(x),), OUTCOMES.index("neither"), device=x.device)
        outcome[has[0]] = OUTCOMES.index("first_only")
        outcome[has[1]] = OUTCOMES.index("second_only")
        outcome[has[0] & has[1]] = OUTCOMES.index("success")
        return outcome

    def ceiling(self, pair: Pair) -> float:
        """1 where some picture has both labels, else 0."""
        first, second = self._labels
        return float(((first == pair[0]) & (second == pair[1])).any())


def conditions_of(
    images: NDArray[np.uint8], columns: Mapping[str, NDArray[np.str_]]
) -> tuple[dict[str, NDArray[np.uint8]], list[Pair]]:
    """Pictures by each label of two columns, and the pairs of one label of either.

    Raises:
        FileFormatError: a label stands in both columns, or one of them has none.
    """
    (one, first), (other, second) = columns.items()
    names = [_in_order(first), _in_order(second)]
    for column, some in zip((one, other), names, strict=True):
        if not some:
            raise FileFormatError(
                f"--with: pictures with a label in {one} and in {other} expected, got none in "
                f"{column}: take another column, or a larger --bandwidth where it is of places"
            )
    common = [name for name in names[0] if name in names[1]]
    if common:
        raise FileFormatError(
            f"--with: no label in both columns expected, got {brief(common[0])} in {one} and "
            f"in {other}: store names that tell the two columns apart"
        )
    found = {
        name: images[labels == name]
        for labels, some in zip((first, second), names, strict=True)
        for name in some
    }
    return found, [(a, b) for a in names[0] for b in names[1]]


def _in_order(labels: NDArray[np.str_]) -> Sequence[str]:
    """The labels there are, each once, in the order of their first picture."""
    return [name for name in dict.fromkeys(labels.tolist()) if name]
