"""Print the numbers of docs/theory.md from a finished run: every claim, and every measured value.

Of the run in the current folder: `python benchmarks/theory.py`; of one experiment of another run:
`python benchmarks/theory.py runs/gpu repair`.
"""

import sys
from pathlib import Path
from typing import get_args

import pandas as pd

from projcomp.config import TheoryExperiment

LEFT_OUT = ("point", "agrees", "picture r", "picture g", "picture b")


def main() -> None:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
    for name in sys.argv[2:] or get_args(TheoryExperiment):
        table = pd.read_csv(root / "results" / "theory" / f"{name}.csv")
        print(f"\n## {name}\n")
        claims = table.query("quantity == 'agrees'")
        for claim, agrees in zip(claims["setting"], claims["value"], strict=True):
            print(f"- {'agrees' if agrees else '**does not agree**'}: {claim}")
        print("\n| panel | setting | quantity | x | value | low | high |")
        print("|---|---|---|---|---|---|---|")
        for row in table[~table["quantity"].isin(LEFT_OUT)].itertuples():
            numbers = [row.x, row.value, row.low, row.high]
            shown = ["" if pd.isna(number) else f"{number:.3g}" for number in numbers]
            print("|", " | ".join([row.panel, row.setting, row.quantity, *shown]), "|")


if __name__ == "__main__":
    main()
