"""How often the detector itself is right, on renders that it never saw."""

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from projcomp.evaluation.read_table import read_table
from projcomp.folder import CHECK, RELIABILITY, Folder
from projcomp.reporting.style import FAINT, MARKERS, PALETTE

if TYPE_CHECKING:
    from projcomp.settings.report import FigureSettings

SHARES = {
    "recall": "recall",
    "precision": "precision",
    "color_accuracy": "colour right",
    "shape_accuracy": "shape right",
    "material_accuracy": "material right",
    "size_accuracy": "size right",
}


def draw(settings: "FigureSettings", folder: Folder) -> Figure:
    """Two panels over the true number of objects, and whether heights are probabilities."""
    path = folder.detector(CHECK)
    columns = ["num_objects", "exact_count", "exact_count_low", "exact_count_high", *SHARES]
    table = read_table(path, columns, "train-detector", text=("num_objects",))
    numbers = table.query("num_objects.str.isdigit()")
    x = numbers["num_objects"].astype(int).to_numpy()
    rate = numbers["exact_count"].to_numpy()
    below = rate - numbers["exact_count_low"].to_numpy()
    above = numbers["exact_count_high"].to_numpy() - rate
    figure = Figure(figsize=(11.5, 3.4), layout="constrained")
    left, right, heights = figure.subplots(1, 3)
    errors = [below.clip(min=0), above.clip(min=0)]
    left.errorbar(x, rate, yerr=errors, marker="o", markersize=4, capsize=2, color=PALETTE[0])
    few = table.query("num_objects == '1-5'")["exact_count"].dropna()
    left.set_title(
        "exact count" + (f" (1 to 5 objects: {100 * few.iloc[0]:.1f} %)" if len(few) else "")
    )
    left.set_ylabel("share")
    for (column, label), color, marker in zip(SHARES.items(), PALETTE, MARKERS, strict=False):
        right.plot(x, numbers[column], label=label, color=color, marker=marker, markersize=4)
    right.set_title("objects")
    right.legend(loc="lower left")
    for axes in (left, right):
        axes.set_xlabel("true number of objects")
        axes.set_xticks(x)
        axes.set_ylim(top=1.02)
        axes.grid(axis="y")
    _draw_reliability(heights, folder)
    return figure


def _draw_reliability(axes: Axes, folder: Folder) -> None:
    """The share of peaks that are objects against their height."""
    columns = ["low", "high", "peaks", "height", "precision", "precision_low", "precision_high"]
    table = read_table(folder.detector(RELIABILITY), columns, "train-detector")
    bins = table.iloc[:-1]
    bins = bins[bins["peaks"] > 0]
    share = bins["precision"].to_numpy()
    below, above = share - bins["precision_low"], bins["precision_high"] - share
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
    errors = [below.clip(lower=0), above.clip(lower=0)]
    axes.errorbar(
        bins["height"], share, yerr=errors, marker="o", markersize=4, capsize=2, color=PALETTE[0]
    )
    axes.set_title("heights of peaks")
    axes.set_xlabel("height")
    axes.set_ylabel("share that are objects")
    axes.grid(axis="y")
