"""The trained detector without torch: a job that counts one case starts in a third of the time.

The same network as :class:`~projcomp.evaluation.detector.Detector`, whose weights it takes by name,
with every batch normalization in the convolution before it. Outputs differ by rounding alone;
``tests/unit/evaluation/test_forward.py`` holds one against the other.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from safetensors.numpy import load_file

from projcomp.evaluation.grid import OUTPUTS, STEP, fold_of
from projcomp.files.described import Trained, read_description
from projcomp.files.weights import UnfitWeights, read_weights
from projcomp.folder import DETECTOR, WEIGHTS

FORMAT = 2
"""Of the detector's files; raised whenever what its outputs are has changed."""

Array = NDArray[np.float32]
Layer = Callable[[Array], Array]

TRAINED = Trained(
    file=DETECTOR,
    name="a trained detector",
    first="train it",
    description="a detector's description",
    weights=f"the weights that {DETECTOR} describes",
    again="train the detector again",
)

_EPSILON = 1e-5
"""Of torch's batch normalization."""

_CHUNK_PIXELS = 2**12
"""Pixels at once: what a layer makes of them stays in the processor's cache."""


class Forward:
    """The detector with the weights ``tensors``, for detecting only.

    Args:
        channels: base channels, as of the trained detector.
        resolution: side of the images, pixels.
        tensors: its weights by name.
        most_doubt: an image of which it has more doubt is one to be unsure of.

    Raises:
        UnfitWeights: the weights are not this network's; the message says which.
    """

    def __init__(
        self,
        channels: int,
        resolution: int,
        tensors: Mapping[str, np.ndarray],
        most_doubt: float = 1.0,
    ) -> None:
        self.resolution = resolution
        self.most_doubt = most_doubt
        self.fold = fold_of(resolution)
        self.grid = resolution // self.fold
        self.num_features = 4 * channels
        left, c = _Weights(tensors), channels
        self._stem = left.block("stem", 3 * self.fold**2, c)
        self._fine = left.block("fine", c, c)
        self._down1 = left.block("down1.0", c, 2 * c, 2), left.block("down1.1", 2 * c, 2 * c)
        self._down2 = (
            left.block("down2.0", 2 * c, 4 * c, 2),
            left.block("down2.1", 4 * c, 4 * c),
            left.block("down2.2", 4 * c, 4 * c),
        )
        self._up1 = (
            left.pointwise("up1.project", 4 * c, 2 * c),
            left.block("up1.block", 2 * c, 2 * c),
        )
        self._up2 = left.pointwise("up2.project", 2 * c, c), left.block("up2.block", c, c)
        self._head = left.block("head.0", c, c), left.pointwise("head.1", c, OUTPUTS)
        left.check_empty()

    def outputs(self, images: NDArray[np.uint8]) -> Array:
        """Raw outputs of ``images``, uint8 ``(N, H, W, 3)``, as of ``Detector.outputs``."""
        none = np.empty((0, OUTPUTS, self.grid, self.grid), np.float32)
        return np.concatenate([none, *map(self._up, self._chunks(images))])

    def features(self, images: NDArray[np.uint8]) -> Array:
        """Means of the deepest level ``(N, F)``, as of ``Detector.features``."""
        none = np.empty((0, self.num_features), np.float32)
        deepest = (self._down(chunk)[2] for chunk in self._chunks(images))
        return np.concatenate([none, *(level.mean((1, 2)) for level in deepest)])

    def _chunks(self, images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
        size = max(1, _CHUNK_PIXELS // self.grid**2)
        return (images[i : i + size] for i in range(0, len(images), size))

    def _down(self, images: NDArray[np.uint8]) -> tuple[Array, Array, Array]:
        """The three levels on the way down, each ``(B, H, W, C)``."""
        x = images.astype(np.float32) / np.float32(63.75) - np.float32(2)
        b, g, f = len(x), self.grid, self.fold
        x = x.reshape(b, g, f, g, f, 3).transpose(0, 1, 3, 5, 2, 4).reshape(b, g, g, 3 * f * f)
        spare = -g % STEP
        fine = _after(np.pad(x, ((0, 0), (0, spare), (0, spare), (0, 0)), "edge"), self._stem)
        fine = _after(fine, self._fine)
        middle = _after(fine, *self._down1)
        return fine, middle, _after(middle, *self._down2)

    def _up(self, images: NDArray[np.uint8]) -> Array:
        g = self.grid
        fine, middle, x = self._down(images)
        for (project, block), skip in ((self._up1, middle), (self._up2, fine)):
            x = block(project(x).repeat(2, axis=1).repeat(2, axis=2) + skip)
        return _after(x, *self._head)[:, :g, :g].transpose(0, 3, 1, 2)


def load_detector(folder: Path) -> Forward:
    """The detector saved in ``folder``, ready to detect.

    Raises:
        FileFormatError: a file is missing, damaged, or does not fit the other.
    """
    channels, resolution, most_doubt = read_description(Path(folder), TRAINED, _described)
    return read_weights(
        Path(folder) / WEIGHTS,
        lambda path: Forward(channels, resolution, load_file(path), most_doubt),
        TRAINED.weights,
        TRAINED.again,
    )


def _described(description: Any) -> tuple[int, int, float]:
    """Channels, resolution and the allowed doubt that ``detector.json`` tells."""
    if description.get("format") != FORMAT:
        raise UnfitWeights(f"format {description.get('format')}, where {FORMAT} is read now")
    architecture = description["architecture"]
    channels, resolution = int(architecture["channels"]), int(architecture["resolution"])
    fold_of(resolution)  # which refuses what no detector is made for
    return channels, resolution, float(description["most_doubt"])


class _Weights:
    """Tensors by name, each taken once and held against what it should be."""

    def __init__(self, tensors: Mapping[str, np.ndarray]) -> None:
        self._left = dict(tensors)

    def block(self, name: str, inputs: int, outputs: int, stride: int = 1) -> Layer:
        """A convolution of 3 x 3, its normalization, and SiLU."""
        weight = self._take(f"{name}.0.weight", outputs, inputs, 3, 3)
        parts = ("weight", "bias", "running_mean", "running_var")
        scale, shift, mean, variance = (self._take(f"{name}.1.{part}", outputs) for part in parts)
        self._take(f"{name}.1.num_batches_tracked", kind="i")
        factor = scale / np.sqrt(variance + _EPSILON)
        kernel = (weight * factor[:, None, None, None]).transpose(2, 3, 1, 0)
        kernel = kernel.reshape(9 * inputs, outputs).astype(np.float32)
        bias = (shift - mean * factor).astype(np.float32)
        return lambda x: _silu(_linear(_neighbours(x, stride), kernel, bias))

    def pointwise(self, name: str, inputs: int, outputs: int) -> Layer:
        """A convolution of 1 x 1."""
        weight = self._take(f"{name}.weight", outputs, inputs, 1, 1)[:, :, 0, 0]
        matrix = np.ascontiguousarray(weight.T, dtype=np.float32)
        bias = self._take(f"{name}.bias", outputs).astype(np.float32)
        return lambda x: _linear(x, matrix, bias)

    def check_empty(self) -> None:
        """Refuse what no layer has taken."""
        if self._left:
            raise UnfitWeights(f"a tensor {min(self._left)} too many")

    def _take(self, name: str, *shape: int, kind: str = "f") -> np.ndarray:
        if name not in self._left:
            raise UnfitWeights(f"no tensor {name}")
        found = self._left.pop(name)
        if found.shape != shape:
            raise UnfitWeights(f"{name} of shape {found.shape}, not {shape}")
        if found.dtype.kind != kind:
            raise UnfitWeights(
                f"{name} of type {found.dtype}, not {'float' if kind == 'f' else 'int'}"
            )
        if not np.isfinite(found).all():
            raise UnfitWeights(f"{name} with what is no number")
        return found.astype(np.float64)


def _after(x: Array, *layers: Layer) -> Array:
    for layer in layers:
        x = layer(x)
    return x


def _linear(x: Array, matrix: Array, bias: Array) -> Array:
    """``x @ matrix + bias`` as one product: numpy would make one per row of pixels."""
    rows = x.reshape(-1, len(matrix)) @ matrix
    rows += bias
    return rows.reshape(*x.shape[:-1], len(bias))


def _neighbours(x: Array, stride: int) -> Array:
    """What 3 x 3 kernels see: ``(B, H, W, C)`` to ``(B, H / stride, W / stride, 9 C)``."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = sliding_window_view(padded, (1, 3, 3, 1))[:, ::stride, ::stride, :, 0, :, :, 0]
    b, h, w, c = windows.shape[:4]
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(b, h, w, 9 * c)


def _silu(x: Array) -> Array:
    """SiLU, in the place of ``x``."""
    down = np.negative(x)
    with np.errstate(over="ignore"):  # of e^-x, where the result is 0
        np.exp(down, out=down)
    down += 1
    return np.divide(x, down, out=x)
