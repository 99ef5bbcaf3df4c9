"""Figures by name: every kind is a function of its settings and the run's folder."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from projcomp.displays import FigureSettings, RunKind, TableKind
from projcomp.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS: tuple[str, ...] = (*get_args(RunKind), *get_args(TableKind))
"""Kinds of figures; each is the module of ``reporting`` that draws it."""

Drawer = Callable[[FigureSettings, Path], "Figure"]


def drawer(kind: str) -> Drawer:
    """The function that draws figures of ``kind``.

    Raises:
        ConfigError: there is no such kind.
    """
    if kind not in KINDS:
        raise ConfigError(f"figure: expected a kind among {', '.join(KINDS)}, got {kind}")
    return import_module(f"projcomp.reporting.{kind}").draw


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
        save(drawer(settings.kind)(settings, Path(root)), name, png, svg)
