"""What the exact models of a run came to, and how well they predict its networks, as markdown.

    python benchmarks/exact_results.py --root .
    python benchmarks/exact_results.py --root . runs/seed1 runs/seed2

Reads the tables of single cases, so that it also works before anything is trained. Of one run,
rates have Wilson intervals at 95 % and rank correlations bootstrap intervals over pairs. Of several
runs (other seeds: other renders, trainings and noise; presets/repeat.yaml) it prints the mean,
Student's interval over the runs, and each run's value. Such an interval covers trainings. That of a
rate is never narrower than Wilson's of all runs' samples together, which is what is left where all
runs agree.

Where a run has results/predicted_<experiment>.csv, what `projcomp predict --with` wrote of the same
pairs before anything was trained, it is told how well that predicts.
"""

import argparse
import re
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import stdtrit
from scipy.stats import mannwhitneyu

from projcomp.evaluation.intervals import bootstrap_spearman, wilson

NAMED = ("cyan-yellow", "blue-yellow", "purple-yellow", "red-cyan")
"""Pairs of which the paper's Fig. 5 says that they compose: yellow with blue, cyan and magenta
(CLEVR's purple), and red with cyan."""

COLORS = ["colors", "colors_palette", "colors_luminance", "colors_palette_whole"]
COLORS += ["colors_rgb_local", "colors_luminance_local", "colors_palette_local"]
"""Experiments on pairs of colours, of the demo and of presets/colors.yaml."""

AGAINST_K = [
    "perfect",
    "A-exact",
    "A",
    "B-exact",
    "B",
    "C-exact",
    "C",
    "C_local",
    "S",
    "S_embedded",
    # presets/longer.yaml
    "A_longer",
    "C_longer",
    # presets/local.yaml
    "embedding_attention",
    "embedding_deep",
    "embedding_local",
    "map_attention",
    "map_deep",
    "map_two_levels",
    "map_local",
    "map_local_short",
]

ASKED = ["color_and_shape", "color_and_material", "color_with_shape", "place_and_color"]
ASKED += ["place_and_shape", "place_and_color_weighed", "place_and_shape_weighed", "two_networks"]
ASKED += ["place_and_color_superposed", "place_and_color_ode", "place_or_color"]
ASKED += ["red_cube_blue_sphere", "cube_not_red"]
"""Requests of presets/attributes.yaml."""

PAIRS = ["color_and_shape", "color_and_material", "place_and_color", "place_and_shape"]
"""Those of its requests that compose two values of one object from one network."""

SWARMS = [
    f"swarms-product-{name}{kind}"
    for kind in ("", "-exact")
    for name in ("sde", "all_levels", "above_half", "above_two")
]
"""Of presets/swarms.yaml."""

EXACT = ("-exact", "_perfect")
"""An experiment's exact models: its twin, or without networks (presets/repeat.yaml)."""

RATES = ("all_places", "exact_count", "unsure")
"""Of which the losses of composition and network are shown."""
SHOWN = (*RATES, "num_objects", "extra_objects")
"""Columns of a case's table that are shown against k."""


def cases(root: Path, experiment: str) -> dict[str, pd.DataFrame]:
    """The tables of an experiment's cases, by name; none where it has not been run."""
    found = sorted((root / "results" / experiment).glob("*.csv"))
    return {path.stem: pd.read_csv(path) for path in found}


def rate(values: pd.Series) -> str:
    """A rate with its interval."""
    hits, count = round(values.sum()), len(values)
    low, high = wilson(hits, count, 0.95)
    return f"{hits / count:.2f} [{low:.2f}, {high:.2f}]"


def over_runs(
    values: list[float],
    low: float = -np.inf,
    high: float = np.inf,
    counts: list[int] | None = None,
) -> str:
    """Mean of the runs' values with Student's interval at 95 %, and the values themselves.

    ``low`` and ``high`` are the ends of what can be; ``counts``, for rates, each run's samples.
    """
    mean, runs = float(np.mean(values)), len(values)
    half = stdtrit(runs - 1, 0.975) * np.std(values, ddof=1) / np.sqrt(runs)
    low, high = max(mean - half, low), min(mean + half, high)
    if counts is not None:
        hits = sum(round(value * count) for value, count in zip(values, counts, strict=True))
        pooled = wilson(hits, sum(counts), 0.95)
        low, high = min(low, pooled[0]), max(high, pooled[1])
    each = ", ".join(f"{value:.2f}" for value in values)
    return f"{mean:.2f} [{low:.2f}, {high:.2f}] ({each})"


def by_k(root: Path, experiment: str) -> dict[int, pd.DataFrame]:
    """The tables of an experiment's cases by the number composed, from 1 on."""
    return {
        int(match[1]): table
        for name, table in cases(root, experiment).items()
        if (match := re.fullmatch(r"(?:\w+-)?k(\d+)", name)) and match[1] != "0"
    }


def against_k(roots: list[Path], experiment: str) -> None:
    """All places, exact count, share of unsure images, mean count and extras against k."""
    runs = [found for root in roots if (found := by_k(root, experiment))]
    if not runs:
        return
    print(f"\n### {experiment}, runs: {len(runs)}\n")
    print("| k | samples | all places | exact count | unsure | mean count | extra |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for k in sorted(set.intersection(*map(set, runs))):
        tables = [run[k] for run in runs]
        size = " + ".join(str(len(table)) for table in tables)
        shown = [_cell([table[name] for table in tables], name) for name in SHOWN]
        print(f"| {k} | {size} | {' | '.join(shown)} |")


def _cell(runs: list[pd.Series], name: str) -> str:
    """A rate or a mean of one run or of several."""
    is_rate = name in RATES
    if len(runs) == 1:
        return rate(runs[0]) if is_rate else f"{runs[0].mean():.2f}"
    means = [run.mean() for run in runs]
    if is_rate:
        return over_runs(means, 0.0, 1.0, [len(run) for run in runs])
    return over_runs(means, 0.0)


def losses(root: Path, experiment: str) -> None:
    """Truth, exact and trained by k, and what the composition and the network lose of each."""
    path = root / "results" / f"ceiling_{experiment}.csv"
    if not path.exists():
        return
    table = pd.read_csv(path)
    table = table[table["measure"].isin(RATES) & table["num_composed"].between(1, 9)]
    print(f"\n### {experiment}: truth, exact, trained\n")
    print("| k | measure | truth | exact | trained | truth - exact | exact - trained |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for row in table.to_dict("records"):
        if re.fullmatch(r"(?:\w+-)?k\d+", str(row["case"])):
            shown = [f"{row[name]:.2f}" for name in ("truth", "exact", "trained")]
            for loss in ("composition_loss", "network_loss"):
                ends = [row[f"{loss}{end}"] for end in ("", "_low", "_high")]
                shown.append("{:.2f} [{:.2f}, {:.2f}]".format(*ends))
            print(f"| {row['num_composed']:.0f} | {row['measure']} | {' | '.join(shown)} |")


def nearness(root: Path, experiment: str) -> None:
    """How far from the rendered truth, by the detector's features and by Definition 4.1, by k."""
    found = {}
    for name in ("distance", "projection"):
        path = root / "results" / f"{name}_{experiment}.csv"
        if not path.exists():
            return
        table = pd.read_csv(path)
        found[name] = table[table["subject"] == "composed"]
    windows = found["projection"]
    windows = windows[(windows["against"] == "truth") & (windows["measure"] == "energy")]
    windows = windows[windows["projection"] == "all"].set_index("case")
    print(f"\n### {experiment}: how near the truth\n")
    print("| k | Frechet | density | coverage | energy of the windows | p |")
    print("| --- | --- | --- | --- | --- | --- |")
    for case, rows in found["distance"].groupby("case", sort=False):
        match = re.fullmatch(r"(?:\w+-)?k([1-9])", str(case))
        if match and case in windows.index:
            rows, window = rows.set_index("measure"), windows.loc[case]
            ends = [rows.loc["frechet", name] for name in ("value", "low", "high")]
            shown = ["{:.1f} [{:.1f}, {:.1f}]".format(*ends)]
            shown += [f"{rows.loc[name, 'value']:.2f}" for name in ("density", "coverage")]
            shown += [f"{window['value']:.3f}", f"{window['p_value']:.3f}"]
            print(f"| {match[1]} | {' | '.join(shown)} |")


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
    found = cases(root, experiment)
    alone = [table["success"] for name, table in found.items() if "-" not in name]
    if alone:
        print(f"one colour alone: {rate(pd.concat(alone))}")
    unsure = [table["unsure"] for name, table in found.items() if "-" in name]
    print(f"unsure of {pd.concat(unsure).mean():.2f} of the pictures of pairs")
    print(best(rates))
    named = [name for name in NAMED if name in rates]
    if named:
        others = rates.drop(named)
        words = ", ".join(f"{name} {rates[name]:.2f}" for name in named)
        print(f"the paper's: {words}; the best other: {others.idxmax()} {others.max():.2f}")
        rivals = int((others >= rates[named].min()).sum())
        print(f"others at least as good as the worst of the paper's: {rivals} of {len(others)}")
        print(ranks(rates, named))


def best(rates: pd.Series) -> str:
    """The eight pairs that succeed most often."""
    found = rates.sort_values(ascending=False).head(8)
    return "best: " + ", ".join(f"{name} {value:.2f}" for name, value in found.items())


def ranks(rates: pd.Series, named: list[str]) -> str:
    """Whether the pairs that the paper names rank above the others (Mann and Whitney 1947).

    The share of pairs of the two kinds in which the named one is better is 1 where all are.
    """
    ours, others = rates[named], rates.drop(named)
    test = mannwhitneyu(ours, others, alternative="greater")
    share = test.statistic / (len(ours) * len(others))
    return f"the paper's above the others: {share:.3f} of the comparisons, p {test.pvalue:.1g}"


def colors_over(roots: list[Path], experiment: str, kinds: tuple[str, ...]) -> None:
    """Success of every pair over all runs together; ``kinds`` are what a run may call it."""
    found = [success(root, experiment + kind) for root in roots for kind in kinds]
    runs = [rates for rates in found if not rates.empty]
    named = [name for name in NAMED if runs and name in runs[0]]
    if len(runs) < 2 or not named:
        return
    rates = pd.concat(runs, axis=1).mean(axis=1)
    print(f"\n### {experiment}{kinds[0]}, means of {len(runs)} runs\n")
    print(best(rates))
    print(ranks(rates, named))


def swarms(root: Path) -> None:
    """Success and effective size of every member of presets/swarms.yaml by k."""
    for experiment in SWARMS:
        for k, table in sorted(by_k(root, experiment).items()):
            size = table["effective_size"].mean()
            told = f"effective size {size:.1f}" if size == size else "no swarm"
            rates = f"success {rate(table['success'])}, unsure {table['unsure'].mean():.2f}"
            print(f"{experiment}, k = {k}: {rates}, {told}")


def requests(root: Path, experiment: str) -> None:
    """Success over all cases of an experiment, and the share of unsure images."""
    found = cases(root, experiment)
    if found:
        table = pd.concat(found.values())
        told = f"success {rate(table['success'])}, unsure {table['unsure'].mean():.2f}"
        print(f"{experiment}: {len(found)} cases, {len(table)} samples, {told}")


def predictions(root: Path, experiment: str) -> pd.DataFrame:
    """Of every pair, trained success and what exact models say of it."""
    trained, exact = success(root, experiment), success(root, f"{experiment}-exact")
    table = root / "results" / f"interaction_{experiment}-exact.csv"
    columns = {"trained success": trained, "exact success": exact}
    if table.exists():
        recorded = pd.read_csv(table).set_index("case")
        columns["exact cosine"] = recorded["interaction"]
        columns["exact interaction, in nats"] = recorded["absolute"]
    path = root / "results" / f"predicted_{experiment}.csv"
    if path.exists():
        told = pd.read_csv(path)
        told.index = pd.Index(told["first"] + "-" + told["second"])
        pairs = trained.index.str.removeprefix("apart-")
        # tables of before have no nats
        for column in told.columns.intersection(["success", "cosine", "interaction", "absolute"]):
            columns[f"predicted {column}"] = told[column].reindex(pairs).set_axis(trained.index)
    both = pd.DataFrame(columns).dropna(axis=1, how="all")
    return both.loc[[name for name in both.index if name != "all"]].dropna()


def correlations(title: str, both: pd.DataFrame) -> None:
    """Rank correlations over pairs, of trained success with everything, and of exact success."""
    if len(both) < 4 or both.shape[1] < 2:
        return
    print(f"\n### {title}: rank correlations over {len(both)} cases\n")
    names = list(both.columns)
    means = (f"{name} {both[name].mean():.2f}" for name in names if name.endswith("success"))
    print(f"means: {', '.join(means)}\n")
    for i, one in enumerate(names[:2]):
        for other in names[i + 1 :]:
            rng = np.random.default_rng(0)
            rho, low, high = bootstrap_spearman(
                both[one].to_numpy(), both[other].to_numpy(), 0.95, 2000, rng=rng
            )
            print(f"{one} with {other}: {rho:.2f} [{low:.2f}, {high:.2f}]")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--root", type=Path, nargs="+", default=[Path()], help="folders of the runs"
    )
    roots = parser.parse_args().root
    for experiment in AGAINST_K:
        against_k(roots, experiment)
    for experiment in COLORS:
        colors_over(roots, experiment, EXACT)
        colors_over(roots, experiment, ("",))
    for root in roots:
        if len(roots) > 1:
            print(f"\n## {root}")
        for experiment in ("A", "B", "C"):
            losses(root, experiment)
        for experiment in ("perfect", "A-exact", "A", "B-exact", "B", "S", "S_embedded"):
            nearness(root, experiment)
        print("\n### requests\n")
        swarms(root)
        for experiment in ASKED:
            for kind in ("-exact", ""):
                requests(root, experiment + kind)
        for experiment in COLORS:
            for kind in (*EXACT, ""):
                colors(root, experiment + kind)
        found = {name: predictions(root, name) for name in ("places", "colors", *ASKED)}
        for experiment, both in found.items():
            correlations(experiment, both)
        together = pd.concat([found[name] for name in PAIRS]).dropna(axis=1)
        correlations("all pairs of attributes", together)


if __name__ == "__main__":
    main()
