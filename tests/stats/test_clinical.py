"""The clinical table's statistics, held against R and scipy."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xenoquant.stats.clinical import (
    compare_outcomes,
    describe_outcomes,
    odds_ratios,
    outcome_levels,
)
from xenoquant.stats.comparison import COMPARISON_COLUMNS

HAEMOGLOBIN = [112, 118, 125, 131, 104, 122, 119, 127, 133, 115, 109, 121]
HAEMOGLOBIN += [128, 117, 124, 136, 111, 120, 126, 130, 116, 123, 113, 129]
AGE = [33, 41, 38, 29, 36, 44, 31, 35, 40, 27, 39, 42]
AGE += [30, 34, 37, 43, 28, 32, 26, 36, 45, 33, 38, 41]
NODES = [1, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0]
NAMED = {"outcome": "node_status", "positive": "positive"}


@pytest.fixture
def patients() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "node_status": ["positive" if node else "negative" for node in NODES],
            "haemoglobin_g_l": HAEMOGLOBIN,
            "age_years": AGE,
        }
    ).astype({"haemoglobin_g_l": float, "age_years": float})


def test_odds_ratios_per_unit_are_those_of_r_glm(patients):
    """R 4.2.2, glm(node ~ hb + age, binomial): b −0.18021540, 0.02112415; per 10 g/L exp(10 b)."""
    found = odds_ratios(patients, **NAMED, units={"haemoglobin_g_l": 10, "age_years": 1})
    assert list(found.columns) == ["feature", *COMPARISON_COLUMNS]
    assert found["feature"].tolist() == ["haemoglobin_g_l", "age_years"] * 2
    assert set(found["test"]) == {"logistic"}
    assert found["effect"].iloc[0] == pytest.approx(math.exp(10 * -0.1802153997146763))
    assert found["effect"].iloc[1] == pytest.approx(math.exp(0.0211241480713691))
    assert found["p"].iloc[:2].tolist() == pytest.approx([0.0205858176687254, 0.8125683347969376])
    assert (found["group_a"] == "positive").all()
    assert (found["group_b"] == "negative").all()
    assert "together" in found["note"].iloc[0]
    assert "alone" in found["note"].iloc[2]
    assert "n = 24, 11 positive" in found["note"].iloc[0]


def test_profile_intervals_are_those_of_r_on_birthwt(shared_data):
    """R 4.2.2, MASS profile intervals of low ~ age + lwt + smoke, n = 189."""
    folder = shared_data / "statistics"
    truth = json.loads((folder / "logistic.json").read_text())["birthwt"]
    table = pd.read_csv(folder / truth["csv"])
    table["low"] = table["low"].map({1: "yes", 0: "no"})
    units = {term["term"]: 1.0 for term in truth["coef"][1:]}
    found = odds_ratios(table, outcome="low", positive="yes", units=units)
    for row, term in zip(found.iloc[: len(units)].itertuples(), truth["coef"][1:], strict=True):
        print(row.feature, row.effect, term["or"])
        assert row.effect == pytest.approx(term["or"], rel=1e-6)
        limits = [math.exp(limit) for limit in term["profile_ci"]]
        assert [row.ci_low, row.ci_high] == pytest.approx(limits, rel=1e-4)


def test_swapping_the_outcome_inverts_the_odds(patients):
    """Known identity: the odds of the other outcome are the inverse."""
    one = odds_ratios(patients, **NAMED, units={"haemoglobin_g_l": 10})
    other = odds_ratios(
        patients, outcome="node_status", positive="negative", units={"haemoglobin_g_l": 10}
    )
    assert len(one) == 1
    assert one["effect"].iloc[0] * other["effect"].iloc[0] == pytest.approx(1)
    assert other["group_a"].iloc[0] == "negative"


def test_outcomes_are_compared_as_scipy_does(patients):
    """scipy's Welch t and exact Mann-Whitney of haemoglobin without ties."""
    found = compare_outcomes(patients, **NAMED, predictors=["haemoglobin_g_l", "age_years"])
    by_test = found[found["feature"] == "haemoglobin_g_l"].set_index("test")
    values = patients.groupby("node_status")["haemoglobin_g_l"]
    a, b = values.get_group("positive"), values.get_group("negative")
    assert by_test["p"]["welch_t"] == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue)
    exact = stats.mannwhitneyu(a, b, method="exact")
    assert by_test["p"]["wilcoxon"] == pytest.approx(exact.pvalue)
    assert by_test["statistic"]["wilcoxon"] == exact.statistic
    assert by_test["effect"]["welch_t"] == pytest.approx(a.mean() - b.mean())
    assert list(by_test.index) == ["student_t", "welch_t", "wilcoxon"]


def test_missing_values_are_left_out_and_counted(patients):
    """By hand: one haemoglobin of a positive and one outcome are missing."""
    patients.loc[0, "haemoglobin_g_l"] = np.nan
    patients.loc[2, "node_status"] = ""
    found = odds_ratios(patients, **NAMED, units={"haemoglobin_g_l": 10, "age_years": 1})
    assert "1 rows with missing values left out" in found["note"].iloc[0]
    assert "n = 22, 10 positive" in found["note"].iloc[0]
    assert "n = 23, 11 positive" in found["note"].iloc[3]  # age alone has all 23
    described = describe_outcomes(patients, **NAMED, predictors=["haemoglobin_g_l"])
    assert described["n"].tolist() == [10, 12]
    assert described["missing"].tolist() == [1, 0]
    own = patients.loc[patients["node_status"] == "positive", "haemoglobin_g_l"].dropna()
    assert described["mean"].iloc[0] == pytest.approx(own.mean())
    low, high = stats.t.interval(0.95, 9, own.mean(), own.sem())
    assert described[["ci_low", "ci_high"]].iloc[0].tolist() == pytest.approx([low, high])


def test_outcomes_that_are_not_two_are_refused():
    """Definition: logistic regression has two outcomes, one of them named."""
    with pytest.raises(ValueError, match="no outcome is 'pos'"):
        outcome_levels(pd.Series(["positive", "negative"]), "pos")
    with pytest.raises(ValueError, match="there are 3"):
        outcome_levels(pd.Series(["positive", "negative", "Negative"]), "positive")
    with pytest.raises(ValueError, match="there are 1"):
        outcome_levels(pd.Series(["positive", ""]), "positive")
