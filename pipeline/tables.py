"""Tables as people have them: CSV, TSV, Excel and Parquet, with identifiers kept as text.

Nothing is guessed into a number on the way in: an animal called ``007`` keeps its zeros. Numbers
are made by `to_numbers`, which refuses what isn't one and names its row.
"""

import re
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from .errors import DECODER_ERRORS, InputError, detail_of
from .table_excel import excel_rows
from .table_text import SAVE_REMEDY, text_rows

SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".parquet"})
MISSING = frozenset({"", "na", "n/a", "nan", "#n/a", "null", "none"})
MAX_MEGABYTES = 500.0
NAMED_ROWS = 5  # how many bad rows an error names before it only counts
ROW = "row"
NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})")


def read_table(path: Path | str, *, text_columns: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table of any of the usual formats.

    Parameters
    ----------
    path : path or str
        CSV or TSV (UTF-8 with or without byte-order mark, UTF-16, or Windows Latin-1; comma,
        semicolon, tab or bar between cells), Excel (``file.xlsx#Sheet name`` for one sheet of
        several) or Parquet.
    text_columns : sequence of str
        Columns to bring to text even where a Parquet file holds numbers.

    Returns
    -------
    DataFrame
        Columns of text, without surrounding blanks and with missing cells as empty text; numbers
        of a Parquet file stay numbers. The index, named "row", is the row as a spreadsheet
        counts it: the header is row 1. Empty rows are left out.

    Raises
    ------
    InputError
        If the file can't be read, or a row or header is malformed; row and column are named.
    """
    name, file, sheet = str(path), *_split_sheet(path)
    _require_table(name, file)
    if file.suffix.lower() == ".parquet":
        return _read_parquet(name, file, text_columns)
    if zipfile.is_zipfile(file):
        rows = excel_rows(name, file, sheet, max_megabytes=MAX_MEGABYTES)
    elif file.suffix.lower() in {".xlsx", ".xlsm"}:
        raise InputError(name, "the Excel file is damaged or isn't one", SAVE_REMEDY)
    else:
        rows = text_rows(name, file)
    return _frame(name, rows)


def to_numbers(
    column: pd.Series, *, path: str = "", decimal: Literal[".", ","] | None = None
) -> pd.Series:
    """Turn a column of text into numbers, strictly.

    Parameters
    ----------
    column : Series
        Text, or numbers, which pass.
    path : str
        The table's path, for the error.
    decimal : {".", ","}, optional
        The decimal mark; by default it is told from the column.

    Returns
    -------
    Series
        float64 with the same index; empty cells, NA, N/A and NaN become NaN.

    Raises
    ------
    InputError
        If a cell isn't a finite number, if a column mixes decimal marks, or if its commas may
        stand for thousands as well as for decimals.

    Examples
    --------
    >>> to_numbers(pd.Series(["1,5", "", "2"], name="volume")).tolist()
    [1.5, nan, 2.0]
    """
    if pd.api.types.is_numeric_dtype(column.dtype):
        return _finite(column, path)
    texts = column.map(lambda cell: "" if cell is None else str(cell).strip().replace("−", "-"))
    present = texts[~texts.str.lower().isin(MISSING)]
    wrong = present[[NUMBER.fullmatch(text) is None for text in present]]
    if len(wrong):
        raise _bad_cells(path, column, wrong.index, "is not a number", "write a plain number")
    mark = decimal or _decimal_mark(path, column, present)
    other = "." if mark == "," else ","
    wrong = present[present.str.contains(other, regex=False)]
    if len(wrong):
        reason = f"has {other!r} where the column's decimal mark is {mark!r}"
        raise _bad_cells(path, column, wrong.index, reason, "use one decimal mark")
    numbers = pd.Series(np.nan, index=column.index, name=column.name, dtype=np.float64)
    numbers.loc[present.index] = [float(text.replace(",", ".")) for text in present]
    return _finite(numbers, path)


def _decimal_mark(path: str, column: pd.Series, present: pd.Series) -> str:
    """Tell the decimal mark of a column, or refuse to guess."""
    with_comma = present[present.str.contains(",", regex=False)]
    if not len(with_comma):
        return "."
    if all(THOUSANDS.fullmatch(text) for text in with_comma):
        raise _bad_cells(
            path,
            column,
            with_comma.index,
            "may mean thousands or decimals",
            "write it with a decimal point and without separators of thousands",
        )
    return ","


def _finite(numbers: pd.Series, path: str) -> pd.Series:
    values = numbers.astype(np.float64)
    infinite = values[np.isinf(values.to_numpy())]
    if len(infinite):
        raise _bad_cells(
            path, numbers, infinite.index, "is not finite", "leave unknown cells empty"
        )
    return values


def _bad_cells(
    path: str, column: pd.Series, rows: Iterable[Any], reason: str, remedy: str
) -> InputError:
    """Name the rows and cells that are wrong, the first few of many."""
    rows = list(dict.fromkeys(rows))
    named = "; ".join(
        f"row {row}: {cell!r} {reason}"
        for row in rows[:NAMED_ROWS]
        for cell in [str(np.atleast_1d(column.loc[row])[0])]
    )
    more = f"; and {len(rows) - NAMED_ROWS} more rows" if len(rows) > NAMED_ROWS else ""
    return InputError(path, f"column {column.name!r}, {named}{more}", remedy)


def _split_sheet(path: Path | str) -> tuple[Path, str | None]:
    """Take the sheet's name off ``file.xlsx#Sheet name``."""
    whole = Path(path)
    found = re.fullmatch(r"(.+\.xls[xm])#(.+)", str(path), re.IGNORECASE)
    try:
        exists = whole.exists()
    except (OSError, ValueError):
        exists = False
    return (whole, None) if found is None or exists else (Path(found[1]), found[2])


def _require_table(name: str, path: Path) -> None:
    try:
        if path.is_dir():
            raise InputError(name, "it is a folder, not a table", "give the file")
        if path.exists() and not path.is_file():
            raise InputError(name, "it is not a regular file", "give the file of the table")
        size = path.stat().st_size
        with path.open("rb") as file:
            file.read(1)
    except FileNotFoundError as error:
        raise InputError(
            name, "there is no such file", "check the path and the spelling"
        ) from error
    except PermissionError as error:
        raise InputError(name, "reading it is not permitted", "check its permissions") from error
    except (OSError, ValueError) as error:
        raise InputError(name, f"it can't be opened: {error}", "check the path") from error
    if size == 0:
        raise InputError(name, "the file is empty", SAVE_REMEDY)
    if size > MAX_MEGABYTES * 1e6:
        raise InputError(
            name,
            f"the table has {size / 1e6:,.0f} MB, above the limit of {MAX_MEGABYTES:g}",
            "split it",
        )
    if path.suffix.lower() == ".xls":
        raise InputError(name, "the old Excel format .xls isn't read", SAVE_REMEDY)


def _frame(name: str, rows: list[tuple[int, list[str]]]) -> pd.DataFrame:
    """Make the table of numbered rows of cells; the first row is the header."""
    if not rows:
        raise InputError(name, "the table has no cell with anything in it", SAVE_REMEDY)
    header_row, header = rows[0]
    width = _header_width(name, header_row, header, rows[1:])
    header = header[:width]
    repeated = sorted({title for title in header if header.count(title) > 1})
    if repeated:
        raise InputError(
            name,
            f"row {header_row}: the column names {', '.join(map(repr, repeated))} stand twice",
            "give every column a name of its own",
        )
    body = [_fitted(name, number, cells, header) for number, cells in rows[1:]]
    index = pd.Index([number for number, _ in rows[1:]], name=ROW, dtype=np.int64)
    columns = {
        title: pd.Series([cells[position] for cells in body], index=index, dtype=str)
        for position, title in enumerate(header)
    }
    return pd.DataFrame(columns, index=index)


def _header_width(
    name: str, header_row: int, header: list[str], rows: list[tuple[int, list[str]]]
) -> int:
    """Count the named columns; a nameless one with cells in it is an error."""
    width = len(header)
    while width and not header[width - 1]:
        width -= 1
    for position, title in enumerate(header[:width]):
        if not title:
            raise InputError(
                name,
                f"row {header_row}: column {position + 1} has no name",
                "name every column in the first row",
            )
    for number, cells in rows:
        if any(cells[width:]):
            raise InputError(
                name,
                f"row {number} has {len(cells)} cells, but the header names {width} columns",
                "check the row; text with the separator in it, and numbers with a decimal comma"
                " in a table separated by commas, must stand in quotes",
            )
    return width


def _fitted(name: str, number: int, cells: list[str], header: list[str]) -> list[str]:
    width = len(header)
    if len(cells) < width:
        raise InputError(
            name,
            f"row {number} has {len(cells)} cells, but the header names {width} columns:"
            f" {header[len(cells)]!r} is missing",
            "complete the row; leave unknown cells empty but keep their separators",
        )
    return cells[:width]


def _read_parquet(name: str, path: Path, text_columns: Sequence[str]) -> pd.DataFrame:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            groups = range(file.metadata.num_row_groups)
            size = sum(file.metadata.row_group(group).total_byte_size for group in groups)
            if size > MAX_MEGABYTES * 1e6:
                raise InputError(
                    name, f"the table unpacks to {size / 1e6:,.0f} MB, above the limit", "split it"
                )
            stored = file.read()
        stored.validate(full=True)  # damaged text would fail later, far from here
        table = stored.to_pandas(ignore_metadata=True)
    except InputError:
        raise
    except (*DECODER_ERRORS, pyarrow.ArrowException) as error:
        reason = f"the Parquet file is damaged: {detail_of(error)}"
        raise InputError(name, reason, SAVE_REMEDY) from error
    titles = [str(title) for title in table.columns]
    if len(set(titles)) < len(titles):
        raise InputError(name, "its column names aren't unique", "give every column its own name")
    table.columns = pd.Index(titles)
    table = table.drop(columns=[title for title in titles if title.startswith("__index_level_")])
    table.index = pd.RangeIndex(2, len(table) + 2, name=ROW)
    for title in table.columns:
        if title in text_columns or not _is_typed(table[title]):
            table[title] = _as_text(table[title])
    return table


def _is_typed(column: pd.Series) -> bool:
    kinds = pd.api.types
    return bool(kinds.is_numeric_dtype(column.dtype) or kinds.is_bool_dtype(column.dtype))


def _as_text(column: pd.Series) -> pd.Series:
    """Bring a typed column to text: whole numbers without a decimal point, missing as empty."""

    def text(value: Any) -> str:
        if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
            return ""
        if isinstance(value, float | np.floating) and float(value).is_integer():
            return str(int(value))
        return str(value).strip()

    return pd.Series([text(value) for value in column], index=column.index, dtype=str)
