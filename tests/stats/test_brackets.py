"""Brackets from given p-values, and points that don't cover one another."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xenoquant.stats.brackets import bracket_test, format_p, place_brackets
from xenoquant.stats.comparison import Comparison, comparison_table
from xenoquant.stats.swarm import swarm_offsets


def _rows(test: str, p: dict[str, float]) -> list[Comparison]:
    return [
        Comparison(test=test, group_a=pair[1], group_b=pair[0], p=value, p_adjusted=value)
        for pair, value in p.items()
    ]


def _place(rows, groups="abc", slot=120.0):
    return place_brackets(comparison_table(rows), list(groups), slot_px=slot, font_px=11)


def test_newman_keuls_comes_first_with_tukey_noted():
    """By hand: Tukey's verdict stands beside the p of the pair on which the two differ."""
    keuls = {"ab": 0.03, "bc": 0.2, "ac": 0.00001}
    rows = _rows("student_t", keuls) + _rows("newman_keuls", keuls)
    brackets, legend = _place(rows + _rows("tukey_hsd", {"ab": 0.07, "bc": 0.4, "ac": 0.00002}))
    assert {b.label for b in brackets} == {"p = 0.030 (Tukey 0.070)", "p = 0.20", "p < 0.001"}
    assert legend == "p: Newman-Keuls; Tukey's HSD disagrees on 1 of 3 pairs"
    agreed = _place(rows + _rows("tukey_hsd", {"ab": 0.04, "bc": 0.4, "ac": 0.00002}))[1]
    assert agreed.endswith("Tukey's HSD agrees")
    assert _place(_rows("student_t", {"ab": 0.03}))[1] == "p: Student's t test"


def test_pairs_without_p_and_other_groups_get_none():
    rows = [*_rows("student_t", {"ab": 0.03, "ad": 0.01}), Comparison(test="anova", p=0.01)]
    rows += _rows("student_t", {"bc": float("nan")})
    brackets, _ = _place(rows)
    assert [(b.left, b.right) for b in brackets] == [(0, 1)]
    assert _place([]) == ([], "")
    read_back = comparison_table(rows).replace("", None)
    assert bracket_test(read_back) == "student_t"


def test_many_pairs_show_the_significant_ones():
    names = "abcdef"
    p = {x + y: (0.01 if x == "a" else 0.5) for x in names for y in names if x < y}
    brackets, legend = _place(_rows("tukey_hsd", p), names, 70.0)
    assert len(brackets) == 5
    assert "pairs without a bracket: p ≥ 0.05" in legend
    brackets, legend = _place(_rows("tukey_hsd", dict.fromkeys(p, 0.001)), names, 70.0)
    assert len(brackets) == 10
    assert "10 smallest of 15" in legend


def test_brackets_of_one_level_do_not_touch():
    """By definition: on one level, neither lines nor labels of two brackets overlap."""
    names, slot = "abcdef", 60.0
    p = {x + y: 0.001 for x in names for y in names if x < y}
    brackets, _ = _place(_rows("newman_keuls", p), names, slot)
    for one in brackets:
        for other in brackets:
            if one is other or one.level != other.level:
                continue
            left, right = sorted((one, other), key=lambda b: b.left + b.right)
            text = len(left.label) * 11 * 0.5
            middles = ((right.left + right.right) - (left.left + left.right)) / 2 * slot
            assert middles >= text
            assert left.right <= right.left


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0004, "p < 0.001"),
        (0.0123, "p = 0.012"),
        (0.04963, "p = 0.0496"),
        (0.0996, "p = 0.100"),
        (0.25, "p = 0.25"),
        (1, "p > 0.99"),
    ],
)
def test_p_as_text(p, text):
    assert format_p(p) == text


@given(st.lists(st.floats(0, 300), min_size=1, max_size=60))
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
def test_points_of_a_swarm_do_not_overlap(positions):
    """By definition: no two centres nearer than a diameter, where the limit leaves room."""
    offsets = swarm_offsets(positions, diameter_px=7, limit_px=1e9)
    points = np.column_stack([offsets, positions])
    gaps = np.hypot(*(points[:, None, :] - points[None, :, :]).T)
    assert gaps[~np.eye(len(points), dtype=bool)].min(initial=7) >= 7 - 1e-6
    assert (offsets == swarm_offsets(positions, diameter_px=7, limit_px=1e9)).all()


def test_crowded_and_numerous_points_stay_inside_their_slot():
    for count in (50, 5000):
        offsets = swarm_offsets(np.zeros(count), diameter_px=7, limit_px=30)
        assert np.abs(offsets).max() <= 30
        assert np.ptp(offsets) > 40


def test_tables_read_back_from_csv_serve(tmp_path):
    """The text columns of a CSV read as NaN where they are empty."""
    table = comparison_table([Comparison(test="anova", p=0.01), *_rows("student_t", {"ab": 0.03})])
    table.to_csv(tmp_path / "c.csv", index=False)
    read = pd.read_csv(tmp_path / "c.csv")
    brackets, _ = place_brackets(read, ["a", "b"], slot_px=100, font_px=11)
    assert [b.label for b in brackets] == ["p = 0.030"]
