"""What a table of pairs says, in a few sentences, and nothing that its numbers do not."""

import math
from collections.abc import Mapping

import pandas as pd

from projcomp import seeds
from projcomp.config.evaluation import CONFIDENCE
from projcomp.evaluation.intervals import bootstrap_spearman
from projcomp.words import short

COMPOSES = 0.05
"""Success from which two conditions are said to compose: more than one of 32 samples."""

ALIKE = 0.6
"""Cosine from which a condition is said to lie along another."""

RESAMPLES = 2000
"""Of the rank correlations' intervals, which are over pairs."""

LONGEST = 10_000
"""Letters of a sentence, into which any number of a user's labels goes, in whatever letters."""

FEWEST = 4
"""Pairs from which a rank correlation says anything."""


def sentences(
    table: pd.DataFrame, brightness: Mapping[str, float], *, on_one_object: bool = False
) -> list[str]:
    """Which conditions compose, whether the cosine tells which, and what all have in common.

    Args:
        table: one row a pair (``predict.COLUMNS``).
        brightness: how much brighter each condition is than the background, by name.
        on_one_object: whether both conditions are of one object; else each is of its own, at an
            independent place.
    """
    told = [_partners(table, on_one_object=on_one_object), *_correlations(table), *_alike(table)]
    return [short(line, LONGEST) for line in (*told, *_brightness(brightness))]


def _partners(table: pd.DataFrame, *, on_one_object: bool = False) -> str:
    """Every condition with its partners, each pair once, by the condition with most of them."""
    rows = sorted(table.to_dict("records"), key=lambda row: -row["success"])
    good = {
        (row["first"], row["second"]): row["success"] for row in rows if row["success"] >= COMPOSES
    }
    left, parts = dict(good), []
    while left:
        named = [name for pair in left for name in pair]
        most = max(dict.fromkeys(named), key=named.count)
        mine = [pair for pair in left if most in pair]
        others = [f"{b if a == most else a} ({left[a, b]:.2f})" for a, b in mine]
        parts.append(f"{most} composes with {', '.join(others)}")
        left = {pair: value for pair, value in left.items() if pair not in mine}
    alone = [name for name in _names(table) if not any(name in pair for pair in good)]
    if alone:
        parts.append(f"{', '.join(alone)} with none")
    share = table["ceiling"].mean()
    ceiling = f"where independent places would give about {share:.2f}"
    if on_one_object:
        ceiling = f"both on one object, which pictures show for {share:.0%} of pairs"
    return f"success of at least {COMPOSES:g}, {ceiling}: {'; '.join(parts)}"


def _correlations(table: pd.DataFrame) -> list[str]:
    if len(table) < FEWEST:
        return []
    told = []
    for column, words in (("cosine", "cosine of mean deltas"), ("interaction", "interaction")):
        rng = seeds.generator(0, "bootstrap", "predict", column)
        x, y = (table[name].to_numpy(dtype=float) for name in (column, "success"))
        rho, low, high = bootstrap_spearman(x, y, CONFIDENCE, RESAMPLES, rng=rng)
        if not math.isnan(rho):
            told.append(f"{rho:.2f} [{low:.2f}, {high:.2f}] with the {words}")
    if not told:
        return []
    return [f"rank correlation of success over {len(table)} pairs: {', '.join(told)}"]


def _alike(table: pd.DataFrame) -> list[str]:
    """Conditions whose mean deltas lie along those of all others that they are paired with."""
    cosines = [({row["first"], row["second"]}, row["cosine"]) for row in table.to_dict("records")]
    least = {
        name: min(cosine for pair, cosine in cosines if name in pair) for name in _names(table)
    }
    told = [f"{name} ({value:.2f})" for name, value in least.items() if value >= ALIKE]
    if len(table) < FEWEST or not told:
        return []
    return [f"mean deltas along those of all others, with their least cosine: {', '.join(told)}"]


def _brightness(brightness: Mapping[str, float]) -> list[str]:
    for word, sign in (("darker", -1), ("brighter", 1)):
        if all(sign * value > 0 for value in brightness.values()):
            return [
                f"the mean picture of every condition is {word} than the background's, which all "
                "deltas share"
            ]
    return []


def _names(table: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys([*table["first"], *table["second"]]))
