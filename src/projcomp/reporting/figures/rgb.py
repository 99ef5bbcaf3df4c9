"""Histograms of red, green and blue of single colours against the background's (Fig. 5)."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from projcomp.data.images import read_samples
from projcomp.data.stored_images import open_stored
from projcomp.folder import Folder
from projcomp.reporting.style import FAINT, INK
from projcomp.settings.case import TRUTH

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

BINS = 64
CHANNELS = {"red": "#C44E52", "green": "#55A868", "blue": "#4C72B0"}

BACKGROUNDS = 100
"""Images of the background, at most, of each dataset."""


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """One row per colour of the one experiment, one panel per channel."""
    ((experiment, shown),) = [item for item in settings.cases.items() if item[0] != TRUTH]
    empty = [
        open_stored(Path(folder.index(name))).read(slice(0, BACKGROUNDS))
        for name in settings.datasets
    ]
    figure = Figure(figsize=(7.5, 0.5 + 1.15 * len(shown)), layout="constrained")
    panels = figure.subplots(len(shown), len(CHANNELS), sharex=True, squeeze=False)
    for row, name in zip(panels, shown, strict=True):
        samples = read_samples(folder.samples(experiment, name), name, experiment).images
        truth = read_samples(folder.samples(TRUTH, name), name).images
        for number, (axes, (channel, color)) in enumerate(zip(row, CHANNELS.items(), strict=True)):
            _outline(axes, truth[..., number].ravel(), "truth", INK)
            if empty:
                values = np.concatenate([images[..., number].ravel() for images in empty])
                _outline(axes, values, "background", FAINT)
            _fill(axes, samples[..., number].ravel(), color)
            if axes in panels[0]:
                axes.set_title(channel)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center")
    panels[-1][1].set_xlabel("pixel value")
    handles, labels = panels[0][-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=3)
    return figure


_EDGES = np.linspace(0, 256, BINS + 1).tolist()


def _fill(axes: Axes, values: NDArray[np.uint8], color: str) -> None:
    """The samples' histogram; it also sets the panel's scale."""
    axes.hist(values, _EDGES, density=True, color=color, alpha=0.6, log=True, label="sampled")
    axes.set_xlim(0, 256)
    axes.set_xticks([0, 128, 255])
    axes.tick_params(axis="y", labelleft=False, which="both", color=FAINT)


def _outline(axes: Axes, values: NDArray[np.uint8], label: str, color: str) -> None:
    axes.hist(
        values,
        _EDGES,
        density=True,
        histtype="step",
        color=color,
        linewidth=0.9,
        log=True,
        label=label,
    )
