"""The rows of a text table, whatever its encoding and separator."""

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path

from .errors import InputError
from .writers import unguard

DELIMITERS = (",", ";", "\t", "|")
SNIFFED_ROWS = 50
SAVE_REMEDY = "save the table again as CSV (UTF-8) or Excel (.xlsx)"


def cleaned(cells: Iterable[str]) -> list[str]:
    """Take surrounding blanks, byte-order marks and formula guards off cells."""
    return [unguard(cell.strip().strip("\ufeff")) for cell in cells]


def text_rows(name: str, path: Path) -> list[tuple[int, list[str]]]:
    """Read the rows of a text table, numbered by the line on which they begin.

    Parameters
    ----------
    name : str
        What to call the file in messages.
    path : pathlib.Path
        The file.

    Returns
    -------
    list of (int, list of str)
        Line numbers from 1, with the cells' texts; empty rows are left out.

    Raises
    ------
    InputError
        If its letters can't be read, or a cell is malformed.
    """
    text = _decoded(name, path.read_bytes())
    first, _, rest = text.partition("\n")
    told = re.fullmatch(r"sep=(.)\r?", first)
    if told:  # Excel's own way to name the separator, in a line that is no row
        delimiter, text = told[1], "\n" + rest
    else:
        delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(text)
    rows: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    before = 0
    try:
        for cells in reader:
            number, before = before + 1, reader.line_num
            texts = cleaned(cells)
            if any(texts):
                rows.append((number, texts))
    except csv.Error as error:
        raise InputError(
            name,
            f"row {before + 1}: a cell is malformed ({error}), often a quote that isn't closed",
            "check the quotes in this row",
        ) from error
    return rows


def _decoded(name: str, data: bytes) -> str:
    """Turn bytes into text by their byte-order mark, as UTF-8, or as Windows Latin-1."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\0" in data:
        raise InputError(name, "it is a binary file, not a table of text", SAVE_REMEDY)
    else:
        encoding = "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-16":
            raise InputError(name, "its UTF-16 text is damaged", SAVE_REMEDY) from error
        text = data.decode("cp1252", "replace")
    control = re.search(r"[\x00-\x08\x0e-\x1f]", text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        raise InputError(name, f"row {line} holds bytes that are no text", SAVE_REMEDY)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _delimiter(text: str) -> str:
    """Choose the separator that splits the first rows evenly into the most columns."""
    head = io.StringIO("".join(text.splitlines(keepends=True)[:SNIFFED_ROWS]))
    best, best_score = ",", (-1.0, 0)
    for delimiter in DELIMITERS:
        head.seek(0)
        widths = [len(cells) for cells in csv.reader(head, delimiter=delimiter) if any(cells)]
        if not widths or widths[0] < 2:
            continue
        even = sum(width == widths[0] for width in widths) / len(widths)
        if (even, widths[0]) > best_score:
            best, best_score = delimiter, (even, widths[0])
    return best
