"""The page in a real browser: what it shows is what the library computes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from in_node import normals
from toy_page import SIDE, browser, needs_browser, toy_collection

from projcomp.composition.feynman_kac import weighted_product
from projcomp.diffusion.convert import denoised_to_score
from projcomp.diffusion.noise_levels import edm_sigmas
from projcomp.diffusion.pixels import decode
from projcomp.exact.points import Points
from projcomp.playground.page import make_page, write_page
from projcomp.samplers.heun import Heun
from projcomp.samplers.process import sample
from projcomp.settings.report import KnownModel, KnownRun

pytestmark = [needs_browser, pytest.mark.slow]

RUN = KnownRun(
    datasets=["single"],
    empty="empty",
    trained=[KnownModel(name="single", condition="position", features="rgb")],
)
PATIENCE = 300_000
"""Milliseconds; only a machine that is very busy needs more than a few hundred."""


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("page") / "play.html"
    write_page(path, make_page(toy_collection(), "toy", "position", RUN.model_dump()))
    return path.as_uri()


@pytest.fixture(scope="module")
def opened() -> Iterator[Any]:
    with browser() as chromium:
        yield chromium


@pytest.fixture
def page(opened, url: str) -> Iterator[Any]:
    found = opened.new_page(viewport={"width": 1200, "height": 1000})
    found.set_default_timeout(PATIENCE)
    asked, errors = [], []
    found.on("request", lambda request: asked.append(request.url))
    found.on("pageerror", lambda error: errors.append(error))
    found.goto(url)
    settled(found)
    yield found
    assert not errors
    assert all(one.startswith(("file:", "blob:", "data:")) for one in asked)
    found.close()


def settled(page: Any) -> None:
    """Waits until every sample of what is shown has been read."""
    page.wait_for_function(
        "() => { const shown = Playground.shown;"
        " return shown && shown.id === Playground.newest"
        " && shown.readings.length === Playground.state.samples; }"
    )


def by_library(page: Any) -> torch.Tensor:
    """The first sample of the product that the page shows, composed by the library."""
    asked = page.evaluate(
        "() => { const meta = JSON.parse(document.getElementById('meta').textContent);"
        " return { state: Playground.state,"
        " ids: Playground.state.objects.map((one) => Pool.answering(meta, one).ids) }; }"
    )
    state, toy = asked["state"], toy_collection()
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


def test_what_it_shows_is_what_the_library_computes(page) -> None:
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
    assert "5 of 5 requests met" in page.inner_text("#verdict")
    assert "of 8 succeed" in page.inner_text("#rate")
    page.get_by_text("composes with").wait_for()


def test_a_drag_moves_an_object_and_two_in_one_place_interact(page) -> None:
    page.get_by_role("button", name="Pushed together").click()
    settled(page)
    first, second = page.locator(".mark").nth(0), page.locator(".mark").nth(1)
    box = second.bounding_box()
    middle = page.locator("#picture").bounding_box()
    second.hover()
    page.mouse.down()
    page.mouse.move(middle["x"] + 0.9 * middle["width"], box["y"], steps=5)
    page.mouse.up()
    settled(page)
    far = float(page.inner_text("#matrix td >> nth=0").replace("−", "-"))
    assert page.evaluate("() => Playground.state.objects[1].at[0]") == pytest.approx(0.9, abs=0.03)
    to, box = first.bounding_box(), second.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(to["x"] + to["width"] / 2 + 8, to["y"] + to["height"] / 2, steps=5)
    page.mouse.up()
    settled(page)
    near = float(page.inner_text("#matrix td >> nth=0").replace("−", "-"))
    assert abs(far) < 0.1
    assert near > 0.3
    assert np.allclose(
        page.evaluate("() => Array.from(Playground.shown.picture)"),
        by_library(page).flatten(),
        rtol=0,
        atol=1e-3,
    )


def test_the_slider_shows_the_path(page) -> None:
    page.locator("#level").fill("0")
    assert "step 1 of 18" in page.inner_text("#level-text")
    noisy = page.evaluate("() => document.getElementById('noisy').toDataURL()")
    page.locator("#level").press("End")
    assert "after the last step" in page.inner_text("#level-text")
    assert page.evaluate("() => document.getElementById('noisy').toDataURL()") != noisy


def test_a_link_shows_its_state_and_a_broken_one_says_what_is_wrong(page, url: str) -> None:
    page.goto(f"{url}#objects=at:0.3:0.4~color:red&operator=bayes&samples=2")
    settled(page)
    state = page.evaluate("() => Playground.state")
    assert (state["operator"], state["samples"]) == ("bayes", 2)
    assert state["objects"] == [{"at": [0.3, 0.4], "weight": 1, "labels": {"color": "red"}}]
    page.goto(f"{url}#operator=divide")
    told = page.get_by_role("alert")
    told.wait_for()
    assert "This link is broken: operator: one of product" in told.inner_text()
    settled(page)  # and what was there before is there still


def test_it_is_played_by_the_keyboard_alone(page) -> None:
    before = page.evaluate("() => Playground.state.objects[0].at")
    page.locator(".mark").nth(0).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    after = page.evaluate("() => Playground.state.objects[0].at")
    assert np.allclose(np.subtract(after, before), [1 / SIDE, 4 / SIDE])
    page.keyboard.press("Delete")
    assert page.evaluate("() => Playground.state.objects.length") == 4
    settled(page)
    page.get_by_role("button", name="Add object").press("Enter")
    assert page.evaluate("() => Playground.state.objects.length") == 5
    settled(page)


def test_controls_have_names_and_small_screens_need_no_scrolling_sideways(page) -> None:
    unnamed = page.evaluate(
        "() => [...document.querySelectorAll('button, select, input, canvas')]"
        ".filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim()"
        " || (one.labels && one.labels.length))).map((one) => one.outerHTML)"
    )
    assert unnamed == []
    page.set_viewport_size({"width": 360, "height": 740})
    wide = page.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= 360


def test_the_latest_question_is_answered(page) -> None:
    page.locator("#samples").fill("64")
    page.locator("#samples").press("Enter")
    for _ in range(3):
        page.locator("#again").click()
    page.locator("#samples").fill("3")
    page.locator("#samples").press("Enter")
    settled(page)
    assert page.evaluate("() => Playground.state.seed") == 3
    assert page.locator("#strip li").count() == 3
    wanted = by_library(page)
    found = page.evaluate("() => Array.from(Playground.shown.picture)")
    assert np.allclose(found, wanted.flatten(), rtol=0, atol=1e-3)


def test_what_does_not_go_together_cannot_be_chosen_and_yaml_is_written(page) -> None:
    page.locator("#operator").select_option("superposition_and")
    settled(page)
    assert page.locator("#sampler").input_value() == "sde"
    assert page.locator("#sampler option[value=heun]").is_disabled()
    page.get_by_role("button", name="Write YAML").click()
    text = page.inner_text("#yaml-text")
    assert "conditionals: single" in text
    assert "operator: superposition_and" in text
    with page.expect_download() as download:
        page.get_by_role("button", name="Save playground.yaml").click()
    assert Path(download.value.path()).read_text(encoding="utf-8") == text.rstrip("\n") + "\n"
