"""The library's page: its code runs and comes out as it says; models of noise as denoisers."""

import ast
import re
from pathlib import Path

import pytest
import torch

import projcomp
from projcomp.diffusion.epsilon import denoiser_of, vp_sigmas

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "library.md"
EXACT = "projcomp.exact.points"
"""Of the laboratory's rooms: no name of the library's own."""


@pytest.fixture(scope="module")
def page():
    """The names that the page's code defines."""
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(block, names)
    return names


@pytest.mark.parametrize("name", ["composed", "from_noise"])
def test_the_products_are_the_exact_gaussian(page, name):
    """N(e_1, s^2) N(e_2, s^2) / N(0, s^2) = N(e_1 + e_2, s^2)."""
    x = page[name]
    assert torch.allclose(x.mean(0), torch.ones(2), atol=4 * 0.2 / 16)
    assert torch.allclose(x.std(0), torch.full((2,), 0.2), rtol=0.2)


def test_the_product_of_two_texts_is_exact(page):
    """Their masked means are (1, 0) and (1, 1), the empty text's is the origin."""
    x = page["from_texts"]
    assert torch.allclose(x.mean(0), torch.tensor([2.0, 1.0]), atol=4 * 0.2 / 16)


def test_the_superposition_is_in_either_place(page):
    x = page["superposed"]
    away = torch.minimum((x - page["here"]).norm(dim=1), (x + page["here"]).norm(dim=1))
    assert float((away < 4 * 0.2).double().mean()) > 0.97
    assert 0.35 < float((x[:, 0] > 0).double().mean()) < 0.65
    assert page["log_densities"].shape == (2, 256)


def test_the_guided_and_is_between_both_places_and_away_from_the_background(page):
    """Along the difference nothing is guided; at right angles to it g (1/2, 1/2) is reached."""
    x = page["between"].double()
    assert float((x[:, 0] - x[:, 1]).abs().mean()) < 0.2
    assert float((x[:, 0] + x[:, 1]).mean()) == pytest.approx(2.0, abs=0.15)


def test_the_exact_models_compose_both_squares_on_one_ground(page):
    x = page["both_squares"]
    squares = torch.zeros(8, 8, dtype=torch.bool)
    squares[1:3, 1:3] = squares[5:7, 5:7] = True
    assert x.shape == (64, 3, 8, 8)
    torch.testing.assert_close(
        x[:, :, squares], torch.full((64, 3, 8), 250 / 127.5 - 1), rtol=0, atol=0.1
    )
    ground = x[:, :, ~squares]
    assert float(ground.flatten(1).std(1).max()) < 0.01
    assert float(ground.mean((1, 2)).std()) > 0.02


def test_the_repaired_product_is_the_exact_gaussian_and_its_deltas_are_at_right_angles(page):
    x = page["repaired"]
    assert torch.allclose(x.mean(0), torch.ones(2), atol=6 * 0.2 / 16)
    assert float(page["cosine"].abs().max()) < 0.1


def test_the_chains_are_one_of_both(page):
    ends = torch.stack([page["straight"], page["upright"]])
    away = (page["chains"] - ends[:, None]).abs().amax((2, 3, 4))
    assert float(away.min(0).values.median()) < 0.5
    assert 0.3 < float((away[0] < away[1]).double().mean()) < 0.7


def test_the_followed_densities_are_those_of_the_models(page):
    """log N(x; e_i, v) - log N(x; 0, v) = (2 x_i - 1)/(2 v), but for the last level."""
    x, variance = page["result"].x, 0.2**2 + 0.01**2
    for axis, model in enumerate(("first", "second")):
        gap = page[model] - page["background"] - (2 * x[:, axis] - 1) / (2 * variance)
        assert float(gap.mean()) == pytest.approx(0.0, abs=1.5)
        assert float(gap.std()) < 2.0


def test_a_model_of_noise_is_the_exact_denoiser():
    """On N(m, s^2) the noise given x_vp is known, and so is E[x0 | x]."""
    alphas_cumprod = torch.cumprod(1 - torch.linspace(1e-3, 0.05, 50, dtype=torch.float64), 0)

    def model(x_vp, step, condition):
        abar = alphas_cumprod[step][:, None]
        return (1 - abar).sqrt() * (x_vp - abar.sqrt() * condition) / (abar * 0.09 + 1 - abar)

    sigma = vp_sigmas(alphas_cumprod)[[0, 7, 49]]
    assert torch.allclose(1 / (1 + sigma**2), alphas_cumprod[[0, 7, 49]])
    x, mean = torch.randn(3, 4, dtype=torch.float64), torch.randn(3, 4, dtype=torch.float64)
    exact = (0.09 * x + sigma[:, None] ** 2 * mean) / (0.09 + sigma[:, None] ** 2)
    torch.testing.assert_close(denoiser_of(model, alphas_cumprod)(x, sigma, mean), exact)


@pytest.mark.parametrize("room", ["composition", "samplers", "diffusion"])
def test_the_library_imports_nothing_else_of_the_project(room: str) -> None:
    """Of the project: its own room, ``diffusion/``, its errors, and what tells a lack of memory."""
    allowed = (
        f"projcomp.{room}",
        "projcomp.diffusion",
        "projcomp.errors",
        "projcomp.machine.memory",
    )
    for path in sorted((REPOSITORY / "src/projcomp" / room).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            ours = [name for name in names if name.split(".")[0] == "projcomp"]
            assert all(name.startswith(allowed) for name in ours), f"{path}: {ours}"


def test_the_page_lists_the_names_of_the_package() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", text.split("## The names")[1], re.MULTILINE)
    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(listed) == projcomp.__all__


def test_the_page_imports_from_the_package_and_the_exact_models_alone() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"^from (projcomp\S*)", text, re.MULTILINE)) == {"projcomp", EXACT}
