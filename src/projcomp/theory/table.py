"""The tidy table of an experiment: measured numbers with intervals, points to draw, and claims."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import stdtrit
from torch import Tensor

from projcomp.config.evaluation import CONFIDENCE
from projcomp.files.atomic import atomic_path

COLUMNS = ("experiment", "panel", "setting", "quantity", "x", "value", "low", "high")


@dataclass(frozen=True)
class Spread:
    """A mean over seeds and its interval."""

    value: float
    low: float
    high: float


def spread(values: Sequence[float] | np.ndarray | Tensor) -> Spread:
    """Mean of one number per seed with Student's interval; seeds are independent runs."""
    numbers = np.asarray(values, dtype=float)
    mean = float(numbers.mean())
    if len(numbers) < 2:
        return Spread(mean, math.nan, math.nan)
    error = float(numbers.std(ddof=1)) / math.sqrt(len(numbers))
    half = float(stdtrit(len(numbers) - 1, 0.5 + CONFIDENCE / 2)) * error
    return Spread(mean, mean - half, mean + half)


class Table:
    """Rows of one experiment, in the order of measuring.

    Columns: ``panel`` of the figure, ``setting`` (a line of it), ``quantity``, the abscissa ``x``
    where there is one, ``value`` and its interval ``low``, ``high`` over seeds (empty where the
    value is exact or single). Two quantities are special: ``point``, at ``(x, value)``, and
    ``agrees`` (1 or 0), whose setting is a claim with the criterion it was judged by.
    """

    def __init__(self, experiment: str) -> None:
        self._experiment = experiment
        self._rows: list[tuple[str, str, str, float, float, float, float]] = []

    def exact(
        self, panel: str, setting: str, quantity: str, value: float, x: float = math.nan
    ) -> float:
        """A number without a spread; returns it."""
        self._rows.append((panel, setting, quantity, x, value, math.nan, math.nan))
        return value

    def measured(
        self,
        panel: str,
        setting: str,
        quantity: str,
        values: Sequence[float] | np.ndarray | Tensor,
        x: float = math.nan,
    ) -> Spread:
        """One number per seed: their mean and its interval, which it returns."""
        found = spread(values)
        self._rows.append((panel, setting, quantity, x, found.value, found.low, found.high))
        return found

    def points(self, panel: str, setting: str, points: Tensor) -> None:
        """Points ``(n, 2)`` to be drawn."""
        self._rows += [
            (panel, setting, "point", x, y, math.nan, math.nan) for x, y in points.tolist()
        ]

    def claim(self, text: str, agrees: bool) -> None:
        """What a paper (or we) say, with the criterion, and whether the numbers agree."""
        self.exact("claims", text, "agrees", float(agrees))

    @property
    def claims(self) -> dict[str, bool]:
        """Every claim and whether it agrees."""
        return {row[1]: bool(row[4]) for row in self._rows if row[2] == "agrees"}

    def frame(self) -> pd.DataFrame:
        """The rows as a data frame with ``COLUMNS``."""
        rows = [(self._experiment, *row) for row in self._rows]
        return pd.DataFrame(rows, columns=pd.Index(COLUMNS))

    def write(self, path: Path) -> None:
        """Write the table as CSV, atomically."""
        with atomic_path(path) as temporary:
            self.frame().to_csv(temporary, index=False, float_format="%.6g")
