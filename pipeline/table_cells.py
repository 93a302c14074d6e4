"""Cells of a table checked one by one: texts that may stand, numbers however a lab writes them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from .tables import MISSING, NUMBER, THOUSANDS

_LEAST_THOUSAND = 1000.0


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers that an assay reads.

    Attributes
    ----------
    name : str
        The assay's name of the column, with its unit.
    required : bool
        Whether a table without it is refused; otherwise the column is left out of the result.
    empty : bool
        Whether an empty cell is a missing value (NaN); otherwise it is a problem.
    above, at_least, at_most : float
        Limits of what can be right: above (not equal), at least, at most.
    words : mapping of str to float
        Words that stand for a value, in small letters: ``{"undetermined": nan}``.
    private : bool
        Whether a cell that is no number is named by its place alone and not quoted: a column of a
        table of people may hold anything.
    """

    name: str
    required: bool = True
    empty: bool = False
    above: float = -math.inf
    at_least: float = -math.inf
    at_most: float = math.inf
    words: Mapping[str, float] = field(default_factory=dict)
    private: bool = False


@dataclass(frozen=True)
class TextColumn:
    """A column of text that an assay reads.

    Attributes
    ----------
    name : str
        The assay's name of the column.
    required : bool
        Whether a table without it is refused; otherwise the column is left out of the result.
    empty : bool
        Whether an empty cell may stand; otherwise it is a problem.
    one_of : tuple of str
        The texts that may stand; empty for any.
    """

    name: str
    required: bool = True
    empty: bool = False
    one_of: tuple[str, ...] = ()


Wanted = NumberColumn | TextColumn
Found = list[tuple[int, str, str]]
"""Row, what is wrong, remedy."""


def check_cells(cells: pd.Series, column: Wanted) -> tuple[pd.Series, Found]:
    """Check a column's cells.

    Parameters
    ----------
    cells : pandas.Series
        Text, or numbers of a Parquet file; the index is the row.
    column : NumberColumn or TextColumn
        What may stand in them.

    Returns
    -------
    values : pandas.Series
        Text as str, numbers as float64.
    wrong : list of (row, reason, remedy)
        Cells that can't be used.
    """
    return _texts(cells, column) if isinstance(column, TextColumn) else _numbers(cells, column)


def _texts(cells: pd.Series, column: TextColumn) -> tuple[pd.Series, Found]:
    texts = cells.map(_text).astype(str)
    wrong: Found = []
    for row, text in texts.items():
        if text == "" and not column.empty:
            wrong.append((row, "the cell is empty", "fill the cell, or remove the row"))
        elif text and column.one_of and text not in column.one_of:
            known = ", ".join(repr(each) for each in column.one_of)
            wrong.append((row, f"{text!r} is none of {known}", "mend the cell or the study file"))
    return texts, wrong


def _text(cell: object) -> str:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, float | np.floating) and float(cell).is_integer():
        return str(int(cell))  # a Parquet file's number that names an animal
    return str(cell).strip()


def _numbers(cells: pd.Series, column: NumberColumn) -> tuple[pd.Series, Found]:
    numbers, wrong = parse_numbers(cells, words=column.words, at_most=column.at_most)
    if column.private:
        quoted = {row: repr(_text(cells.loc[row]).replace("−", "-")) for row, _, _ in wrong}
        wrong = [(row, reason.replace(quoted[row], "the cell"), fix) for row, reason, fix in wrong]
    bad = {row for row, _, _ in wrong}
    for row, value in numbers.items():
        if row in bad:
            continue
        text, is_word = _text(cells.loc[row]), _text(cells.loc[row]).casefold() in column.words
        if math.isnan(value):
            if not column.empty and not is_word:
                wrong.append((row, "the cell is empty", "fill the cell, or remove the row"))
        elif not is_word and not _within(value, column):
            wrong.append((row, f"{text} can't be right: {_limits(column)}", "mend the cell"))
    return numbers, wrong


def _within(value: float, column: NumberColumn) -> bool:
    return value > column.above and column.at_least <= value <= column.at_most


def _limits(column: NumberColumn) -> str:
    parts = [
        f"above {column.above:g}" if column.above > -math.inf else "",
        f"at least {column.at_least:g}" if column.at_least > -math.inf else "",
        f"at most {column.at_most:g}" if column.at_most < math.inf else "",
    ]
    return "expected a number " + " and ".join(part for part in parts if part)


def parse_numbers(
    cells: pd.Series, *, words: Mapping[str, float] | None = None, at_most: float = math.inf
) -> tuple[pd.Series, Found]:
    """Turn a column's cells into numbers, each for itself, and list those that aren't.

    Parameters
    ----------
    cells : pandas.Series
        Text, or numbers, which pass; the index is the row.
    words : mapping of str to float, optional
        Words that stand for a value, in small letters.
    at_most : float
        The largest number that can be right: commas mean no thousands where it is below those.

    Returns
    -------
    numbers : pandas.Series
        float64; NaN where a cell is empty or no number.
    wrong : list of (row, reason, remedy)
        A decimal comma is read where the column shows it to be one: a cell such as ``1,234`` in a
        column without another sign of decimals is refused, as are cells that disagree with the
        decimal mark of most others.

    Examples
    --------
    >>> cells = pd.Series(["1,5", "<LOD", "12,25"], index=[2, 3, 4])
    >>> numbers, wrong = parse_numbers(cells)
    >>> numbers.tolist(), wrong[0][:2]
    ([1.5, nan, 12.25], (3, "'<LOD' is a limit of detection, not a number"))
    """
    words = words or {}
    texts = cells.map(lambda cell: _text(cell).replace("−", "-"))
    numbers = pd.Series(math.nan, index=cells.index, dtype=np.float64, name=cells.name)
    plain: dict[int, str] = {}
    wrong: Found = []
    for row, text in texts.items():
        if text.casefold() in words:
            numbers.loc[row] = words[text.casefold()]
        elif NUMBER.fullmatch(text):
            plain[row] = text
        elif text.casefold() not in MISSING:
            wrong.append((row, *_no_number(text)))
    mark, doubtful = _decimal_mark(plain.values(), thousands=at_most >= _LEAST_THOUSAND)
    for row, text in plain.items():
        if ("," in text and mark != ",") or ("." in text and mark == ","):
            wrong.append((row, f"{text!r} {doubtful}", "write every number with a decimal point"))
            continue
        value = float(text.replace(",", "."))
        if math.isinf(value):
            wrong.append((row, f"{text!r} is too large for a number", "mend the cell"))
        else:
            numbers.loc[row] = value
    return numbers, wrong


def _no_number(text: str) -> tuple[str, str]:
    if text.casefold() in {"n.d.", "nd"}:
        return (
            f"{text!r} may mean not detected or not determined",
            "leave the cell empty if it wasn't determined; else treat it as a limit of detection",
        )
    if text.startswith(("<", ">")) or text.casefold() in {"lod", "bdl"}:
        return (
            f"{text!r} is a limit of detection, not a number",
            "leave the cell empty, or write the value that your protocol puts in its place and "
            "say so",
        )
    return f"{text!r} is not a number", "write a plain number without unit, or leave the cell empty"


def _decimal_mark(texts: Iterable[str], *, thousands: bool) -> tuple[str, str]:
    """Tell a column's decimal mark, and what is wrong with cells that have the other."""
    held = list(texts)
    commas = [text for text in held if "," in text]
    points = [text for text in held if "." in text]
    if not commas:
        return ".", ""
    if len(points) >= len(commas):
        return ".", "has a comma where other rows have a decimal point"
    if thousands and all(THOUSANDS.fullmatch(text) for text in commas):
        return ".", "may mean thousands or decimals"
    return ",", "has a point where other rows have a decimal comma"
