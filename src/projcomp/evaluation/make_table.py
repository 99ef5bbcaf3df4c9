"""Tables that set cases side by side: every kind is a module of ``evaluation/tables``."""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from projcomp.errors import ConfigError
from projcomp.evaluation import tables
from projcomp.files.atomic import atomic_path
from projcomp.folder import Folder
from projcomp.settings.report import TableSettings

KINDS = tuple(module.name for module in iter_modules(tables.__path__))
"""Kinds of tables, by name."""


def kind_module(kind: str) -> ModuleType:
    """The module that computes tables of ``kind``: ``table(settings, folder)`` and ``COLUMNS``.

    Raises:
        ConfigError: there is no such kind.
    """
    if kind not in KINDS:
        raise ConfigError(f"table: expected a kind among {', '.join(KINDS)}, got {kind}")
    return import_module(f"{tables.__name__}.{kind}")


def make_table(name: str, settings: TableSettings, root: Path, out: Path) -> None:
    """Compute the table ``name`` of the run in ``root`` and write it to ``out``.

    Raises:
        ConfigError: ``settings`` are another table's.
        FileFormatError: a file that the table is made of is missing or damaged.
    """
    if settings.name != name:
        raise ConfigError(f"table {name}: expected its settings, got those of {settings.name}")
    computed = kind_module(settings.kind).table(settings, Folder(str(root)))
    with atomic_path(out) as temporary:
        computed.to_csv(temporary, index=False, float_format="%.6g")
