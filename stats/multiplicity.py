"""Many tests at once: Benjamini-Hochberg and Holm, by family, with the family stated.

Written out here: statsmodels' takes four seconds to import and lets no p be missing; both forms
are a line of algebra and are tested against it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from .comparison import Comparison, check_alpha, join_notes

if TYPE_CHECKING:
    import pandas as pd

Method = Literal["benjamini_hochberg", "holm"]

_NAMES = {"benjamini_hochberg": "Benjamini-Hochberg", "holm": "Holm"}


def benjamini_hochberg(p: ArrayLike) -> np.ndarray:
    """Adjust p-values to control the false discovery rate.

    Parameters
    ----------
    p : array_like, shape (n,)
        One family's p-values; NaN is no test, is not counted, and stays NaN.

    Returns
    -------
    numpy.ndarray, shape (n,)
        min over larger p of (m / rank) p, at most 1.

    References
    ----------
    Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57, 289-300.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.04, 0.04]
    """

    def rule(ordered: np.ndarray) -> np.ndarray:
        m = ordered.size
        scaled = ordered * m / np.arange(1, m + 1)
        return np.minimum.accumulate(scaled[::-1])[::-1]

    return _in_order(p, rule)


def holm(p: ArrayLike) -> np.ndarray:
    """Adjust p-values to control the family-wise error, step down.

    Parameters
    ----------
    p : array_like, shape (n,)
        One family's p-values; NaN is no test, is not counted, and stays NaN.

    Returns
    -------
    numpy.ndarray, shape (n,)
        max over smaller p of (m − rank + 1) p, at most 1.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """

    def rule(ordered: np.ndarray) -> np.ndarray:
        return np.maximum.accumulate(ordered * np.arange(ordered.size, 0, -1))

    return _in_order(p, rule)


def holm_over_pairs(rows: Sequence[Comparison], *, alpha: float = 0.05) -> list[Comparison]:
    """Adjust one test's rows, a pair each, by Holm; the notes name the family.

    Parameters
    ----------
    rows : sequence of Comparison
        All pairs of one test; a single one stays as it is, as do those without p.
    alpha : float
        `significant` becomes p_adjusted < alpha.

    Returns
    -------
    list of Comparison
    """
    adjusted = holm([row.p for row in rows])
    tested = int(np.isfinite(adjusted).sum())
    if len(rows) < 2:
        return list(rows)
    return [
        replace(
            row,
            p_adjusted=float(p),
            significant=bool(p < alpha),
            note=join_notes(f"p_adjusted: Holm over {tested} pairs", row.note),
        )
        if np.isfinite(p)
        else row
        for row, p in zip(rows, adjusted, strict=True)
    ]


def adjust_comparisons(
    comparisons: "pd.DataFrame",
    *,
    family: Sequence[str] = ("assay", "test", "group_a", "group_b"),
    method: Method = "benjamini_hochberg",
    alpha: float = 0.05,
) -> "pd.DataFrame":
    """Adjust a table of tests over families of rows, such as the features of an assay.

    Starts from `p_adjusted`, which is already adjusted within each test of many pairs (Dunn's
    by Holm; Tukey's, Dunnett's and Newman-Keuls' by themselves), so the two steps add up.

    Parameters
    ----------
    comparisons : pandas.DataFrame
        Columns of `COMPARISON_COLUMNS`, and those named in `family`.
    family : sequence of str
        Rows that agree in these columns are one family. By default one test of one pair over the
        features of an assay. Columns that the table lacks are passed over.
    method : {"benjamini_hochberg", "holm"}
        False discovery rate, or family-wise error.
    alpha : float
        `significant` becomes p_adjusted < alpha.

    Returns
    -------
    pandas.DataFrame
        A copy with `p_adjusted`, `significant` and `note` renewed; the note names method, size
        and columns of the family. Families of a single test stay as they are.

    Raises
    ------
    ValueError
        If the method is unknown or none of the family's columns is in the table.
    """
    check_alpha(alpha)
    if method not in _NAMES:
        raise ValueError(f"method is {method!r}, expected one of {', '.join(_NAMES)}.")
    columns = [column for column in family if column in comparisons.columns]
    if not columns:
        raise ValueError(
            f"None of the family's columns ({', '.join(family)}) is in the table; name columns of "
            "the table that rows of one family share."
        )
    rule = benjamini_hochberg if method == "benjamini_hochberg" else holm
    table = comparisons.reset_index(drop=True)
    p = table["p_adjusted"].to_numpy(dtype=float, copy=True)
    notes = table["note"].tolist()
    for rows in table.groupby(columns, sort=False, dropna=False).indices.values():
        tested = rows[np.isfinite(p[rows])]
        if tested.size < 2:
            continue
        p[tested] = rule(p[tested])
        text = f"p_adjusted: {_NAMES[method]} over {tested.size} rows of one {', '.join(columns)}"
        for row in tested:
            notes[row] = join_notes(notes[row], text)
    table["p_adjusted"] = p
    table["significant"] = p < alpha
    table["note"] = notes
    table["note"] = table["note"].astype("str")
    table.index = comparisons.index
    return table


def _in_order(p: ArrayLike, rule: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Apply a rule to the p-values that are there, in rising order; cap at 1."""
    values = np.asarray(p, dtype=float)
    known = np.flatnonzero(np.isfinite(values))
    if ((values[known] < 0) | (values[known] > 1)).any():
        raise ValueError("p-values lie between 0 and 1; give the p-values themselves.")
    adjusted = np.full(values.shape, np.nan)
    order = known[np.argsort(values[known], kind="stable")]
    adjusted[order] = np.minimum(rule(values[order]), 1.0)
    return adjusted
