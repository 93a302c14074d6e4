"""Groups and their descriptions against R 4.2.2 and by hand."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xenoquant.stats.summaries import SUMMARY_COLUMNS, Group, mean_interval, summarise_groups

VALUES = [12.1, 9.8, 11.4, 10.6, 13.0]


def test_sem_and_sd_are_the_same_group():
    """By definition SD = SEM · √n."""
    assert Group.from_sem("a", 9, mean=14, sem=2) == Group.from_sd("a", 9, mean=14, sd=6)
    raw = Group.from_values("a", VALUES)
    again = Group.from_sem("a", 5, mean=raw.mean, sem=raw.sem)
    assert again.sd == pytest.approx(raw.sd, rel=1e-15)


def test_intervals_of_a_mean():
    """R 4.2.2: t.test(a)$conf.int; and mean ± 1.96 SEM for z."""
    group = Group.from_values("a", VALUES)
    assert mean_interval(group) == pytest.approx(
        (9.8281683549147409, 12.9318316450852624), rel=1e-12
    )
    low, high = mean_interval(group, method="z")
    assert high - low == pytest.approx(2 * 1.959963984540054 * group.sem, rel=1e-12)


def test_summaries_agree_with_the_shared_results_of_r(shared_data: Path):
    folder = shared_data / "statistics"
    for truth in json.loads((folder / "oneway.json").read_text()).values():
        table = pd.read_csv(folder / truth["csv"])
        got = summarise_groups(table, value=truth["response"], group=truth["group"])
        by_name = got.set_index("group")
        for row in truth["groups"]:
            own = by_name.loc[row["group"]]
            assert own["n"] == row["n"]
            assert own["mean"] == pytest.approx(row["mean"], rel=1e-12)
            assert own["sem"] == pytest.approx(row["sem"], rel=1e-12)
            assert (own["ci_low"], own["ci_high"]) == pytest.approx(row["ci95_t"], rel=1e-9)
            assert own["median"] == pytest.approx(row["median"], rel=1e-12)
            assert (own["q1"], own["q3"]) == pytest.approx(row["quartiles_type7"], rel=1e-12)


def test_table_of_groups_has_its_columns_and_counts_finite_values():
    """By hand: n counts finite values; quartiles as R's quantile() of type 7."""
    table = pd.DataFrame(
        {
            "group": ["b", "a", "a", "a", "b", "b", "b", "b"],
            "value": [6.2, 1.0, np.nan, np.inf, 7.5, 8.8, 5.9, np.nan],
        }
    )
    got = summarise_groups(table, groups=["b", "a", "none"])
    assert tuple(got.columns) == SUMMARY_COLUMNS
    assert got["group"].tolist() == ["b", "a", "none"]
    assert got["n"].tolist() == [4, 1, 0]
    assert got.loc[0, ["q1", "median", "q3"]].tolist() == pytest.approx([6.125, 6.85, 7.825])
    assert got.loc[1, "mean"] == 1.0
    assert math.isnan(got.loc[1, "sd"])
    assert got.loc[2, ["mean", "sd", "median"]].isna().all()


def test_equal_values_have_exactly_no_spread():
    """Ten times 0.1 add up to 0.9999…; the SD of equal values is 0 by definition."""
    group = Group.from_values("a", [0.1] * 10)
    assert group.sd == 0.0
    assert group.mean == 0.1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Group.from_values("a", [1, float("nan"), float("inf")]), "2 of 3 values"),
        (lambda: Group.from_sd("a", 5, mean=1, sd=-1), "SD is -1"),
        (lambda: Group.from_sd("a", 5, mean=float("nan"), sd=1), "mean is nan"),
        (lambda: Group("a", -1, 0, 0), "n is -1"),
        (lambda: Group.from_sd("a", 5, mean=1, sd=1).raw("wilcoxon"), "wilcoxon needs each unit"),
        (lambda: mean_interval(Group.from_sd("a", 5, mean=1, sd=1), level=95), "level is 95"),
    ],
)
def test_what_cannot_be_a_group_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
