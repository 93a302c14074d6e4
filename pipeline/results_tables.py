"""The tables of a results folder, read as they are."""

import math
from collections import defaultdict
from pathlib import Path

import pandas as pd

COLUMNS = {
    "images": ("assay", "image", "animal", "group", "role", "feature", "value", "flag"),
    "animals": ("assay", "feature", "animal", "group", "value", "n_images", "n_objects"),
    "groups": (
        *("assay", "feature", "group", "n", "mean", "sd", "sem"),
        *("ci_low", "ci_high", "median", "q1", "q3"),
    ),
    "comparisons": (
        *("assay", "feature", "test", "group_a", "group_b", "statistic", "df", "p", "p_adjusted"),
        *("effect", "ci_low", "ci_high", "significant", "note"),
    ),
    "problems": ("assay", "image", "stage", "error", "remedy"),
}
"""Columns of each table of a results folder."""

NUMBERS = frozenset(
    ("value", "n_images", "n_objects", "n", "mean", "sd", "sem", "ci_low", "ci_high", "median")
) | {"q1", "q3", "statistic", "p", "p_adjusted", "effect"}
"""Their columns of numbers."""


def read_tables(results: Path) -> dict[str, pd.DataFrame]:
    """Read the tables of a results folder.

    Parameters
    ----------
    results : pathlib.Path
        The folder; a table that isn't there counts as empty.

    Returns
    -------
    dict of str to pandas.DataFrame
        By name, as in `COLUMNS`. Identifiers stay text (an animal called ``007`` or ``NA`` keeps
        its name), numbers are read digit for digit, ``significant`` is bool.

    Raises
    ------
    ValueError
        If a table lacks a column, or holds text where a number should stand.
    """
    return {name: _read(results / f"{name}.csv", columns) for name, columns in COLUMNS.items()}


def _read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    if not path.is_file():
        return _typed(pd.DataFrame({name: pd.Series(dtype=str) for name in columns}), path)
    # a text of images.csv stands in thousands of rows: as a category it is held once
    repeated = frozenset(columns) - NUMBERS if path.stem == "images" else ()
    kinds = defaultdict(lambda: "str", dict.fromkeys(repeated, "category"))
    table = pd.read_csv(path, dtype=kinds, keep_default_na=False, encoding="utf-8-sig")
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise ValueError(
            f"{path.name} lacks {', '.join(missing)}; a table of results has the columns "
            f"{', '.join(columns)}. Run the study again to write it anew."
        )
    return _typed(table[list(columns)], path)


def _typed(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    table = table.copy(deep=False)  # columns are replaced, none is changed
    for name in table.columns:
        if name in NUMBERS:
            table[name] = [read_number(text, path, name) for text in table[name]]
            table[name] = table[name].astype(float)
        elif name == "significant":
            table[name] = (table[name].str.lower() == "true").astype(bool)
    return table


def read_number(text: str, path: Path, column: str) -> float:
    """Read a cell that holds a number; NaN where it is empty.

    Parameters
    ----------
    text : str
        The cell.
    path : pathlib.Path
        The table's file, for the message.
    column : str
        The column's name, for the message.

    Returns
    -------
    float
        The number, digit for digit.

    Raises
    ------
    ValueError
        If it is text.
    """
    try:
        return float(text) if text.strip() else math.nan
    except ValueError as error:
        raise ValueError(
            f"{path.name}, column {column}: {text!r} is no number. Run the study again to write "
            "the table anew."
        ) from error
