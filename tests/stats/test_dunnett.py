"""Dunnett's test against nested integrate() of R 4.2.2 and Dunnett's own tables."""

import math

import pytest

from xenoquant.stats.dunnett import dunnett, largest_t_probability, largest_t_quantile
from xenoquant.stats.summaries import Group

GROUPS = [
    Group.from_values("a", [12.1, 9.8, 11.4, 10.6, 13.0]),
    Group.from_values("b", [8.7, 10.1, 9.4, 7.9, 8.8, 9.9]),
    Group.from_values("c", [6.2, 7.5, 8.8, 5.9]),
]


@pytest.mark.parametrize("bare", [False, True])
def test_agrees_with_r(bare):
    """R 4.2.2: integrate() over the spread of integrate() over the control, unequal n."""
    groups = [Group.from_sd(g.name, g.n, mean=g.mean, sd=g.sd) for g in GROUPS] if bare else GROUPS
    expected = {
        "b": (-3.3228321217690739, 0.0112743121610243691, 0.0056388789466723654),
        "c": (-5.7140361767099179, 1.8534971840922232e-04, 9.2680641525788587e-05),
    }
    both, below = dunnett(groups, reference="a"), dunnett(groups, alternative="less")
    for row, one_sided in zip(both, below, strict=True):
        t, p, p_less = expected[row.group_a]
        assert row.group_b == "a"
        assert row.statistic == pytest.approx(t, rel=1e-9)
        assert row.p == pytest.approx(p, rel=1e-9)
        assert one_sided.p == pytest.approx(p_less, rel=1e-9)
        assert one_sided.ci_low == -math.inf


@pytest.mark.parametrize(
    ("bound", "sizes", "control", "df", "p"),
    [
        (3, (5, 9, 4), 10, 24, 0.0174768104682582),
        (6, (5, 9, 4), 10, 24, 1.01029520336304e-05),
        (2, (3, 3), 3, 1, 0.396749604235341),
        (12, (5, 9, 4), 10, 3, 0.00282339297774747),
    ],
)
def test_probabilities_agree_with_r(bound, sizes, control, df, p):
    """R 4.2.2: the same nested integrals, at few and many degrees of freedom."""
    loadings = tuple(math.sqrt(n / (n + control)) for n in sizes)
    # R's outer integral is asked for 1e-11 absolute.
    assert largest_t_probability(bound, loadings, df) == pytest.approx(p, rel=1e-9, abs=1e-11)


@pytest.mark.parametrize(
    ("treatments", "df", "table"),
    [(2, 20, 2.38), (3, 20, 2.54), (5, 10, 2.99), (9, 60, 2.77), (1, 20, 2.09)],
)
def test_quantiles_agree_with_dunnetts_tables(treatments, df, table):
    """Dunnett (1964), Biometrics 20, 482-491, two-sided 5 %, equal n."""
    assert round(largest_t_quantile(0.05, (0.5**0.5,) * treatments, df), 2) == table


def test_one_treatment_is_students_t():
    """Identity: with one comparison Dunnett's test is the t test."""
    from xenoquant.stats.two_groups import student_t

    row, t = dunnett(GROUPS[:2])[0], student_t(GROUPS[1], GROUPS[0])
    assert (row.p, row.ci_low) == pytest.approx((t.p, t.ci_low), rel=1e-9)


def test_interval_and_p_say_the_same():
    """By definition: at alpha = p the simultaneous interval ends at 0."""
    row = dunnett(GROUPS)[0]
    edge = dunnett(GROUPS, alpha=row.p)[0]
    assert edge.ci_high == pytest.approx(0, abs=1e-8)


def test_what_cannot_be_tested_is_stated():
    one = Group.from_values("one", [3.0])
    rows = dunnett([*GROUPS, one], reference="a")
    assert "one has n = 1" in rows[2].note
    assert rows[0].p == pytest.approx(dunnett(GROUPS)[0].p)
    assert all(math.isnan(row.p) for row in dunnett([one, *GROUPS]))
    assert "no test: one has n = 1, at least" in dunnett([one, *GROUPS])[0].note
    with pytest.raises(ValueError, match="'z' is not among"):
        dunnett(GROUPS, reference="z")
