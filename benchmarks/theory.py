"""Print the numbers of docs/theory.md from a finished run: every claim, and every measured value.

Of the run in the current folder: `python benchmarks/theory.py`; of one experiment of another run:
`python benchmarks/theory.py runs/gpu repair`.
"""

import argparse
from pathlib import Path
from typing import get_args

import pandas as pd

from projcomp.config.theory import TheoryExperiment

LEFT_OUT = ("point", "agrees", "picture r", "picture g", "picture b")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("root", type=Path, nargs="?", default=Path())
    known = get_args(TheoryExperiment)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(known))
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(known):
        parser.error(f"expected names of {', '.join(known)}, got {', '.join(sorted(unknown))}")
    for name in asked.names or known:
        table = pd.read_csv(asked.root / "results" / "theory" / f"{name}.csv")
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
