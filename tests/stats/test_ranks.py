"""Tests on ranks against R 4.2.2: enumeration with combn, wilcox.test, kruskal.test, Dunn's z."""

import csv
import json
import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xenoquant.stats.ranks import dunn, kruskal, midranks, rank_sum_counts, wilcoxon
from xenoquant.stats.summaries import Group

A = Group.from_values("a", [12.1, 9.8, 11.4, 10.6, 13.0])
B = Group.from_values("b", [8.7, 10.1, 9.4, 7.9, 8.8, 9.9])
C = Group.from_values("c", [6.2, 7.5, 8.8, 5.9])
TIED_X = Group.from_values("x", [3, 1, 4, 1, 5, 9, 2])
TIED_Y = Group.from_values("y", [2, 6, 5, 3])


@pytest.mark.parametrize(
    ("alternative", "exact", "approximate"),
    [
        ("two-sided", 0.5606060606060, 0.5672053631362),
        ("less", 0.2787878787878, 0.2836026815681),
        ("greater", 0.7515151515151, 0.7772373428231),
    ],
)
def test_ties_and_unequal_sizes_agree_with_r(alternative, exact, approximate):
    """R 4.2.2: all combn(11, 7) rank sums, |W − E| ≥ |w − E|; wilcox.test(exact = FALSE)."""
    row = wilcoxon(TIED_X, TIED_Y, alternative=alternative)
    assert row.statistic == 10.5
    assert row.p == pytest.approx(exact, rel=1e-12)
    assert "exact, with ties" in row.note
    normal = wilcoxon(TIED_X, TIED_Y, alternative=alternative, method="asymptotic")
    assert normal.p == pytest.approx(approximate, rel=1e-9)
    assert "normal approximation" in normal.note
    turned = {"less": "greater", "greater": "less"}.get(alternative, alternative)
    assert wilcoxon(TIED_Y, TIED_X, alternative=turned).p == pytest.approx(exact, rel=1e-12)


def test_without_ties_agrees_with_wilcox_test():
    """R 4.2.2: wilcox.test(a, b, exact = TRUE), two-sided and greater; Newcombe's interval."""
    row = wilcoxon(A, B)
    assert row.statistic == 28
    assert row.p == pytest.approx(0.0173160173160, rel=1e-12)
    assert wilcoxon(A, B, alternative="greater").p == pytest.approx(0.0086580086580, rel=1e-12)
    assert row.effect == pytest.approx(2 * 28 / 30 - 1)
    assert (row.ci_low, row.ci_high) == pytest.approx((0.1619922415432, 0.9835798573254), rel=1e-9)


@pytest.mark.parametrize("name", ["sleep", "tooth_supp"])
def test_agrees_with_the_shared_results_of_r(name: str, shared_data: Path):
    """coin's and exactRankTests' conditional exact p, and wilcox.test's normal one, all sides."""
    folder = shared_data / "statistics"
    truth = json.loads((folder / "twosample.json").read_text())[name]
    with (folder / truth["csv"]).open() as file:
        rows = list(csv.DictReader(file))
    a, b = (
        Group.from_values(g, [float(r["value"]) for r in rows if r["g"] == g])
        for g in (truth["x"], truth["y"])
    )
    worst = 0.0
    for side in ("two.sided", "less", "greater"):
        sided = side.replace(".", "-")
        exact = wilcoxon(a, b, alternative=sided)
        normal = wilcoxon(a, b, alternative=sided, method="asymptotic")
        wanted = truth[f"wilcox_conditional_exact_exactRankTests_{side}"]
        assert exact.statistic == wanted["W"]
        worst = max(worst, abs(exact.p / wanted["p"] - 1))
        worst = max(worst, abs(normal.p / truth[f"wilcox_normal_correct_{side}"]["p"] - 1))
    assert exact.effect == pytest.approx(truth["cliffs_delta"], rel=1e-12)
    print(f"{name}: largest relative difference from R {worst:.1e}")
    assert worst < 1e-9


def test_kruskal_and_dunn_agree_with_r():
    """R 4.2.2: kruskal.test; Dunn's z by hand from rank(); p.adjust(p, "holm")."""
    row = kruskal([A, B, C])
    assert row.statistic == pytest.approx(10.1633571854502, rel=1e-9)
    assert row.p == pytest.approx(0.0062094770798, rel=1e-9)
    expected = {
        ("b", "a"): (
            -1.9157839704389,
            0.0553925989036,
            -5.1833333333,
            0.1107851978072,
        ),
        ("c", "a"): (-3.1611570561444, 0.0015714374273, -9.475, 0.0047143122820),
        ("c", "b"): (-1.4880061136953, 0.1367492813294, -4.2916666667, 0.1367492813294),
    }
    for pair in dunn([A, B, C]):
        z, p, difference, adjusted = expected[pair.group_a, pair.group_b]
        wanted = (z, p, adjusted)
        assert (pair.statistic, pair.p, pair.p_adjusted) == pytest.approx(wanted, rel=1e-9)
        assert pair.effect == pytest.approx(difference, rel=1e-9)
        assert "Holm over 3 pairs" in pair.note


def test_kruskal_and_dunn_agree_with_the_shared_results_of_r(shared_data: Path):
    folder, worst = shared_data / "statistics", 0.0
    for truth in json.loads((folder / "oneway.json").read_text()).values():
        table = pd.read_csv(folder / truth["csv"])
        names, labels = [row["group"] for row in truth["groups"]], table[truth["group"]]
        groups = [
            Group.from_values(name, table.loc[labels == name, truth["response"]].to_numpy())
            for name in names
        ]
        row = kruskal(groups)
        worst = max(worst, abs(row.statistic / truth["kruskal"]["H"] - 1))
        worst = max(worst, abs(row.p / truth["kruskal"]["p"] - 1))
        rows = {(r.group_b, r.group_a): r for r in dunn(groups)}
        for want in truth["dunn"]:
            got = rows[want["a"], want["b"]]
            worst = max(worst, abs(got.p / want["p"] - 1), abs(got.p_adjusted / want["p_holm"] - 1))
    print(f"largest relative difference from R {worst:.1e}")
    # R's own data of equal means are written with 15 digits: ranks are the same, p to rounding.
    assert worst < 1e-9


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(
    st.lists(st.integers(0, 6), min_size=2, max_size=6),
    st.lists(st.integers(0, 6), min_size=2, max_size=6),
)
def test_exact_p_is_that_of_enumeration(x, y):
    """The slow, obvious form: every way to deal out the ranks, whatever the ties."""
    values = np.array(x + y, float)
    if np.ptp(values) == 0:
        return
    ranks = midranks(values)
    sums = np.array([sum(ways) for ways in combinations(ranks, len(x))])
    seen, middle = ranks[: len(x)].sum(), len(x) * (len(values) + 1) / 2
    a, b = Group.from_values("a", x), Group.from_values("b", y)
    assert wilcoxon(a, b).p == pytest.approx(
        np.mean(np.abs(sums - middle) >= abs(seen - middle)), rel=1e-12
    )
    assert wilcoxon(a, b, alternative="greater").p == pytest.approx(
        np.mean(sums >= seen), rel=1e-12
    )
    assert wilcoxon(a, b, alternative="less").p == pytest.approx(np.mean(sums <= seen), rel=1e-12)


def test_counts_add_up_to_all_ways():
    """Identity: the counts of all rank sums add up to comb(n, k)."""
    rng = np.random.default_rng(0)
    ranks = midranks(rng.integers(0, 5, size=20).astype(float))
    assert rank_sum_counts(ranks, 8).sum() == math.comb(20, 8)


def test_exact_and_normal_agree_in_large_groups():
    """Central limit: at 45 against 48 the two forms differ by less than 1 % of p."""
    rng = np.random.default_rng(4)
    a = Group.from_values("a", rng.normal(size=45).round(1))
    b = Group.from_values("b", rng.normal(loc=0.4, size=48).round(1))
    exact, normal = wilcoxon(a, b), wilcoxon(a, b, method="asymptotic")
    assert "exact" in exact.note
    assert exact.p == pytest.approx(normal.p, rel=0.01)
    many = Group.from_values("many", rng.normal(size=60))
    assert "normal" in wilcoxon(a, many).note


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(st.lists(st.integers(1, 40), min_size=4, max_size=15), st.integers(2, 13))
def test_any_rising_change_of_scale_changes_nothing(values, cut):
    """By definition: ranks do not see a change of scale that keeps the order."""
    cut = min(cut, len(values) - 2)
    plain = [Group.from_values("a", values[:cut]), Group.from_values("b", values[cut:])]
    curved = [Group.from_values(g.name, np.exp(g.values / 7)) for g in plain]
    first, second = wilcoxon(*plain), wilcoxon(*curved)
    assert first.p == second.p or (math.isnan(first.p) and math.isnan(second.p))


def test_exact_p_never_errs_too_often_by_simulation():
    """Simulation, seed 8, with ties: an exact p is at or below alpha in at most alpha of nulls."""
    rng = np.random.default_rng(8)
    p = np.array(
        [
            wilcoxon(
                Group.from_values("a", rng.poisson(4, size=6)),
                Group.from_values("b", rng.poisson(4, size=7)),
            ).p
            for _ in range(2000)
        ]
    )
    rates = {alpha: float((p <= alpha).mean()) for alpha in (0.01, 0.05, 0.2)}
    print(rates)
    for alpha, rate in rates.items():
        assert rate <= alpha + 3 * math.sqrt(alpha * (1 - alpha) / 2000)


def test_rough_p_of_small_groups_is_said_to_be():
    """Hand count: 2 of 20 ways to part 3 from 3 are as far apart: 0.1; chi² gives 0.0495."""
    apart = [Group.from_values("a", [1, 2, 3]), Group.from_values("b", [4, 5, 6])]
    assert kruskal(apart).p == pytest.approx(0.0495, abs=5e-5)
    assert "p from chi², rough below 5 values a group (here 3)" in kruskal(apart).note
    assert "p from the normal distribution, rough" in dunn(apart)[0].note
    assert "rough" not in kruskal([A, B]).note + dunn([A, B])[0].note


def test_what_cannot_be_ranked_is_stated():
    flat = [Group.from_values("a", [2.0, 2.0]), Group.from_values("b", [2.0, 2.0, 2.0])]
    for row in (wilcoxon(*flat), kruskal(flat), *dunn(flat)):
        assert math.isnan(row.p)
        assert "all values are equal" in row.note
    one = Group.from_values("one", [1.0])
    assert "one has n = 1" in wilcoxon(A, one).note
    assert "one (n = 1)" in kruskal([A, B, one]).note
    rows = {(r.group_a, r.group_b): r for r in dunn([A, B, one])}
    assert "n = 1" in rows["one", "a"].note
    assert not math.isnan(rows["b", "a"].p)
    summary = Group.from_sd("s", 5, mean=1, sd=1)
    for run in (
        lambda: wilcoxon(A, summary),
        lambda: kruskal([A, summary]),
        lambda: dunn([A, summary]),
    ):
        with pytest.raises(ValueError, match="raw values"):
            run()
    with pytest.raises(ValueError, match="'exactly'"):
        wilcoxon(A, B, method="exactly")
    large = Group.from_values("l", np.arange(300.0))
    with pytest.raises(ValueError, match="too large"):
        wilcoxon(large, Group.from_values("k", np.arange(200.0)), method="exact")
