"""One look for all figures, and how they are saved."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from projcomp.files.atomic import atomic_path
from projcomp.settings.case import TRUTH

DPI = 150
INK = "#222222"
FAINT = "#888888"
WRONG = "#D55E00"
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito's colours, which colour-blind readers can tell apart."""

MANY = (
    *PALETTE,
    "#999999",
    "#000000",
    "#882255",
    "#44AA99",
    "#DDCC77",
    "#332288",
    "#999933",
)
"""The same and more, for figures with many curves."""

MARKERS = ("o", "s", "^", "D", "v", "P")


@contextmanager
def plain_style() -> Iterator[None]:
    """Matplotlib's settings of all figures, for drawing and saving."""
    settings: Any = {
        "backend": "agg",
        "font.family": "DejaVu Sans",
        "font.size": 8,
        "axes.titlesize": 9,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": INK,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "grid.color": "#DDDDDD",
        "grid.linewidth": 0.6,
        "legend.frameon": False,
        "lines.linewidth": 1.5,
        "svg.fonttype": "path",
        "svg.hashsalt": "projcomp",
    }
    with matplotlib.rc_context(), warnings.catch_warnings():
        # a user's labels may be in letters that the font has not: boxes stand for them
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(settings)
        yield


def save(figure: Figure, name: str, png: Path, svg: Path) -> None:
    """Write ``figure`` as PNG and as SVG, without a date."""
    save_png(figure, name, png)
    figure.set_layout_engine("none")  # it is laid out; to do so again would take most of the time
    with atomic_path(svg) as temporary:
        figure.savefig(temporary, format="svg", dpi=DPI, metadata={"Title": name, "Date": None})


def save_png(figure: Figure, name: str, png: Path) -> None:
    """Write ``figure`` as PNG alone."""
    with atomic_path(png) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI, metadata={"Title": name, "Software": None})


def title_of(experiment: str) -> str:
    """How an experiment is called in a figure."""
    return "Rendered truth" if experiment == TRUTH else f"Experiment {experiment}"


def looks(experiments: Iterable[str]) -> dict[str, dict[str, str]]:
    """Colour and marker of each experiment by its order, no two alike.

    The truth is black and dashed; an exact twin is dotted and has its experiment's colour.
    """
    found: dict[str, dict[str, str]] = {}
    # after a round of the colours the markers have moved on by one
    size = len(PALETTE)
    drawn = ((PALETTE[i % size], MARKERS[(i + i // size) % size]) for i in count())
    for name in experiments:
        base = name.removesuffix("-exact")
        if name == TRUTH:
            found[name] = {"color": INK, "marker": "x", "linestyle": "--"}
        elif base != name and base in found:
            found[name] = {**found[base], "linestyle": ":"}
        else:
            found[name] = dict(zip(("color", "marker"), next(drawn), strict=True))
    return found
