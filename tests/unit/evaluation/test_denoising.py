"""The check of a model's denoising, on a network whose error is known."""

import numpy as np
import pandas as pd
import pytest
import torch

from projcomp.config.learning import NetworkConfig
from projcomp.data.dataset import RenderedImages
from projcomp.diffusion.pixels import encode
from projcomp.errors import DeviceError, FileFormatError
from projcomp.evaluation import denoising
from projcomp.folder import Folder
from projcomp.networks.checkpoint import save_model
from projcomp.networks.denoiser import Denoiser
from projcomp.settings.report import FigureSettings
from projcomp.settings.stages import CheckSettings


class FakeImages(RenderedImages):
    """Fifty training images and twenty held out: a third and a half of the range, and noise."""

    def __init__(self, path, condition, *, held_out=False, memory_bytes=0):
        count, level = (20, 190) if held_out else (50, 160)
        rng = np.random.default_rng(held_out)
        pixels = level + rng.integers(-40, 40, (count, 8, 8, 3))
        self._images, self._rows = torch.from_numpy(pixels.astype(np.uint8)), torch.arange(count)
        self.num_objects = torch.ones(count).long()
        self.labels = torch.rand(count, 1, 2, generator=torch.Generator().manual_seed(0))
        self.condition, self.shape = condition, (8, 8, 3)


@pytest.fixture
def checked(tmp_path, monkeypatch):
    return check(tmp_path, monkeypatch)


def check(tmp_path, monkeypatch, images=FakeImages):
    monkeypatch.setattr(denoising, "RenderedImages", images)
    network = NetworkConfig(channels=4, multipliers=[1], attention_resolutions=[])
    description = {"network": network.model_dump(), "resolution": 8, "condition": "position"}
    folder = tmp_path / "models/m"
    save_model(folder, Denoiser(network, 8, "position"), description)
    settings = CheckSettings(seed=0, model="m", datasets=["a"], sigma_min=0.01, sigma_max=20)
    denoising.check_model(
        settings, tmp_path, tmp_path / "models/m", tmp_path / "models/m/check.csv"
    )
    return tmp_path


def test_an_untrained_network_has_the_error_of_the_skip_connection(checked):
    """D = c_skip x, so the error is lambda ((1 - c_skip)^2 E x0^2 + c_skip^2 sigma^2)."""
    table = pd.read_csv(checked / "models/m/check.csv")
    assert set(table["told"]) == {"condition", "nothing"}
    for part, rows in table.groupby("part"):
        images = FakeImages(None, "position", held_out=part == "held_out")
        count = min(20, len(images))
        assert (rows["images"] == count).all()
        square = float(encode(images.read(torch.arange(len(images)))).square().mean())
        for row in rows.itertuples():
            skip = 0.25 / (row.sigma**2 + 0.25)
            weight = (row.sigma**2 + 0.25) / (0.5 * row.sigma) ** 2
            expected = weight * ((1 - skip) ** 2 * square + skip**2 * row.sigma**2)
            assert row.error == pytest.approx(expected, rel=0.1)
            assert row.low < row.error < row.high


def test_pieces_shrink_to_what_the_memory_holds(checked, tmp_path, monkeypatch):
    whole = pd.read_csv(checked / "models/m/check.csv")
    sizes, original = [], Denoiser.forward

    def small(self, x, sigma, condition):
        sizes.append(len(x))
        if len(x) > 5:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return original(self, x, sigma, condition)

    monkeypatch.setattr(Denoiser, "forward", small)
    monkeypatch.setattr(denoising, "NUM_LEVELS", 2)
    check(tmp_path, monkeypatch)
    assert sizes[:2] == [20, 10]
    assert set(sizes[2:]) == {5}
    cut = pd.read_csv(checked / "models/m/check.csv")
    ends = whole[whole["sigma"].isin([0.01, 20])].reset_index(drop=True)
    pd.testing.assert_frame_equal(cut, ends, rtol=1e-3)


@pytest.mark.parametrize("lacks", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory")])
def test_memory_that_holds_no_image_is_one_line(tmp_path, monkeypatch, lacks):
    def forward(self, x, sigma, condition):
        raise lacks

    monkeypatch.setattr(Denoiser, "forward", forward)
    with pytest.raises(DeviceError, match=r"^check-model: expected memory for the network and one"):
        check(tmp_path, monkeypatch)


def test_images_that_the_model_did_not_learn_from_are_one_line(tmp_path, monkeypatch):
    class Larger(FakeImages):
        def __init__(self, path, condition, **options):
            super().__init__(path, condition, **options)
            self._images = self._images.repeat(1, 2, 2, 1)

    class One(FakeImages):
        def __len__(self):
            return 0

    with pytest.raises(FileFormatError, match=r"a\.h5: expected images of 8 x 8 x 3, as the model"):
        check(tmp_path, monkeypatch, Larger)
    with pytest.raises(FileFormatError, match=r"a\.h5: expected at least 2 images, .*, got 1"):
        check(tmp_path, monkeypatch, One)


def test_the_figure_shows_every_model(checked):
    from projcomp.reporting.figures.denoising import draw

    settings = FigureSettings(format=1, name="denoising", kind="denoising", models=["m"])
    figure = draw(settings, Folder(str(checked)))
    (axes,) = [a for a in figure.axes if a.get_visible()]
    assert axes.get_title() == "m"
    assert [line.get_label() for line in axes.lines][::2] == ["a", "a, unconditional"]
