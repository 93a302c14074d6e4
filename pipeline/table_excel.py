"""The rows of an Excel sheet as texts, as a person reads them."""

import re
import zipfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from .decoder_messages import decoder_messages
from .errors import DECODER_ERRORS, InputError, detail_of
from .table_merged import Area, spread_merged
from .table_text import SAVE_REMEDY, cleaned


def excel_rows(
    name: str, path: Path, sheet: str | None, *, max_megabytes: float
) -> list[tuple[int, list[str]]]:
    """Read the rows of one Excel sheet as texts.

    Parameters
    ----------
    name : str
        What to call the file in messages.
    path : pathlib.Path
        The file.
    sheet : str or None
        The sheet; the only one if None.
    max_megabytes : float
        A larger archive, unpacked, is refused.

    Returns
    -------
    list of (int, list of str)
        Row numbers from 1, with the cells' texts.

    Raises
    ------
    InputError
        If the file is damaged, too large, has no such sheet, or formulas without values.
    """
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        has_formulas, has_merged = _check_archive(name, path, max_megabytes)
        # openpyxl warns of styles and validation rules that it drops: the cells don't change
        with decoder_messages(), path.open("rb") as file:
            # merged cells are known to a whole workbook only, which takes longer to read
            book = load_workbook(file, read_only=not has_merged, data_only=True)
            sheets = {
                str(each.title): _table_rows(each)
                for each in book.worksheets
                if _wanted(each, sheet)
            }
        chosen = _chosen_sheet(name, sheets, sheet)
        if has_formulas:
            _refuse_uncomputed(name, path, chosen, sheets[chosen])
    except InputError:
        raise
    except (*DECODER_ERRORS, InvalidFileException, zipfile.BadZipFile) as error:
        reason = f"the Excel file is damaged: {detail_of(error)}"
        raise InputError(name, reason, SAVE_REMEDY) from error
    return sheets[chosen]


def _check_archive(name: str, path: Path, max_megabytes: float) -> tuple[bool, bool]:
    """Refuse an Excel file that unpacks to too much; tell of formulas and of merged cells."""
    with zipfile.ZipFile(path) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
        if size > max_megabytes * 1e6:
            raise InputError(
                name,
                f"the Excel file unpacks to {size / 1e6:,.0f} MB, above {max_megabytes:g}",
                "split the table",
            )
        sheets = [entry for entry in archive.namelist() if entry.startswith("xl/worksheets/")]
        texts = [archive.read(entry) for entry in sheets]
    return (
        any(re.search(rb"<f[ >/]", text) for text in texts),
        any(b"<mergeCell " in text for text in texts),
    )


def _wanted(sheet: Any, name: str | None) -> bool:
    return hasattr(sheet, "iter_rows") and (name is None or sheet.title == name)


def _table_rows(sheet: Any) -> list[tuple[int, list[str]]]:
    """Give a sheet's rows, its titles left out and its merged cells filled."""
    merged = getattr(sheet, "merged_cells", None)
    areas = [
        Area(held.min_row, held.max_row, held.min_col, held.max_col)
        for held in (merged.ranges if merged else ())
    ]
    return spread_merged(_sheet_rows(sheet), areas)


def _sheet_rows(sheet: Any) -> list[tuple[int, list[str]]]:
    if hasattr(sheet, "reset_dimensions"):
        sheet.reset_dimensions()  # the size that a file claims may be wrong or absurd
    rows = []
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        texts = cleaned(_cell_text(cell) for cell in cells)
        while texts and not texts[-1]:
            texts.pop()
        if texts:
            rows.append((number, texts))
    width = max((len(texts) for _, texts in rows), default=0)
    return [(number, texts + [""] * (width - len(texts))) for number, texts in rows]


def _cell_text(cell: Any) -> str:
    """Give a cell as a person reads it; a number shown with leading zeros keeps them."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, int):
        digits = cell.number_format or ""
        return str(value).zfill(len(digits)) if re.fullmatch("0{2,}", digits) else str(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else str(value)


def _chosen_sheet(
    name: str, sheets: dict[str, list[tuple[int, list[str]]]], wanted: str | None
) -> str:
    filled = [title for title, rows in sheets.items() if rows]
    if len(filled) == 1:
        return filled[0]
    if wanted is not None:
        raise InputError(
            name, f"there is no sheet {wanted!r} with anything in it", "check the sheet's name"
        )
    if not filled:
        raise InputError(name, "the Excel file has no cell with anything in it", SAVE_REMEDY)
    raise InputError(
        name,
        "the Excel file holds several sheets: " + ", ".join(map(repr, filled)),
        f"name the one to read, such as {name}#{filled[0]}, or delete the others",
    )


def _refuse_uncomputed(
    name: str, path: Path, title: str, rows: list[tuple[int, list[str]]]
) -> None:
    """Refuse formulas whose result was never stored: they would read as empty cells."""
    from openpyxl import load_workbook

    texts = dict(rows)
    with decoder_messages(), path.open("rb") as file:
        sheet = load_workbook(file, read_only=True)[title]
        sheet.reset_dimensions()
        for number, cells in enumerate(sheet.iter_rows(), start=1):
            for position, cell in enumerate(cells):
                known = texts.get(number, [])
                stored = known[position] if position < len(known) else ""
                if cell.data_type == "f" and not stored:
                    raise InputError(
                        name,
                        f"sheet {title!r}, cell {cell.coordinate} is a formula without a result",
                        "open and save the file in a spreadsheet program, or paste values",
                    )
