"""The report's sentences about pairs of groups, against tests written by hand."""

import math
from typing import Any

import pandas as pd
import pytest
from written_results import COMPARISONS, comparison_table, group_table

from xenoquant.pipeline.report_claims import claims, pairs_of
from xenoquant.pipeline.results_tables import COLUMNS
from xenoquant.stats.compare import compare_groups


def claims_by_pair() -> dict[str, Any]:
    lines = claims(
        read_like(comparison_table()), read_like(group_table()), reference="control", alpha=0.05
    )
    return {line.text: line for line in lines}


def read_like(table: pd.DataFrame) -> pd.DataFrame:
    """Give a table the types that reading it would."""
    numbers = ["ci_low", "ci_high"]
    return table.assign(**{name: pd.to_numeric(table[name], errors="coerce") for name in numbers})


def test_claims_follow_the_tests_by_hand() -> None:
    """Both tests: a claim; one test: a claim with its limit; none: no claim of equality."""
    said = claims_by_pair()
    assert "Higher in none than in control." in said
    assert "Higher in low than in control by Newman-Keuls alone, not by Tukey's HSD." in said
    nothing = "No difference shown between none and low; this is no evidence that they are equal."
    assert nothing in said
    assert next(iter(said)) == "A difference between the groups is shown."


def test_claims_carry_effect_interval_and_p() -> None:
    """Numbers of the hand-written table, with the interval's test named."""
    evidence = claims_by_pair()["Higher in none than in control."].evidence
    assert "Means 9 (n = 3) and 2 (n = 3)" in evidence
    assert "difference +7 (95 % CI 4.500 to 9.500, Tukey's HSD)" in evidence
    assert "Newman-Keuls p < 0.0001" in evidence
    assert "Tukey's HSD p = 0.000212" in evidence


def test_pairs_given_in_either_order_are_one_pair() -> None:
    """Tests that name the pair the other way round join it; the interval's order is kept."""
    table = read_like(comparison_table())
    turned = table["test"] == "newman_keuls"
    table.loc[turned, ["group_a", "group_b"]] = table.loc[turned, ["group_b", "group_a"]].to_numpy()
    pairs = pairs_of(table)
    assert len(pairs) == 3
    assert {(pair.group_a, pair.group_b) for pair in pairs} == {
        ("low", "control"),
        ("none", "control"),
        ("none", "low"),
    }
    assert all(len(pair.tests) == 2 for pair in pairs)


def test_a_pair_without_p_is_not_called_equal() -> None:
    """With n = 1 there is no test: the line gives the table's reason and claims nothing."""
    row = ("lungs", "nodules", "student_t", "low", "control", "", "", math.nan, math.nan, 2.0)
    reason = "no test: low has n = 1"
    table = pd.DataFrame(
        [(*row, math.nan, math.nan, False, reason)], columns=list(COLUMNS["comparisons"])
    )
    (line,) = claims(table, read_like(group_table()), reference="control", alpha=0.05)
    assert line.text == "low and control could not be tested."
    assert reason in line.evidence


OUTLIER = {"a": [1, 1, 1, 1, 1, 1, 200], "b": [2, 3, 2, 3, 2, 3, 2]}


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_a_rank_test_is_not_given_the_direction_of_the_means(order: str) -> None:
    """By hand: one outlier lifts a's mean to 29 over b's 2.4, yet six of seven lie below all b."""
    rows = [
        {"animal": f"{name}{place}", "group": name, "value": value}
        for name in order
        for place, value in enumerate(OUTLIER[name])
    ]
    table = pd.DataFrame(rows)
    comparisons = compare_groups(table, groups=list(order))
    means = table.groupby("group")["value"].agg(["count", "mean"]).reset_index()
    means.columns = ["group", "n", "mean"]
    (line,) = claims(comparisons, means, reference=order[0], alpha=0.05)
    a, b = order[::-1]
    word = "Lower" if a == "a" else "Higher"
    by = "by Wilcoxon alone, not by Student's t and Welch's t"
    assert line.text == f"{word} in {a} than in {b} {by}."


def test_tests_that_point_in_two_directions_are_told_apart() -> None:
    """By hand: the mean is higher, the ranks are lower, both significant: no single direction."""
    rows = [("student_t", 2.0, 0.5, 3.5), ("wilcoxon", -0.6, -0.9, -0.1)]
    table = pd.DataFrame(
        [
            *(
                (
                    "lungs",
                    "nodules",
                    test,
                    "low",
                    "control",
                    3.0,
                    "",
                    0.01,
                    0.01,
                    *numbers,
                    True,
                    "",
                )
                for test, *numbers in rows
            )
        ],
        columns=list(COLUMNS["comparisons"]),
    )
    (line,) = claims(table, read_like(group_table()), reference="control", alpha=0.05)
    assert line.text == "low and control differ: low is higher by Student's t, lower by Wilcoxon."


def test_tests_of_all_groups_show_the_p_that_decided() -> None:
    """The report says that p is adjusted: so is the p of the line, and the line agrees with it."""
    row = ("lungs", "nodules", "anova", "", "", 4.0, "2, 6", 0.03, 0.09, 0.5)
    table = pd.DataFrame([(*row, 0.0, 0.8, False, "")], columns=list(COLUMNS["comparisons"]))
    (line,) = claims(table, read_like(group_table()), reference="control", alpha=0.05)
    assert line.text == "No difference between the groups was shown."
    assert line.evidence == "One-way ANOVA: p = 0.0900"


def test_the_test_of_counts_is_among_those_of_all_groups() -> None:
    row = ("lungs", "nodules", "negative_binomial", "", "", 8.0, "2", 0.018, 0.018, math.nan)
    rows = [*COMPARISONS[:1], (*row[2:], math.nan, math.nan, False, "")]
    table = pd.DataFrame([("lungs", "nodules", *held) for held in rows])
    table.columns = list(COLUMNS["comparisons"])
    (line,) = claims(table, read_like(group_table()), reference="control", alpha=0.05)
    assert line.text == "The tests over all groups disagree on whether the groups differ."
    assert "Negative binomial: p = 0.0180" in line.evidence


def test_an_effect_that_is_no_difference_is_not_called_one() -> None:
    """Dunn's z alone: direction from the groups' means, no difference and no interval."""
    row = ("lungs", "nodules", "dunn", "none", "control", 3.0, "", 0.001, 0.003, 0.9)
    table = pd.DataFrame([(*row, 0.1, 1.0, True, "")], columns=list(COLUMNS["comparisons"]))
    (line,) = claims(table, read_like(group_table()), reference="control", alpha=0.05)
    assert line.text == "Higher in none than in control."
    assert "difference" not in line.evidence
    assert "Dunn p = 0.00300" in line.evidence
