"""The one form that every test's result takes: a row of comparisons.csv."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    import pandas as pd

Alternative = Literal["two-sided", "less", "greater"]
"""Side of a test: "greater" means that group_a lies above group_b."""

COMPARISON_COLUMNS = (
    "test",
    "group_a",
    "group_b",
    "statistic",
    "df",
    "p",
    "p_adjusted",
    "effect",
    "ci_low",
    "ci_high",
    "significant",
    "note",
)
"""Columns of a table of tests, in their order."""

TESTS = (
    "student_t",
    "welch_t",
    "paired_t",
    "wilcoxon",
    "anova",
    "welch_anova",
    "newman_keuls",
    "tukey_hsd",
    "dunnett",
    "kruskal",
    "dunn",
    "permutation",
    "equivalence",
    "mixed_model",
    "negative_binomial",
    "logistic",
)
"""Every name that the column ``test`` can hold."""

_TEXT = ("test", "group_a", "group_b", "df", "note")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One test's result.

    Attributes
    ----------
    test : str
        One of `TESTS`.
    group_a, group_b : str
        The pair compared; `group_b` is the reference. Empty for a test of all groups at once.
    statistic : float
        The test's own statistic (t, F, q, H, W, z); the sign follows group_a − group_b.
    df : str
        Degrees of freedom as text, since some tests have two: "18", "2, 27", "17.77647352";
        empty where the test has none.
    p : float
        The p-value of the test as it is named: Tukey's p for Tukey, the stepwise p for
        Newman-Keuls, the single pair's p for Dunn.
    p_adjusted : float
        p within the family that the note names; equal to `p` where the family is this one test or
        where the test is itself a procedure for the family.
    effect, ci_low, ci_high : float
        Pairs: mean(group_a) − mean(group_b) in the units of the values, with its interval of
        level 1 − alpha, unless the note names another effect. All groups at once: eta².
    significant : bool
        p_adjusted < alpha; False where there is no p.
    note : str
        What a reader must know: variant, exclusions, why a number is missing.
    """

    test: str
    group_a: str = ""
    group_b: str = ""
    statistic: float = math.nan
    df: str = ""
    p: float = math.nan
    p_adjusted: float = math.nan
    effect: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    significant: bool = False
    note: str = ""

    def noted(self, *notes: str) -> "Comparison":
        """Return the same result with more said about it."""
        return replace(self, note=join_notes(self.note, *notes))


def join_notes(*notes: str) -> str:
    """Join the notes that say something, in order and each once."""
    return "; ".join(dict.fromkeys(note for note in notes if note))


def format_df(*values: float) -> str:
    """Write degrees of freedom as text: 10 significant digits, a comma between two.

    Examples
    --------
    >>> format_df(2, 27)
    '2, 27'
    >>> format_df(17.776473516178527)
    '17.77647352'
    """
    return ", ".join(f"{value:.10g}" for value in values)


def check_alternative(alternative: str) -> None:
    """Refuse a side that no test knows.

    Raises
    ------
    ValueError
        If `alternative` is not "two-sided", "less" or "greater".
    """
    if alternative not in get_args(Alternative):
        raise ValueError(
            f"alternative is {alternative!r}, expected one of {', '.join(get_args(Alternative))}: "
            "'greater' asks whether group_a lies above group_b."
        )


def check_alpha(alpha: float) -> None:
    """Refuse an error rate outside 0 to 1.

    Raises
    ------
    ValueError
        If `alpha` is not between 0 and 1, both excluded.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha!r}, expected a number between 0 and 1, such as 0.05.")


def comparison_table(rows: Iterable[Comparison]) -> "pd.DataFrame":
    """Put results into a table.

    Parameters
    ----------
    rows : iterable of Comparison
        Results in the order in which they are to stand.

    Returns
    -------
    pandas.DataFrame
        One row a result, exactly the columns `COMPARISON_COLUMNS`: text columns as objects or
        pandas strings, ``significant`` bool, the others float64.
    """
    import pandas as pd

    table = pd.DataFrame([asdict(row) for row in rows], columns=list(COMPARISON_COLUMNS))
    kinds = dict.fromkeys(COMPARISON_COLUMNS, "float64")
    kinds |= dict.fromkeys(_TEXT, "str") | {"significant": "bool"}
    return table.astype(kinds)
