"""How soon a playground's page shows its first picture, in every browser that is there.

    python benchmarks/first_picture.py results/playground.html

Prints, of several openings from the disk, the seconds from the start of the navigation to the first
picture: by the clock, the middle one and the slowest; and processor time of all the browser's
processes until then, which other work on the machine changes less. The page composes one sample of
what it shows first, since reading others would be counted too.
"""

import argparse
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from browsers import Page, browser, why_not

SHOWN = "() => performance.getEntriesByName('picture')[0]?.startTime ?? null"
SETTLED = "() => Playground.shown?.readings.length === Playground.state.samples"
ONE_SAMPLE = """() => State.toFragment({ ...Playground.state, samples: 1 },
  JSON.parse(document.getElementById('meta').textContent))"""


def processor() -> float:
    """Seconds of the processor that all processes below this one have taken."""
    taken = (one.cpu_times() for one in psutil.Process().children(recursive=True))
    return sum(one.user + one.system for one in taken)


def opened(new: Callable[[], Page], url: str) -> tuple[float, float]:
    """Seconds until a page shows a picture: of the clock, of the processor."""
    page = new()
    before = processor()
    page.goto(url)
    page.wait_for(f"() => ({SHOWN})() !== null")
    used = processor() - before
    found = page.evaluate(SHOWN) / 1000
    page.close()
    return found, used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("--times", type=int, default=5)
    given = parser.parse_args()
    url = given.page.resolve().as_uri()
    for name in ("chromium", "firefox"):
        if missing := why_not(name):
            print(f"{name}: {missing}")
            continue
        with browser(name) as new:
            page = new()
            page.goto(url)
            page.wait_for(SETTLED)
            link = f"{url}#{page.evaluate(ONE_SAMPLE)}"
            page.close()
            found = [opened(new, link) for _ in range(given.times)]
        clock, used = zip(*found, strict=True)
        print(
            f"{name}: {statistics.median(clock):.2f} s, {max(clock):.2f} s at the slowest; "
            f"{statistics.median(used):.2f} s of the processor ({given.times} openings)"
        )


if __name__ == "__main__":
    main()
