"""Permutation test against enumeration in R 4.2.2 and coin."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from xenoquant.stats.permutation import permutation, subset_sums
from xenoquant.stats.summaries import Group

A = Group.from_values("a", [12.1, 9.8, 11.4, 10.6, 13.0])
B = Group.from_values("b", [8.7, 10.1, 9.4, 7.9, 8.8, 9.9])
TIED_X = Group.from_values("x", [3, 1, 4, 1, 5, 9, 2])
TIED_Y = Group.from_values("y", [2, 6, 5, 3])


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (A, B, (0.0086580086580086580, 0.9956709956709957, 0.0064935064935064939)),
        (TIED_X, TIED_Y, (0.80909090909090908, 0.42424242424242425, 0.65454545454545454)),
    ],
)
def test_exact_agrees_with_r(a, b, expected):
    """R 4.2.2: mean differences over combn(), |difference| and both tails."""
    for side, p in zip(("two-sided", "less", "greater"), expected, strict=True):
        row = permutation(a, b, alternative=side)
        assert row.p == pytest.approx(p, rel=1e-12)
        assert "exact" in row.note


def test_exact_agrees_with_coin(shared_data: Path):
    """sleep: 184,756 ways; coin 1.4.2 and enumeration."""
    folder = shared_data / "statistics"
    truth = json.loads((folder / "twosample.json").read_text())["sleep"]
    with (folder / truth["csv"]).open() as file:
        rows = list(csv.DictReader(file))
    a, b = (
        Group.from_values(g, [float(r["value"]) for r in rows if r["g"] == g]) for g in ("1", "2")
    )
    row = permutation(a, b)
    assert row.p == pytest.approx(truth["perm_mean_exact_enum"]["p"], rel=1e-9)
    assert "184,756" in row.note


def test_monte_carlo_is_seeded_and_near_the_t_test():
    """Large groups: the permutation p tends to Student's; the same seed gives the same p."""
    from xenoquant.stats.two_groups import student_t

    rng = np.random.default_rng(6)
    a = Group.from_values("a", rng.normal(size=30))
    b = Group.from_values("b", rng.normal(loc=0.5, size=30))
    first, second = permutation(a, b), permutation(a, b)
    assert first.p == second.p
    assert "99,999 permutations" in first.note
    p = student_t(a, b).p
    assert first.p == pytest.approx(p, abs=5 * math.sqrt(p * (1 - p) / 99_999) + 0.003)
    apart = permutation(
        Group.from_values("a", np.arange(30.0)),
        Group.from_values("b", 100 + np.arange(30.0)),
        resamples=999,
    )
    assert apart.p == 1 / 1000


def test_subset_sums_are_all_there():
    """By hand: pairs of 1, 2, 4."""
    assert sorted(subset_sums(np.array([1.0, 2.0, 4.0]), 2)) == [3, 5, 6]


def test_units_of_measure_change_nothing():
    """Ties of sums are the same sums in any unit."""
    for scale in (0.1, 1 / 3, 1e-7, 1e6):
        x, y = (Group.from_values(g.name, g.values * scale) for g in (TIED_X, TIED_Y))
        assert permutation(x, y).p == pytest.approx(0.80909090909090908, rel=1e-12)


def test_what_cannot_be_permuted_is_stated():
    flat = Group.from_values("f", [2.0, 2.0])
    assert "all values are equal" in permutation(flat, flat).note
    assert "one has n = 1" in permutation(A, Group.from_values("one", [1.0])).note
    apart = permutation(flat, Group.from_values("g", [3.0, 3.0]))
    assert apart.p == pytest.approx(1 / 3)
    assert "no interval" in apart.note
    with pytest.raises(ValueError, match="raw values"):
        permutation(A, Group.from_sd("s", 5, mean=1, sd=1))
    with pytest.raises(ValueError, match="resamples is 0"):
        permutation(A, B, resamples=0)
