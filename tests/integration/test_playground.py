"""The page in real browsers: what it shows is what the library computes."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from browsers import Open, Page, browser, why_not
from in_node import normals
from toy_page import SIDE, toy_collection

from projcomp.composition.feynman_kac import weighted_product
from projcomp.diffusion.convert import denoised_to_score
from projcomp.diffusion.noise_levels import edm_sigmas
from projcomp.diffusion.pixels import decode
from projcomp.exact.points import Points
from projcomp.playground.page import arranged, make_page, write_page
from projcomp.samplers.heun import Heun
from projcomp.samplers.process import sample
from projcomp.settings.report import KnownModel, KnownRun

pytestmark = pytest.mark.slow

RUN = KnownRun(
    datasets=["single"],
    empty="empty",
    trained=[KnownModel(name="single", condition="position", features="rgb")],
)


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("page") / "play.html"
    write_page(path, make_page(toy_collection(), "toy", "position", RUN.model_dump()))
    return path.as_uri()


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def opened(request) -> Iterator[Open]:
    if missing := why_not(request.param):
        pytest.skip(missing)
    with browser(request.param) as new:
        yield new


@pytest.fixture
def page(opened: Open, url: str) -> Iterator[Page]:
    found = opened()
    found.goto(url)
    found.evaluate(
        "() => { window.errors = [];"
        " addEventListener('error', ({ message }) => errors.push(message));"
        " addEventListener('unhandledrejection', ({ reason }) => errors.push(String(reason))); }"
    )
    settled(found)
    yield found
    assert not found.evaluate("() => window.errors ?? []")
    asked = found.evaluate("() => performance.getEntriesByType('resource').map(({ name }) => name)")
    assert all(one.startswith(("file:", "blob:", "data:")) for one in asked)
    found.close()


def settled(page: Page) -> None:
    """Waits until every sample of what is shown has been read."""
    page.wait_for(
        "() => { const shown = Playground.shown;"
        " return shown && shown.id === Playground.newest"
        " && shown.readings.length === Playground.state.samples; }"
    )


def example(name: str) -> str:
    """The selector of the example of that name."""
    return f"#examples button[data-name='{name}']"


def correlation(page: Page) -> float:
    """The cosine of the first two objects' deltas, as the matrix shows it."""
    return float(page.text("#matrix td").replace("−", "-"))


def by_library(page: Page) -> torch.Tensor:
    """The first sample of the product that the page shows, composed by the library."""
    asked = page.evaluate(
        "() => { const meta = JSON.parse(document.getElementById('meta').textContent);"
        " return { state: Playground.state,"
        " ids: Playground.state.objects.map((one) => Pool.answering(meta, one).ids) }; }"
    )
    state, toy = asked["state"], arranged(toy_collection(), "position")
    assert (state["operator"], state["sampler"]) == ("product", "heun")
    sets = [toy.backgrounds, *(toy.images[ids] for ids in asked["ids"])]
    points = [Points(torch.from_numpy(some)) for some in sets]

    def scores(x: torch.Tensor, sigma: float) -> torch.Tensor:
        means = torch.stack([one.posterior(x, sigma).mean for one in points])
        return denoised_to_score(means, x, sigma)

    noise = torch.from_numpy(normals(state["seed"], 0, 0, 3 * SIDE * SIDE))
    start = state["greatest"] * noise.reshape(1, 3, SIDE, SIDE)
    levels = edm_sigmas(state["steps"], state["least"], state["greatest"], 7.0)
    field = weighted_product(scores, [one["weight"] for one in state["objects"]])
    return sample(field, start, levels, Heun()).x


def test_what_it_shows_is_what_the_library_computes(page: Page) -> None:
    wanted = by_library(page)
    found = page.evaluate("() => Array.from(Playground.shown.picture)")
    assert np.allclose(found, wanted.flatten(), rtol=0, atol=1e-3)
    pixels = page.evaluate(
        "() => { const canvas = document.getElementById('picture');"
        " return Array.from(canvas.getContext('2d')"
        ".getImageData(0, 0, canvas.width, canvas.height).data); }"
    )
    seen = np.array(pixels, dtype=int).reshape(SIDE, SIDE, 4)
    assert np.abs(seen[..., :3] - decode(wanted)[0].astype(int)).max() <= 1
    assert "5 of 5 requests met" in page.text("#verdict")
    assert "of 8 succeed" in page.text("#rate")
    page.wait_for("() => document.getElementById('predict').innerText.includes('composes with')")


def test_a_drag_moves_an_object_and_two_in_one_place_interact(page: Page) -> None:
    page.click(example("two pushed together"))
    settled(page)
    second = page.middle(".mark[data-object='1']")
    picture = page.box("#picture")
    page.mouse(second, (picture["x"] + 0.9 * picture["width"], second[1]))
    settled(page)
    far = correlation(page)
    assert page.evaluate("() => Playground.state.objects[1].at[0]") == pytest.approx(0.9, abs=0.03)
    x, y = page.middle(".mark[data-object='0']")
    page.mouse(page.middle(".mark[data-object='1']"), (x + 8, y))
    settled(page)
    assert abs(far) < 0.1
    assert correlation(page) > 0.3
    found = page.evaluate("() => Array.from(Playground.shown.picture)")
    assert np.allclose(found, by_library(page).flatten(), rtol=0, atol=1e-3)


def test_a_click_adds_an_object_where_it_is(page: Page) -> None:
    picture = page.box("#picture")
    page.mouse((picture["x"] + 0.5 * picture["width"], picture["y"] + 0.9 * picture["height"]))
    settled(page)
    added = page.evaluate("() => Playground.state.objects[5]")
    assert np.allclose(added["at"], (0.5, 0.9), atol=0.01)


def test_the_slider_shows_the_path(page: Page) -> None:
    page.choose("#level", "0")
    assert "step 1 of 18" in page.text("#level-text")
    noisy = page.evaluate("() => document.getElementById('noisy').toDataURL()")
    page.focus("#level")
    page.press("End")
    assert "after the last step" in page.text("#level-text")
    assert page.evaluate("() => document.getElementById('noisy').toDataURL()") != noisy


def test_a_link_shows_its_state_and_a_broken_one_says_what_is_wrong(page: Page, url: str) -> None:
    page.goto(f"{url}#objects=at:0.3:0.4~color:red&operator=bayes&samples=2")
    settled(page)
    state = page.evaluate("() => Playground.state")
    assert (state["operator"], state["samples"]) == ("bayes", 2)
    assert state["objects"] == [{"at": [0.3, 0.4], "weight": 1, "labels": {"color": "red"}}]
    page.goto(f"{url}#operator=divide")
    page.wait_for("() => !document.querySelector('[role=alert]').hidden")
    assert "This link is broken: operator: one of product" in page.text("[role=alert]")
    settled(page)  # and what was there before is there still


def test_a_page_that_is_opened_by_its_link_shows_it(opened: Open, url: str) -> None:
    page = opened()
    page.goto(f"{url}#objects=at:0.3:0.4&samples=2")
    settled(page)
    assert page.evaluate("() => Playground.state.objects.length") == 1
    page.close()
    page = opened()
    page.goto(f"{url}#objects=at:0.3")
    settled(page)
    assert "This link is broken" in page.text("[role=alert]")
    page.close()


def test_it_is_played_by_the_keyboard_alone(page: Page) -> None:
    before = page.evaluate("() => Playground.state.objects[0].at")
    page.focus(".mark")
    page.press("ArrowRight")
    page.press("Shift+ArrowDown")
    after = page.evaluate("() => Playground.state.objects[0].at")
    assert np.allclose(np.subtract(after, before), [1 / SIDE, 4 / SIDE])
    page.press("Delete")
    assert page.evaluate("() => Playground.state.objects.length") == 4
    settled(page)
    page.focus("#add")
    page.press("Enter")
    assert page.evaluate("() => Playground.state.objects.length") == 5
    settled(page)


def test_controls_have_names_and_small_screens_need_no_scrolling_sideways(page: Page) -> None:
    unnamed = page.evaluate(
        "() => [...document.querySelectorAll('button, select, input, canvas')]"
        ".filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim()"
        " || (one.labels && one.labels.length))).map((one) => one.outerHTML)"
    )
    assert unnamed == []
    page.resize(360, 740)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360


def test_the_latest_question_is_answered(page: Page) -> None:
    page.fill("#samples", "64")
    for _ in range(3):
        page.click("#again")
    page.fill("#samples", "3")
    settled(page)
    assert page.evaluate("() => Playground.state.seed") == 3
    assert page.evaluate("() => document.querySelectorAll('#strip li').length") == 3
    wanted = by_library(page)
    found = page.evaluate("() => Array.from(Playground.shown.picture)")
    assert np.allclose(found, wanted.flatten(), rtol=0, atol=1e-3)


def test_what_does_not_go_together_cannot_be_chosen_and_yaml_is_written(page: Page) -> None:
    page.choose("#operator", "superposition_and")
    settled(page)
    assert page.evaluate("() => document.getElementById('sampler').value") == "sde"
    assert page.evaluate("() => document.querySelector('#sampler option[value=heun]').disabled")
    page.click("#yaml")
    text = page.text("#yaml-text")
    assert "conditionals: single" in text
    assert "operator: superposition_and" in text
    assert page.saved("#yaml-save") == text.rstrip("\n") + "\n"
