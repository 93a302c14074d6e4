"""Sheets as labs merge them, held against the plain table that a person reads in them."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.tables import read_table

TITLES = ["mouse", "diet", "day 7 L", "day 7 W", "day 10 L", "day 10 W"]
BODY = [
    ["m1", "350 ppm", "5.1", "4", "6", "5"],
    ["m2", "350 ppm", "5.2", "4", "6.5", "5"],
    ["m3", "3.5 ppm", "5.3", "4", "7", "6"],
    ["m4", "3.5 ppm", "5.4", "4", "8", "6"],
]


def sheet(folder: Path, rows: list[list[object]], *merged: str) -> pd.DataFrame:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for area in merged:
        book.active.merge_cells(area)
    book.save(folder / "table.xlsx")
    return read_table(folder / "table.xlsx")


def numbers(row: list[str]) -> list[object]:
    return [*row[:2], *map(float, row[2:])]


def plain(table: pd.DataFrame) -> list[list[str]]:
    return [list(table.columns), *table.to_numpy().tolist()]


@pytest.mark.parametrize("names_merged", [True, False])
@pytest.mark.parametrize("title", [None, "merged", "alone"])
def test_a_heading_of_two_rows_under_a_title(tmp_path, names_merged, title):
    """Authority: the plain table; rows keep the numbers that the spreadsheet shows."""
    above = [] if title is None else [["Volumes of experiment 12"], []]
    top = len(above) + 1
    first = ["mouse", "diet", "day 7", None, "day 10", None]
    second = [None, None, "L", "W", "L", "W"]
    areas = [f"C{top}:D{top}", f"E{top}:F{top}"]
    if names_merged:
        areas += [f"A{top}:A{top + 1}", f"B{top}:B{top + 1}"]
    areas += ["A1:F1"] if title == "merged" else []
    table = sheet(tmp_path, [*above, first, second, *map(numbers, BODY)], *areas)
    assert plain(table) == [TITLES, *BODY]
    assert table.index.tolist() == [top + 2, top + 3, top + 4, top + 5]


def test_a_group_merged_over_its_animals_is_each_ones(tmp_path):
    """Authority: the plain table."""
    rows: list[list[object]] = [TITLES, *map(numbers, BODY)]
    rows[2][1] = rows[4][1] = None
    assert plain(sheet(tmp_path, rows, "B2:B3", "B4:B5")) == [TITLES, *BODY]


def test_a_title_over_two_columns_of_data_is_no_heading_of_two_rows(tmp_path):
    """Definition: the row below holds data, so the second column of the pair has no name."""
    rows = [["mouse", "notes", None], ["m1", "fine", "seen"], ["m2", "thin", "seen"]]
    with pytest.raises(InputError, match="row 2 has 3 cells") as refused:
        sheet(tmp_path, rows, "B1:C1")
    assert "header names 2 columns" in refused.value.reason


def test_an_empty_cell_that_is_not_merged_stays_empty(tmp_path):
    """Definition: nothing is filled down but what the sheet itself joins."""
    rows: list[list[object]] = [TITLES, *map(numbers, BODY)]
    rows[2][1] = rows[4][1] = None
    table = sheet(tmp_path, rows, "B2:B3")
    assert table["diet"].tolist() == ["350 ppm", "350 ppm", "3.5 ppm", ""]
