"""Adjusted p-values against R 4.2.2 (p.adjust) and statsmodels."""

import math

import numpy as np
import pytest

from xenoquant.stats.comparison import Comparison, comparison_table
from xenoquant.stats.multiplicity import adjust_comparisons, benjamini_hochberg, holm

P = [0.01, 0.2, 0.03, 0.04, 0.005, 0.5, 0.03]


def test_agree_with_r():
    """R 4.2.2: p.adjust(p, "BH"), p.adjust(p, "holm")."""
    bh = [0.035, 0.23333333333333336, 0.0525, 0.056, 0.035, 0.5, 0.0525]
    assert benjamini_hochberg(P) == pytest.approx(bh, rel=1e-12)
    assert holm(P) == pytest.approx([0.06, 0.4, 0.15, 0.15, 0.035, 0.5, 0.15], rel=1e-12)


def test_agree_with_statsmodels():
    from statsmodels.stats.multitest import multipletests

    p = np.random.default_rng(0).uniform(size=50) ** 3
    for rule, name in ((benjamini_hochberg, "fdr_bh"), (holm, "holm")):
        assert rule(p) == pytest.approx(multipletests(p, method=name)[1], rel=1e-12)


def test_missing_p_are_not_counted():
    """By definition: a test that was not made is no member of the family."""
    with_gap = [0.01, math.nan, 0.04]
    assert holm(with_gap)[[0, 2]] == pytest.approx([0.02, 0.04])
    assert math.isnan(benjamini_hochberg(with_gap)[1])
    assert benjamini_hochberg([]).size == 0
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([1.2])


def _table():
    rows = [
        Comparison(test=test, group_a="a", group_b="b", p=p, p_adjusted=p, significant=p < 0.05)
        for test in ("student_t", "wilcoxon")
        for p in (0.01, 0.04, 0.03)
    ]
    table = comparison_table([*rows, Comparison(test="wilcoxon", note="no test")])
    table.insert(0, "feature", ["x", "y", "z"] * 2 + ["w"])
    table.insert(0, "assay", "lungs")
    return table


def test_families_are_adjusted_apart_and_named():
    """By hand: Benjamini-Hochberg of 0.01, 0.04, 0.03 is 0.03, 0.04, 0.04."""
    table = _table()
    got = adjust_comparisons(table)
    assert got["p_adjusted"].tolist()[:6] == pytest.approx([0.03, 0.04, 0.04] * 2)
    assert got["p"].equals(table["p"])
    assert got.loc[0, "note"].startswith("p_adjusted: Benjamini-Hochberg over 3 rows of one assay")
    assert got.loc[6, "note"] == "no test"
    assert table["p_adjusted"].tolist()[:3] == [0.01, 0.04, 0.03]
    strict = adjust_comparisons(table, method="holm", alpha=0.05)
    assert strict["significant"].tolist() == [True, False, False, True, False, False, False]


def test_unknown_families_and_methods_are_refused():
    with pytest.raises(ValueError, match="None of the family's columns"):
        adjust_comparisons(_table(), family=("organ",))
    with pytest.raises(ValueError, match="'bonferroni'"):
        adjust_comparisons(_table(), method="bonferroni")
