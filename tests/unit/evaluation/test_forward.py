"""The detector without torch against the one that was trained."""

import numpy as np
import pytest
import torch

from projcomp.evaluation.detect import detect
from projcomp.evaluation.detector import Detector, normalize
from projcomp.evaluation.forward import Forward
from projcomp.evaluation.grid import ATTRIBUTES, OUTPUTS
from projcomp.evaluation.matching import match
from projcomp.files.weights import UnfitWeights


def trained(channels: int, side: int) -> tuple[Detector, np.ndarray]:
    """A detector whose every weight and statistic is its own, and images in which it finds much."""
    torch.manual_seed(side)
    detector = Detector(channels, side)
    torch.nn.init.normal_(detector.head[-1].weight)
    for name, value in detector.named_parameters():
        if name.endswith(("0.bias", "1.bias", "1.weight")):
            torch.nn.init.normal_(value, 0.3, 0.3)
    images = np.random.default_rng(side).integers(0, 256, (9, side, side, 3), dtype=np.uint8)
    detector.train()
    for _ in range(3):
        detector(normalize(torch.from_numpy(images)))
    return detector.eval(), images


def forward_of(detector: Detector, channels: int) -> Forward:
    tensors = {name: value.numpy() for name, value in detector.state_dict().items()}
    return Forward(channels, detector.resolution, tensors)


@pytest.mark.parametrize(
    ("channels", "side"), [(4, 16), (5, 18), (8, 32), (4, 33), (4, 64), (4, 128), (4, 130)]
)
def test_it_says_what_the_trained_one_says(channels, side):
    detector, images = trained(channels, side)
    forward = forward_of(detector, channels)
    theirs, ours = detector.outputs(images), forward.outputs(images)
    assert theirs.std() > 0.1
    np.testing.assert_allclose(ours, theirs, atol=2e-5 * np.abs(theirs).max())
    with torch.no_grad():
        features = detector.features(normalize(torch.from_numpy(images))).numpy()
    assert features.shape == (9, forward.num_features)
    np.testing.assert_allclose(
        forward.features(images), features, atol=2e-5 * np.abs(features).max()
    )
    threshold = 1 / (1 + float(np.exp(-np.quantile(theirs[:, 0], 0.9))))
    found = detect(detector, images, threshold), detect(forward, images, threshold)
    pairs = list(zip(*found, strict=True))
    assert sum(len(a.xy) for a, _ in pairs) > 9
    for a, b in pairs:
        rows, columns = match(a.xy, b.xy, 1e-4)  # of equal heights any may come first
        assert len(rows) == len(a.xy) == len(b.xy)
        for name in ATTRIBUTES:
            assert getattr(a, name)[rows].tolist() == getattr(b, name)[columns].tolist()
        assert a.doubt == pytest.approx(b.doubt, abs=1e-4)


def test_loud_inputs_are_said_in_silence(recwarn):
    detector, images = trained(4, 16)
    with torch.no_grad():
        detector.stem[0].weight *= 1e4
    assert np.isfinite(forward_of(detector, 4).outputs(images)).all()
    assert not recwarn


def test_chunks_do_not_matter(monkeypatch):
    detector, images = trained(4, 16)
    forward = forward_of(detector, 4)
    whole = forward.outputs(images)
    monkeypatch.setattr("projcomp.evaluation.forward._CHUNK_PIXELS", 2 * 16 * 16)
    np.testing.assert_allclose(forward.outputs(images), whole, atol=1e-5)
    assert forward.outputs(images[:0]).shape == (0, OUTPUTS, 16, 16)
    assert forward.features(images).shape == (9, 16)
    assert forward.features(images[:0]).shape == (0, 16)


def without(tensors, name):
    return {key: value for key, value in tensors.items() if key != name}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: without(t, "fine.0.weight"), "no tensor fine.0.weight"),
        (lambda t: {**t, "fine.0.bias": np.zeros(4, "f4")}, "a tensor fine.0.bias too many"),
        (lambda t: {**t, "up2.project.bias": np.zeros(5, "f4")}, "of shape \\(5,\\), not \\(4,\\)"),
        (lambda t: {**t, "fine.1.bias": np.zeros(4, int)}, "of type int64, not float"),
        (lambda t: {**t, "fine.1.bias": np.full(4, np.nan, "f4")}, "what is no number"),
    ],
)
def test_weights_of_another_network_are_refused(change, told):
    detector, _ = trained(4, 16)
    tensors = {name: value.numpy() for name, value in detector.state_dict().items()}
    with pytest.raises(UnfitWeights, match=told):
        Forward(4, 16, change(tensors))
