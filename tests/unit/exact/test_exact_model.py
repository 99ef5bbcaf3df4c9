"""The exact model draws images as training draws them, and stands where a network stands."""

import json
from pathlib import Path

import h5py
import pytest
import torch
from toy_dataset import write_toy

from projcomp.config.features import Luminance
from projcomp.data.dataset import RenderedImages
from projcomp.diffusion.pixels import encode
from projcomp.exact.model import ExactModel, ExactModelError
from projcomp.features.make import make_features
from projcomp.networks import conditioning
from projcomp.sampling.run import run
from projcomp.settings.stages import SampleSettings


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder with the datasets ``toy`` (12 images of 0 to 3 objects) in it."""
    folder = tmp_path_factory.mktemp("run")
    write_toy(folder / "data")
    return folder


def model(root: Path, kind: str, bandwidth: float = 0.1, window: int | None = None) -> ExactModel:
    data = RenderedImages(root / "data/toy.h5", kind)
    return ExactModel("m", {"toy": data}, {"toy": 1.0}, bandwidth=bandwidth, window=window)


def shares(exact: ExactModel, row: torch.Tensor) -> dict[bytes, float]:
    """The weight of every image, by its pixels."""
    points = exact.points(row)
    images = [image.numpy().tobytes() for image in points.images]
    return dict(zip(images, points.log_weights.exp().tolist(), strict=True))


@pytest.mark.parametrize("kind", ["color", "position", "material+size"])
def test_images_answer_a_condition_as_often_as_training_draws_them_with_it(root, kind) -> None:
    data = RenderedImages(root / "data/toy.h5", kind)
    rng = torch.Generator().manual_seed(0)
    drawn = torch.randint(len(data), (40_000,), generator=rng)
    rows = data.draw_conditions(drawn, rng)
    given = rows[rows[:, 0] == conditioning.GIVEN]
    row, exact = given[0], model(root, kind)
    near = (rows[:, 1:] - row[1:]).square().sum(1).sqrt() <= (0.1 if kind == "position" else 0)
    answering = drawn[near & (rows[:, 0] == conditioning.GIVEN)]
    found = shares(exact, row)
    assert len(found) > 1
    counts = torch.bincount(answering, minlength=len(data)) / len(answering)
    for index, share in enumerate(counts.tolist()):
        pixels = data.read(torch.tensor([index]))[0].numpy().tobytes()
        assert found.get(pixels, 0.0) == pytest.approx(share, abs=0.03)
        assert (pixels in found) == (share > 0)


def test_an_image_that_was_rendered_for_a_place_answers_for_that_place_alone(root) -> None:
    data = RenderedImages(root / "data/toy.h5", "position")
    places = torch.tensor([[0.2, 0.4], [0.7, 0.5], [0.5, 0.6]])
    data.requested = places[torch.arange(len(data)) % 3]
    exact = ExactModel("m", {"toy": data}, {"toy": 1.0}, bandwidth=0.05)
    found = shares(exact, conditioning.given("position", places[1:2])[0])
    wanted = [image.numpy().tobytes() for image in data.read(torch.arange(1, len(data), 3))]
    assert found == {image: pytest.approx(1 / len(wanted)) for image in wanted}


def test_empty_is_what_shows_nothing_and_unconditional_is_everything(root) -> None:
    exact = model(root, "color")
    data = RenderedImages(root / "data/toy.h5", "color")
    assert len(exact.points(conditioning.empty("color")[0])) == int((data.num_objects == 0).sum())
    everything = exact.points(conditioning.unconditional("color")[0])
    assert len(everything) == len(data) == exact.num_images


def test_datasets_are_drawn_by_their_shares(root) -> None:
    data = RenderedImages(root / "data/toy.h5", "none")
    both = ExactModel("m", {"a": data, "b": data}, {"a": 3.0, "b": 1.0}, bandwidth=0.1)
    weights = both.points(conditioning.unconditional("none")[0]).log_weights.exp()
    assert torch.allclose(weights[: len(data)].sum(), torch.tensor(0.75, dtype=torch.float64))


def test_conditions_of_one_batch_keep_their_samples(root) -> None:
    exact = model(root, "color")
    rows = torch.cat([conditioning.empty("color"), conditioning.unconditional("color")])
    asked = rows[torch.tensor([1, 0, 1, 0, 0])]
    rng = torch.Generator().manual_seed(0)
    x, levels = torch.randn(5, 3, 8, 8, generator=rng), torch.tensor([3.0, 0.2, 0.5, 5.0, 0.1])
    together = exact(x, levels, asked)
    each = [exact(x[i : i + 1], levels[i : i + 1], asked[i : i + 1]) for i in range(5)]
    assert torch.allclose(together, torch.cat(each), atol=1e-5)


def test_it_computes_in_full_precision_whatever_surrounds_it(root) -> None:
    exact, row = model(root, "color"), conditioning.unconditional("color")
    x, level = torch.randn(1, 3, 8, 8), torch.tensor([0.5])
    with torch.autocast("cpu", torch.bfloat16):
        within = exact(x, level, row)
    assert torch.equal(within, exact(x, level, row))


def test_a_place_at_which_nothing_stands_is_one_line(root) -> None:
    with pytest.raises(ExactModelError) as caught:
        model(root, "position", bandwidth=0.01)(
            torch.zeros(1, 3, 8, 8), torch.ones(1), conditioning.given("position", [(0.0, 0.0)])
        )
    assert str(caught.value) == (
        "exact model m: expected images with an object within 0.01 of (0.00, 0.00) in toy, got "
        "none; raise its bandwidth (a twin has its network's), or render at the places"
    )


def settings(**changes) -> SampleSettings:
    asked = {
        "seed": 0,
        "experiment": "E",
        "stream": "E",
        "case": {"name": "k0"},
        "operator": "product",
        "conditionals": "exact",
        "background": {"model": "exact", "condition": "empty"},
        "sampling": {"num_steps": 8, "sigma_max": 5.0, "precision": "bf16"},
        "num_samples": 5,
        "exact": {"exact": {"condition": "color", "datasets": {"toy": 1.0}, "bandwidth": 0.1}},
    }
    return SampleSettings.model_validate({**asked, **changes})


def test_sampled_from_renders_alone_come_renders(root, tmp_path) -> None:
    """At the end of the path from one distribution lies one of its points, to a pixel's step."""
    out = tmp_path / "k0.h5"
    run(settings(), root / "models", out)
    data = RenderedImages(root / "data/toy.h5", "color")
    empty = data.read((data.num_objects == 0).nonzero()[:, 0]).numpy().astype(int)
    with h5py.File(out) as file:
        images = file["images"][:].astype(int)
        told = json.loads(file.attrs["exact_models"])
    apart = abs(images[:, None] - empty[None]).max((2, 3, 4)).min(1)
    assert apart.max() <= 1
    assert told["exact"]["renders"] == len(data)
    assert told["exact"]["discarded"] < 1e-9


def test_a_batch_of_another_size_ends_at_the_same_images(root, tmp_path, monkeypatch) -> None:
    run(settings(), root / "models", tmp_path / "together.h5")
    monkeypatch.setattr("projcomp.sampling.case.EXACT_SAMPLES", 2)
    changed = settings(sampling={"num_steps": 8, "sigma_max": 5.0, "chunk_size": 1})
    run(changed, root / "models", tmp_path / "apart.h5")
    with h5py.File(tmp_path / "together.h5") as one, h5py.File(tmp_path / "apart.h5") as other:
        assert abs(one["images"][:].astype(int) - other["images"][:]).max() <= 1


def test_a_window_is_heeded(root) -> None:
    row, x = conditioning.unconditional("color"), torch.randn(2, 3, 8, 8)
    level, rows = torch.tensor([0.5, 0.5]), row.repeat(2, 1)
    local, whole = (model(root, "color", window=w)(x, level, rows) for w in (3, None))
    assert not torch.allclose(local, whole, atol=1e-2)
    wide = model(root, "color", window=15)(x, level, rows)
    assert torch.allclose(wide, whole, atol=1e-4)


@pytest.mark.parametrize("kept", [2**29, 0])
def test_in_features_it_is_the_posterior_of_the_renders_features(root, kept, monkeypatch) -> None:
    monkeypatch.setattr("projcomp.exact.featured.KEPT_BYTES", kept)
    data = RenderedImages(root / "data/toy.h5", "color")
    features = make_features(Luminance(scale=0.3))
    exact = ExactModel("m", {"toy": data}, {"toy": 1.0}, bandwidth=0.1, features=features)
    renders = features.encode(encode(data.read(torch.arange(len(data)))))
    x, level = renders[:2] + 0.4 * torch.randn_like(renders[:2]), 0.4
    apart = (x[:, None] - renders).double().square().sum((2, 3, 4))
    weights = (-apart / (2 * level**2)).softmax(1).float()
    wanted = torch.einsum("bn,nchw->bchw", weights, renders)
    row = conditioning.unconditional("color").repeat(2, 1)
    assert torch.allclose(exact(x, torch.full((2,), level), row), wanted, atol=1e-5)


@pytest.mark.parametrize("features", ["luminance", "whitened", "palette"])
def test_samples_in_features_are_decoded_to_renders(root, tmp_path, features) -> None:
    asked = {"condition": "color", "datasets": {"toy": 1.0}, "bandwidth": 0.1}
    out = tmp_path / "k0.h5"
    run(settings(exact={"exact": {**asked, "features": features}}), root / "models", out)
    data = RenderedImages(root / "data/toy.h5", "color")
    empty = data.read((data.num_objects == 0).nonzero()[:, 0]).numpy().astype(int)
    with h5py.File(out) as file:
        images = file["images"][:].astype(int)
    assert abs(images[:, None] - empty[None]).max((2, 3, 4)).min(1).max() <= 1
