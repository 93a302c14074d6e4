"""Reading a table's columns: numbers, groups' names and their order."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def require_columns(values: "pd.DataFrame", *columns: str) -> None:
    """Refuse a table that lacks a column.

    Raises
    ------
    ValueError
        If a column is missing; the message lists those there are.
    """
    missing = [column for column in columns if column not in values.columns]
    if missing:
        raise ValueError(
            f"The table has no column {', '.join(repr(c) for c in missing)}; its columns are "
            f"{', '.join(str(c) for c in values.columns)}. Name the column to use"
            " (unit=None where each row is an experimental unit of its own)."
        )


def as_numbers(column: "pd.Series", name: str) -> np.ndarray:
    """Return a column as float64, shape (n_rows,), with NaN where it is empty.

    Parameters
    ----------
    column : pandas.Series
        Numbers, or their texts.
    name : str
        The column's name, for the message.

    Returns
    -------
    numpy.ndarray
        (n_rows,) float64.

    Raises
    ------
    ValueError
        If an entry is text that isn't a number.
    """
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=float, na_value=np.nan)
    numbers = pd.to_numeric(column, errors="coerce")
    blank = column.isna() | (column.astype("str").str.strip() == "")
    wrong = column[numbers.isna() & ~blank & (column.astype("str").str.lower() != "nan")]
    if len(wrong):
        raise ValueError(
            f"Column {name!r} has {len(wrong)} entries that are not numbers, such as "
            f"{str(wrong.iloc[0])!r}; correct them, or leave the cell empty where a value is "
            "missing."
        )
    return numbers.to_numpy(dtype=float, na_value=np.nan)


def group_text(column: "pd.Series") -> np.ndarray:
    """Return the groups' names as text, shape (n_rows,), with empty text where there is none."""
    import pandas as pd

    codes, uniques = pd.factorize(column)
    if pd.api.types.is_integer_dtype(uniques):
        written = uniques.astype(str).tolist()
    else:
        written = [entry_text(entry) for entry in uniques]
    return np.array([*written, ""], dtype=object)[codes]


def group_names(column: "pd.Series", groups: Sequence[str] | None = None) -> list[str]:
    """Return the names of the groups to compare, in order.

    Those given; else the categories of a categorical column that occur; else those that occur, in
    natural order ("3.5 ppm" before "35 ppm"), so that the order of rows changes nothing.

    Raises
    ------
    ValueError
        If a name is given twice.
    """
    import pandas as pd

    if groups is not None:
        names = [entry_text(name) for name in groups]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"Groups named twice: {', '.join(twice)}; name each once.")
        return names
    present = set(group_text(column)) - {""}
    if isinstance(column.dtype, pd.CategoricalDtype):
        ordered = [entry_text(category) for category in column.cat.categories]
        return [name for name in ordered if name in present]
    return sorted(present, key=natural_key)


def natural_key(text: str) -> tuple[list[tuple[int, float, str]], str]:
    """Sort key by which numbers inside names count as numbers.

    Examples
    --------
    >>> sorted(["35 ppm", "350 ppm", "3.5 ppm"], key=natural_key)
    ['3.5 ppm', '35 ppm', '350 ppm']
    """
    parts = re.split(r"(\d+(?:\.\d+)?)", text)
    key = [(0, float(p), "") if i % 2 else (1, 0.0, p.casefold()) for i, p in enumerate(parts)]
    return key, text


def entry_text(entry: object) -> str:
    """Write a group's or unit's name: 350.0 as "350", since tables read whole numbers as floats.

    Examples
    --------
    >>> entry_text(350.0), entry_text(3.5), entry_text(" low "), entry_text(float("nan"))
    ('350', '3.5', 'low', '')
    """
    if isinstance(entry, float | np.floating):
        return "" if np.isnan(entry) else f"{entry:.15g}"
    return str(entry).strip()
