"""Feature maps lead back to the pictures, do what their names say, and keep what is composed."""

from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from known_config import known
from pydantic import TypeAdapter

from projcomp.composition.linear import LinearField
from projcomp.composition.mixtures import GaussianMixture, stacked_scores
from projcomp.config.features import AnyFeatures, FeatureMap, LinearMap, Luminance
from projcomp.errors import ConfigError, UserError
from projcomp.features.colors import GROUND, clevr_colors
from projcomp.features.feature_map import RGB
from projcomp.features.linear import luminance_matrix, whitening_matrix
from projcomp.features.make import make_features
from projcomp.plan.load import load
from projcomp.plan.plan import Plan

OPPONENT = """
def encode(x, gain=2.0):
    r, g, b = x.unbind(1)
    return gain * __import__("torch").stack([r + g + b, r - g, r + g - 2 * b, r * g], 1)


def decode(f, gain=2.0):
    s, d, y = (f[:, :3] / gain).unbind(1)
    b = (s - y) / 3
    return __import__("torch").stack([(s - b + d) / 2, (s - b - d) / 2, b], 1)
"""
TALL = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, -1]]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "opponent.py").write_text(OPPONENT)
    return tmp_path


def chosen(value: Any) -> Any:
    return TypeAdapter(FeatureMap).validate_python(value)


def pictures(seed: int = 0, count: int = 4) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return 2 * torch.rand(count, 3, 8, 8, generator=rng) - 1


KINDS = {
    "luminance": 3,
    "whitened": 3,
    "palette": 11,
    "linear": 4,
    "own": 4,
}


def of_kind(name: str) -> Any:
    more = {"linear": {"matrix": TALL}, "own": {"file": "opponent.py", "settings": {"gain": 3.0}}}
    return chosen({"name": name, **more.get(name, {})})


@pytest.mark.parametrize("kind", KINDS)
def test_a_map_leads_back_to_the_pictures(kind: str) -> None:
    features = make_features(of_kind(kind))
    x = pictures()
    f = features.encode(x)
    assert f.shape == (4, KINDS[kind], 8, 8)
    assert features.channels == KINDS[kind]
    assert f.dtype == torch.float32
    torch.testing.assert_close(features.decode(f), x, atol=1e-5, rtol=0)


def test_every_kind_of_the_config_is_tried_here() -> None:
    assert {section.default_name() for section in get_args(AnyFeatures)} == set(KINDS)


@given(scale=st.floats(0.01, 100), gain=st.floats(1e-3, 1e3), seed=st.integers(0, 100))
@hypothesis_settings(deadline=None, max_examples=30)
def test_luminance_of_any_scale_leads_back(scale: float, gain: float, seed: int) -> None:
    features = make_features(Luminance(scale=scale, gain=gain))
    x = pictures(seed, 1)
    torch.testing.assert_close(features.decode(features.encode(x)), x, atol=1e-4, rtol=0)


def test_luminance_alone_is_scaled() -> None:
    x = pictures()
    f = make_features(Luminance(scale=0.3, gain=1)).encode(x)
    gray = x.mean(1, keepdim=True)
    torch.testing.assert_close(f.mean(1, keepdim=True), 0.3 * gray)
    torch.testing.assert_close(f - f.mean(1, keepdim=True), x - gray)
    assert torch.equal(luminance_matrix(1.0), torch.eye(3).double())


def test_whitened_colours_stand_alike_around_the_ground() -> None:
    away = (clevr_colors() - torch.tensor(GROUND)) @ whitening_matrix().T
    torch.testing.assert_close(away.T @ away / 8, torch.eye(3).double())


def test_a_palette_names_the_colours_and_not_the_ground() -> None:
    features = make_features(chosen("palette"))
    x = torch.cat([clevr_colors(), torch.tensor([GROUND]).double()])[:, :, None, None]
    alike = features.encode(x)[:, 3:, 0, 0] / 1.5
    assert alike[:8].argmax(1).tolist() == list(range(8))
    assert (alike[:8].diagonal() > 0.9).all()
    assert (alike[8] < 0.05).all()
    assert ((alike >= 0) & (alike.sum(1, keepdim=True) < 1 + 1e-12)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_go_through_a_map_and_back(kind: str) -> None:
    features = make_features(of_kind(kind))
    x = pictures().requires_grad_()
    features.decode(features.encode(x)).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.ones_like(x), atol=1e-4, rtol=0)


def test_a_map_computes_in_full_precision_also_where_the_network_does_not() -> None:
    features, x = make_features(Luminance()), pictures()
    expected = features.encode(x)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(features.encode(x), expected)


def test_without_features_nothing_is_touched() -> None:
    x = pictures()
    assert make_features(None) is RGB
    assert RGB.encode(x) is x
    assert RGB.decode(x) is x
    assert RGB.described() == {}


def test_at_no_noise_the_composition_of_features_is_the_features_composition() -> None:
    """[B], Theorem 6.1: at sigma 0 scores compose alike in all coordinates; at others they do not.

    Under f = A x the score of every density is A^-T times what it was, for the log-determinant is a
    constant. Noise of level sigma in the features is another noise in RGB.
    """
    matrix = luminance_matrix(0.1)
    rng = torch.Generator().manual_seed(0)
    models = [
        GaussianMixture.isotropic(torch.randn(2, 3, generator=rng).double(), 0.3) for _ in range(3)
    ]
    mapped = [model.mapped(matrix) for model in models]
    product = (-1.0, 1.0, 1.0)
    x = torch.randn(5, 3, generator=rng).double()

    def composed(of: list[GaussianMixture], at: torch.Tensor, sigma: float) -> torch.Tensor:
        c = torch.tensor(product).double()
        return torch.einsum("m,mbd->bd", c, stacked_scores(of)(at, sigma))

    back = torch.linalg.inv(matrix)
    for sigma, alike in ((0.0, True), (0.5, False)):
        expected = composed(models, x, sigma) @ back
        found = composed(mapped, x @ matrix.T, sigma)
        assert torch.allclose(found, expected, rtol=1e-8, atol=1e-8) == alike
    assert LinearField(stacked_scores(mapped), product).start_scale == 1.0


# The config -------------------------------------------------------------------------------------

OWN = {"name": "own", "file": "mine.py"}


@pytest.mark.parametrize(
    ("features", "told"),
    [
        ("luminosity", "models.single.features.name: expected one of luminance, whitened, palette"),
        ({"name": "luminance", "scale": 0}, "features.scale: expected a number of at least 0.01"),
        ("linear", "features.matrix: expected a value"),
        ({"name": "linear", "matrix": TALL[:2]}, "features.matrix: expected at least 3 entries"),
        (
            {"name": "linear", "matrix": [[1, 1, 0], [0, 0, 1], [2, 2, 3]]},
            "features.matrix: expected three columns that are independent",
        ),
        ({"name": "own", "file": "no.py"}, "features: no.py: a Python file expected, got no file"),
    ],
)
def test_a_wrong_map_is_one_line(features: Any, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(known({"models": {"single": {"features": features}}}))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def encode(x):\n    return x\n", "encode and decode, got no decode"),
        ("def encode(x):\n    return x[:, 0]\ndef decode(f):\n    return f\n", "channels, 8, 8"),
        (
            "def encode(x):\n    return 3\ndef decode(f):\n    return f\n",
            "line 1: .*got int",
        ),
        ("def encode(x):\n    return x\ndef decode(f):\n    return f * 1.1\n", "line 3: .*of 0.1"),
        ("def encode(x):\n    return x\ndef decode(f):\n    1 / 0\n", "line 4: .*ZeroDivision"),
        ("def encode(x):\n    return x\ndef decode(f, a):\n    return f\n", "does not fit"),
        ("def encode(x):\n    return x / 0\ndef decode(f):\n    return f\n", "finite features"),
        (
            "def encode(x):\n    return x - x.mean(0)\ndef decode(f):\n    return f\n",
            "each picture by itself",
        ),
        (
            "import torch\ndef encode(x):\n    return x * torch.rand(1)\ndef decode(f):\n    pass",
            "the same of the same pictures",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(text: str, told: str, here: Path) -> None:
    (here / "mine.py").write_text(text)
    with pytest.raises(UserError, match=told) as caught:
        make_features(chosen(OWN))
    assert "\n" not in str(caught.value)
    assert "mine.py" in str(caught.value)


def test_models_of_other_features_are_not_composed() -> None:
    control = {"experiments": {"A": {"control": {"model": "plain", "condition": "unconditional"}}}}
    plain = {"datasets": {"empty": 1}, "condition": "none", "images_seen": 640}
    config = known({**control, "models": {"plain": plain}})
    load(config)
    config["models"]["single"]["features"] = "luminance"
    with pytest.raises(ConfigError, match=r"experiments\.A: .*same features, got .*plain \(none\)"):
        load(config)
    config["models"]["plain"]["features"] = {"name": "luminance", "scale": 0.1}  # the default
    load(config)


def test_a_file_is_an_input_of_training_and_sampling_and_shows_in_no_other_settings() -> None:
    before = Plan(load(known()))
    own = {"name": "own", "file": "opponent.py"}
    plan = Plan(load(known({"models": {"single": {"features": own}}})))
    assert plan.training_data("single") == [*before.training_data("single"), "opponent.py"]
    assert plan.sample_inputs("A") == [*before.sample_inputs("A"), "opponent.py"]
    assert plan.sample_inputs("C") == before.sample_inputs("C")
    assert plan.train_settings("cluttered") == before.train_settings("cluttered")
    assert "features" not in before.train_settings("single")
    assert '"file":"opponent.py"' in plan.train_settings("single")


def test_a_matrix_of_three_columns_is_told_from_one_of_two() -> None:
    assert LinearMap(matrix=[(1, 0, 0), (0, 0.01, 0), (0, 0, 1)]).problem() is None
    assert LinearMap(matrix=[(0, 0, 0)] * 3).problem()
