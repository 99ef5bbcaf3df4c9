"""Figures of the papers' exact experiments, each from its own table alone.

Caption: what the paper shows stands in the lines below the panels, each with the criterion that it
was judged by; the mark before it says whether our numbers agree.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from projcomp.displays import FigureSettings


def draw(settings: "FigureSettings", root: Path) -> "Figure":
    """The figure of one experiment, from ``results/theory/<experiment>.csv``."""
    from projcomp.reporting.theory.read import read_theory

    experiment = settings.name.removeprefix("theory_")
    table = read_theory(root, experiment)
    return import_module(f"projcomp.reporting.theory.{experiment}").draw(table)
