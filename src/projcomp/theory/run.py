"""One experiment by name: measured, written, and said in words whether it agrees."""

from importlib import import_module
from pathlib import Path

import torch

from projcomp.errors import ConfigError
from projcomp.settings.stages import TheorySettings


def run(name: str, settings: TheorySettings, out: Path, threads: int = 1) -> None:
    """Measure the experiment ``name`` and write its table to ``out``; print its claims.

    Raises:
        ConfigError: ``settings`` are another experiment's.
    """
    if settings.experiment != name:
        raise ConfigError(
            f"theory {name}: expected its settings, got those of {settings.experiment}"
        )
    torch.set_num_threads(threads)
    table = import_module(f"projcomp.theory.{name}").measure(settings)
    table.write(out)
    for claim, agrees in table.claims.items():
        print(f"{'agrees' if agrees else 'DISAGREES'}: {claim}")
