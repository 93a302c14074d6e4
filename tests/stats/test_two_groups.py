"""t tests against R 4.2.2 (t.test), the shared R results, and their own symmetries."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xenoquant.stats.summaries import Group
from xenoquant.stats.two_groups import (
    paired_t,
    paired_t_from_differences,
    student_t,
    t_probability,
    welch_t,
)

A = Group.from_values("a", [12.1, 9.8, 11.4, 10.6, 13.0])
B = Group.from_values("b", [8.7, 10.1, 9.4, 7.9, 8.8, 9.9])

# R 4.2.2: t.test(a, b, var.equal = TRUE/FALSE, alternative = ...): t, df, p, interval
R_RESULTS = {
    ("student", "two-sided"): (
        3.5810109431139758,
        9,
        0.0059213860678451078,
        0.8274269119842956,
        3.665906421349040,
    ),
    ("student", "less"): (
        3.5810109431139758,
        9,
        0.99703930696607745,
        -math.inf,
        3.39673121197438821,
    ),
    ("student", "greater"): (
        3.5810109431139758,
        9,
        0.0029606930339225539,
        1.0966021213589472,
        math.inf,
    ),
    ("welch", "two-sided"): (
        3.441464084415474,
        6.730056023524805,
        0.011499884728790462,
        0.690344831891003818,
        3.802988501442332,
    ),
    ("welch", "less"): (
        3.441464084415474,
        6.730056023524805,
        0.99425005763560481,
        -math.inf,
        3.49099560448354218,
    ),
    ("welch", "greater"): (
        3.441464084415474,
        6.730056023524805,
        0.0057499423643952311,
        1.0023377288497934,
        math.inf,
    ),
}


@pytest.mark.parametrize(("variant", "alternative"), R_RESULTS)
@pytest.mark.parametrize("raw", [True, False])
def test_agrees_with_r_from_raw_values_and_from_summaries(variant, alternative, raw):
    test = student_t if variant == "student" else welch_t
    a, b = (A, B) if raw else (_summary(A), _summary(B))
    row = test(a, b, alternative=alternative)
    statistic, df, p, low, high = R_RESULTS[variant, alternative]
    assert row.statistic == pytest.approx(statistic, rel=1e-9)
    assert float(row.df) == pytest.approx(df, rel=1e-9)
    assert row.p == pytest.approx(p, rel=1e-9)
    assert (row.ci_low, row.ci_high) == pytest.approx((low, high), rel=1e-9)
    assert row.significant == (p < 0.05)
    assert ("one-sided" in row.note) == (alternative != "two-sided")


def test_paired_agrees_with_r():
    """R 4.2.2: t.test(a, b[1:5], paired = TRUE), two-sided and alternative = "greater"."""
    b = Group.from_values("b", B.values[:5])
    row = paired_t(A, b)
    got = (row.statistic, float(row.df), row.p, row.ci_low, row.ci_high)
    expected = (3.127185144342258, 4, 0.035280954823300417, 0.2691801268849296, 4.53081987311507)
    assert got == pytest.approx(expected, rel=1e-9)
    upper = paired_t(A, b, alternative="greater")
    assert (upper.p, upper.ci_low) == pytest.approx(
        (0.017640477411650209, 0.763885714780696778), rel=1e-9
    )
    differences = Group.from_values("d", A.values - b.values)
    summary = paired_t_from_differences(_summary(differences), "a", "b")
    assert summary.p == pytest.approx(row.p, rel=1e-12)


@pytest.mark.parametrize("name", ["sleep", "tooth_supp"])
def test_agrees_with_the_shared_results_of_r(name: str, shared_data: Path):
    folder = shared_data / "statistics"
    truth = json.loads((folder / "twosample.json").read_text())[name]
    with (folder / truth["csv"]).open() as file:
        rows = list(csv.DictReader(file))
    a, b = (
        Group.from_values(g, [float(r["value"]) for r in rows if r["g"] == g])
        for g in (truth["x"], truth["y"])
    )
    worst = 0.0
    for key, test in (("t_pooled", student_t), ("t_welch", welch_t)):
        for side in ("two.sided", "less", "greater"):
            row = test(a, b, alternative=side.replace(".", "-"))
            expected = truth[f"{key}_{side}"]
            pairs = [(row.statistic, expected["statistic"]), (row.p, expected["p"])]
            pairs += [(float(row.df), expected["df"])]
            pairs += [
                (got, want)
                for got, want in zip((row.ci_low, row.ci_high), expected["ci"], strict=True)
                if want is not None
            ]
            worst = max([worst, *(abs(got / want - 1) for got, want in pairs)])
    row = paired_t(a, b)
    worst = max(worst, abs(row.p / truth["t_paired"]["p"] - 1))
    print(f"{name}: largest relative difference from R {worst:.1e}")
    assert worst < 1e-9


def test_p_keeps_its_digits_far_into_the_tail():
    """R 4.2.2: 2 * pt(-20, 8), 2 * pt(-1e-3, 8), 2 * pt(-40, 198)."""
    assert t_probability(20, 8) == pytest.approx(4.0739183286749247e-08, rel=1e-9)
    assert t_probability(1e-3, 8) == pytest.approx(0.99922660210308933, rel=1e-12)
    assert t_probability(-40, 198) == pytest.approx(8.3907434543659863e-97, rel=1e-9)
    assert t_probability(0.0, 8) == 1.0
    assert t_probability(math.inf, 8) == 0.0


groups = st.lists(st.integers(-1000, 1000), min_size=2, max_size=12)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(groups, groups, st.sampled_from([1e-9, 0.3, 1.0, 1e12]))
def test_units_of_measure_and_order_change_nothing(x, y, scale):
    """Symmetry: a test of means is invariant to scale, and antisymmetric in its groups."""
    a, b = Group.from_values("a", np.array(x) * scale), Group.from_values("b", np.array(y) * scale)
    plain = (
        Group.from_values("a", np.array(x, float)[::-1]),
        Group.from_values("b", np.array(y, float)[::-1]),
    )
    for test in (student_t, welch_t):
        row, turned, unscaled = test(a, b), test(b, a), test(*plain)
        if math.isnan(unscaled.p):
            assert math.isnan(row.p)
            assert row.note
            continue
        assert row.p == pytest.approx(unscaled.p, rel=1e-9)
        assert row.effect == pytest.approx(scale * unscaled.effect, rel=1e-9, abs=1e-9 * scale)
        assert turned.p == row.p
        assert turned.effect == -row.effect
        assert turned.ci_low == -row.ci_high


def test_bad_groups_give_a_reason_and_no_p():
    """By definition: no spread is known from one value, and none from equal values."""
    one, flat = Group.from_values("one", [3.0]), Group.from_values("flat", [0.1, 0.1, 0.1])
    other = Group.from_values("other", [0.7, 0.7])
    for test in (student_t, welch_t):
        small = test(A, one)
        assert math.isnan(small.p)
        assert "one has n = 1" in small.note
        assert small.effect == pytest.approx(A.mean - 3)
        constant = test(flat, other)
        assert math.isnan(constant.p)
        assert "all equal" in constant.note
        assert not constant.significant
        assert not math.isnan(test(A, flat).p)


def test_paired_needs_pairs_and_raw_values():
    with pytest.raises(ValueError, match="'a' has 5, 'b' has 6"):
        paired_t(A, B)
    with pytest.raises(ValueError, match="raw values"):
        paired_t(A, _summary(B))
    equal = paired_t(Group.from_values("x", [2.0, 3.0]), Group.from_values("y", [1.0, 2.0]))
    assert math.isnan(equal.p)
    assert "all differences are equal" in equal.note


def test_unknown_sides_and_levels_are_refused():
    with pytest.raises(ValueError, match="two-sided"):
        student_t(A, B, alternative="bigger")
    with pytest.raises(ValueError, match="alpha is 5"):
        student_t(A, B, alpha=5)


def test_p_is_uniform_under_the_null_by_simulation():
    """Simulation, seed 1: 4000 pairs of groups of 6 and 9 of one normal distribution."""
    rng = np.random.default_rng(1)
    p = [
        student_t(
            Group.from_values("a", rng.normal(size=6)), Group.from_values("b", rng.normal(size=9))
        ).p
        for _ in range(4000)
    ]
    # Kolmogorov's bound at 0.001 for so many draws: 1.95 / √4000.
    distance = np.abs(np.sort(p) - (np.arange(4000) + 0.5) / 4000).max()
    print(f"largest distance from uniform {distance:.4f}")
    assert distance < 1.95 / math.sqrt(4000)


def test_cells_as_n_reject_far_too_often_and_animals_do_not():
    """Simulation, seed 2: no effect, 5 animals a group, 20 cells each, half the variance between.

    Counting cells has design effect 1 + 19 · 0.5 = 10.5, so a nominal 5 % becomes over half.
    """
    rng = np.random.default_rng(2)
    cells, animals = 0, 0
    for _ in range(400):
        values = rng.normal(size=(2, 5, 1)) + rng.normal(size=(2, 5, 20))
        a, b = (Group.from_values(n, v.ravel()) for n, v in zip("ab", values, strict=True))
        cells += student_t(a, b).significant
        a, b = (Group.from_values(n, v.mean(axis=1)) for n, v in zip("ab", values, strict=True))
        animals += student_t(a, b).significant
    print(f"rejected: cells {cells / 400:.3f}, animals {animals / 400:.3f}")
    assert cells / 400 > 0.4
    assert 0.02 < animals / 400 < 0.09


def _summary(group: Group) -> Group:
    return Group.from_sem(group.name, group.n, mean=group.mean, sem=group.sem)
