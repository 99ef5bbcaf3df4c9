"""Figures of the papers' exact experiments, each from its own table alone."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from projcomp.folder import Folder
    from projcomp.settings.report import FigureSettings


def draw(settings: "FigureSettings", folder: "Folder") -> "Figure":
    """The figure of one experiment, from ``results/theory/<experiment>.csv``."""
    from projcomp.reporting.exact.read import read_theory

    experiment = settings.name.removeprefix("theory_")
    table = read_theory(folder, experiment)
    return import_module(f"projcomp.reporting.exact.{experiment}").draw(table)
