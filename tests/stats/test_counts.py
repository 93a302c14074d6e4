"""Counts of nodules: MASS in R, statsmodels, and the Poisson boundary."""

import warnings

import numpy as np
import pytest
from scipy import stats

from xenoquant.stats.counts import (
    dispersion_interval,
    fit_counts,
    negative_binomial,
    poisson_spread,
)

COUNTS = {
    "a": [5, 14, 2, 9, 30, 11, 7, 18, 3],
    "b": [22, 41, 9, 35, 17, 60, 12, 28, 33],
    "c": [8, 0, 4, 15, 6, 21, 1, 10, 5],
}


def test_fit_and_tests_are_those_of_mass():
    """R 4.2.2, MASS 7.3-58.2: glm.nb with epsilon 1e-15, likelihood-ratio tests of nested fits."""
    fit = fit_counts(list(COUNTS.values()))
    assert fit.dispersion == pytest.approx(0.425586259193254, rel=1e-9)
    assert fit.log_likelihood == pytest.approx(-95.2255604573928, rel=1e-12)
    rows = negative_binomial(COUNTS)
    assert [(r.group_a, r.group_b) for r in rows] == [("", ""), ("a", "b"), ("a", "c"), ("b", "c")]
    assert rows[0].statistic == pytest.approx(13.2224507990633, rel=1e-9)
    assert rows[0].df == "2"
    assert rows[2].statistic == pytest.approx(0.9903926586978, rel=1e-8)
    assert rows[2].p == pytest.approx(stats.chi2.sf(0.9903926586978, 1), rel=1e-8)
    assert "dispersion 0.4256" in rows[0].note


def test_dispersion_interval_is_the_roots_that_r_finds():
    """R 4.2.2: uniroot on the negative binomial likelihood with the groups' means."""
    found = dispersion_interval(list(COUNTS.values()))
    assert found.ci_low == pytest.approx(0.220596903023824, rel=1e-9)
    assert found.ci_high == pytest.approx(0.831333953750236, rel=1e-9)


def test_fit_is_statsmodels_where_that_converges():
    """statsmodels NegativeBinomial (NB2), to the digits of its optimiser."""
    from statsmodels.discrete.discrete_model import NegativeBinomial

    values = np.concatenate(list(COUNTS.values()))
    design = np.repeat(np.eye(3), 9, axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels warns on the way to its maximum
        other = NegativeBinomial(values, design).fit(disp=False, maxiter=500, method="bfgs")
    fit = fit_counts(list(COUNTS.values()))
    assert other.llf == pytest.approx(fit.log_likelihood, rel=1e-8)
    assert other.params[-1] == pytest.approx(fit.dispersion, rel=1e-3)


def test_at_the_boundary_it_is_the_poisson_test_and_says_so():
    """R 4.2.2: deviance of glm(…, poisson) between one mean and two."""
    row = negative_binomial({"a": [9, 10, 11, 10, 9, 11], "b": [14, 15, 14, 16, 15, 15]})[0]
    assert row.statistic == pytest.approx(5.68048191408985, rel=1e-9)
    assert "Poisson" in row.note
    assert row.effect == pytest.approx(60 / 89)


def test_effect_is_the_ratio_of_means_whatever_the_order():
    """Hand computation: means 11 and 28.56; exchanged groups give the inverse."""
    there = negative_binomial({"a": COUNTS["a"], "b": COUNTS["b"]})[0]
    back = negative_binomial({"b": COUNTS["b"], "a": COUNTS["a"]})[0]
    assert there.effect == pytest.approx(99 / 257)
    assert back.effect == pytest.approx(257 / 99)
    assert back.p == pytest.approx(there.p, rel=1e-10)
    assert back.ci_low == pytest.approx(1 / there.ci_high)


def test_no_nodule_at_all_is_a_result():
    """Zero against zero differs by nothing; zero against some has no ratio."""
    nothing = negative_binomial({"a": [0, 0, 0], "b": [0, 0, 0]})[0]
    assert (nothing.statistic, nothing.p) == (0.0, 1.0)
    some = negative_binomial({"a": [0, 0, 0, 0], "b": [4, 9, 2, 7]})[0]
    assert some.p < 0.05
    assert np.isnan(some.effect)
    assert "all counts of a group are 0" in some.note


@pytest.mark.parametrize(("animals", "said"), [(3, True), (9, True), (10, False)])
def test_few_animals_make_p_too_small_and_the_note_says_so(animals, said):
    """Simulated studies of equal groups, mean 14, dispersion 0.3: 13 % of p under 0.05 with 3."""
    rng = np.random.default_rng(11)
    groups = rng.negative_binomial(1 / 0.3, 1 / (1 + 0.3 * 14), (2, animals))
    rows = negative_binomial(dict(zip("ab", groups, strict=True)))
    assert all(("p is asymptotic" in row.note) == said for row in rows)
    if animals == 3:
        studies = rng.negative_binomial(1 / 0.3, 1 / (1 + 0.3 * 14), (400, 2, 3))
        p = [negative_binomial({"a": a, "b": b})[0].p for a, b in studies]
        assert np.mean(np.array(p) < 0.05) > 0.09


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ({"a": [1, 2, 3]}, "two groups"),
        ({"a": [1, 2, 3], "b": [4]}, "at least 2"),
        ({"a": [1, 2, 3], "b": [4, 5.5]}, "not counts"),
        ({"a": [1, 2, 3], "b": [4, -1]}, "not counts"),
        ({"a": [1, 2, 3], "b": [4, np.nan]}, "none missing"),
    ],
)
def test_bad_input_is_refused_in_words(groups, said):
    """The message names what is wrong."""
    with pytest.raises(ValueError, match=said):
        negative_binomial(groups)


def test_p_is_near_uniform_under_the_null_and_t_of_poisson_is_not():
    """Simulated negative binomial counts, dispersion 0.5, 20 a group: the Poisson test fails."""
    rng = np.random.default_rng(4)
    ours, poisson = [], []
    for _ in range(300):
        first, second = rng.negative_binomial(2, 2 / (2 + 12), (2, 20))
        ours.append(negative_binomial({"a": first, "b": second})[0].p)
        z = (first.sum() - second.sum()) / np.sqrt(first.sum() + second.sum())
        poisson.append(2 * stats.norm.sf(abs(z)))
    assert 0.02 <= np.mean(np.array(ours) < 0.05) <= 0.09
    assert np.mean(np.array(poisson) < 0.05) > 0.4


def test_spread_of_poisson_counts_is_one_by_simulation():
    """The interval holds 1 for Poisson counts in about 95 % of samples."""
    rng = np.random.default_rng(6)
    inside = 0
    for _ in range(300):
        groups = rng.poisson(20, (3, 9))
        found = poisson_spread(groups.mean(1), groups.std(1, ddof=1), [9, 9, 9])
        inside += found.ci_low <= 1 <= found.ci_high
    assert 0.91 <= inside / 300 <= 0.98


def test_spread_from_summaries_is_fishers_index():
    """Hand computation: Σ (n − 1) s² / x̄ over Σ (n − 1)."""
    found = poisson_spread([22.9, 13.9, 13.7], [2.6, 2.4, 2.7], [9, 9, 9])
    assert found.value == pytest.approx(8 * (2.6**2 / 22.9 + 2.4**2 / 13.9 + 2.7**2 / 13.7) / 24)
    assert found.ci_high < 1
    with pytest.raises(ValueError, match="means above 0"):
        poisson_spread([0.0], [1.0], [5])
