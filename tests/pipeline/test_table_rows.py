"""Rows of tables as labs have them: read cell by cell, or refused with row, column and remedy."""

import math
from pathlib import Path

import pandas as pd
import pytest

from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.study import StudyHeader
from xenoquant.pipeline.table_rows import (
    NumberColumn,
    TextColumn,
    animal_features,
    parse_numbers,
    read_rows,
)


@pytest.fixture
def header() -> StudyHeader:
    return StudyHeader(title="t", animal="mouse", group="diet", groups=("b", "a"), reference="a")


@pytest.mark.parametrize(
    ("cells", "numbers", "wrong"),
    [
        (["1.5", "2", ""], [1.5, 2, math.nan], []),
        (["1,5", "12,25", "−3"], [1.5, 12.25, -3], []),
        (["1,234", "2,345"], [math.nan, math.nan], [0, 1]),  # thousands or decimals
        (["1,5", "2,5", "3.5"], [1.5, 2.5, math.nan], [2]),
        (["1.5", "2.5", "3,5"], [1.5, 2.5, math.nan], [2]),
        (["1,234", "1.5"], [math.nan, 1.5], [0]),
        (["<LOD", "> 5", "n.d.", "NA", "7 mm"], [math.nan] * 5, [0, 1, 2, 4]),
        (["1e3", "1e999"], [1000, math.nan], [1]),
    ],
)
def test_numbers_by_hand(cells, numbers, wrong):
    """Contract: a number is read, an empty cell is missing, anything else is named."""
    found, problems = parse_numbers(pd.Series(cells))
    assert found.tolist() == pytest.approx(numbers, nan_ok=True)
    assert sorted(row for row, _, _ in problems) == wrong


def test_words_that_stand_for_a_value():
    """Contract: only words that the assay names pass."""
    found, problems = parse_numbers(
        pd.Series(["Undetermined", "31.5"]), words={"undetermined": math.nan}
    )
    assert problems == []
    assert math.isnan(found[0])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_rows_of_any_encoding_keep_identifiers_and_drop_other_columns(tmp_path, header, encoding):
    """Contract: 007 keeps its zeros, columns are mapped, unlisted ones are gone."""
    text = "mouse;diet;Größe;Bemerkung\n007;a;1,5;müde\n8;b;2;\n"
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    rows = read_rows(
        "g",
        tmp_path,
        "t.csv",
        header=header,
        wanted=[NumberColumn("size_mm", above=0)],
        columns={"size_mm": "Größe"},
    )
    assert list(rows.table.columns) == ["animal", "group", "size_mm"]
    assert rows.table["animal"].tolist() == ["007", "8"]
    assert rows.table["size_mm"].tolist() == [1.5, 2]
    assert rows.table.index.tolist() == [2, 3]
    assert rows.problems == ()


def test_all_problems_of_all_rows_come_at_once(tmp_path: Path, header):
    """By hand: four rows, each wrong; one of them twice; the fifth is used."""
    lines = ["mouse,diet,size_mm,stain", "1,a,0,x", "2,c,abc,x", ",a,3,x", "4,b,4,z", "5,b,5,"]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    wanted = [NumberColumn("size_mm", above=0), TextColumn("stain", empty=True, one_of=("x",))]
    rows = read_rows("g", tmp_path, "t.csv", header=header, wanted=wanted)
    assert [row.error for row in rows.problems] == [
        "row 2, column size_mm: 0 can't be right: expected a number above 0",
        "row 3, column diet: 'c' is none of 'b', 'a'",
        "row 3, column size_mm: 'abc' is not a number",
        "row 4, column mouse: the cell is empty",
        "row 5, column stain: 'z' is none of 'x'",
    ]
    assert {row.stage for row in rows.problems} == {"read"}
    assert rows.table["animal"].tolist() == ["5"]
    assert rows.n_rows == 5


def test_columns_that_are_missing_are_named_together_with_those_there(tmp_path: Path, header):
    """Contract: one error names every missing column, and the likely renaming."""
    (tmp_path / "t.csv").write_text("Mouse,diet,Size mm\n1,a,2\n")
    with pytest.raises(InputError) as error:
        read_rows("g", tmp_path, "t.csv", header=header, wanted=[NumberColumn("size_mm")])
    assert "'mouse', 'size_mm'" in error.value.reason
    assert 'columns = { animal = "Mouse", size_mm = "Size mm" }' in error.value.remedy
    with pytest.raises(InputError, match="renames 'lenght'"):
        read_rows("g", tmp_path, "t.csv", header=header, wanted=[], columns={"lenght": "Size mm"})


def test_a_table_outside_the_study_needs_leave(tmp_path: Path, header):
    """Contract: read_outside, as for images."""
    (tmp_path / "study").mkdir()
    (tmp_path / "t.csv").write_text("mouse,diet\n1,a\n")
    with pytest.raises(InputError, match="outside the study"):
        read_rows("g", tmp_path / "study", "../t.csv", header=header, wanted=[])
    allowed = header.model_copy(update={"read_outside": True})
    assert len(read_rows("g", tmp_path / "study", "../t.csv", header=allowed, wanted=[]).table) == 1


def test_a_parquet_table_of_numbers_names_its_animals_without_decimals(tmp_path: Path, header):
    """Contract: 7.0 is animal 7."""
    table = pd.DataFrame({"mouse": [7.0, 8.0], "diet": ["a", "b"], "size_mm": [1.5, None]})
    table.to_parquet(tmp_path / "t.parquet")
    wanted = [NumberColumn("size_mm", empty=True)]
    rows = read_rows("g", tmp_path, "t.parquet", header=header, wanted=wanted)
    assert rows.table["animal"].tolist() == ["7", "8"]
    assert rows.table["size_mm"].tolist() == pytest.approx([1.5, math.nan], nan_ok=True)


def test_features_stand_in_the_order_of_the_contract():
    """Contract: feature by feature, groups in their order, animals by name."""
    rows = [("y", "2", "a"), ("x", "2", "a"), ("x", "9", "b"), ("y", "1", "a"), ("y", "9", "b")]
    values = pd.DataFrame(rows, columns=["feature", "animal", "group"])
    found = animal_features(values.assign(value=1.0, n_objects=1), ["b", "a"])
    assert found[["feature", "animal"]].agg("".join, axis=1).tolist() == [
        *("y9", "y1", "y2", "x9", "x2"),
    ]
    assert list(found.columns) == ["feature", "animal", "group", "value", "n_images", "n_objects"]
    assert found["n_images"].tolist() == [0] * 5
