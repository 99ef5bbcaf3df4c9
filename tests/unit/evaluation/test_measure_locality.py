"""The table of a model's locality: exact models of a toy dataset, and a network that is known."""

from pathlib import Path

import pandas as pd
import pytest
from toy_dataset import write_toy

from projcomp.config.learning import NetworkConfig
from projcomp.data import held_out
from projcomp.errors import FileFormatError
from projcomp.evaluation import measure_locality
from projcomp.evaluation.measure_locality import COLUMNS, measure
from projcomp.exact.model import ExactModelError
from projcomp.networks.checkpoint import save_model
from projcomp.networks.denoiser import Denoiser
from projcomp.settings.stages import LocalitySettings


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run's folder with the dataset ``toy``: 12 images of 8 x 8, of which 4 are held out."""
    monkeypatch.setattr(held_out, "HELD_OUT_EVERY", 3)
    write_toy(tmp_path / "data")
    return tmp_path


def exact(kind: str = "color", **more) -> dict:
    return {"condition": kind, "datasets": {"toy": 1.0}, "bandwidth": 2.0, **more}


def table(root: Path, model: str = "m", **changes) -> pd.DataFrame:
    asked = {
        "seed": 0,
        "model": model,
        "dataset": "toy",
        "backgrounds": [],
        "sigma_min": 1.0,
        "sigma_max": 30.0,
        "locality": {"images": 3, "probes": 5, "levels": 2, "distances": [1, 2, 7]},
        "exact": {"m": exact(), "w": exact(window=5), "p": exact("position")},
    }
    out = root / "locality.csv"
    measure(LocalitySettings.model_validate({**asked, **changes}), root / "models", out)
    return pd.read_csv(out, dtype={"background": str})


def test_a_row_for_every_noise_level_and_distance_of_a_model_and_its_deltas(root) -> None:
    background = {"model": "m", "condition": "unconditional"}
    found = table(root, backgrounds=[background])
    assert list(found.columns) == COLUMNS
    own, delta = found[found["background"].isna()], found[found["background"].notna()]
    assert set(delta["background"]) == {"m unconditional"}
    for rows in (own, delta):
        assert rows["sigma"].tolist() == [1.0] * 3 + [30.0] * 3
        assert rows["distance"].tolist() == [1, 2, 7] * 2
        assert set(rows["images"]) == {3}
        assert set(rows["probes"]) == {5}
        far = rows[rows["sigma"] == 30]
        assert far["share"].is_monotonic_increasing
        assert far["share"].iloc[-1] == far["even"].iloc[-1] == 1
        assert (far["low"] <= far["share"]).all()
        assert (far["share"] <= far["high"]).all()
        assert (far["energy"] > 0).all()


def test_the_delta_of_equal_models_is_nothing_and_has_no_share(root) -> None:
    """A model told nothing, less itself: its Jacobian is there, its delta's is not."""
    models = {"m": exact("none"), "same": exact("none")}
    background = {"model": "same", "condition": "unconditional"}
    found = table(root, backgrounds=[background], exact=models)
    delta = found["background"].notna()
    assert (found.loc[delta, "energy"] == 0).all()
    assert found.loc[delta, ["share", "low", "high"]].isna().all(axis=None)
    assert found.loc[~delta & (found["sigma"] == 30), "share"].notna().all()


def test_the_same_settings_give_the_same_bytes_in_pieces_of_any_size(root, monkeypatch) -> None:
    whole = table(root)
    first = (root / "locality.csv").read_bytes()
    table(root)
    assert (root / "locality.csv").read_bytes() == first
    monkeypatch.setattr(measure_locality, "CHUNK", 4)
    pd.testing.assert_frame_equal(table(root), whole, rtol=1e-4)


def test_a_window_has_all_of_it_within_half_of_its_side(root) -> None:
    found = table(root, "w").dropna(subset=["share"])
    assert (found.loc[found["distance"] == 2, "share"] == 1).all()
    assert (found.loc[found["distance"] == 1, "share"] < 1).all()


def test_an_untrained_network_lets_each_number_through(root) -> None:
    """``D = c_skip x``: all of it at distance 0, with the square of ``c_skip`` as its energy."""
    network = NetworkConfig(channels=4, multipliers=[1], attention_resolutions=[])
    description = {"network": network.model_dump(), "resolution": 8, "condition": "color"}
    save_model(root / "models/net", Denoiser(network, 8, "color"), description)
    background = {"model": "net", "condition": "empty"}
    found = table(root, "net", backgrounds=[background])
    own, delta = found[found["background"].isna()], found[found["background"].notna()]
    assert (own["share"] == 1).all()
    skip = 0.25 / (own["sigma"] ** 2 + 0.25)
    assert own["energy"].to_numpy() == pytest.approx(skip.to_numpy() ** 2, rel=1e-5)
    assert delta["share"].isna().all()


def test_all_models_of_a_dataset_are_asked_of_the_same_images_and_noise(root) -> None:
    wide = table(root, "w", exact={"w": exact(window=15)})
    whole = table(root)
    names = ["share", "energy"]
    pd.testing.assert_frame_equal(wide[names], whole[names], rtol=1e-3, atol=1e-12)


def test_images_that_no_render_answers_for_are_passed_over(root) -> None:
    near = {"m": exact("position", bandwidth=0.1)}
    assert set(table(root, exact=near)["images"]) <= {1, 2, 3}
    with pytest.raises(ExactModelError, match=r"^exact model m: expected images with an object"):
        table(root, exact={"m": exact("position", bandwidth=1e-6)}, dataset="toy")


def test_a_model_of_features_is_measured_in_them(root) -> None:
    recipe = {"images": 2, "probes": 10_000, "levels": 2, "distances": [1, 7]}

    def of(**more) -> pd.DataFrame:
        return table(root, locality=recipe, exact={"m": exact("none", **more)})

    unit = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    same = of(features={"name": "linear", "matrix": unit})
    pd.testing.assert_frame_equal(same, of(), rtol=1e-4)
    four = of(features={"name": "linear", "matrix": [*unit, [1, 1, 1]]})
    assert set(four["probes"]) == {4 * 8 * 8}  # every number of four channels, none twice
    assert (four.loc[four["distance"] == 7, "share"].dropna() == 1).all()


def test_a_single_image_has_no_interval(root) -> None:
    recipe = {"images": 1, "probes": 5, "levels": 2, "distances": [1]}
    found = table(root, locality=recipe, exact={"m": exact("none")})
    assert found["low"].isna().all()
    assert found["share"].notna().any()


def test_images_of_another_size_are_one_line(root) -> None:
    network = NetworkConfig(channels=4, multipliers=[1], attention_resolutions=[])
    description = {"network": network.model_dump(), "resolution": 16, "condition": "color"}
    save_model(root / "models/net", Denoiser(network, 16, "color"), description)
    with pytest.raises(FileFormatError, match=r"toy\.h5: expected images of 16 x 16 x 3, as the"):
        table(root, "net")
