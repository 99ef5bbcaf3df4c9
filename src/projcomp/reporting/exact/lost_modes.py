"""The lost clusters ([B], Fig. 14 and Lemma 7.2): samples, their share, and the path's jump."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from projcomp.reporting.exact.read import line, select, sheet
from projcomp.reporting.style import FAINT, INK, PALETTE

SHEARS = ("a = 1", "a = 0.3")


def draw(table: pd.DataFrame) -> Figure:
    """Per shear: samples at the least tau, the lost share against tau, the jump against sigma."""
    figure, panels = sheet(table, 8.4, 4.9, 2, 3, gridspec_kw={"width_ratios": [0.8, 1.2, 1.2]})
    for row, name in enumerate(SHEARS):
        _samples(panels[3 * row], table, name)
        _share(panels[3 * row + 1], table, name)
        _jump(panels[3 * row + 2], table, name)
        panels[3 * row].set_ylabel(name, fontsize=9)
    panels[0].set_title("samples at tau = 0.02")
    panels[1].set_title("share of the two lost clusters")
    panels[2].set_title("distance from the noise-free composition")
    panels[4].set_xlabel("width of a cluster, tau")
    panels[5].set_xlabel("noise level sigma")
    return figure


def _samples(axes: Axes, table: pd.DataFrame, name: str) -> None:
    for sampler, color in (("truth", FAINT), ("DDIM", PALETTE[0])):
        rows = select(table, name, "point", sampler)
        shift = 0.14 if sampler == "truth" else -0.14
        axes.plot(rows["x"] + shift, rows["value"], ".", color=color, markersize=3, label=sampler)
    axes.set_xlim(-1.6, 1.6)
    axes.set_ylim(-1.6, 2.3)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(fontsize=6, loc="upper center", ncols=2)


def _share(axes: Axes, table: pd.DataFrame, name: str) -> None:
    found = select(table, name, "share of lost modes", "DDIM")
    line(axes, found, "DDIM", 0, marker="o", markersize=3)
    truth = select(table, name, "share of lost modes", "truth")
    line(axes, truth, "exact draws", 0, color=INK, linestyle="--")
    axes.set_ylim(0, 0.65)
    axes.legend(fontsize=6, loc="lower right")


def _jump(axes: Axes, table: pd.DataFrame, name: str) -> None:
    measured = select(table, name, "jump", "measured")
    line(axes, measured, "measured", 0, marker="o", markersize=3)
    line(axes, select(table, name, "jump", "bound"), "bound", 1, linestyle="--")
    nearest = float(select(table, name, "jump", "exact draws")["value"].iloc[0])
    axes.axhline(nearest, color=INK, linestyle=":", label="two sets of exact draws")
    axes.set_xscale("log")
    axes.set_ylim(0, 1)
    axes.set_ylabel("Wasserstein-1")
    axes.legend(fontsize=6, loc="lower right", bbox_to_anchor=(1.0, 0.13))
