"""How a verdict follows from recomputations, and the recomputations from printed summaries."""

import math

import pytest
from scipy import stats

from xenoquant.stats.claims import (
    CLAIM_COLUMNS,
    TEST_LABELS,
    Claim,
    Recomputation,
    claims_table,
    judge,
    support,
)
from xenoquant.stats.recompute import (
    PrintedGroup,
    interval_of_mean,
    needed_n,
    overall,
    pair,
    pair_in_family,
)
from xenoquant.stats.recompute_counts import counts_spread, counts_test, whole_numbers
from xenoquant.stats.rounding import Printed


def _printed(name, mean, error, n=9):
    return PrintedGroup(name, n, Printed(mean), Printed(error))


THERAPY = [
    _printed("3.5", "925.6", "147.4"),
    _printed("350", "644.8", "53.2"),
    _printed("iron", "638.8", "90.3"),
]
NODULES = [
    _printed("3.5", "22.9", "2.6"),
    _printed("35", "13.9", "2.4"),
    _printed("350", "13.7", "2.7"),
]


def _row(supports, assumption="", test="student_t"):
    return Recomputation(assumption=assumption, test=test, supports=supports)


@pytest.mark.parametrize(
    ("rows", "verdict", "condition"),
    [
        ([_row("yes"), _row("yes", test="welch_t")], "holds", ""),
        ([_row("no"), _row("no", test="welch_t")], "does not hold", ""),
        ([_row("")], "cannot be tested", ""),
        ([_row("yes"), _row("contradicted")], "inconsistent", ""),
        ([_row("yes"), _row("")], "holds", ""),
        (
            [_row("no", "± as SEM"), _row("yes", "± as SD")],
            "holds only under",
            "± as SD",
        ),
        (
            [_row("one-sided", "± as SEM"), _row("no", "± as SEM", "tukey_hsd")],
            "holds only under",
            "± as SEM with one-sided Student's t",
        ),
        (
            [_row("yes"), _row("as printed", test="newman_keuls"), _row("no", test="tukey_hsd")],
            "holds only under",
            "Student's t, or Newman-Keuls (at the printed numbers, not over all of their rounding)",
        ),
    ],
)
def test_verdict_follows_from_the_rows(rows, verdict, condition):
    """The rule as the documentation states it, case by case."""
    assert judge(rows) == (verdict, condition)


@pytest.mark.parametrize(
    ("p", "low", "high", "one", "expected"),
    [
        (0.01, 0.009, 0.011, 0.005, "yes"),
        (0.047, 0.043, 0.052, 0.02, "as printed"),
        (0.052, 0.047, 0.055, 0.026, "if rounded"),
        (0.09, 0.08, 0.099, 0.045, "one-sided"),
        (0.09, 0.08, 0.11, 0.045, "one-sided as printed"),
        (0.11, 0.09, 0.12, 0.055, "one-sided if rounded"),
        (0.11, 0.102, 0.12, 0.055, "no"),
        (0.2, 0.19, 0.21, 0.1, "no"),
        (0.16, 0.15, 0.17, math.nan, "no"),
    ],
)
def test_support_of_a_p_value(p, low, high, one, expected):
    """Threshold 0.05."""
    assert support(p, low, high, threshold=0.05, p_one_sided=one) == expected


def test_a_difference_in_the_other_direction_supports_nothing():
    """However small its p."""
    assert support(1e-6, 1e-6, 1e-6, threshold=0.05, claimed_direction=False) == "no"


def test_pair_is_scipys_t_from_statistics():
    """scipy.stats.ttest_ind_from_stats with SD = SEM · 3."""
    rows = pair(THERAPY[0], THERAPY[2], kind="SEM")
    for row, equal in zip(rows, (True, False), strict=True):
        known = stats.ttest_ind_from_stats(
            925.6, 442.2, 9, 638.8, 270.9, 9, equal_var=equal, alternative="two-sided"
        )
        assert row.statistic == pytest.approx(known.statistic, rel=1e-12)
        assert row.p_two_sided == pytest.approx(known.pvalue, rel=1e-12)
        assert row.p_one_sided == pytest.approx(known.pvalue / 2, rel=1e-12)
        assert row.p_low < row.p_two_sided < row.p_high
        assert row.supports == "no"
    assert [row.supports for row in pair(THERAPY[0], THERAPY[1], kind="SEM")] == ["one-sided", "no"]
    assert {row.supports for row in pair(THERAPY[0], THERAPY[2], kind="SD")} == {"yes"}


def test_newman_keuls_and_tukey_part_at_the_nodules():
    """scipy.stats.studentized_range: q of ranges 2 and 3 at 24 degrees of freedom, by hand."""
    error = math.sqrt((2.6**2 + 2.4**2 + 2.7**2) / 3)
    outer = stats.studentized_range.sf(9.2 / error, 3, 24)
    inner = stats.studentized_range.sf(9.0 / error, 2, 24)
    keuls, tukey = pair_in_family(NODULES, "3.5", "35", kind="SEM")
    assert keuls.p_two_sided == pytest.approx(max(outer, inner), rel=1e-6)
    assert tukey.p_two_sided == pytest.approx(
        stats.studentized_range.sf(9.0 / error, 3, 24), rel=1e-6
    )
    assert (keuls.supports, tukey.supports) == ("as printed", "if rounded")
    assert keuls.p_low < 0.05 < keuls.p_high


def test_overall_is_the_f_of_the_printed_numbers():
    """Hand computation of F from means and SEMs: 9 · var(means) / mean(9 · SEM²)."""
    row = overall(NODULES, kind="SEM")[0]
    f = stats.tvar([22.9, 13.9, 13.7]) / ((2.6**2 + 2.4**2 + 2.7**2) / 3)
    assert row.statistic == pytest.approx(f, rel=1e-12)
    assert row.p_two_sided == pytest.approx(stats.f.sf(f, 2, 24), rel=1e-10)


def test_needed_n_is_the_first_that_passes():
    """At 14 mice a group the same means and SDs give p < 0.05, at 13 they don't."""
    needed, powered = needed_n(THERAPY[0], THERAPY[2], kind="SEM")
    assert needed.effect == 14
    for n, passes in ((13, False), (14, True)):
        p = stats.ttest_ind_from_stats(925.6, 442.2, n, 638.8, 270.9, n).pvalue
        assert (p < 0.05) == passes
    # R 4.2.2: power.t.test(delta = 286.8, sd = sqrt((442.2^2 + 270.9^2) / 2), power = 0.8)
    assert powered.effect == 27
    assert (needed.supports, powered.supports) == ("", "")


def test_printed_interval_is_known_by_its_quantile():
    """Hand computation: 119.6 ± 1.96 · 14.5 / √62 prints as 116.0 to 123.2, with t as 123.3."""
    group = _printed("positive", "119.6", "14.5", 62)
    t, z = interval_of_mean(group, Printed("116"), Printed("123.2"), kind="SD")
    assert z.supports == "yes"
    assert z.ci_high == pytest.approx(119.6 + 1.959963985 * 14.5 / math.sqrt(62))
    assert t.supports == "if rounded"
    # 119.65 − 3.67 prints as 116.0 and 119.55 + 3.67 as 123.2, but no one mean gives both by t
    t, z = interval_of_mean(group, Printed("116.0"), Printed("123.2"), kind="SD")
    assert (t.supports, z.supports) == ("no", "yes")
    wrong = interval_of_mean(group, Printed("110"), Printed("129"), kind="SD")
    assert {row.supports for row in wrong} == {"no"}


def test_whole_numbers_of_the_nodules():
    """206, 125 and 123 nodules over nine mice are the only totals that print so."""
    totals = [whole_numbers(group, kind="SEM")[0].effect for group in NODULES]
    assert totals == [206, 125, 123]
    off = whole_numbers(_printed("x", "22.5", "2.6"), kind="SEM")
    assert [row.supports for row in off] == ["no", "no"]


def test_spread_speaks_against_an_sd_and_not_against_a_sem():
    """Poisson's variance over mean is 1: 0.41 as SD is below it, 3.7 as SEM above."""
    assert counts_spread(NODULES, kind="SD").supports == "no"
    assert counts_spread(NODULES, kind="SEM").supports == "yes"


def test_counts_test_surrounds_its_median():
    """Ratio of means is the printed one within rounding; the range holds the median."""
    row = counts_test(NODULES, "3.5", "350", kind="SEM", samples=20)
    assert row is not None
    assert row.effect == pytest.approx(206 / 123)
    assert row.p_low <= row.p_two_sided <= row.p_high
    assert counts_test([_printed("a", "22.5", "2.6"), *NODULES], "3.5", "35", kind="SEM") is None


def test_a_claim_needs_a_row_and_a_table_keeps_its_columns():
    """Form of claims.csv."""
    with pytest.raises(ValueError, match="has no recomputation"):
        Claim(id="x", claim="", where="", reported="")
    rows = tuple(pair(*THERAPY[:2], kind="SD"))
    claim = Claim(id="x", claim="c", where="w", reported="r", rows=rows)
    table = claims_table([claim])
    assert tuple(table.columns) == CLAIM_COLUMNS
    assert table["verdict"].to_list() == ["holds", "holds"]
    assert set(table["test"]) <= set(TEST_LABELS)
    with pytest.raises(ValueError, match="'SEM' or 'SD'"):
        THERAPY[0].group("CI")
