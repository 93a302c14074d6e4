"""Analysis of variance, Welch's, Tukey's and tests of spread against R 4.2.2."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xenoquant.stats.many_groups import anova, tukey_hsd, welch_anova
from xenoquant.stats.ranks import kruskal
from xenoquant.stats.spread import bartlett, levene
from xenoquant.stats.summaries import Group

RAW = {
    "a": [12.1, 9.8, 11.4, 10.6, 13.0],
    "b": [8.7, 10.1, 9.4, 7.9, 8.8, 9.9],
    "c": [6.2, 7.5, 8.8, 5.9],
}
GROUPS = [Group.from_values(name, values) for name, values in RAW.items()]
SUMMARIES = [Group.from_sd(g.name, g.n, mean=g.mean, sd=g.sd) for g in GROUPS]


@pytest.mark.parametrize("groups", [GROUPS, SUMMARIES])
def test_anova_agrees_with_r(groups):
    """R 4.2.2: summary(aov(y ~ g)); eta² and its interval by uniroot over pf(..., ncp)."""
    row = anova(groups)
    between, within = 41.134666666666632, 14.961333333333322
    assert row.statistic == pytest.approx(16.496390696016395, rel=1e-9)
    assert row.df == "2, 12"
    assert row.p == pytest.approx(3.5994026111688831e-04, rel=1e-9)
    assert row.effect == pytest.approx(between / (between + within), rel=1e-12)
    # R's noncentral F is 5e-10 of probability off here (its own series, summed, agrees with ours).
    assert (row.ci_low, row.ci_high) == pytest.approx(
        (0.29988316373414697, 0.83237817491562749), rel=1e-8
    )
    assert (row.group_a, row.group_b) == ("", "")
    assert "eta²" in row.note


@pytest.mark.parametrize("groups", [GROUPS, SUMMARIES])
def test_welch_anova_agrees_with_r(groups):
    """R 4.2.2: oneway.test(y ~ g)."""
    row = welch_anova(groups)
    assert row.statistic == pytest.approx(11.3454712841006930546, rel=1e-9)
    assert float(row.df.split(",")[1]) == pytest.approx(6.4168242219960163197, rel=1e-9)
    assert row.p == pytest.approx(0.0078175718328892044, rel=1e-9)


@pytest.mark.parametrize("groups", [GROUPS, SUMMARIES])
def test_tukey_agrees_with_r(groups):
    """R 4.2.2: TukeyHSD(aov(y ~ g)); R's ptukey and qtukey are good to about 6 digits here."""
    expected = {
        ("b", "a"): (-2.2466666666666644, -4.05048946565512, -0.44284386767820916, 0.015530306214),
        ("c", "a"): (
            -4.2799999999999967,
            -6.278317140110016,
            -2.2816828598899774,
            0.00026434972142,
        ),
        ("c", "b"): (-2.0333333333333323, -3.956214897947937, -0.11045176871872764, 0.038137311472),
    }
    rows = tukey_hsd(groups)
    assert [(row.group_a, row.group_b) for row in rows] == list(expected)
    for row in rows:
        difference, low, high, p = expected[row.group_a, row.group_b]
        assert row.effect == pytest.approx(difference, rel=1e-9)
        assert (row.ci_low, row.ci_high) == pytest.approx((low, high), rel=1e-6)
        assert row.p == pytest.approx(p, rel=1e-6)


def test_spread_agrees_with_r():
    """R 4.2.2: bartlett.test(y ~ g); aov of distances from each group's median or mean."""
    assert bartlett(SUMMARIES).statistic == pytest.approx(0.95314070173655185, rel=1e-9)
    assert bartlett(GROUPS).p == pytest.approx(0.62090924511026580, rel=1e-9)
    median, mean = levene(GROUPS), levene(GROUPS, center="mean")
    assert (median.statistic, median.p) == pytest.approx(
        (0.64531138153185341, 0.54177066836836607), rel=1e-9
    )
    assert (mean.statistic, mean.p) == pytest.approx(
        (0.70677440176689632, 0.51265513746439428), rel=1e-9
    )
    note = anova(GROUPS).note
    assert "Bartlett p = 0.6209" in note
    assert "Levene (median) p = 0.5418" in note
    assert "no Levene test without raw values" in anova(SUMMARIES).note
    with pytest.raises(ValueError, match="raw values"):
        levene(SUMMARIES)


def test_agrees_with_the_shared_results_of_r(shared_data: Path):
    folder = shared_data / "statistics"
    worst, worst_tukey = 0.0, 0.0
    for name, truth in json.loads((folder / "oneway.json").read_text()).items():
        table = pd.read_csv(folder / truth["csv"])
        names = [row["group"] for row in truth["groups"]]
        groups = [
            Group.from_values(
                n, table.loc[table[truth["group"]] == n, truth["response"]].to_numpy()
            )
            for n in names
        ]
        row, welch = anova(groups), welch_anova(groups)
        pairs = [(row.statistic, truth["anova"]["F"]), (row.p, truth["anova"]["p"])]
        pairs += [(row.effect, truth["anova"]["eta2"])]
        pairs += [
            (welch.statistic, truth["welch_anova"]["F"]),
            (welch.p, truth["welch_anova"]["p"]),
        ]
        if name != "synthetic_protected":  # its spreads are equal by construction: p = 1
            pairs += [(bartlett(groups).p, truth["bartlett"]["p"])]
            pairs += [(levene(groups).p, truth["levene_median"]["p"])]
            pairs += [(levene(groups, center="mean").p, truth["levene_mean"]["p"])]
        worst = max([worst, *(abs(got / want - 1) for got, want in pairs)])
        rows = {f"{r.group_a}-{r.group_b}": r for r in tukey_hsd(groups)}
        for want in truth["tukey_hsd"]:
            got = rows[want["pair"]]
            assert got.effect == pytest.approx(want["diff"], rel=1e-9)
            assert (got.ci_low, got.ci_high) == pytest.approx((want["lwr"], want["upr"]), rel=1e-6)
            worst_tukey = max(worst_tukey, abs(got.p - want["p"]))
    print(f"relative difference from R {worst:.1e}; Tukey's p, absolute {worst_tukey:.1e}")
    assert worst < 1e-9
    # R's ptukey is good to about ten decimals on these data.
    assert worst_tukey < 1e-9


@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(
    st.lists(st.lists(st.integers(-50, 50), min_size=2, max_size=6), min_size=3, max_size=5),
    st.sampled_from([1e-6, 2.54, 1e9]),
    st.randoms(use_true_random=False),
)
def test_order_of_groups_and_units_of_measure_change_nothing(parts, scale, random):
    groups = [Group.from_values(f"g{i}", np.array(part, float)) for i, part in enumerate(parts)]
    scaled = [Group.from_values(g.name, g.values[::-1] * scale) for g in groups]
    random.shuffle(scaled)
    for test in (anova, welch_anova):
        first, second = test(groups), test(scaled)
        assert math.isnan(first.p) == math.isnan(second.p)
        if not math.isnan(first.p):
            assert second.p == pytest.approx(first.p, rel=1e-8)
            assert second.effect == pytest.approx(first.effect, rel=1e-8, abs=1e-15)


def test_small_and_constant_groups_are_stated():
    """By definition: n = 1 gives no spread; a constant group has no Welch weight."""
    one, flat = Group.from_values("one", [3.0]), Group.from_values("flat", [4.0, 4.0, 4.0])
    row = anova([*GROUPS, one])
    assert row.df == "2, 12"
    assert "one (n = 1)" in row.note
    welch = welch_anova([*GROUPS, flat])
    assert math.isnan(welch.p)
    assert "flat are all equal" in welch.note
    assert not math.isnan(anova([*GROUPS, flat]).p)
    pairs = {(r.group_a, r.group_b): r for r in tukey_hsd([*GROUPS, one])}
    assert math.isnan(pairs["one", "a"].p)
    assert "one has n = 1" in pairs["one", "a"].note
    assert pairs["b", "a"].p == pytest.approx(tukey_hsd(GROUPS)[0].p)
    alone = anova([GROUPS[0], one])
    assert math.isnan(alone.p)
    assert "two are needed" in alone.note


def test_the_reference_stands_second():
    rows = tukey_hsd(GROUPS, reference="b")
    assert [(r.group_a, r.group_b) for r in rows] == [("a", "b"), ("c", "a"), ("c", "b")]
    assert rows[0].effect == pytest.approx(GROUPS[0].mean - GROUPS[1].mean)
    with pytest.raises(ValueError, match=r"'z' is not among the groups compared \(a, b, c\)"):
        tukey_hsd(GROUPS, reference="z")


def test_p_is_uniform_under_the_null_by_simulation():
    """Simulation, seed 7: 3000 times four groups of 5 to 8; Kolmogorov's bound at 0.001."""
    rng = np.random.default_rng(7)
    p: dict[str, list[float]] = {"anova": [], "kruskal": []}
    for _ in range(3000):
        groups = [Group.from_values(str(n), rng.normal(size=n)) for n in (5, 6, 7, 8)]
        p["anova"].append(anova(groups, intervals=False).p)
        p["kruskal"].append(kruskal(groups).p)
    for name in ("anova", "kruskal"):
        distance = np.abs(np.sort(p[name]) - (np.arange(3000) + 0.5) / 3000).max()
        print(f"{name}: largest distance from uniform {distance:.4f}")
        # Chi-squared is an approximation to H in groups this small.
        assert distance < 1.95 / math.sqrt(3000) + (0.03 if name == "kruskal" else 0)


def test_anova_of_two_groups_is_students_t_squared():
    """Identity: F(1, n − 2) = t²."""
    from xenoquant.stats.two_groups import student_t

    row, t = anova(GROUPS[:2]), student_t(*GROUPS[:2])
    assert row.statistic == pytest.approx(t.statistic**2, rel=1e-12)
    assert row.p == pytest.approx(t.p, rel=1e-9)
