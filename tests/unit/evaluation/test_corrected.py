"""Rates corrected for the detector's errors, against closed forms and simulated counts."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from projcomp.evaluation.corrected import (
    Errors,
    Trials,
    corrected_rate,
    count_errors,
    place_errors,
)

MANY = 10**12


@pytest.mark.parametrize("true", [0.0, 0.2, 0.77, 1.0])
def test_what_known_errors_make_of_a_rate_is_undone(true):
    sensitivity, false = 0.9, 0.05
    said = true * sensitivity + (1 - true) * false
    errors = Errors(Trials(sensitivity * MANY, MANY), Trials(false * MANY, MANY))
    found = corrected_rate(Trials(said * MANY, MANY), errors, 0.95)
    assert found == pytest.approx((true, true, true), abs=1e-5)


def test_a_perfect_detector_leaves_agresti_and_coulls_interval():
    found = corrected_rate(Trials(8, 64), Errors(Trials(MANY, MANY), Trials(0, MANY)), 0.95)
    z2 = ndtri(0.975) ** 2
    middle = (8 + z2 / 2) / (64 + z2)
    half = np.sqrt(z2 * middle * (1 - middle) / (64 + z2))
    assert found == pytest.approx((8 / 64, middle - half, middle + half), abs=1e-5)


def test_the_errors_own_uncertainty_widens_the_interval():
    said = Trials(60, 64)
    widths = []
    for renders in (20, 100, MANY):
        errors = Errors(Trials(0.95 * renders, renders), Trials(0.02 * renders, renders))
        found = corrected_rate(said, errors, 0.95)
        assert found.low <= found.rate <= found.high
        widths.append(found.high - found.low)
    assert widths[0] > widths[1] > widths[2]


@pytest.mark.parametrize("true", [0.5, 0.9, 1.0])
def test_intervals_cover_the_truth(true):
    rng = np.random.default_rng(0)
    sensitivity, false, samples, renders, rounds = 0.93, 0.04, 64, 90, 400
    said = rng.binomial(samples, true * sensitivity + (1 - true) * false, rounds)
    right, wrong = rng.binomial(renders, sensitivity, rounds), rng.binomial(renders, false, rounds)
    hits = 0
    for q, r, w in zip(said.tolist(), right.tolist(), wrong.tolist(), strict=True):
        errors = Errors(Trials(r, renders), Trials(w, renders))
        found = corrected_rate(Trials(q, samples), errors, 0.95)
        hits += found.low <= true <= found.high
    assert hits / rounds > 0.93


@pytest.mark.parametrize(
    ("said", "right", "wrong"),
    [
        (Trials(0, 0), Trials(9, 10), Trials(1, 10)),
        (Trials(5, 10), Trials(0, 0), Trials(1, 10)),
        (Trials(5, 10), Trials(9, 10), Trials(0, 0)),
        (Trials(5, 10), Trials(5, 10), Trials(5, 10)),
    ],
)
def test_what_cannot_be_corrected_is_no_number(said, right, wrong):
    assert np.isnan(corrected_rate(said, Errors(right, wrong), 0.95)).all()


def test_errors_are_those_of_the_neighbouring_numbers():
    rates = {"exact_count": [1, 0.9, 0.8], "one_less": [0, 0.1, 0.2], "one_more": [0.03, 0, 0]}
    rates |= {"all_found": [1, 0.95, 0.7], "some_false": [0.02, 0.05, 0.1]}
    check = pd.DataFrame({"images": [100, 200, 300], **rates}, index=["0", "1", "2"])
    assert count_errors(check, 1) == (pytest.approx((180, 200)), pytest.approx((3 + 60, 400)))
    assert count_errors(check, 2) == (pytest.approx((240, 300)), (0, 200))
    assert count_errors(check, 3) == ((0, 0), (0, 300))
    assert place_errors(check, 2) == (pytest.approx((210, 300)), pytest.approx((10, 200)))
    assert place_errors(check, 0) == ((100, 100), (0, 0))
