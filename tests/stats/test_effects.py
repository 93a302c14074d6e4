"""Effect sizes and their intervals against R 4.2.2 and the shared results."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import special, stats

from xenoquant.stats.effects import (
    bias_correction,
    cohen_d,
    hedges_g,
    mean_difference,
    ratio_of_means,
)
from xenoquant.stats.noncentral import f_noncentrality, t_noncentrality
from xenoquant.stats.rank_effects import rank_biserial, rank_biserial_interval
from xenoquant.stats.summaries import Group
from xenoquant.stats.variance_shares import eta_squared, omega_squared

A = Group.from_values("a", [12.1, 9.8, 11.4, 10.6, 13.0])
B = Group.from_values("b", [8.7, 10.1, 9.4, 7.9, 8.8, 9.9])
C = Group.from_values("c", [6.2, 7.5, 8.8, 5.9])


def _interval(effect) -> tuple[float, float]:
    return effect.ci_low, effect.ci_high


def _bare(group: Group) -> Group:
    return Group.from_sd(group.name, group.n, mean=group.mean, sd=group.sd)


@pytest.mark.parametrize(("a", "b"), [(A, B), (_bare(A), _bare(B))])
def test_standardised_difference_agrees_with_r(a, b):
    """R 4.2.2: J by gamma(); bounds by uniroot over pt(..., ncp), good to 10 digits."""
    d, g = cohen_d(a, b), hedges_g(a, b)
    assert d.estimate == pytest.approx(2.1684098099892, rel=1e-9)
    assert g.estimate == pytest.approx(1.9816552804657, rel=1e-9)
    assert _interval(g) == pytest.approx((0.5906656621540, 3.6770273362305), rel=1e-9)
    assert _interval(d) == (g.ci_low, g.ci_high)
    assert hedges_g(b, a).ci_low == -g.ci_high


@pytest.mark.parametrize(("a", "b"), [(A, B), (_bare(A), _bare(B))])
def test_ratio_of_means_agrees_with_r(a, b):
    """R 4.2.2: delta method on the log with qt; Fieller by uniroot of its quadratic."""
    log, fieller = ratio_of_means(a, b), ratio_of_means(a, b, method="fieller")
    expected = (1.2459854014598, 1.0806949845280, 1.4365566999730)
    assert (log.estimate, log.ci_low, log.ci_high) == pytest.approx(expected, rel=1e-9)
    assert _interval(fieller) == pytest.approx((1.0844938053639, 1.4351315225918), rel=1e-9)
    turned = ratio_of_means(b, a)
    assert turned.ci_low == pytest.approx(1 / log.ci_high, rel=1e-12)


def test_mean_difference_agrees_with_r():
    """R 4.2.2: t.test(a, b)$conf.int with own and with equal variances."""
    own, pooled = mean_difference(A, B), mean_difference(A, B, variance="pooled")
    assert _interval(own) == pytest.approx((0.6903448318910, 3.8029885014423), rel=1e-9)
    assert _interval(pooled) == pytest.approx((0.8274269119842, 3.6659064213490), rel=1e-9)


def test_shares_of_variation_agree_with_r():
    """R 4.2.2: sums of squares of aov(); omega² by hand; interval as of test_many_groups."""
    between, within = 41.1346666666666, 14.9613333333333
    eta, omega = eta_squared([A, B, C]), omega_squared([_bare(A), _bare(B), _bare(C)])
    assert eta.estimate == pytest.approx(between / (between + within), rel=1e-12)
    mse = within / 12
    expected = (between - 2 * mse) / (between + within + mse)
    assert omega.estimate == pytest.approx(expected, rel=1e-12)
    assert _interval(eta) == pytest.approx(_interval(omega), rel=1e-9)


def test_noncentral_f_agrees_with_its_series():
    """The slow, obvious form: a Poisson mixture of central beta probabilities."""

    def below(nc, f, df1, df2):
        j = np.arange(800)
        weights = np.exp(-nc / 2 + j * math.log(nc / 2) - special.gammaln(j + 1))
        share = df1 * f / (df1 * f + df2)
        return float((weights * special.betainc(df1 / 2 + j, df2 / 2, share)).sum())

    for f, df1, df2 in ((16.496, 2, 12), (4.846, 2, 27), (34.7, 5, 66)):
        low, high = f_noncentrality(f, df1, df2)
        assert below(low, f, df1, df2) == pytest.approx(0.975, abs=1e-11)
        assert below(high, f, df1, df2) == pytest.approx(0.025, abs=1e-11)
    assert f_noncentrality(0.5, 2, 12)[0] == 0.0
    assert f_noncentrality(0.001, 2, 12) == (0.0, 0.0)


def test_noncentral_t_agrees_with_r():
    """R 4.2.2: uniroot over pt(8, 10, ncp)."""
    assert t_noncentrality(8, 10) == pytest.approx((3.9854081788858, 11.9241482193893), rel=1e-9)
    low, high = t_noncentrality(-8, 10)
    assert (low, high) == pytest.approx((-11.9241482193893, -3.9854081788858), rel=1e-9)
    for t in (0.0, 1e-8, 40.0, 150.0):
        low, high = t_noncentrality(t, 18)
        assert low < t < high


@pytest.mark.parametrize("df", [2, 16, 99_998])
def test_noncentrality_of_groups_far_apart(df):
    """By hand: as t grows, noncentrality / t runs to the quantiles of √(χ²/df); joins scipy's."""
    chi = [math.sqrt(stats.chi2.ppf(tail, df) / df) for tail in (0.025, 0.975)]
    far = [bound / 1e12 for bound in t_noncentrality(1e12, df)]
    assert far == pytest.approx(chi, rel=1e-9)
    below, above = t_noncentrality(999.999, df), t_noncentrality(1000.001, df)
    assert above == pytest.approx(below, rel=1e-5)
    square = [bound / 1e24 for bound in f_noncentrality(1e24, 1, df)]
    assert square == pytest.approx([bound**2 for bound in chi], rel=1e-9)
    below, above = f_noncentrality(0.999999e6, 5, df), f_noncentrality(1.000001e6, 5, df)
    assert above == pytest.approx(below, rel=1e-5)


def test_groups_far_apart_have_effects_and_no_warning():
    """Twelve values, two groups a billion SDs apart: bounds are finite and hold the estimate."""
    near = Group.from_values("near", [1e-9 * i for i in range(1, 7)])
    far = Group.from_values("far", [1 + 1e-9 * i for i in range(1, 7)])
    g = hedges_g(far, near)
    assert 0 < g.ci_low < g.estimate < g.ci_high < math.inf
    eta = eta_squared([near, far])
    assert 0.999 < eta.ci_low <= eta.ci_high <= 1


def test_rank_biserial_agrees_with_r():
    """R 4.2.2: pairs above and below; Newcombe's method 5 by uniroot; at 1 the bound is below 1."""
    effect = rank_biserial(A, B)
    assert effect.estimate == pytest.approx(2 * 28 / 30 - 1)
    assert _interval(effect) == pytest.approx((0.1619922415432, 0.9835798573254), rel=1e-9)
    low, high = rank_biserial_interval(1.0, 5, 5)
    assert low == pytest.approx(0.2854056478620, rel=1e-9)
    assert high == 1.0
    assert rank_biserial_interval(-1.0, 5, 5) == pytest.approx((-1.0, -low))


def test_agrees_with_the_shared_results_of_r(shared_data: Path):
    folder = shared_data / "statistics"
    for truth in json.loads((folder / "twosample.json").read_text()).values():
        with (folder / truth["csv"]).open() as file:
            rows = list(csv.DictReader(file))
        a, b = (
            Group.from_values(g, [float(r["value"]) for r in rows if r["g"] == g])
            for g in (truth["x"], truth["y"])
        )
        g = hedges_g(a, b)
        assert g.estimate == pytest.approx(truth["hedges_g"], rel=1e-9)
        assert bias_correction(a.n + b.n - 2) == pytest.approx(truth["hedges_J"], rel=1e-9)
        # R's noncentral t: absolute error of 1e-12 of probability.
        assert _interval(g) == pytest.approx(truth["d_ci95_nct"], rel=1e-8)
        assert rank_biserial(a, b).estimate == pytest.approx(truth["cliffs_delta"], rel=1e-9)


def test_what_has_no_interval_says_why():
    one, negative = Group.from_values("one", [3.0]), Group.from_values("n", [-1.0, -2.0])
    near_zero = Group.from_values("z", [5.0, -4.0, 0.5])
    for effect, reason in (
        (hedges_g(A, one), "n = 1"),
        (mean_difference(A, one), "n = 1"),
        (ratio_of_means(A, negative), "above 0"),
        (ratio_of_means(A, near_zero, method="fieller"), "does not differ from 0"),
        (eta_squared([A, one]), "two are needed"),
        (rank_biserial(A, one), "at least 2"),
    ):
        assert math.isnan(effect.ci_low)
        assert reason in effect.note


def test_a_ratio_to_a_mean_that_is_nearly_zero_has_no_interval_and_says_so():
    """Authority: 2.24 over 2e-17 with SD 0.21, whose log interval exceeds every double."""
    a = Group.from_sd("x", 5, mean=2.24, sd=0.21)
    b = Group.from_sd("c", 5, mean=2.2e-17, sd=0.21)
    effect = ratio_of_means(a, b)
    assert math.isnan(effect.ci_low)
    assert math.isnan(effect.ci_high)
    assert "can't be told from 0" in effect.note
