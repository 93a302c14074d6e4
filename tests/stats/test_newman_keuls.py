"""Newman-Keuls against ptukey of R 4.2.2 and the shared step-by-step results."""

import json
import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xenoquant.stats.newman_keuls import (
    homogeneous_subsets,
    newman_keuls,
    newman_keuls_family_error,
    newman_keuls_steps,
)
from xenoquant.stats.studentized_range import range_probability, range_quantile
from xenoquant.stats.summaries import Group

GROUPS = [
    Group.from_values("a", [12.1, 9.8, 11.4, 10.6, 13.0]),
    Group.from_values("b", [8.7, 10.1, 9.4, 7.9, 8.8, 9.9]),
    Group.from_values("c", [6.2, 7.5, 8.8, 5.9]),
]
PROTECTED = [
    Group.from_sd(name, 6, mean=mean, sd=1.7)
    for name, mean in {"A": 10, "B": 10.15, "C": 12.45, "D": 12.6}.items()
]


def test_studentized_range_agrees_with_r():
    """R 4.2.2: ptukey(3.5, 4, 20), ptukey(5, 6, 60), upper tails; qtukey: good to 6 digits."""
    assert range_probability(3.5, 4, 20) == pytest.approx(0.0949584505485566721, rel=1e-6)
    assert range_probability(5, 6, 60) == pytest.approx(0.0098203680946452598, rel=1e-6)
    assert range_quantile(0.95, 4, 20) == pytest.approx(3.9582934614503928, rel=1e-6)
    assert range_quantile(0.99, 3, 10) == pytest.approx(5.2701615370332799, rel=1e-6)
    assert range_probability(0, 3, 10) == 1.0
    assert range_probability(400, 3, 60) >= 0.0


def test_two_means_are_a_t_test():
    """Identity: the range of two means is √2 |t|."""
    from xenoquant.stats.two_groups import t_probability

    for df in (2, 8, 17, 66, 537, 99_997):
        for t in (1e-3, 0.4, 3.0, 12.0, 40.0):
            expected = t_probability(t, df)
            got = range_probability(t * math.sqrt(2), 2, df)
            assert got == pytest.approx(expected, rel=1e-11, abs=1e-300)


@pytest.mark.parametrize(("means", "df"), [(3, 2), (3, 24), (6, 66), (10, 8)])
def test_studentized_range_agrees_with_scipy(means, df):
    """scipy's adaptive integral, good to 1e-12 here."""
    from scipy import stats

    for q in (0.3, 2.0, 3.5, 6.0):
        expected = stats.studentized_range.sf(q, means, df)
        assert range_probability(q, means, df) == pytest.approx(expected, rel=0, abs=2e-12)


def test_groups_far_apart_keep_a_p_above_zero():
    """Bonferroni's bound, which three means reach far out: 3 P(|t| ≥ q / √2)."""
    from xenoquant.stats.two_groups import t_probability

    bound = 3 * t_probability(20 / math.sqrt(2), 66)
    assert range_probability(20, 3, 66) == pytest.approx(bound, rel=1e-6)
    assert 0 < range_probability(1e6, 3, 24) < 1e-100


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (
            "kramer",
            {
                "ac": (8.08086745699367, 0.000264349721417),
                "ab": (4.69919425209479, 0.00607822585007),
                "bc": (3.98964884714635, 0.0154281988931),
            },
        ),
        (
            "harmonic",
            {
                "ac": (8.45443584789558, 0.000175801980074),
                "ab": (4.43792037498569, 0.00856233528962),
                "bc": (4.01651547290989, 0.0148938008383),
            },
        ),
    ],
)
def test_unequal_sizes_in_both_forms_agree_with_r(form, expected):
    """R 4.2.2: q with MSE of aov(y ~ g), p = ptukey(q, r, 12, lower = FALSE)."""
    for step in newman_keuls_steps(GROUPS, form=form):
        q, p = expected["".join(sorted((step.low, step.high)))]
        assert step.q == pytest.approx(q, rel=1e-9)
        assert step.p == pytest.approx(p, rel=1e-6)


def test_a_range_that_is_not_significant_closes_those_inside():
    """Hand: A to D gives q = 3.746 of four means, p 0.0676; B to C alone would have p 0.0296."""
    rows = {(r.group_a, r.group_b): r for r in newman_keuls(PROTECTED)}
    inner = rows["C", "B"]
    assert inner.p == pytest.approx(0.0676, abs=5e-5)
    assert inner.p_adjusted == inner.p
    assert not inner.significant
    assert "closed by a wider range" in inner.note
    assert "0.02956" in inner.note
    assert set(homogeneous_subsets(PROTECTED).values()) == {"a"}


@pytest.mark.parametrize("form", ["kramer", "harmonic"])
def test_agrees_with_the_shared_results_of_r(form: str, shared_data: Path):
    """Every range, letter and protected pair of four data sets; both protected pairs are closed."""
    folder, worst, closed = shared_data / "statistics", 0.0, []
    for name, truth in json.loads((folder / "oneway.json").read_text()).items():
        table = pd.read_csv(folder / truth["csv"])
        groups = [
            Group.from_values(n, part[truth["response"]].to_numpy())
            for n, part in table.groupby(truth["group"])
        ]
        steps = {(s.low, s.high): s for s in newman_keuls_steps(groups, form=form)}
        for want in truth[f"snk_{form}"]["pairs"]:
            step = steps[want["low"], want["high"]]
            assert step.means == want["r"]
            assert step.q == pytest.approx(want["q"], rel=1e-9)
            assert (step.p < 0.05) == want["reject"]
            assert step.protected == want["protected"]
            worst = max(worst, abs(step.p - want["p_stepwise"]))
            if want["protected"]:
                closed.append((name, step.low, step.high))
        assert homogeneous_subsets(groups, form=form) == truth[f"snk_{form}"]["letters"]
    print(f"{form}: largest difference of p {worst:.1e}; closed: {closed}")
    # R's ptukey is good to about ten decimals on these data.
    assert worst < 1e-9
    assert ("synthetic_protected", "B", "C") in closed


def test_the_closed_pair_of_unequal_sizes(shared_data: Path):
    """chickwts, meatmeal-casein: its own range has p 0.0435, a wider one closes it."""
    table = pd.read_csv(shared_data / "statistics" / "chickwts.csv")
    groups = [Group.from_values(n, p["weight"].to_numpy()) for n, p in table.groupby("feed")]
    rows = {frozenset((r.group_a, r.group_b)): r for r in newman_keuls(groups)}
    row = rows[frozenset(("meatmeal", "casein"))]
    assert not row.significant
    assert "its own p = 0.04" in row.note


@settings(max_examples=15, deadline=None, derandomize=True, database=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(2, 9), st.integers(1, 4)),
        min_size=3,
        max_size=5,
    ),
    st.randoms(use_true_random=False),
)
def test_stepwise_p_never_falls_outward_in_and_order_changes_nothing(specification, random):
    """By definition: a range's p is at least that of every range around it."""
    groups = [
        Group.from_sd(f"g{i}", n, mean=mean, sd=sd) for i, (mean, n, sd) in enumerate(specification)
    ]
    steps = newman_keuls_steps(groups)
    order = [g.name for g in sorted(groups, key=lambda g: (g.mean, g.name))]
    p = {(order.index(s.low), order.index(s.high)): s.p for s in steps}
    for (i, j), own in p.items():
        for (k, m), outer in p.items():
            if k <= i and j <= m:
                assert outer <= own
    shuffled = list(groups)
    random.shuffle(shuffled)
    again = {(s.low, s.high): s.p for s in newman_keuls_steps(shuffled)}
    assert again == {(s.low, s.high): s.p for s in steps}


def test_letters_say_what_the_p_values_say():
    """By definition: two groups share a letter exactly where their p is not below alpha."""
    rng = np.random.default_rng(5)
    for _ in range(8):
        groups = [
            Group.from_sd(f"g{i}", 8, mean=float(m), sd=1.0)
            for i, m in enumerate(rng.normal(scale=1.2, size=5))
        ]
        letters = homogeneous_subsets(groups)
        p = {frozenset((r.group_a, r.group_b)): r.p for r in newman_keuls(groups)}
        for a, b in combinations(letters, 2):
            share = bool(set(letters[a]) & set(letters[b]))
            assert share == (p[frozenset((a, b))] >= 0.05)


def test_family_error_is_named_above_three_groups():
    """1 − 0.95^⌊k/2⌋ at 3, 4 and 6 groups: 0.05, 0.0975, 0.1426."""
    assert [round(newman_keuls_family_error(k), 4) for k in (3, 4, 6)] == [0.05, 0.0975, 0.1426]
    assert not any("warning" in row.note for row in newman_keuls(GROUPS))
    assert "letters: a a, b b, c c" in newman_keuls(GROUPS)[0].note
    assert all("can reach 0.098" in row.note for row in newman_keuls(PROTECTED))


def test_family_error_by_simulation():
    """Simulation, seed 3: four groups in two far pairs of equal means err in about 0.09."""
    rng = np.random.default_rng(3)
    errors = 0
    for _ in range(1500):
        values = rng.normal(size=(4, 6)) + np.array([0, 0, 50, 50])[:, None]
        means, mse = values.mean(axis=1), values.var(axis=1, ddof=1).mean()
        # The far pairs are always significant, so each near pair is a range of two.
        q = np.abs(means[[0, 2]] - means[[1, 3]]) / math.sqrt(mse / 6)
        errors += bool((q > range_quantile(0.95, 2, 20)).any())
    print(f"family-wise error {errors / 1500:.3f}")
    assert 0.075 < errors / 1500 < 0.115


def test_groups_that_cannot_be_tested_are_stated():
    one = Group.from_values("one", [3.0])
    rows = {(r.group_a, r.group_b): r for r in newman_keuls([*GROUPS, one], reference="a")}
    assert math.isnan(rows["one", "a"].p)
    assert "n = 1" in rows["one", "a"].note
    assert rows["b", "a"].p == pytest.approx(newman_keuls(GROUPS)[0].p)
    with pytest.raises(ValueError, match="can't be run"):
        homogeneous_subsets([*GROUPS, one])
    with pytest.raises(ValueError, match="kramer"):
        newman_keuls(GROUPS, form="geometric")
