"""The report's sentences about pairs of groups, against tests written by hand."""

import math
from typing import Any

import pandas as pd
from written_results import comparison_table, group_table

from xenoquant.pipeline.report_claims import claims, pairs_of
from xenoquant.pipeline.results_tables import COLUMNS


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


def test_an_effect_that_is_no_difference_is_not_called_one() -> None:
    """Dunn's z alone: direction from the groups' means, no difference and no interval."""
    row = ("lungs", "nodules", "dunn", "none", "control", 3.0, "", 0.001, 0.003, 0.9)
    table = pd.DataFrame([(*row, 0.1, 1.0, True, "")], columns=list(COLUMNS["comparisons"]))
    (line,) = claims(table, read_like(group_table()), reference="control", alpha=0.05)
    assert line.text == "Higher in none than in control."
    assert "difference" not in line.evidence
    assert "Dunn p = 0.00300" in line.evidence
