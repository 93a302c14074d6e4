"""A clinical table: predictors by outcome, and logistic regression with odds ratios per unit."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .columns import as_numbers, natural_key, require_columns
from .comparison import COMPARISON_COLUMNS, comparison_table, join_notes
from .summaries import summarise_groups

if TYPE_CHECKING:
    import pandas as pd


def outcome_levels(outcomes: "pd.Series", positive: str) -> tuple[str, str]:
    """Give the two outcomes, the positive one first.

    Parameters
    ----------
    outcomes : pandas.Series
        Text, empty where the outcome isn't known.
    positive : str
        The outcome that odds are of.

    Returns
    -------
    tuple of str
        The positive outcome, and the other.

    Raises
    ------
    ValueError
        If the outcomes aren't two, or `positive` is none of them.

    Examples
    --------
    >>> import pandas as pd
    >>> outcome_levels(pd.Series(["negative", "positive", "", "negative"]), "positive")
    ('positive', 'negative')
    """
    levels = sorted(set(outcomes.astype(str)) - {""}, key=natural_key)
    if positive not in levels:
        raise ValueError(
            f"no outcome is {positive!r}; the outcomes are {', '.join(map(repr, levels))}. Name "
            "one of them in positive."
        )
    if len(levels) != 2:
        raise ValueError(
            f"two outcomes are compared; there are {len(levels)}: "
            f"{', '.join(map(repr, levels))}. Mend their spelling, or join them in the table."
        )
    return positive, next(level for level in levels if level != positive)


def compare_outcomes(
    subjects: "pd.DataFrame",
    *,
    outcome: str,
    positive: str,
    predictors: Sequence[str],
    tests: Sequence[str] | None = None,
    alpha: float = 0.05,
) -> "pd.DataFrame":
    """Compare each predictor between the two outcomes.

    Parameters
    ----------
    subjects : pandas.DataFrame
        A row a subject; the outcome as text, predictors as numbers with NaN where missing.
    outcome : str
        Column of the outcome.
    positive : str
        The outcome that stands as `group_a`.
    predictors : sequence of str
        Columns to compare.
    tests : sequence of str, optional
        As `compare_groups` knows them; by default Student's t, Welch's t and Wilcoxon's.
    alpha : float
        Level of significance.

    Returns
    -------
    pandas.DataFrame
        ``feature`` and the columns of a comparison, the negative outcome as `group_b`.
    """
    import pandas as pd

    from .compare import compare_groups

    first, second = outcome_levels(subjects[outcome], positive)
    tables = []
    for predictor in predictors:
        table = compare_groups(
            subjects,
            value=predictor,
            group=outcome,
            unit=None,
            groups=[first, second],
            reference=second,
            alpha=alpha,
            tests=tests,
        )
        table.insert(0, "feature", predictor)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def odds_ratios(
    subjects: "pd.DataFrame",
    *,
    outcome: str,
    positive: str,
    units: Mapping[str, float],
    alpha: float = 0.05,
) -> "pd.DataFrame":
    """Regress the outcome on all predictors together, and on each alone.

    Parameters
    ----------
    subjects : pandas.DataFrame
        A row a subject.
    outcome : str
        Column of the outcome; subjects without one are left out.
    positive : str
        The outcome that odds are of.
    units : mapping of str to float
        Predictors, and the amount of each that its odds ratio is for.
    alpha : float
        Level of significance; intervals have level 1 − alpha.

    Returns
    -------
    pandas.DataFrame
        ``feature`` (the predictor) and the columns of a comparison: test ``logistic``, group_a and
        group_b the outcomes, the odds ratio in effect with its profile-likelihood interval, Wald's
        z in statistic. First the rows of the model of all predictors, then each predictor's alone
        where there are several; the note tells them apart.

    Raises
    ------
    ValueError
        If the outcomes aren't two, or predictors can't be told apart.
    """
    import pandas as pd

    require_columns(subjects, outcome, *units)
    first, second = outcome_levels(subjects[outcome], positive)
    known = subjects[subjects[outcome].isin((first, second))]
    names = list(units)
    rows = [_model(known, outcome, first, second, names, units, alpha)]
    if len(names) > 1:
        rows += [_model(known, outcome, first, second, [name], units, alpha) for name in names]
    return pd.concat(rows, ignore_index=True)[["feature", *COMPARISON_COLUMNS]]


def _model(
    subjects: "pd.DataFrame",
    outcome: str,
    first: str,
    second: str,
    names: Sequence[str],
    units: Mapping[str, float],
    alpha: float,
) -> "pd.DataFrame":
    """One regression's rows."""
    from dataclasses import replace

    import pandas as pd

    from .regression import logistic

    numbers = {name: as_numbers(subjects[name], name) for name in names}
    fit = logistic(
        (subjects[outcome] == first).to_numpy(float),
        pd.DataFrame(numbers, index=subjects.index),
        units={name: units[name] for name in names},
        level=1 - alpha,
    )
    model = (
        f"{'adjusted for ' + ', '.join(names) + ' together' if len(names) > 1 else 'alone'}; "
        f"n = {fit.n}, {fit.events} {first}"
    )
    found = fit.comparisons(alpha=alpha)
    rows = [
        replace(row, group_a=first, group_b=second, note=join_notes(row.note, model))
        for row in found
    ]
    table = comparison_table(rows)
    table.insert(0, "feature", [row.group_a for row in found])
    return table


def describe_outcomes(
    subjects: "pd.DataFrame",
    *,
    outcome: str,
    positive: str,
    predictors: Sequence[str],
    level: float = 0.95,
) -> "pd.DataFrame":
    """Describe each predictor in each outcome: n, missing values, mean with interval, quartiles.

    Parameters
    ----------
    subjects : pandas.DataFrame
        A row a subject.
    outcome, positive : str
        Column of the outcome, and the one that stands first.
    predictors : sequence of str
        Columns to describe.
    level : float
        Of the interval of the mean.

    Returns
    -------
    pandas.DataFrame
        ``feature``, then the columns of `summarise_groups`, then ``missing``.
    """
    import pandas as pd

    levels = outcome_levels(subjects[outcome], positive)
    tables = []
    for predictor in predictors:
        table = summarise_groups(
            subjects, value=predictor, group=outcome, groups=levels, level=level
        )
        numbers = as_numbers(subjects[predictor], predictor)
        gone = [int((~np.isfinite(numbers[subjects[outcome] == name])).sum()) for name in levels]
        table.insert(0, "feature", predictor)
        tables.append(table.assign(missing=gone))
    return pd.concat(tables, ignore_index=True)
