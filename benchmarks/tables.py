"""The tables of docs/results.md, from a finished run, as markdown.

python benchmarks/tables.py --root .
"""

import argparse
import math
from pathlib import Path

import numpy as np
import pandas as pd

from projcomp.evaluation.intervals import bootstrap_spearman
from projcomp.plan.cases import place_pair_case

MEASURES = {
    "mean_count": "mean number of objects",
    "exact_count": "exact-count rate",
    "all_places": "all-places rate",
    "extra_objects": "extra objects per image",
}


def markdown(table: pd.DataFrame) -> str:
    """``table`` with its index as a markdown table."""
    head = [table.index.name or "", *map(str, table.columns)]
    rows = [[str(i), *map(str, row)] for i, row in zip(table.index, table.values, strict=True)]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def against_k(summary: pd.DataFrame, measure: str, places: str) -> pd.DataFrame:
    """Experiments at a set of places against the number composed: value [low, high]."""
    some = summary.dropna(subset=[measure])
    member = some["experiment"].str.removesuffix("-exact").str.contains("-")
    there = some["case"].str.fullmatch(rf"{places}k\d|k0")
    shown = set(some[some["case"].str.fullmatch(rf"{places}k[1-9]")]["experiment"])
    some = some[there & ~member & some["experiment"].isin(shown)]
    cell = some.apply(of_row, axis=1, name=measure)
    table = some.assign(cell=cell).pivot(index="num_composed", columns="experiment", values="cell")
    table.index.name = "k"
    return table.fillna("")


def colors(summary: pd.DataFrame) -> pd.DataFrame:
    """Means over the colour pairs, per experiment; the spread is over pairs."""
    pairs = summary[summary["all_colors"].notna() & (summary["num_composed"] == 2)]
    rows = {}
    for name, group in pairs.groupby("experiment"):
        rows[name] = {
            "pairs": len(group),
            "both colours, mean over pairs": f"{group['all_colors'].mean():.2f}",
            "least to greatest pair": (
                f"{group['all_colors'].min():.2f} to {group['all_colors'].max():.2f}"
            ),
            "mean number of objects": f"{group['mean_count'].mean():.2f}",
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index.name = "experiment"
    return table


def clutter(table: pd.DataFrame) -> pd.DataFrame:
    """What is right where clutter is composed, and what chance does there."""
    rows = {
        f"{row['experiment']}, {row['case']}": {
            "mean number of objects": plain(row["mean_count"]),
            "exact count": plain(row["exact_count"]),
            "all places": plain(row["all_places"]),
            "all places by chance": "" if pd.isna(row["chance"]) else interval_of_chance(row),
        }
        for _, row in table.iterrows()
    }
    found = pd.DataFrame.from_dict(rows, orient="index")
    found.index.name = "experiment, case"
    return found


def interval_of_chance(row: pd.Series) -> str:
    """Chance with its interval, with the digits that rare events need."""
    return f"{row['chance']:.4f} [{row['chance_low']:.4f}, {row['chance_high']:.4f}]"


def outcomes(table: pd.DataFrame) -> pd.DataFrame:
    """What was found of pairs of colours and of single ones, and the share of pairs apart."""
    names = ["success", "both", "together", "mixed", "one", "neither", "apart"]
    found = table.set_index("case")[names].map(plain)
    found.index.name = "colours"
    return found


def plain(value: float) -> str:
    """A value; empty where there is none."""
    return "" if pd.isna(value) else f"{value:.2f}"


def interval(value: float, low: float, high: float) -> str:
    """A value with its interval; empty where it was not measured."""
    return "" if pd.isna(value) else f"{value:.2f} [{low:.2f}, {high:.2f}]"


def digits(value: float, low: float = math.nan, high: float = math.nan) -> str:
    """A value of any size, with its interval where it has one; empty where there is none."""
    ends = "" if pd.isna(low) else f" [{low:.3g}, {high:.3g}]"
    return "" if pd.isna(value) else f"{value:.3g}{ends}"


def of_row(row: pd.Series, name: str) -> str:
    """A column of a wide table with its interval."""
    return interval(row[name], row[f"{name}_low"], row[f"{name}_high"])


def sweep(table: pd.DataFrame) -> pd.DataFrame:
    """Success and cost of every member of a sweep."""
    rows = {
        f"{row['case']}, {row['operator']}, {row['sampler']}": {
            "evaluations": f"{row['network_evaluations']:.0f}",
            "seconds": f"{row['seconds']:.2f}",
            "success": of_row(row, "success"),
            "mean count": of_row(row, "mean_count"),
            "unsure": f"{row['unsure']:.2f}",
            "effective size": ""
            if pd.isna(row["effective_size"])
            else f"{row['effective_size']:.1f}",
        }
        for _, row in table.iterrows()
    }
    found = pd.DataFrame.from_dict(rows, orient="index")
    found.index.name = "case, operator, sampler"
    return found


def interaction(table: pd.DataFrame) -> pd.DataFrame:
    """Pairs from the least absolute interaction to the greatest, and the rank correlations.

    Pairs of places have their distance too, in widths of the image: the plainest rival predictor.
    """
    pairs = table[table["case"] != "all"].sort_values("absolute")
    rows = {
        row["case"]: {
            "absolute, nats": f"{row['absolute']:.3g}",
            "cosine": of_row(row, "interaction"),
            "success": of_row(row, "success"),
        }
        for _, row in pairs.iterrows()
    }
    total = table[table["case"] == "all"].iloc[0]
    rows["rank correlation with success"] = {
        "absolute, nats": of_row(total, "absolute_spearman"),
        "cosine": of_row(total, "spearman"),
        "success": "",
    }
    found = pd.DataFrame.from_dict(rows, orient="index")
    found.index.name = "pair"
    if not pairs["case"].str.fullmatch(r"p\d-p\d").all():
        return found
    distances = pairs["case"].map(distance).to_numpy()
    rng = np.random.default_rng(0)
    rho = bootstrap_spearman(distances, pairs["success"].to_numpy(), 0.95, 10_000, rng=rng)
    return found.assign(distance=[*(f"{d:.2f}" for d in distances), interval(*rho)])


def distance(pair: str) -> float:
    """Between the two places of a case such as ``p1-p5``, in widths of the image."""
    one, other = place_pair_case((int(pair[1]), int(pair[4]))).locations
    return math.dist(one, other)


def mixture(table: pd.DataFrame) -> pd.DataFrame:
    """Mixtures of models: exact counts, every colour's share in percent, distance from uniform."""
    rows = {}
    for (name, case), group in table.groupby(["experiment", "case"], sort=False):
        found = group.set_index("measure")
        shares = found[found.index.str.startswith("share_")]["value"]
        rows[f"{name}, {case}"] = {
            "exact count": of_measure(found, "exact_count"),
            **{
                color.removeprefix("share_"): f"{100 * value:.0f}"
                for color, value in shares.items()
            },
            "total variation": of_measure(found, "total_variation"),
            "of uniform draws": of_measure(found, "total_variation_of_uniform"),
        }
    shown = pd.DataFrame.from_dict(rows, orient="index").fillna("")
    shown.index.name = "experiment, case"
    return shown


def classes(table: pd.DataFrame) -> pd.DataFrame:
    """Samples of pictures from files: how even their classes are, and how far from the reference.

    Of several cases there are two lines: all samples together, and the means over the cases, which
    ask for a class each, without intervals.
    """
    rows = {}
    for name, group in table.groupby("experiment", sort=False):
        together = group["case"] == "all"
        rows[name] = classes_of(group[together] if together.any() else group)
        if together.any():
            rows[f"{name}, mean of {group['case'].nunique() - 1} cases"] = classes_of(
                group[~together]
            )
    shown = pd.DataFrame.from_dict(rows, orient="index").fillna("")
    shown.index.name = "experiment"
    return shown


def classes_of(group: pd.DataFrame) -> dict[str, object]:
    """One line of them: of one case, or means over several."""
    shares = group[group["measure"] == "share"]
    row: dict[str, object] = {"samples": group.drop_duplicates("case")["num_samples"].sum()}
    if group["case"].nunique() <= 1:
        row["least and greatest share"] = (
            f"{shares['value'].min():.3f}, {shares['value'].max():.3f}"
        )
    for measure in ("right", "total_variation", *DISTANCES):
        found = group[group["measure"] == measure]
        if len(found) == 1:
            row[measure] = digits(*found[["value", "low", "high"]].iloc[0])
        else:
            row[measure] = digits(found["value"].mean())
    floor = group[group["measure"] == "total_variation"]["floor"].mean()
    told = "" if pd.isna(floor) else f"{floor:.3f}"
    return {**row, "total variation of as many right ones": told}


DISTANCES = (
    "frechet",
    "kernel",
    "density",
    "coverage",
    "frechet_efficientnet_lite0",
    "kernel_efficientnet_lite0",
)
"""Of classes.csv, as far as a run has them."""


def densities(table: pd.DataFrame) -> pd.DataFrame:
    """Gaps of log-densities at some noise levels, and what was followed to the least of them."""
    rows = {}
    for name, group in table.groupby("experiment", sort=False):
        row = {}
        for level in (10.0, 1.0, 0.3, 0.1, 0.03, 0.01):
            nearest = group.loc[(np.log(group["sigma"] / level)).abs().idxmin()]
            gap = digits(*nearest[["gap", "gap_low", "gap_high"]])
            row[f"near sigma {level:g}"] = f"{gap} ± {nearest['error']:.2g}"
        row["followed"] = digits(group.loc[group["sigma"].idxmin(), "followed"])
        rows[name] = row
    shown = pd.DataFrame.from_dict(rows, orient="index").fillna("")
    shown.index.name = "experiment"
    return shown


def binding(table: pd.DataFrame) -> pd.DataFrame:
    """Means over the cases of what became of requests for attributes."""
    rows = table[table["case"] == "all"].set_index("experiment")
    names = ["right", "unbound", "lost", "partial", "neither", "success", "chance", "unsure"]
    return rows[["num_samples"]].astype(int).join(rows.reindex(columns=names).map(plain))


def locality(table: pd.DataFrame, distance: int) -> dict[str, pd.DataFrame]:
    """Shares within a distance, by noise level: of every model's Jacobian and of its deltas'.

    And of the deltas themselves, around the requested places.
    """
    within = table[table["distance"] == distance]
    name = within["model"] + within["background"].map(lambda one: f" less {one}" if one else "")
    level = within["sigma"].map("sigma {:.2g}".format)
    cells = {
        "of the Jacobian": [interval(*row) for row in within[["share", "low", "high"]].to_numpy()],
        "of the deltas, around the place": within["near"].map(plain),
    }
    found = {}
    for title, cell in cells.items():
        flat = pd.DataFrame({"model": name, "level": level, "cell": cell})
        flat = flat[flat["cell"] != ""]
        shown = flat.pivot(index="model", columns="level", values="cell").fillna("")
        found[title] = shown[[one for one in level.unique() if one in shown]]
    return found


def memorised(root: Path) -> pd.DataFrame:
    """How often what stands at the places is nearer to a training picture than held-out renders."""
    found = {}
    for path in sorted((root / "results").glob("memorised_*.csv")):
        table = pd.read_csv(path).query("part == 'places' and num_samples > 0")
        cells = [interval(*row) for row in table[["value", "low", "high"]].to_numpy()]
        name = path.stem.removeprefix("memorised_")
        found[name] = pd.Series(cells, table["num_composed"].to_numpy())
    shown = pd.DataFrame(found).fillna("")
    shown.index.name = "k"
    return shown


def leaders(table: pd.DataFrame, places: str, number: int) -> pd.DataFrame:
    """The leaderboard's rows at a number of places, the best first."""
    some = table[(table["places"] == places) & (table["num_composed"] == number)]
    shown = pd.DataFrame(
        {
            "experiment": some["experiment"],
            "model": some["model"],
            "operator": some["operator"].fillna(""),
            "sampler": some["sampler"].fillna(""),
            "judged by": some["score"],
            "all places": some.apply(of_row, axis=1, name="all_places"),
            "success": some.apply(of_row, axis=1, name="success"),
            "unsure": some["unsure"].map(plain),
            "distance": some.apply(
                lambda row: digits(row["distance"], row["distance_low"], row["distance_high"]),
                axis=1,
            ),
            "seconds": some["seconds"].map(plain),
        }
    ).set_index(some["right"] + some["rank"].map(lambda n: "" if pd.isna(n) else f", {n:.0f}"))
    shown.index.name = "right, rank"
    return shown


def of_measure(found: pd.DataFrame, measure: str) -> str:
    """A measure of a long table with its interval; empty where it is not in it."""
    if measure not in found.index:
        return ""
    return interval(*found.loc[measure, ["value", "low", "high"]])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--root", type=Path, default=Path())
    root = parser.parse_args().root
    if not any((root / "results").glob("*.csv")):
        raise SystemExit(f"{root}/results: expected the tables of a run, got none; name its root")
    if (root / "results/summary.csv").is_file():
        counted(root)
    for path in sorted((root / "results").glob("binding_*.csv")):
        print(f"### {path.stem}\n\n{markdown(binding(pd.read_csv(path)))}\n")
    for name, told in (("densities", densities), ("classes", classes)):
        path = root / f"results/{name}.csv"
        if path.is_file():
            print(f"### {name}\n\n{markdown(told(pd.read_csv(path)))}\n")

    paths = sorted((root / "models").glob("*/locality.csv"))
    if paths:
        table = pd.concat(map(pd.read_csv, paths), ignore_index=True)
        distance = sorted(table["distance"].unique())[-2:][0]
        for title, found in locality(table.fillna({"background": ""}), distance).items():
            print(f"### share within {distance} pixels {title}\n\n{markdown(found)}\n")


def counted(root: Path) -> None:
    """The tables of what the detector counted, and its own."""
    summary = pd.read_csv(root / "results/summary.csv")
    sets = summary["case"].str.extract(r"^(.*)k[1-9]$")[0].dropna().unique()
    for places in sorted(sets):
        for measure, title in MEASURES.items():
            at = f" at {places.removesuffix('-')}" if places else ""
            print(f"### {title}{at}\n\n{markdown(against_k(summary, measure, places))}\n")
    print(f"### colour pairs\n\n{markdown(colors(summary))}\n")
    path = root / "results/clutter.csv"
    if path.is_file():
        print(f"### clutter\n\n{markdown(clutter(pd.read_csv(path)))}\n")
    for path in sorted((root / "results").glob("pairs_*.csv")):
        print(f"### {path.stem}\n\n{markdown(outcomes(pd.read_csv(path)))}\n")
    for path in sorted((root / "results").glob("sweep_*.csv")):
        print(f"### {path.stem}\n\n{markdown(sweep(pd.read_csv(path)))}\n")
    for path in sorted((root / "results").glob("interaction_*.csv")):
        print(f"### {path.stem}\n\n{markdown(interaction(pd.read_csv(path)))}\n")
    if any((root / "results").glob("memorised_*.csv")):
        print(f"### memorised, at the places\n\n{markdown(memorised(root))}\n")
    path = root / "results/leaderboard.csv"
    if path.is_file():
        board = pd.read_csv(path)
        for places, most in board.groupby("places")["num_composed"].max().items():
            title = f"leaderboard, {most} places of {places}"
            print(f"### {title}\n\n{markdown(leaders(board, str(places), most))}\n")
    path = root / "results/mixture.csv"
    if path.is_file():
        print(f"### mixture\n\n{markdown(mixture(pd.read_csv(path)))}\n")
    check = (
        pd.read_csv(root / "models/detector/check.csv").query("images > 0").set_index("num_objects")
    )
    columns = ["images", "exact_count", "exact_count_low", "exact_count_high", "count_error"]
    parts = {
        "the detector on held-out renders": [*columns, "recall", "precision", "unsure"],
        "what it says of their objects": [
            "pixel_error",
            "localization_error",
            "color_accuracy",
            "shape_accuracy",
            "material_accuracy",
            "size_accuracy",
            "score",
            "false_objects",
        ],
    }
    for title, chosen in parts.items():
        shown = check[chosen].round(3).astype(object)
        print(f"### {title}\n\n{markdown(shown.where(shown.notna(), ''))}\n")
    print(f"### heights of its peaks\n\n{markdown(reliable(root))}")


def reliable(root: Path) -> pd.DataFrame:
    """Whether the heights of the detector's peaks are the shares of them that are objects."""
    table = pd.read_csv(root / "models/detector/reliability.csv").round(3).astype(object)
    return table.where(table.notna(), "").set_index("low")


if __name__ == "__main__":
    main()
