"""What came out of every pair of colours, beside what independent objects allow, and controls.

Of an image that was asked for two colours one of four things is found (``outcomes``): both colours;
both *together*, one object in the place of two; one of them, beside something else; or neither. An
exact composition has the first two alone: its objects stand independently, and may overlap. The
ceiling of the first, ``apart``, is the share of independent pairs of training pictures, one of
either colour, in which no pixel shows both objects. A single colour is a control: found or not.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from projcomp.data.objects import read_shares
from projcomp.evaluation.counted import read_counted
from projcomp.evaluation.intervals import rate_columns
from projcomp.folder import Folder
from projcomp.scenes.vocabulary import COLORS

if TYPE_CHECKING:
    from projcomp.settings.report import TableSettings

OUTCOMES = ("both", "together", "one", "neither")
"""What may be found in an image: exactly one of them."""

_RATES = ("success", *OUTCOMES, "mixed", "unsure")
COLUMNS = [
    "case",
    "first",
    "second",
    "num_samples",
    *(f"{rate}{end}" for rate in _RATES for end in ("", "_low", "_high")),
    "apart",
]
"""One row per case, and the row ``all``, the means over the pairs. ``first`` and ``second`` are the
requested colours, and ``second`` is empty in controls, as are all rates that ask for two; a case
that avoids a colour has neither, and success alone. Rates have Wilson intervals. ``mixed`` is the
part of ``together`` in which the one object has another colour than the two; the rest may have lost
a colour as well as hidden it. ``unsure`` are images that the detector doubts."""

MOST = 500 * len(COLORS)
"""Pictures whose objects are laid over each other, at most."""


def table(settings: "TableSettings", folder: Folder) -> pd.DataFrame:
    """One row per case of the one experiment, and the row ``all``.

    Raises:
        FileFormatError: a table or a dataset is missing or damaged.
    """
    ((experiment, names),) = settings.cases.items()
    covered = _covered(settings, folder)
    rows = [_row(settings, folder, experiment, name, covered) for name in names]
    found = pd.DataFrame(rows).reindex(columns=pd.Index(COLUMNS))
    pairs = found[found["second"].notna()]
    means = {column: pairs[column].mean() for column in (*_RATES, "apart")}
    whole = {"case": "all", "num_samples": pairs["num_samples"].sum(), **means}
    rows = [*found.to_dict("records"), whole]
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def outcomes(counted: pd.DataFrame, asked: int) -> dict[str, pd.Series]:
    """Truth values per image of OUTCOMES and ``mixed``; of one colour, those that it can have.

    Args:
        counted: a case's table, as :func:`~projcomp.evaluation.evaluate.evaluate` writes it.
        asked: how many colours were requested, at most 2; of none there are no outcomes.
    """
    if not asked:
        return {}
    hit, alone = counted["colors_hit"], counted["num_objects"] == 1
    if asked == 1:
        return {"one": hit == 1, "neither": hit == 0}
    merged = alone & (hit < asked)
    return {
        "both": hit == asked,
        "together": merged,
        "one": ~merged & (hit == 1),
        "neither": ~merged & (hit == 0),
        "mixed": merged & (hit == 0),
    }


def share_apart(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Share of all pairs of pictures ``(A, H, W)`` and ``(B, H, W)`` that cover no common pixel.

    NaN where there is no pair.
    """
    if not len(one) or not len(other):
        return float("nan")
    a, b = (covered.reshape(len(covered), -1).astype(np.float32) for covered in (one, other))
    return float((a @ b.T == 0).mean())


def _covered(settings: "TableSettings", folder: Folder) -> dict[str, NDArray[np.bool_]]:
    """Where the object of every training picture is seen, ``(N, H, W)``, by its colour."""
    paths = {Path(folder.index(name)): share for name, share in settings.datasets.items()}
    found: dict[str, list[NDArray[np.bool_]]] = {color: [] for color in COLORS}
    for part in read_shares(paths, MOST, covered=True):
        for number, color in enumerate(COLORS):
            chosen = (part.num_objects == 1) & (part.color[:, 0] == number)
            found[color].append(part.covered[chosen])
    return {color: np.concatenate(parts) for color, parts in found.items() if parts}


def _row(
    settings: "TableSettings",
    folder: Folder,
    experiment: str,
    name: str,
    covered: Mapping[str, NDArray[np.bool_]],
) -> dict[str, Any]:
    counted = read_counted(folder.counted(experiment, name), experiment, name)
    requested: Sequence[str] = settings.requested.get(name, [])
    row = {"case": name, "num_samples": len(counted)}
    row |= dict(zip(("first", "second"), requested, strict=False))
    if len(requested) == 2 and covered:
        row["apart"] = share_apart(*(covered[color] for color in requested))
    rates = {name: counted[name] == 1 for name in ("success", "unsure")}
    rates |= outcomes(counted, len(requested))
    for rate, found in rates.items():
        row |= rate_columns(rate, int(found.sum()), len(counted), settings.confidence)
    return row
