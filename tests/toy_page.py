"""A small collection of coloured squares on a grey ground, and the browser that shows its page."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from projcomp.config.demo import places
from projcomp.data.shard_format import VOCABULARY
from projcomp.playground.collection import Collection
from projcomp.scenes.vocabulary import COLORS

SIDE = 16
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next((path for name in NAMES if (path := shutil.which(name))), None)

try:
    from playwright.sync_api import sync_playwright
except ImportError:
    sync_playwright = None

WHY_NOT = (
    "browser: expected Chromium on the path, got none; install it (Debian: apt-get install "
    "chromium; Ubuntu: any Chrome)"
    if BROWSER is None
    else "playwright: expected the extra `test` of projcomp, got none; pip install playwright"
)
needs_browser = pytest.mark.skipif(BROWSER is None or sync_playwright is None, reason=WHY_NOT)


@contextmanager
def browser() -> Iterator[Any]:
    """Headless Chromium; as root it has no sandbox."""
    assert sync_playwright is not None
    with sync_playwright() as playwright:
        # no sandbox: it needs rights that containers lack, and the pages are our own
        opened = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


def toy_collection() -> Collection:
    """Squares at nine places and anywhere, of eight colours and two sizes, on a grey ground."""
    rng = np.random.default_rng(0)
    apart = np.array(places()["apart"])
    points = np.concatenate([apart.repeat(32, 0), rng.uniform(0.1, 0.9, (400, 2))])
    count = len(points)
    labels = {
        name: (names, np.arange(count).astype(np.uint16) // step % len(names))
        for (name, names), step in zip(VOCABULARY.items(), (16, 1, 16, 8), strict=True)
    }
    ground = rng.integers(118, 123, (6, SIDE, SIDE, 3)).astype(np.uint8)
    images = ground[np.arange(count) % len(ground)].copy()
    for image, point, color, size in zip(
        images, points, labels["color"][1], labels["size"][1], strict=True
    ):
        column, row = np.round(point * SIDE).astype(int)
        reach = 1 if VOCABULARY["size"][size] == "small" else 2
        image[max(row - reach, 0) : row + reach, max(column - reach, 0) : column + reach] = list(
            COLORS.values()
        )[color]
    return Collection(images, labels, points, ground)
