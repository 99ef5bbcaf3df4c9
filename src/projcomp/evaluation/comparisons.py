"""Tables that set cases side by side, by name: every kind is a function of its settings."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import get_args

import pandas as pd

from projcomp.displays import TableKind, TableSettings
from projcomp.errors import ConfigError
from projcomp.files import atomic_path

KINDS: tuple[str, ...] = get_args(TableKind)
"""Kinds of tables; each is the module of ``evaluation`` that computes it."""

Computer = Callable[[TableSettings, Path], pd.DataFrame]


def computer(kind: str) -> Computer:
    """The function that computes tables of ``kind``.

    Raises:
        ConfigError: there is no such kind.
    """
    if kind not in KINDS:
        raise ConfigError(f"table: expected a kind among {', '.join(KINDS)}, got {kind}")
    return import_module(f"projcomp.evaluation.{kind}").table


def tabulate(name: str, settings: TableSettings, root: Path, out: Path) -> None:
    """Compute the table ``name`` of the run in ``root`` and write it to ``out``.

    Raises:
        ConfigError: ``settings`` are another table's.
        FileFormatError: a file that the table is made of is missing or damaged.
    """
    if settings.name != name:
        raise ConfigError(f"table {name}: expected its settings, got those of {settings.name}")
    computed = computer(settings.kind)(settings, Path(root))
    with atomic_path(out) as temporary:
        computed.to_csv(temporary, index=False, float_format="%.6g")
