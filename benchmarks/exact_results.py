"""What the exact models of a run came to, and how well they predict its networks, as markdown.

    python benchmarks/exact_results.py --root .

Reads the tables of single cases, so that it also works before anything is trained. Rates have
Wilson intervals at 95 %, rank correlations bootstrap intervals over pairs.
"""

import argparse
import re
from pathlib import Path

import numpy as np
import pandas as pd

from projcomp.evaluation.intervals import bootstrap_spearman, wilson

NAMED = ("cyan-yellow", "blue-yellow", "purple-yellow", "red-cyan")
"""Pairs of which the paper's Fig. 5 says that they compose: yellow with blue, cyan and magenta
(CLEVR's purple), and red with cyan."""


def cases(root: Path, experiment: str) -> dict[str, pd.DataFrame]:
    """The tables of an experiment's cases, by name; none where it has not been run."""
    found = sorted((root / "results" / experiment).glob("*.csv"))
    return {path.stem: pd.read_csv(path) for path in found}


def rate(values: pd.Series) -> str:
    """A rate with its interval."""
    hits, count = round(values.sum()), len(values)
    low, high = wilson(hits, count, 0.95)
    return f"{hits / count:.2f} [{low:.2f}, {high:.2f}]"


def against_k(root: Path, experiment: str) -> None:
    """All places, exact count, mean count and extras against k."""
    shown = {
        int(match[1]): table
        for name, table in cases(root, experiment).items()
        if (match := re.fullmatch(r"(?:\w+-)?k(\d+)", name)) and match[1] != "0"
    }
    if not shown:
        return
    print(f"\n### {experiment}\n\n| k | samples | all places | exact count | mean count | extra |")
    print("| --- | --- | --- | --- | --- | --- |")
    for k, table in sorted(shown.items()):
        means = f"{table['num_objects'].mean():.2f} | {table['extra_objects'].mean():.2f}"
        rates = f"{rate(table['all_places'])} | {rate(table['exact_count'])}"
        print(f"| {k} | {len(table)} | {rates} | {means} |")


def success(root: Path, experiment: str) -> pd.Series:
    """Success of every pair, by case."""
    found = {name: table["success"] for name, table in cases(root, experiment).items()}
    pairs = {name: values.mean() for name, values in found.items() if "-" in name}
    return pd.Series(pairs, dtype=float)


def colors(root: Path, experiment: str) -> None:
    """Success over the pairs, and the ranks of those that the paper names."""
    rates = success(root, experiment)
    if rates.empty:
        return
    print(f"\n### {experiment}: {len(rates)} pairs\n")
    print(f"mean success {rates.mean():.2f}, least {rates.min():.2f}, greatest {rates.max():.2f}")
    best = rates.sort_values(ascending=False)
    print("best:", ", ".join(f"{name} {value:.2f}" for name, value in best.head(8).items()))
    named = [name for name in NAMED if name in rates]
    if named:
        others = rates.drop(named)
        words = ", ".join(f"{name} {rates[name]:.2f}" for name in named)
        print(f"the paper's: {words}; the best other: {others.idxmax()} {others.max():.2f}")


def correlations(root: Path, experiment: str) -> None:
    """Rank correlations over pairs: exact success and cosine with trained success."""
    trained, exact = success(root, experiment), success(root, f"{experiment}-exact")
    table = root / "results" / f"interaction_{experiment}-exact.csv"
    columns = {"trained success": trained, "exact success": exact}
    if table.exists():
        columns["exact cosine"] = pd.read_csv(table).set_index("case")["interaction"]
    both = pd.DataFrame(columns).dropna(axis=1, how="all")
    both = both.loc[[name for name in both.index if name != "all"]].dropna()
    print(f"\n### {experiment}: rank correlations over {len(both)} pairs\n")
    names = list(both.columns)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            rng = np.random.default_rng(0)
            rho, low, high = bootstrap_spearman(
                both[one].to_numpy(), both[other].to_numpy(), 0.95, 2000, rng=rng
            )
            print(f"{one} with {other}: {rho:.2f} [{low:.2f}, {high:.2f}]")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(), help="folder of the run")
    root = parser.parse_args().root
    for experiment in ("perfect", "A-exact", "A", "B-exact", "B", "C-exact", "C", "C_local"):
        against_k(root, experiment)
    for experiment in ("colors-exact", "colors", "colors_palette-exact", "colors_palette"):
        colors(root, experiment)
    for experiment in ("places", "colors"):
        correlations(root, experiment)


if __name__ == "__main__":
    main()
