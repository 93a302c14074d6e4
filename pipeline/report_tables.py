"""Tables of the report: those of the results folder laid out for a reader."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pandas as pd

from .feature_words import feature_label
from .report_claims import Pair, pairs_of
from .report_view import ANIMALS
from .report_words import format_number, format_p, label_of_test, level_label
from .results_tables import NUMBERS


@dataclass(frozen=True)
class Cell:
    """One cell: what is read, and for a number the value that it is sorted by.

    Attributes
    ----------
    text : str
        What a reader sees.
    value : float or None
        The table's own number; None for text.
    """

    text: str
    value: float | None = None

    @property
    def key(self) -> str:
        """The value with all its digits, empty where it is missing."""
        return "" if self.value is None or math.isnan(self.value) else repr(self.value)


@dataclass(frozen=True)
class Table:
    """One table of the report.

    Attributes
    ----------
    name : str
        Its id in the page.
    caption : str
        What it shows.
    columns : tuple of str
        Headings.
    numeric : tuple of bool
        Which columns hold numbers.
    rows : sequence of tuple of Cell
        The cells.
    """

    name: str
    caption: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: Sequence[tuple[Cell, ...]]


def _laid_out(
    name: str, caption: str, table: pd.DataFrame, columns: Mapping[str, tuple[str, Any]]
) -> Table:
    """Lay out columns of a table; `columns` gives each its heading and its way of writing."""
    kinds = tuple(key in NUMBERS for key in columns)
    rows = []
    for record in table[list(columns)].to_dict("records"):
        rows.append(tuple(_cell(record[key], write) for key, (_, write) in columns.items()))
    headings = tuple(heading for heading, _ in columns.values())
    return Table(name, caption, headings, kinds, tuple(rows))


def _cell(value: Any, write: Callable[[Any], str]) -> Cell:
    if isinstance(value, float):
        return Cell(write(value), value)
    return Cell(write(value))


def plain_table(
    name: str, caption: str, table: pd.DataFrame, columns: Mapping[str, tuple[str, Any]]
) -> Table:
    """Lay out columns of any table that are there, in the order of `columns`.

    Parameters
    ----------
    name, caption : str
        Of the table.
    table : pandas.DataFrame
        Its columns of floats become columns of numbers.
    columns : mapping of str to (str, callable)
        The heading and the way of writing of each.

    Returns
    -------
    Table
        Its rows in the table's order.
    """
    held = {key: column for key, column in columns.items() if key in table.columns}
    kinds = tuple(table[key].dtype.kind == "f" for key in held)
    rows = tuple(
        tuple(_cell(record[key], write) for key, (_, write) in held.items())
        for record in table[list(held)].to_dict("records")
    )
    return Table(name, caption, tuple(heading for heading, _ in held.values()), kinds, rows)


def problem_table(problems: pd.DataFrame) -> Table:
    """Lay out the inputs that failed."""
    columns = {
        "assay": ("Assay", str),
        "image": ("Image", str),
        "stage": ("Stage", str),
        "error": ("What failed", str),
        "remedy": ("What to do", str),
    }
    return _laid_out("problems-table", "Inputs that failed", problems, columns)


def group_table(
    name: str,
    groups: pd.DataFrame,
    alpha: float,
    *,
    unit: str = ANIMALS,
    plain: bool = False,
) -> Table:
    """Lay out the summary of each group; every n is a number of animals, or of subjects.

    With `plain`, the caption says that means are plain ones, where others are compared.
    """
    level = level_label(alpha)
    columns: dict[str, tuple[str, Any]] = {
        "feature": ("Feature", feature_label),
        "group": ("Group", str),
        "n": (f"n ({unit})", format_number),
        "mean": ("Mean", format_number),
        "sd": ("SD", format_number),
        "sem": ("SEM", format_number),
        "ci_low": (f"{level} from", format_number),
        "ci_high": ("to", format_number),
        "median": ("Median", format_number),
        "q1": ("Q1", format_number),
        "q3": ("Q3", format_number),
    }
    caption = f"Groups, n counting {unit}" + ("; plain means, not geometric ones" if plain else "")
    return _laid_out(f"{name}-groups", caption, groups, columns)


def comparison_table(
    name: str, comparisons: pd.DataFrame, alpha: float, *, ratios: bool = False
) -> Table:
    """Lay out every test; `ratios` says that effects of pairs are differences of log2."""
    level = level_label(alpha)
    columns: dict[str, tuple[str, Any]] = {
        "feature": ("Feature", feature_label),
        "test": ("Test", label_of_test),
        "group_a": ("Group", str),
        "group_b": ("Against", str),
        "effect": ("Effect", format_number),
        "ci_low": (f"{level} from", format_number),
        "ci_high": ("to", format_number),
        "statistic": ("Statistic", format_number),
        "df": ("df", _short_df),
        "p": ("p", format_p),
        "p_adjusted": ("p adjusted", format_p),
        "significant": ("Significant", lambda yes: "yes" if yes else "no"),
        "note": ("Note", str),
    }
    effect = "difference of mean log2 folds" if ratios else "difference of means"
    caption = (
        f"All tests. The effect of a pair is a {effect}, group minus against; that of a "
        "test of all groups is η²"
    )
    if (comparisons["test"] == "logistic").any():
        caption += "; that of a logistic regression is an odds ratio"
    return _laid_out(f"{name}-comparisons", caption, comparisons, columns)


def _short_df(text: str) -> str:
    """Write degrees of freedom with at most four digits each."""
    try:
        return ", ".join(f"{float(part):.4g}" for part in text.split(",")) if text else ""
    except ValueError:
        return text


def pair_table(
    name: str, comparisons: pd.DataFrame, alpha: float, *, ratios: bool = False
) -> Table | None:
    """Lay out each pair of groups with its tests side by side; None where no pair has a number.

    With `ratios`, effects are ratios and not differences.
    """
    pairs = [pair for pair in pairs_of(comparisons) if not math.isnan(pair.effect) or pair.tested]
    if not pairs:
        return None
    tests = list(dict.fromkeys(test.test for pair in pairs for test in pair.tests))
    rows = [
        (
            Cell(f"{pair.group_a} {'÷' if ratios else '−'} {pair.group_b}"),
            Cell(_with_interval(pair), pair.effect),
            *(Cell(format_p(pair.p_of(test)), pair.p_of(test)) for test in tests),
        )
        for pair in pairs
    ]
    sources = dict.fromkeys(label_of_test(p.interval_from) for p in pairs if p.interval_from)
    caption = "Pairs of groups" + (f"; intervals from {', '.join(sources)}" if sources else "")
    level = f" ({level_label(alpha)})" if sources else ""
    effect = "Ratio" if ratios else "Difference"
    headings = ("Pair", f"{effect}{level}", *(f"p, {label_of_test(test)}" for test in tests))
    numeric = (False, True, *(True for _ in tests))
    return Table(f"{name}-pairs", caption, headings, numeric, tuple(rows))


def _with_interval(pair: Pair) -> str:
    text = format_number(pair.effect)
    if not pair.interval_from:
        return text
    return f"{text} ({format_number(pair.ci_low)} to {format_number(pair.ci_high)})"


def wide_table(name: str, caption: str, table: pd.DataFrame, *, keys: Mapping[str, str]) -> Table:
    """Lay out long values with a column a feature.

    Parameters
    ----------
    name, caption : str
        Of the table.
    table : pandas.DataFrame
        ``feature``, ``value`` and the columns of `keys`.
    keys : mapping of str to str
        Columns that name a row, with their headings.

    Returns
    -------
    Table
        Rows and features in the table's order.
    """
    # no object a row of the long table: they would take most of the memory of a large study's run
    columns, features = pd.factorize(table["feature"])
    groups = table.groupby(list(keys), sort=False, dropna=False, observed=True).ngroup()
    _, places, rows = np.unique(groups.to_numpy(), return_index=True, return_inverse=True)
    order = np.argsort(places)
    first, rows = table[list(keys)].iloc[places[order]], np.argsort(order)[rows]
    values = np.full((len(first), len(features)), np.nan)
    values[rows, columns] = table["value"].to_numpy(np.float64)
    headings = (*keys.values(), *(feature_label(feature) for feature in features))
    numeric = (*(key in NUMBERS for key in keys), *(True for _ in features))
    return Table(name, caption, headings, numeric, _WideRows(first, values))


class _WideRows(Sequence[tuple[Cell, ...]]):
    """The rows of a wide table, whose cells are made when they are looked at."""

    def __init__(self, names: pd.DataFrame, values: np.ndarray) -> None:
        self._names, self._values = names, values

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[tuple[Cell, ...]]:
        names = self._names.itertuples(index=False, name=None)
        return map(_wide_row, names, self._values)

    @overload
    def __getitem__(self, place: int) -> tuple[Cell, ...]: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[tuple[Cell, ...], ...]: ...

    def __getitem__(self, place: int | slice) -> tuple[Cell, ...] | tuple[tuple[Cell, ...], ...]:
        if isinstance(place, slice):
            return tuple(_WideRows(self._names[place], self._values[place]))
        return _wide_row(tuple(self._names.iloc[place]), self._values[place])


def _wide_row(names: tuple[Any, ...], values: np.ndarray) -> tuple[Cell, ...]:
    first = (_cell(name, format_number if isinstance(name, float) else str) for name in names)
    return (*first, *(Cell(format_number(number), number) for number in values.tolist()))
