import json

import numpy as np
import pytest
import torch

from projcomp.errors import FileFormatError
from projcomp.evaluation.detect import detect
from projcomp.evaluation.detector import Detector, denormalize, normalize, save_detector
from projcomp.evaluation.forward import FORMAT, load_detector
from projcomp.evaluation.grid import OUTPUTS, fold_of


@pytest.mark.parametrize(
    ("resolution", "fold"), [(16, 1), (32, 1), (64, 1), (100, 1), (128, 2), (130, 2), (256, 4)]
)
def test_the_grid_stays_small(resolution, fold):
    assert fold_of(resolution) == fold
    assert resolution % fold_of(resolution) == 0


@pytest.mark.parametrize(
    ("resolution", "grid"), [(16, 16), (18, 18), (33, 33), (64, 64), (128, 64)]
)
def test_outputs_cover_the_grid(resolution, grid):
    detector = Detector(4, resolution).eval()
    out = detector(torch.zeros(2, 3, resolution, resolution))
    assert out.shape == (2, OUTPUTS, grid, grid)


def test_too_small_a_picture_is_refused():
    with pytest.raises(ValueError, match="at least 16"):
        Detector(4, 15)


def test_normalize():
    images = torch.zeros(1, 2, 4, 3, dtype=torch.uint8)
    images[0, 1, 3, 2] = 255
    out = normalize(images)
    assert out.shape == (1, 3, 2, 4)
    assert out[0, 2, 1, 3] == pytest.approx(2.0)
    assert out.min() == -2.0
    assert np.array_equal(denormalize(out), images.numpy())
    assert denormalize(2 * out).max() == 255


@pytest.mark.parametrize("resolution", [16, 18, 32, 128])
def test_features_are_means_of_the_deepest_level(resolution):
    torch.manual_seed(resolution)
    detector = Detector(4, resolution).eval()
    images = torch.randn(3, 3, resolution, resolution)
    seen = []
    detector.down2.register_forward_hook(lambda *call: seen.append(call[2]))
    detector(images)
    features = detector.features(images)
    assert features.shape == (3, 16)
    torch.testing.assert_close(features, seen[0].flatten(2).mean(2))
    torch.testing.assert_close(detector.features(images[:1]), features[:1])


def loud_detector() -> Detector:
    """A detector that finds something in noise."""
    torch.manual_seed(0)
    detector = Detector(4, 16).eval()
    torch.nn.init.normal_(detector.head[-1].weight, std=3.0)
    torch.nn.init.zeros_(detector.head[-1].bias)
    return detector


def test_a_saved_detector_detects_the_same(tmp_path):
    detector = loud_detector()
    images = np.random.default_rng(0).integers(0, 256, (7, 16, 16, 3), dtype=np.uint8)
    before = detect(detector, images, 0.5)
    assert sum(len(f.xy) for f in before) > 0
    detector.most_doubt = 0.25
    save_detector(tmp_path, detector, {"seed": 3}, 4)
    assert load_detector(tmp_path).most_doubt == 0.25
    after = detect(load_detector(tmp_path), images, 0.5)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_allclose(a.xy, b.xy, atol=1e-6)
        np.testing.assert_array_equal(a.color, b.color)
    assert json.loads((tmp_path / "detector.json").read_text())["settings"] == {"seed": 3}


def test_batches_do_not_matter(monkeypatch):
    detector = loud_detector()
    images = np.random.default_rng(1).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    whole = detect(detector, images, 0.5)
    monkeypatch.setattr("projcomp.evaluation.detector._CHUNK_PIXELS", 2 * 16 * 16)
    for a, b in zip(whole, detect(detector, images, 0.5), strict=True):
        np.testing.assert_allclose(a.xy, b.xy, atol=1e-6)


def test_no_images_no_detections():
    assert detect(loud_detector(), np.zeros((0, 16, 16, 3), np.uint8), 0.5) == []


def test_foreign_resolution_is_one_line():
    with pytest.raises(FileFormatError, match=r"expected uint8 \(N, 16, 16, 3\)") as caught:
        detect(loud_detector(), np.zeros((1, 32, 32, 3), np.uint8), 0.5)
    assert "\n" not in str(caught.value)


def test_weights_of_an_older_format_are_one_line(tmp_path):
    save_detector(tmp_path, loud_detector(), {}, 4)
    path = tmp_path / "detector.json"
    path.write_text(path.read_text().replace(f'"format": {FORMAT}', '"format": 1'))
    with pytest.raises(FileFormatError, match=r"\(format 1, where 2 is read now\); train the") as e:
        load_detector(tmp_path)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("broken", ["missing", "not json", "other weights", "damaged weights"])
def test_broken_detectors_are_one_line(tmp_path, broken):
    save_detector(tmp_path, loud_detector(), {}, 4)
    if broken == "missing":
        (tmp_path / "weights.safetensors").unlink()
    elif broken == "not json":
        (tmp_path / "detector.json").write_text("{")
    elif broken == "other weights":
        (tmp_path / "detector.json").write_text(
            '{"format": 2, "most_doubt": 1, "architecture": {"channels": 8, "resolution": 16}}'
        )
    else:
        (tmp_path / "weights.safetensors").write_bytes(b"nothing")
    with pytest.raises(FileFormatError, match="expected") as caught:
        load_detector(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)
