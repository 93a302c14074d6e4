"""Rank correlations over animals, held against R, hand computations and simulated truth."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xenoquant.stats.correlation import correlate_animals, spearman, spearman_within

X = [7, 18, 22, 9, 31, 14, 25, 11]
Y = [41, 20, 25, 33, 12, 30, 14, 33]


def test_spearman_is_that_of_r():
    """R 4.2.2, cor(x, y, method = "spearman"), with ties; the interval by its formula in R."""
    found = spearman(X, Y)
    assert found.value == pytest.approx(-0.97007727215, rel=1e-10)
    assert found.ci_low == pytest.approx(-0.996381541226, rel=1e-10)
    assert found.ci_high == pytest.approx(-0.774184134433, rel=1e-10)
    assert found.n == 8


def test_spearman_says_why_there_is_none():
    """Definition: four complete pairs that vary are needed; full agreement has no interval."""
    assert "3 complete pairs" in spearman([1, 2, 3, math.nan], [3, 2, 1, 4]).note
    assert "1 pairs with a missing value" in spearman([*X, math.nan], [*Y, 3]).note
    assert "equal" in spearman([1, 1, 1, 1], [1, 2, 3, 4]).note
    perfect = spearman([1, 2, 3, 4], [10, 20, 30, 40])
    assert perfect.value == 1
    assert math.isnan(perfect.ci_low)
    with pytest.raises(ValueError, match="shapes"):
        spearman([1, 2], [1, 2, 3])


def test_intervals_hold_the_true_correlation_at_their_level():
    """Simulated truth: normal pairs of correlation 0.6 have Spearman's (6/π) asin(0.3) = 0.582."""
    rng = np.random.default_rng(8)
    truth = 6 / math.pi * math.asin(0.3)
    held = 0
    for _ in range(400):
        x = rng.normal(size=30)
        y = 0.6 * x + 0.8 * rng.normal(size=30)
        found = spearman(x, y)
        held += found.ci_low < truth < found.ci_high
    assert held / 400 == pytest.approx(0.95, abs=0.03)


def test_features_of_two_assays_meet_in_their_animals():
    """By hand: animals 007 and b to e have both; the unit is the animal."""
    animals = pd.DataFrame(
        {
            "feature": ["tsat"] * 5 + ["nodules"] * 6,
            "animal": ["007", "b", "c", "d", "e", "007", "b", "c", "d", "e", "f"],
            "group": "a",
            "value": [1, 2, 3, 4, 5, 9, 8, 7, 5, 6, 1],
        }
    )
    estimate, pairs = correlate_animals(animals, "tsat", "nodules")
    assert pairs["animal"].tolist() == ["007", "b", "c", "d", "e"]
    assert pairs["y"].tolist() == [9, 8, 7, 5, 6]
    assert estimate.value == pytest.approx(-0.9)  # 1 − 6 · 38 / 120
    with pytest.raises(ValueError, match="no feature 'hb'"):
        correlate_animals(animals, "tsat", "hb")
    with pytest.raises(ValueError, match="more than once"):
        correlate_animals(pd.concat([animals, animals]), "tsat", "nodules")


def test_within_groups_is_the_partial_correlation_of_ranks():
    """Authority: residuals of the ranks on the groups' indicators by least squares (numpy)."""
    rng = np.random.default_rng(3)
    groups = np.repeat(["a", "b", "c"], [9, 7, 5])
    level = np.array([{"a": 0.0, "b": 4.0, "c": 8.0}[name] for name in groups])
    x, y = rng.normal(size=21) + level, rng.normal(size=21) - level
    design = np.array([[name == other for other in "abc"] for name in groups], float)
    ranks = np.array([stats.rankdata(x), stats.rankdata(y)]).T
    left = ranks - design @ np.linalg.lstsq(design, ranks, rcond=None)[0]
    found = spearman_within(x, y, groups)
    assert found.value == pytest.approx(np.corrcoef(left.T)[0, 1])
    assert found.n == 21
    error = math.sqrt((1 + found.value**2 / 2) / (21 - 2 - 3))  # two contrasts of three groups
    half = 1.959963984540054 * error
    assert found.ci_high == pytest.approx(math.tanh(math.atanh(found.value) + half))


def test_one_group_is_the_plain_correlation():
    """Definition: with one group there is no contrast to hold."""
    assert spearman_within(X, Y, ["a"] * 8) == spearman(X, Y)


def test_within_groups_an_effect_of_groups_alone_is_no_correlation():
    """Simulated truth: groups move both sides, animals of a group don't; 95 % hold 0."""
    rng = np.random.default_rng(5)
    groups = np.repeat([0, 1, 2], 9)
    held = plain = 0
    for _ in range(300):
        x, y = rng.normal(size=27) + 3 * groups, rng.normal(size=27) - 3 * groups
        found = spearman_within(x, y, groups)
        held += found.ci_low < 0 < found.ci_high
        plain += spearman(x, y).ci_high < 0
    assert held / 300 == pytest.approx(0.95, abs=0.035)
    assert plain == 300


def test_within_groups_says_why_there_is_none():
    """Definition: animals less the groups' contrasts have to be four; something has to vary."""
    assert (
        "5 pairs in 3 groups"
        in spearman_within([1, 2, 3, 4, 5], [2, 1, 4, 3, 5], list("aabbc")).note
    )
    flat = spearman_within([1, 1, 1, 2, 2, 2], [1, 2, 3, 4, 5, 6], list("aaabbb"))
    assert "within groups" in flat.note
    with pytest.raises(ValueError, match="a group an animal"):
        spearman_within([1, 2], [1, 2], ["a"])
