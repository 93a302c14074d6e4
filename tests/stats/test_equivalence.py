"""Equivalence against one-sided t tests of R 4.2.2."""

import math

import pytest

from xenoquant.stats.equivalence import equivalence
from xenoquant.stats.summaries import Group
from xenoquant.stats.two_groups import student_t

A = Group.from_values("a", [12.1, 9.8, 11.4, 10.6, 13.0])
B = Group.from_values("b", [8.7, 10.1, 9.4, 7.9, 8.8, 9.9])


def test_agrees_with_r():
    """R 4.2.2: the larger of two pt(), with margins 3; t.test(conf.level = 0.9)."""
    for b in (B, Group.from_sd("b", B.n, mean=B.mean, sd=B.sd)):
        row = equivalence(A, b, margin=3)
        got = (row.p, row.ci_low, row.ci_high)
        expected = (0.1439214568392144, 1.0023377288497934, 3.4909956044835422)
        assert got == pytest.approx(expected, rel=1e-9)
        assert not row.significant
        assert "between -3 and 3" in row.note
        assert "90 % interval" in row.note


@pytest.mark.parametrize("margin", [1.5, 3.5, 3.7, (-1.0, 4.0)])
@pytest.mark.parametrize("variance", ["welch", "pooled"])
def test_significant_exactly_where_the_interval_lies_inside(margin, variance):
    """Identity: TOST at alpha is the interval of level 1 − 2 alpha inside the margins."""
    row = equivalence(A, B, margin=margin, variance=variance)
    low, high = margin if isinstance(margin, tuple) else (-margin, margin)
    assert row.significant == (low < row.ci_low and row.ci_high < high)


def test_pooled_form_is_two_student_tests():
    """Identity: each side is Student's one-sided test of shifted values."""
    row = equivalence(A, B, margin=3, variance="pooled")
    shifted = Group.from_values("a", A.values - 3)
    assert row.p == pytest.approx(student_t(shifted, B, alternative="less").p, rel=1e-12)


def test_margins_and_spread_are_needed():
    for margin in (0, -1, (1, 2)):
        with pytest.raises(ValueError, match="does not matter"):
            equivalence(A, B, margin=margin)
    row = equivalence(A, Group.from_values("one", [3.0]), margin=1)
    assert math.isnan(row.p)
    assert "n = 1" in row.note
