"""The interaction beside the error, and the methods that repair it at equal evaluations."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from projcomp.reporting.exact.read import line, log_ticks, select, sheet
from projcomp.reporting.style import MARKERS, PALETTE

TAUS = ("tau = 0.15", "tau = 0.25", "tau = 0.4")
METHODS = ("more steps", "Langevin", "MALA", "HMC", "swarms of 4", "swarms of 16")


def draw(table: pd.DataFrame) -> Figure:
    """Error against the angle, against two of the predictors, and against evaluations."""
    figure, (angle, signed, absolute, repair) = sheet(table, 11.0, 2.9, 1, 4)
    for number, tau in enumerate(TAUS):
        error = select(table, "family", "error", tau)
        line(angle, error, tau, number, marker=MARKERS[number], markersize=3.5)
        _against(signed, table, "interaction", tau, number)
        _against(absolute, table, "absolute interaction", tau, number)
    angle.invert_xaxis()
    angle.set_xlabel("angle of the conditionals, degrees")
    angle.set_ylabel("total variation of the clusters' shares")
    angle.set_title("uncorrected")
    angle.legend(fontsize=6)
    for axes, predictor in ((signed, "interaction"), (absolute, "absolute interaction")):
        rank = select(table, "family", "rank correlation", predictor)
        value, low, high = (rank[column].iloc[0] for column in ("value", "low", "high"))
        axes.set_title(f"rank correlation {value:.2f} [{low:.2f}, {high:.2f}]")
        axes.set_xlabel(f"{predictor}, nats")
    for number, method in enumerate(METHODS):
        rows = select(table, "repair", "error", method)
        line(repair, rows, method, number, marker=MARKERS[number], markersize=3.5)
    log_ticks(repair, select(table, "repair", "error", "more steps")["x"])
    repair.set_xlabel("evaluations per returned sample")
    repair.set_title("repairs at 45°, tau = 0.25")
    repair.legend(fontsize=6, ncols=2)
    for axes in (angle, signed, absolute, repair):
        axes.set_ylim(0, 0.6)
    return figure


def _against(axes: Axes, table: pd.DataFrame, predictor: str, tau: str, number: int) -> None:
    """Every member of the family as a point with both intervals."""
    rows = select(table, "family", predictor, tau).set_index("x")
    error = select(table, "family", "error", tau).set_index("x")
    axes.errorbar(
        rows["value"],
        error["value"],
        xerr=[rows["value"] - rows["low"], rows["high"] - rows["value"]],
        yerr=[error["value"] - error["low"], error["high"] - error["value"]],
        fmt=MARKERS[number],
        color=PALETTE[number],
        markersize=3.5,
        elinewidth=0.7,
        label=tau,
    )
