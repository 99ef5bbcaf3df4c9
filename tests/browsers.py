"""Headless browsers under one face: Chromium by Playwright, Firefox by its own remote control.

Playwright drives its own build of Firefox, or the newest one; Debian's is neither. Firefox itself
listens to Marionette: messages ``LENGTH:[0, number, command, parameters]`` over a socket, answered
by ``LENGTH:[1, number, error, result]``. Everything but pointer, keys and size is asked in
JavaScript, so that both browsers are asked the same.
"""

import base64
import json
import shutil
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

try:
    from playwright.sync_api import sync_playwright
except ImportError:
    sync_playwright = None

PATIENCE = 300.0
"""Seconds; only a machine that is very busy needs more than a few."""

Point = tuple[float, float]


def _found(*names: str) -> str | None:
    return next((path for name in names if (path := shutil.which(name))), None)


CHROMIUM = _found("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FIREFOX = _found("firefox-esr", "firefox")


def why_not(name: str) -> str | None:
    """How to get a browser that is not there; None where it is."""
    if name == "firefox":
        missing = "browser: expected Firefox on the path, got none; install it (Debian: apt-get "
        return None if FIREFOX else f"{missing}install firefox-esr)"
    if CHROMIUM is None:
        missing = "browser: expected Chromium on the path, got none; install it (Debian: apt-get "
        return f"{missing}install chromium; Ubuntu: any Chrome)"
    if sync_playwright is None:
        return "playwright: expected the extra `test` of projcomp, got none; pip install playwright"
    return None


class Page(ABC):
    """One page of a browser. Elements are named by a selector of CSS; the first one is meant."""

    @abstractmethod
    def goto(self, url: str) -> None:
        """Opens an address and waits until it has loaded."""

    @abstractmethod
    def evaluate(self, function: str, *given: Any) -> Any:
        """What a JavaScript function returns, called in the page; both ways as JSON."""

    @abstractmethod
    def resize(self, width: int, height: int) -> None:
        """Gives the page a size in CSS pixels."""

    @abstractmethod
    def mouse(self, *path: Point) -> None:
        """Presses at the first point, moves along, and lets go at the last."""

    @abstractmethod
    def press(self, key: str) -> None:
        """Presses a key of :data:`KEYS`, or types a character, where the focus is."""

    @abstractmethod
    def saved(self, selector: str) -> str:
        """The text of the file that a click saves."""

    @abstractmethod
    def picture(self, path: Path) -> None:
        """Writes what is seen as PNG."""

    @abstractmethod
    def close(self) -> None:
        """Leaves the page."""

    @abstractmethod
    def dark(self, dark: bool) -> None:
        """Asks for dark colours, or for light ones."""

    def wait_for(self, function: str, *given: Any) -> None:
        """Waits until a JavaScript function returns something true."""
        end = time.monotonic() + PATIENCE
        while not self.evaluate(function, *given):
            assert time.monotonic() < end, f"waited {PATIENCE:g} s in vain for {function}"
            time.sleep(0.05)

    def text(self, selector: str) -> str:
        return self.evaluate("(one) => document.querySelector(one).innerText", selector)

    def box(self, selector: str) -> dict[str, float]:
        """Where an element is: x, y, width, height; it is scrolled into view."""
        return self.evaluate(
            "(one) => { const found = document.querySelector(one);"
            " const { top, bottom } = found.getBoundingClientRect();"
            " if (top < 0 || bottom > innerHeight) found.scrollIntoView({ block: 'center' });"
            " const { x, y, width, height } = found.getBoundingClientRect();"
            " return { x, y, width, height }; }",
            selector,
        )

    def middle(self, selector: str) -> Point:
        box = self.box(selector)
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def click(self, selector: str) -> None:
        self.mouse(self.middle(selector))

    def focus(self, selector: str) -> None:
        self.evaluate("(one) => document.querySelector(one).focus()", selector)

    def fill(self, selector: str, text: str) -> None:
        """Types a text in place of a field's, and Enter."""
        self.evaluate("(one) => document.querySelector(one).select()", selector)
        for key in [*text, "Enter"]:
            self.press(key)

    def choose(self, selector: str, value: str) -> None:
        """Sets what is chosen with a select or a slider, as a user's choice does."""
        self.evaluate(
            "(one, value) => { const found = document.querySelector(one); found.value = value;"
            " for (const kind of ['input', 'change'])"
            " found.dispatchEvent(new Event(kind, { bubbles: true })); }",
            selector,
            value,
        )


Open = Callable[[], Page]


@contextmanager
def browser(name: str) -> Iterator[Open]:
    """Headless Chromium or Firefox: what is called opens a page of 1200 x 1000 pixels."""
    with {"chromium": _chromium, "firefox": _firefox}[name]() as opened:
        yield opened


# --- Chromium ----------------------------------------------------------------------------------


class _PlaywrightPage(Page):
    def __init__(self, page: Any) -> None:
        self._page = page

    def goto(self, url: str) -> None:
        self._page.goto(url)

    def evaluate(self, function: str, *given: Any) -> Any:
        return self._page.evaluate(f"(given) => ({function})(...given)", list(given))

    def resize(self, width: int, height: int) -> None:
        self._page.set_viewport_size({"width": width, "height": height})

    def mouse(self, *path: Point) -> None:
        self._page.mouse.move(*path[0])
        self._page.mouse.down()
        for point in path[1:]:
            self._page.mouse.move(*point, steps=5)
        self._page.mouse.up()

    def press(self, key: str) -> None:
        self._page.keyboard.press(key)

    def saved(self, selector: str) -> str:
        with self._page.expect_download() as download:
            self.click(selector)
        return Path(download.value.path()).read_text(encoding="utf-8")

    def picture(self, path: Path) -> None:
        self._page.screenshot(path=path, full_page=True)

    def close(self) -> None:
        self._page.close()

    def dark(self, dark: bool) -> None:
        self._page.emulate_media(color_scheme="dark" if dark else "light")


@contextmanager
def _chromium() -> Iterator[Open]:
    assert sync_playwright is not None
    with sync_playwright() as playwright:
        # no sandbox: it needs rights that containers lack, and the pages are our own
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def new() -> Page:
            page = opened.new_page(viewport={"width": 1200, "height": 1000})
            page.set_default_timeout(1000 * PATIENCE)
            return _PlaywrightPage(page)

        yield new
        opened.close()


# --- Firefox -----------------------------------------------------------------------------------

KEYS = {  # WebDriver's numbers (W3C WebDriver, section 17.4.2)
    "Enter": "\ue007", "Shift": "\ue008", "End": "\ue010", "ArrowLeft": "\ue012",
    "ArrowUp": "\ue013", "ArrowRight": "\ue014", "ArrowDown": "\ue015", "Delete": "\ue017",
}  # fmt: skip


class _Marionette:
    """The socket on which a Firefox listens."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._file = self._socket.makefile("rb")
        self._number = 0
        self._read()  # who it is

    def _read(self) -> Any:
        length = b""
        while (digit := self._file.read(1)) != b":":
            assert digit, "Firefox has gone"
            length += digit
        return json.loads(self._file.read(int(length)))

    def send(self, command: str, **parameters: Any) -> Any:
        self._number += 1
        message = json.dumps([0, self._number, command, parameters]).encode()
        self._socket.sendall(b"%d:%b" % (len(message), message))
        _, _, error, result = self._read()
        assert error is None, f"{command}: {error['error']}: {error['message']}"
        return result

    def close(self) -> None:
        self._socket.close()


class _MarionettePage(Page):
    def __init__(self, firefox: _Marionette, downloads: Path) -> None:
        self._firefox, self._downloads = firefox, downloads

    def goto(self, url: str) -> None:
        self._firefox.send("WebDriver:Navigate", url=url)

    def evaluate(self, function: str, *given: Any) -> Any:
        # in the page itself: a script of Marionette's does not see the page's own constants
        asked = f"JSON.stringify((({function})(...{json.dumps(given)})) ?? null)"
        script = "return window.eval(arguments[0])"
        found = self._firefox.send("WebDriver:ExecuteScript", script=script, args=[asked])
        return json.loads(found["value"])

    def _as_browser(self, script: str, *given: Any) -> None:
        self._firefox.send("Marionette:SetContext", value="chrome")
        self._firefox.send("WebDriver:ExecuteScript", script=script, args=list(given))
        self._firefox.send("Marionette:SetContext", value="content")

    def resize(self, width: int, height: int) -> None:
        # a window has a least width, the page inside of it has none
        self._as_browser(
            "const { style } = gBrowser.selectedBrowser; [style.width, style.height] = arguments;",
            f"{width}px",
            f"{height}px",
        )
        self.wait_for("(wanted) => innerWidth === wanted", width)

    def _act(self, kind: str, actions: Sequence[dict[str, Any]]) -> None:
        self._firefox.send(
            "WebDriver:PerformActions",
            actions=[{"type": kind, "id": kind, "actions": list(actions)}],
        )

    def mouse(self, *path: Point) -> None:
        def to(point: Point) -> dict[str, Any]:
            x, y = map(round, point)
            return {"type": "pointerMove", "x": x, "y": y, "duration": 50}

        moves = [to(point) for point in path[1:]]
        down, up = ({"type": f"pointer{what}", "button": 0} for what in ("Down", "Up"))
        self._act("pointer", [to(path[0]), down, *moves, up])

    def press(self, key: str) -> None:
        keys = [KEYS.get(one, one) for one in key.split("+")]
        down, up = (
            [{"type": f"key{what}", "value": one} for one in order]
            for what, order in (("Down", keys), ("Up", keys[::-1]))
        )
        self._act("key", [*down, *up])

    def saved(self, selector: str) -> str:
        self.click(selector)
        end = time.monotonic() + PATIENCE
        while not (found := [*self._downloads.glob("*")]) or found[0].suffix == ".part":
            assert time.monotonic() < end, "nothing was saved"
            time.sleep(0.05)
        return found[0].read_text(encoding="utf-8")

    def picture(self, path: Path) -> None:
        found = self._firefox.send("WebDriver:TakeScreenshot", full=True)
        path.write_bytes(base64.b64decode(found["value"]))

    def close(self) -> None:
        self.goto("about:blank")

    def dark(self, dark: bool) -> None:
        name = "layout.css.prefers-color-scheme.content-override"
        self._as_browser("Services.prefs.setIntPref(...arguments)", name, 0 if dark else 1)


@contextmanager
def _firefox() -> Iterator[Open]:
    with tempfile.TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True) as folder:
        profile, downloads = Path(folder, "profile"), Path(folder, "downloads")
        for one in (profile, downloads):
            one.mkdir()
        wishes = {
            "marionette.port": 0,  # any that is free
            "browser.download.dir": str(downloads),
            "browser.download.folderList": 2,
        }
        lines = [f"user_pref({json.dumps(key)}, {json.dumps(one)});" for key, one in wishes.items()]
        (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
        flags = ["--headless", "--marionette", "--remote-allow-system-access", "--no-remote"]
        process = subprocess.Popen(
            [str(FIREFOX), *flags, "--profile", str(profile)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            firefox = _Marionette(_port(profile / "MarionetteActivePort", process))
            firefox.send("WebDriver:NewSession")

            def new() -> Page:
                page = _MarionettePage(firefox, downloads)
                page.goto("about:blank")
                page.resize(1200, 1000)
                return page

            yield new
            firefox.close()
        finally:
            process.terminate()
            process.wait()


def _port(told: Path, process: subprocess.Popen) -> int:
    end = time.monotonic() + PATIENCE
    while not told.exists() or not told.read_text():
        assert process.poll() is None, "Firefox ended at its start"
        assert time.monotonic() < end, f"Firefox did not listen within {PATIENCE:g} s"
        time.sleep(0.05)
    return int(told.read_text())
