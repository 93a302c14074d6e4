"""From rows to units: exclusions stated, repeated units refused, pools counted once."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xenoquant.stats.columns import group_names, natural_key
from xenoquant.stats.units import units_of


def _cells(per_animal: int = 3) -> pd.DataFrame:
    rows = [
        (f"{group}{i}", group, level + i + cell)
        for group, level in (("control", 0.0), ("low", 2.0))
        for i in range(4)
        for cell in np.linspace(-0.5, 0.5, per_animal)
    ]
    return pd.DataFrame(rows, columns=["animal", "group", "value"])


def test_cells_are_refused_with_what_would_have_gone_wrong():
    """By hand: 24 rows, 8 animals; R 4.2.2: t.test of rows and of means, 0.00070 and 0.071."""
    with pytest.raises(ValueError, match="24 rows for 8 animals") as caught:
        units_of(_cells())
    message = str(caught.value)
    assert "independent" in message
    assert "p = 0.0007 by rows instead of p = 0.071 by animals" in message
    assert "aggregate=True" in message
    assert "rows_are_units=True" in message


def test_the_shared_nested_cells_are_refused_with_rs_numbers(shared_data: Path):
    """R's t tests: 1.6e-07 by cells, 0.19 by animals."""
    table = pd.read_csv(shared_data / "statistics" / "lmm_nested_cells.csv")
    with pytest.raises(ValueError, match=r"p = 1\.6e-07 by rows instead of p = 0\.19 by animals"):
        units_of(table, value="y")


def test_averaging_takes_each_animals_mean():
    """By hand: the cells lie evenly around 0, 1, 2, 3 and 2, 3, 4, 5."""
    units = units_of(_cells(), aggregate=True)
    assert [g.values.round(12).tolist() for g in units.groups] == [[0, 1, 2, 3], [2, 3, 4, 5]]
    assert "mean of its rows (24 rows)" in units.unit_note
    rows = units_of(_cells(), rows_are_units=True)
    assert [g.n for g in rows.groups] == [12, 12]
    assert "24 rows of 8 animal names" in rows.unit_note
    with pytest.raises(ValueError, match="contradict"):
        units_of(_cells(), aggregate=True, rows_are_units=True)


def test_exclusions_are_counted_and_named():
    table = pd.DataFrame(
        {
            "animal": list("abcdefgh"),
            "group": ["x", "x", "x", "y", "y", "y", None, "z"],
            "value": [1, np.nan, np.inf, 2, 3, "", 5, 6],
        }
    )
    units = units_of(table, groups=["y", "x"])
    assert [g.name for g in units.groups] == ["y", "x"]
    assert [g.n for g in units.groups] == [2, 1]
    assert units.group_notes["x"] == (
        "1 missing value of x left out; 1 infinite value of x left out"
    )
    assert units.group_notes["y"] == "1 missing value of y left out"
    assert "1 row without a group left out" in units.note
    assert "1 row of other groups (z) left out" in units.note


def test_order_of_rows_changes_nothing():
    table = _cells(1)
    mixed = table.sample(frac=1, random_state=0)
    first, second = units_of(table), units_of(mixed)
    assert [g.values.tolist() for g in first.groups] == [g.values.tolist() for g in second.groups]
    assert [g.name for g in second.groups] == ["control", "low"]


def test_groups_come_in_natural_or_category_order():
    """Numbers inside names count as numbers; a categorical column has its own order."""
    names = ["350 ppm", "3.5 ppm", "35 ppm"]
    assert group_names(pd.Series(names)) == ["3.5 ppm", "35 ppm", "350 ppm"]
    ordered = pd.Series(pd.Categorical(names, categories=["35 ppm", "350 ppm", "3.5 ppm", "0"]))
    assert group_names(ordered) == ["35 ppm", "350 ppm", "3.5 ppm"]
    assert group_names(pd.Series([350.0, 3.5, np.nan])) == ["3.5", "350"]
    assert sorted(["b10", "b9", "a"], key=natural_key) == ["a", "b9", "b10"]
    with pytest.raises(ValueError, match="named twice: a"):
        group_names(pd.Series(["a"]), ["a", "a"])


def test_a_pool_is_one_sample_however_often_it_was_measured():
    """By definition: measurements of one pool are technical replicates, n = 1."""
    table = pd.DataFrame(
        {
            "animal": ["a1", "a2", "a3", "b1", "b2", "b3"],
            "group": ["a"] * 3 + ["b"] * 3,
            "value": [1.0, 2.0, 3.0, 4.0, 5.0, 9.0],
            "pool": ["", "", "", "p", "p", "p"],
            "is_pool": [False, False, False, True, True, True],
        }
    )
    for column in ("pool", "is_pool"):
        units = units_of(table, pooled=column)
        assert [g.n for g in units.groups] == [3, 1]
        assert units.groups[1].mean == 6.0
        assert units.pooled == {"b"}
        assert "b holds a pooled sample" in units.group_notes["b"]


def test_names_in_two_groups_are_noted():
    table = pd.DataFrame({"animal": [1, 2, 1, 2], "group": list("aabb"), "value": [1, 2, 3, 4]})
    assert "2 of 2 names in column animal" in units_of(table).shared_note


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"value": "volume"}, "no column 'volume'; its columns are animal, group, value"),
        ({}, {"unit": "mouse"}, "no column 'mouse'"),
        ({"group": "one"}, {}, "at least two groups, and column 'group' gives 1"),
        ({"value": "ND"}, {}, "4 entries that are not numbers, such as 'ND'"),
        ({"animal": None}, {}, "4 rows with a value have no animal"),
    ],
)
def test_bad_tables_are_refused(change, options, message):
    table = pd.DataFrame({"animal": list("wxyz"), "group": list("aabb"), "value": [1, 2, 3, 4]})
    with pytest.raises(ValueError, match=message):
        units_of(table.assign(**change), **options)
