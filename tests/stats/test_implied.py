"""What printed summaries imply, held against simulated patients."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xenoquant.stats.implied import (
    implied_auc,
    implied_odds_ratio,
    share_below,
    wilcoxon_of_normal_samples,
)
from xenoquant.stats.regression import logistic, roc_auc
from xenoquant.stats.summaries import Group

POSITIVE = Group.from_sd("positive", 62, mean=119.6, sd=14.5)
NEGATIVE = Group.from_sd("negative", 74, mean=126.7, sd=13.6)


def _exactly(rng, group):
    raw = rng.normal(size=group.n)
    return (raw - raw.mean()) / raw.std(ddof=1) * group.sd + group.mean


def test_odds_ratio_and_auc_are_those_of_simulated_patients():
    """Logistic regression on 60 simulated cohorts with exactly these means and SDs."""
    rng = np.random.default_rng(21)
    node = np.repeat([1, 0], [62, 74])
    ratios, areas = [], []
    for _ in range(60):
        values = np.concatenate([_exactly(rng, POSITIVE), _exactly(rng, NEGATIVE)])
        fit = logistic(node, pd.DataFrame({"hb": values}), units={"hb": -10})
        ratios.append(fit.table.loc[1, "odds_ratio"])
        areas.append(roc_auc(node, -values).value)
    odds, auc = implied_odds_ratio(POSITIVE, NEGATIVE, unit=-10), implied_auc(POSITIVE, NEGATIVE)
    assert odds.value == pytest.approx(np.mean(ratios), rel=0.02)
    assert auc.value == pytest.approx(np.mean(areas), abs=0.01)
    assert odds.ci_low == pytest.approx(1.11, abs=0.01)
    assert odds.ci_high == pytest.approx(1.85, abs=0.01)
    assert implied_odds_ratio(POSITIVE, NEGATIVE, unit=10).value == pytest.approx(1 / odds.value)


def test_share_below_covers_the_truth_by_simulation():
    """N(0, 1) below 0.3 is 0.618; samples of 15."""
    rng = np.random.default_rng(22)
    truth, inside = stats.norm.cdf(0.3), 0
    for _ in range(200):
        found = share_below(Group.from_values("x", rng.normal(size=15)), 0.3)
        inside += found.ci_low <= truth <= found.ci_high
    assert 0.90 <= inside / 200 <= 0.985


def test_share_below_the_mean_is_a_half():
    """Symmetry of the normal distribution."""
    found = share_below(POSITIVE, 119.6)
    assert found.value == pytest.approx(0.5)
    assert found.ci_low == pytest.approx(1 - found.ci_high, abs=1e-6)


def test_wilcoxon_of_normal_samples_is_scipys():
    """One drawn sample against scipy.stats.mannwhitneyu, asymptotic with continuity correction."""
    p = wilcoxon_of_normal_samples(POSITIVE, NEGATIVE, samples=200, seed=1)
    assert np.array_equal(p, wilcoxon_of_normal_samples(POSITIVE, NEGATIVE, samples=200, seed=1))
    rng = np.random.default_rng(1)
    drawn = []
    for group in (POSITIVE, NEGATIVE):
        raw = rng.standard_normal((200, group.n))
        raw -= raw.mean(axis=1, keepdims=True)
        drawn.append(raw / raw.std(axis=1, ddof=1, keepdims=True) * group.sd + group.mean)
    known = stats.mannwhitneyu(drawn[0], drawn[1], axis=1, method="asymptotic").pvalue
    assert p == pytest.approx(np.sort(known), rel=1e-9)
