"""Figures by name: every kind is a module of ``reporting/figures``."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from projcomp.errors import ConfigError
from projcomp.folder import Folder
from projcomp.reporting import figures
from projcomp.settings.report import FigureSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = tuple(module.name for module in iter_modules(figures.__path__))
"""Kinds of figures, by name."""

Drawer = Callable[[FigureSettings, Folder], "Figure"]


def drawer(kind: str) -> Drawer:
    """The function that draws figures of ``kind``.

    Raises:
        ConfigError: there is no such kind.
    """
    if kind not in KINDS:
        raise ConfigError(f"figure: expected a kind among {', '.join(KINDS)}, got {kind}")
    return import_module(f"{figures.__name__}.{kind}").draw


def draw(name: str, settings: FigureSettings, root: Path, png: Path, svg: Path) -> None:
    """Draw the figure ``name`` of the run in ``root`` and write it to ``png`` and ``svg``.

    The same inputs give the same bytes.

    Raises:
        ConfigError: ``settings`` are another figure's.
        FileFormatError: a file that the figure shows is missing or damaged.
    """
    from projcomp.reporting.style import plain_style, save

    if settings.name != name:
        raise ConfigError(f"figure {name}: expected its settings, got those of {settings.name}")
    with plain_style():
        save(drawer(settings.kind)(settings, Folder(str(root))), name, png, svg)
