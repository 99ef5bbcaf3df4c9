"""Histograms of the red, green and blue of composed colours against the truth's (Fig. 5 and 10)."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from projcomp.data.images import read_samples
from projcomp.folder import Folder
from projcomp.reporting.style import FAINT, INK
from projcomp.settings.case import TRUTH

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

BINS = 64
CHANNELS = {"red": "#C44E52", "green": "#55A868", "blue": "#4C72B0"}


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """One row per pair of the one experiment, one panel per channel."""
    ((experiment, shown),) = [item for item in settings.cases.items() if item[0] != TRUTH]
    figure = Figure(figsize=(7.5, 0.5 + 1.15 * len(shown)), layout="constrained")
    panels = figure.subplots(len(shown), len(CHANNELS), sharex=True, squeeze=False)
    for row, name in zip(panels, shown, strict=True):
        samples = read_samples(folder.samples(experiment, name), name, experiment).images
        truth = read_samples(folder.samples(TRUTH, name), name).images
        for number, (axes, (channel, color)) in enumerate(zip(row, CHANNELS.items(), strict=True)):
            _draw_channel(axes, samples[..., number], truth[..., number], color)
            if axes in panels[0]:
                axes.set_title(channel)
        row[0].set_ylabel(name.replace("-", "\n"), rotation=0, ha="right", va="center")
    panels[-1][1].set_xlabel("pixel value")
    handles, labels = panels[0][-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=2)
    return figure


def _draw_channel(axes: Axes, samples: np.ndarray, truth: np.ndarray, color: str) -> None:
    edges = np.linspace(0, 256, BINS + 1).tolist()
    axes.hist(
        samples.ravel(), edges, density=True, color=color, alpha=0.6, log=True, label="composed"
    )
    axes.hist(
        truth.ravel(),
        edges,
        density=True,
        histtype="step",
        color=INK,
        linewidth=0.9,
        log=True,
        label="truth",
    )
    axes.set_xlim(0, 256)
    axes.set_xticks([0, 128, 255])
    axes.tick_params(axis="y", labelleft=False, which="both", color=FAINT)
