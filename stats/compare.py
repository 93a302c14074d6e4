"""What is run on a table of groups, by default and on request."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .columns import entry_text
from .comparison import (
    TESTS,
    Alternative,
    Comparison,
    check_alpha,
    check_alternative,
    comparison_table,
    join_notes,
)
from .layout import absent_note
from .runners import RUNNERS, Settings
from .summaries import Group
from .units import Units, units_from_summaries, units_of

if TYPE_CHECKING:
    import pandas as pd

TWO_GROUP_TESTS = ("student_t", "welch_t", "wilcoxon")
"""Tests that two groups get by default."""

MANY_GROUP_TESTS = ("anova", "welch_anova", "newman_keuls", "tukey_hsd", "kruskal")
"""Tests that three groups or more get by default."""

SUMMARY_TESTS = {
    True: ("anova", "welch_anova", "newman_keuls", "tukey_hsd"),
    False: ("student_t", "welch_t"),
}
"""Tests by default where raw values aren't known: of many groups, of two."""

_OF_ALL = ("anova", "welch_anova", "kruskal")
_ONE_SIDED = ("student_t", "welch_t", "paired_t", "wilcoxon", "permutation", "dunnett")


def compare_groups(
    values: "pd.DataFrame",
    *,
    value: str = "value",
    group: str = "group",
    unit: str | None = "animal",
    groups: Sequence[str] | None = None,
    reference: str | None = None,
    alpha: float = 0.05,
    tests: Sequence[str] | None = None,
    pooled: str | None = None,
    alternative: Alternative = "two-sided",
    margin: float | tuple[float, float] | None = None,
    per: float = 1.0,
    aggregate: bool = False,
    rows_are_units: bool = False,
) -> "pd.DataFrame":
    """Compare the groups of a table.

    Two groups get Student's t, Welch's t and Wilcoxon's test; three or more get analysis of
    variance, Welch's, Newman-Keuls and Tukey's HSD for all pairs, and Kruskal-Wallis. Missing and
    infinite values are left out, and the note of every row that they concern says so.

    Parameters
    ----------
    values : pandas.DataFrame
        One row an experimental unit, or rows of repeated units with `aggregate` or
        `rows_are_units`.
    value, group : str
        Columns of the value and of the group's name.
    unit : str or None
        Column of the experimental unit; None where each row is one.
    groups : sequence of str, optional
        The groups in their order; by default those in the table, in natural order.
    reference : str, optional
        The group that the others are compared with: it stands as `group_b`. By default the first
        group of a pair in the order of `groups`.
    alpha : float
        Level of significance; intervals have level 1 − alpha.
    tests : sequence of str, optional
        Tests to run instead of the default, in order: student_t, welch_t, paired_t, wilcoxon,
        permutation, equivalence and logistic take each pair; anova, welch_anova, newman_keuls,
        tukey_hsd, dunnett, kruskal, dunn and negative_binomial (counts) all groups; mixed_model
        takes the repeated rows of each unit as they are. newman_keuls brings tukey_hsd with it.
    pooled : str, optional
        Column that tells pooled samples: a pool's name, or True. A pool is one sample, n = 1,
        however often it was measured; groups of n = 1 get fold changes and no p.
    alternative : {"two-sided", "less", "greater"}
        Side of the tests of pairs and of dunnett; "greater" asks whether `group_a` lies above
        `group_b`.
    margin : float or tuple of float, optional
        Margin of `equivalence`, in the units of the values.
    per : float
        Odds ratios of `logistic` are per so much of the value.
    aggregate : bool
        Take each unit's mean over its rows.
    rows_are_units : bool
        Count every row as a unit, though units repeat.

    Returns
    -------
    pandas.DataFrame
        One row a test of a pair, or of all groups at once, with the columns `COMPARISON_COLUMNS`
        (see `Comparison` for each). A test that can't be run has NaN p and a note with the reason.

    Raises
    ------
    ValueError
        If there are fewer than two groups, a column is missing or not numeric, the reference is
        not among the groups, a test is unknown, or a unit is repeated within a group (cells or
        fields as rows) and nothing says how to count it.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"animal": list("abcdefgh"), "diet": ["control"] * 4 + ["low"] * 4,
    ...                       "value": [5, 7, 6, 8, 9, 12, 11, 10]})
    >>> rows = compare_groups(table, group="diet", reference="control")
    >>> rows[["test", "group_a", "group_b", "effect", "p"]].round(5).values.tolist()[0]
    ['student_t', 'low', 'control', 4.0, 0.00466]
    """
    tests = (tests,) if isinstance(tests, str) else tests
    units = units_of(
        values,
        value=value,
        group=group,
        unit=unit,
        groups=groups,
        pooled=pooled,
        aggregate=aggregate or _is_nested(tests),
        rows_are_units=rows_are_units,
    )
    return compare_units(
        units,
        reference=reference,
        alpha=alpha,
        tests=tests,
        alternative=alternative,
        margin=margin,
        per=per,
    )


def _is_nested(tests: Sequence[str] | None) -> bool:
    """Tell whether repeated rows of a unit are what the tests are about."""
    return tests is not None and set(tests) == {"mixed_model"}


def compare_units(
    units: Units,
    *,
    reference: str | None = None,
    alpha: float = 0.05,
    tests: Sequence[str] | None = None,
    alternative: Alternative = "two-sided",
    margin: float | tuple[float, float] | None = None,
    per: float = 1.0,
) -> "pd.DataFrame":
    """Compare groups that are already one value a unit, or known by summaries.

    Parameters
    ----------
    units : Units
        As `units_of` or `units_from_summaries` gives them.
    reference, alpha, tests, alternative, margin, per
        As in `compare_groups`. Groups known by their summaries get the tests on means.

    Returns
    -------
    pandas.DataFrame
        As `compare_groups`.

    Raises
    ------
    ValueError
        If a test is unknown, or needs raw values where there are none, or the reference is not
        among the groups.
    """
    check_alpha(alpha)
    check_alternative(alternative)
    many, bare = len(units.groups) > 2, any(group.values is None for group in units.groups)
    usual = SUMMARY_TESTS[many] if bare else MANY_GROUP_TESTS if many else TWO_GROUP_TESTS
    chosen = _with_tukey(usual if tests is None else tests)
    _check_tests(chosen, alternative, margin, per)
    reference = _reference(units, reference)
    settings = Settings(units, reference, alpha, alternative, margin, per)
    rows = [row for test in chosen for row in RUNNERS[test](settings)]
    return comparison_table(_with_notes(row, units) for row in rows)


def compare_summaries(
    table: "pd.DataFrame",
    *,
    mean: str = "mean",
    n: str = "n",
    sd: str | None = None,
    sem: str | None = None,
    group: str = "group",
    reference: str | None = None,
    alpha: float = 0.05,
    tests: Sequence[str] | None = None,
    alternative: Alternative = "two-sided",
    margin: float | tuple[float, float] | None = None,
) -> "pd.DataFrame":
    """Compare groups of which only n, mean and SD or SEM are known, as a paper prints them.

    Parameters
    ----------
    table : pandas.DataFrame
        A row a group.
    mean, n, group : str
        Columns.
    sd, sem : str, optional
        Column of the standard deviation, or of the standard error of the mean: one of the two.
    reference, alpha, tests, alternative, margin
        As in `compare_groups`; tests on ranks, permutations and counts need raw values.

    Returns
    -------
    pandas.DataFrame
        As `compare_groups`, with the numbers that the raw values would give.

    Raises
    ------
    ValueError
        As `units_from_summaries` and `compare_units`.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"group": ["low", "high"], "n": [9, 9], "mean": [14, 8],
    ...                       "sem": [2.0, 5 / 3]})
    >>> rows = compare_summaries(table, sem="sem", reference="high")
    >>> rows[["test", "statistic", "p"]].round(4).values.tolist()
    [['student_t', 2.3047, 0.0349], ['welch_t', 2.3047, 0.0354]]
    """
    return compare_units(
        units_from_summaries(table, mean=mean, n=n, sd=sd, sem=sem, group=group),
        reference=reference,
        alpha=alpha,
        tests=(tests,) if isinstance(tests, str) else tests,
        alternative=alternative,
        margin=margin,
    )


def _with_tukey(tests: Sequence[str]) -> tuple[str, ...]:
    """Put Tukey's test beside Newman-Keuls, which holds its error only weakly."""
    chosen = list(dict.fromkeys(tests))
    if "newman_keuls" in chosen and "tukey_hsd" not in chosen:
        chosen.insert(chosen.index("newman_keuls") + 1, "tukey_hsd")
    return tuple(chosen)


def _check_tests(
    chosen: Sequence[str],
    alternative: str,
    margin: float | tuple[float, float] | None,
    per: float,
) -> None:
    unknown = [test for test in chosen if test not in RUNNERS]
    if unknown:
        raise ValueError(
            f"no test is called {', '.join(unknown)}; the tests are {', '.join(RUNNERS)}."
        )
    if alternative != "two-sided":
        both = [test for test in chosen if test not in _ONE_SIDED]
        if both:
            raise ValueError(
                f"the alternative {alternative!r} has no meaning for {', '.join(both)}: a "
                f"one-sided question can be put to {', '.join(_ONE_SIDED)}; name the tests to run."
            )
    if "equivalence" in chosen and margin is None:
        raise ValueError(
            "equivalence needs a margin, the largest difference that does not matter, in the units "
            "of the values; it comes from biology, not from the data."
        )
    if "logistic" in chosen and (per == 0 or not math.isfinite(per)):
        raise ValueError(
            f"odds ratios are per {per:g} of the value; expected an amount above or below 0."
        )


def _reference(units: Units, reference: str | None) -> str | None:
    from .layout import check_reference

    name = None if reference is None else entry_text(reference)
    check_reference(units.groups, name)
    return name


def untested(
    sizes: Mapping[str, int],
    *,
    reference: str | None = None,
    tests: Sequence[str] | None = None,
) -> "pd.DataFrame":
    """Say in a row of comparisons.csv that too few groups have values, and which haven't.

    Parameters
    ----------
    sizes : mapping of str to int
        Units with a value of every group that was to be compared, in the groups' order.
    reference, tests
        As in `compare_groups`; the first of the tests stands in the row, and there is no row
        where none is to be run.

    Returns
    -------
    pandas.DataFrame
        As `compare_groups`: a row for all groups at once, or a row a pair with the reference,
        without statistic and p.

    Examples
    --------
    >>> untested({"350 ppm": 4, "3.5 ppm": 0})[["group_a", "group_b", "note"]].values.tolist()
    [['3.5 ppm', '350 ppm', 'no test: no animal of 3.5 ppm has a value']]
    """
    usual = MANY_GROUP_TESTS if len(sizes) > 2 else TWO_GROUP_TESTS
    chosen = usual if tests is None else tuple(tests)
    if not chosen:
        return comparison_table([])
    test = chosen[0]
    absent = absent_note([name for name, n in sizes.items() if n == 0])
    single = [f"{name} has n = 1" for name, n in sizes.items() if n == 1]
    reason = f"no test: {join_notes(absent, ' and '.join(single))}"
    if test in _OF_ALL:
        return comparison_table([Comparison(test=test, note=reason)])
    base = reference if reference is not None and reference in sizes else next(iter(sizes))
    return comparison_table(
        Comparison(test=test, group_a=name, group_b=base, note=reason)
        for name in sizes
        if name != base
    )


RUN_HERE = tuple(test for test in TESTS if test in RUNNERS)
"""Tests that `compare_groups` can run."""


def _with_notes(row: Comparison, units: Units) -> Comparison:
    """Add to a row what was left out of the groups that it concerns."""
    concerned = [
        group
        for group in units.groups
        if not row.group_a or group.name in (row.group_a, row.group_b)
    ]
    notes = [units.group_notes.get(group.name, "") for group in concerned]
    counted = "" if row.test == "mixed_model" else units.unit_note
    shared = "" if row.test == "paired_t" else units.shared_note
    return row.noted(_fold_change(row, concerned, units), *notes, units.note, counted, shared)


def _fold_change(row: Comparison, concerned: Sequence[Group], units: Units) -> str:
    """Say the fold change of a pair in which a group is one pooled sample."""
    if not row.group_a or not any(group.name in units.pooled for group in concerned):
        return ""
    means = {group.name: group.mean for group in concerned}
    a, b = means[row.group_a], means[row.group_b]
    if not (a > 0 and b > 0):
        return ""
    return f"fold change {row.group_a} / {row.group_b} = {a / b:.4g}"
