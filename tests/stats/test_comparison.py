"""The form of results: columns, dtypes, notes."""

import math
import subprocess
import sys

import pandas as pd
import pytest

from xenoquant.stats.comparison import (
    COMPARISON_COLUMNS,
    TESTS,
    Comparison,
    check_alternative,
    comparison_table,
    format_df,
    join_notes,
)


def test_columns_are_those_of_the_contract():
    """The columns of comparisons.csv as the design promises them, after assay and feature."""
    promised = (
        "test, group_a, group_b, statistic, df, p, p_adjusted, effect, ci_low, ci_high, "
        "significant, note"
    )
    assert ", ".join(COMPARISON_COLUMNS) == promised
    names = (
        "student_t, welch_t, paired_t, wilcoxon, anova, welch_anova, newman_keuls, tukey_hsd, "
        "dunnett, kruskal, dunn, permutation, equivalence, mixed_model, negative_binomial, logistic"
    )
    assert ", ".join(TESTS) == names


@pytest.mark.parametrize("rows", [[], [Comparison(test="anova", df="2, 27", p=0.01)]])
def test_tables_have_their_columns_and_dtypes_even_when_empty(rows):
    table = comparison_table(rows)
    assert tuple(table.columns) == COMPARISON_COLUMNS
    assert len(table) == len(rows)
    assert table["significant"].dtype == bool
    assert (table[["statistic", "p", "p_adjusted", "effect"]].dtypes == "float64").all()
    assert pd.api.types.is_string_dtype(table["df"])


def test_importing_the_statistics_is_quick():
    """House rule: pandas, scipy, statsmodels and altair are imported where they are used."""
    code = (
        "import sys, xenoquant.stats.compare, xenoquant.stats.figures; "
        "print([m for m in ('pandas', 'scipy', 'statsmodels', 'altair') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_row_without_a_test_is_not_significant():
    row = Comparison(test="anova", note="no test")
    assert math.isnan(row.p)
    assert not row.significant
    assert row.noted("", "left out", "no test").note == "no test; left out"


def test_text_of_degrees_of_freedom_and_notes():
    """Ten significant digits hold 1e-9 of a Welch df; whole numbers stay whole."""
    assert format_df(18) == "18"
    assert format_df(2, 27.0) == "2, 27"
    assert abs(float(format_df(17.776473516178527)) / 17.776473516178527 - 1) < 1e-9
    assert join_notes("a", "", "b", "a") == "a; b"
    with pytest.raises(ValueError, match="group_a lies above group_b"):
        check_alternative("two.sided")
