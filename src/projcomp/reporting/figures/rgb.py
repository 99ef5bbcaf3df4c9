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
    behind = _densities(np.concatenate(empty)) if empty else None
    figure = Figure(figsize=(7.5, 0.5 + 1.15 * len(shown)), layout="constrained")
    panels = figure.subplots(len(shown), len(CHANNELS), sharex=True, squeeze=False)
    for row, name in zip(panels, shown, strict=True):
        samples = read_samples(folder.samples(experiment, name), name, experiment).images
        truth = read_samples(folder.samples(TRUTH, name), name).images
        shares, true = _densities(samples), _densities(truth)
        for number, (axes, (channel, color)) in enumerate(zip(row, CHANNELS.items(), strict=True)):
            _outline(axes, true[number], "truth", INK)
            if behind is not None:
                _outline(axes, behind[number], "background", FAINT)
            _fill(axes, shares[number], color)
            if axes in panels[0]:
                axes.set_title(channel)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center")
    panels[-1][1].set_xlabel("pixel value")
    handles, labels = panels[0][-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=3)
    return figure


_EDGES = np.linspace(0, 256, BINS + 1)
_LEAST = 1e-6
"""The bottom of every panel, per pixel value: fewer pixels than any case has."""


def _densities(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The histogram of every channel, shape ``(3, BINS)``, as shares per pixel value."""
    counts = [np.bincount(images[..., i].ravel(), minlength=256) for i in range(len(CHANNELS))]
    binned = np.stack(counts).reshape(len(counts), BINS, -1).sum(2)
    return binned / binned.sum(1, keepdims=True) / (256 / BINS)


def _fill(axes: Axes, density: NDArray[np.float64], color: str) -> None:
    """The samples' histogram; it also sets the panel's scale."""
    axes.stairs(
        density, _EDGES, baseline=_LEAST, fill=True, color=color, alpha=0.6, label="sampled"
    )
    axes.set_yscale("log", nonpositive="clip")
    axes.set_ylim(bottom=_LEAST)
    axes.set_xlim(0, 256)
    axes.set_xticks([0, 128, 255])
    axes.tick_params(axis="y", labelleft=False, which="both", color=FAINT)


def _outline(axes: Axes, density: NDArray[np.float64], label: str, color: str) -> None:
    axes.stairs(density, _EDGES, baseline=_LEAST, color=color, linewidth=0.9, label=label)
