"""The sentences say what the table says, and nothing where it says nothing."""

import re

import numpy as np
import pandas as pd

from projcomp.prediction.sentences import sentences

NAMES = ("yellow", "blue", "cyan", "gray")


def table(success: list[float], cosine: list[float]) -> pd.DataFrame:
    pairs = [(a, b) for i, a in enumerate(NAMES) for b in NAMES[i + 1 :]]
    first, second = zip(*pairs, strict=True)
    values = {"success": success, "cosine": cosine, "interaction": np.negative(cosine)}
    return pd.DataFrame({"first": first, "second": second, **values, "ceiling": 0.5})


def test_partners_stand_once_beside_the_condition_with_most_of_them() -> None:
    told = sentences(
        table([0.3, 0.4, 0, 0, 0, 0.01], [0.1, 0, 0.9, 0.3, 0.8, 0.7]), {"a": -1, "b": 1}
    )
    assert told[0] == (
        "success of at least 0.05, where independent places would give about 0.50: yellow composes "
        "with cyan (0.40), blue (0.30); gray with none"
    )
    # Spearman's, by hand: -13.5 / sqrt(15.5 * 17.5)
    assert re.fullmatch(
        r"rank correlation of success over 6 pairs: -0\.82 \[-1\.00, -?0\.\d\d\] with the cosine "
        r"of mean deltas, 0\.82 \[-?0\.\d\d, 1\.00\] with the interaction",
        told[1],
    )
    assert told[2:] == [
        "mean deltas along those of all others, with their least cosine: gray (0.70)"
    ]


def test_where_nothing_composes_no_correlation_is_told() -> None:
    told = sentences(table([0] * 6, [0.1, 0, 0.5, 0.3, 0.2, 0.4]), {"a": -1, "b": -2})
    assert told == [
        "success of at least 0.05, where independent places would give about 0.50: yellow, blue, "
        "cyan, gray with none",
        "the mean picture of every condition is darker than the background's, which all deltas "
        "share",
    ]


def test_few_pairs_have_no_rank_correlation() -> None:
    assert len(sentences(table([1] * 6, [0.9] * 6)[:3], {"a": 1, "b": -1})) == 1


def test_labels_with_line_breaks_leave_every_sentence_on_one_line() -> None:
    rows = table([0.9, 0, 0, 0, 0, 0], [0.0, 0.5, 0.9, 0.1, 0.2, 0.3])
    rows = rows.replace({"first": {"yellow": "yel\nlow"}})
    assert "yel low composes with blue" in sentences(rows, {})[0]
    assert not [line for line in sentences(rows, {}) if "\n" in line]
