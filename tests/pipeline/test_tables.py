"""Tables as people have them: every encoding, nothing guessed, every mistake named by its row."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.tables import read_table, to_numbers

ROWS = [["animal", "diet", "volume"], ["007", "35 ppm", "1.5"], ["012", "Fe³⁺ hoch", "12"]]


def as_dict(table: pd.DataFrame) -> dict[str, list[str]]:
    return {str(name): table[name].tolist() for name in table.columns}


def excel(path: Path, rows: list[list[object]], title: str = "Sheet") -> Path:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_text_tables_of_every_dialect_read_alike(
    tmp_path: Path, separator: str, encoding: str, line_end: str
) -> None:
    """Authority: the cells written; 007 keeps its zeros."""
    text = line_end.join(separator.join(row) for row in ROWS) + line_end
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    table = read_table(tmp_path / "a.csv")
    assert as_dict(table) == {
        "animal": ["007", "012"],
        "diet": ["35 ppm", "Fe³⁺ hoch"],
        "volume": ["1.5", "12"],
    }
    assert table.index.tolist() == [2, 3]  # as a spreadsheet counts its rows


def test_windows_latin_1_is_understood(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("animal;größe µm\n1;3\n".encode("cp1252"))
    assert list(read_table(tmp_path / "a.csv").columns) == ["animal", "größe µm"]


def test_decimal_commas_between_semicolons(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("animal;volume\n1;1,5\n2;0,125\n3;\n")
    volumes = to_numbers(read_table(tmp_path / "a.csv")["volume"])
    assert volumes.iloc[:2].tolist() == [1.5, 0.125]
    assert np.isnan(volumes.iloc[2])


def test_excels_own_separator_line_is_no_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sep=;\nanimal;name\n1;a,b,c\n")
    table = read_table(tmp_path / "a.csv")
    assert as_dict(table) == {"animal": ["1"], "name": ["a,b,c"]}
    assert table.index.tolist() == [3]


def test_blank_rows_blanks_and_trailing_separators_are_dropped(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(" animal ,diet,\n\n  007\u00a0, low ,\n,,\n8,high,\n")
    table = read_table(tmp_path / "a.csv")
    assert as_dict(table) == {"animal": ["007", "8"], "diet": ["low", "high"]}
    assert table.index.tolist() == [3, 5]


def test_quoted_cells_keep_separators_quotes_and_line_ends(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('image,note\n"a, b.tif","said ""x""\nand went"\nc.tif,-\n')
    table = read_table(tmp_path / "a.csv")
    assert as_dict(table) == {"image": ["a, b.tif", "c.tif"], "note": ['said "x"\nand went', "-"]}
    assert table.index.tolist() == [2, 4]


def test_a_single_column_is_a_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("animal\n007\n")
    assert as_dict(read_table(tmp_path / "a.csv")) == {"animal": ["007"]}


def test_a_header_alone_is_an_empty_table_of_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("animal,diet\n")
    table = read_table(tmp_path / "a.csv")
    assert list(table.columns) == ["animal", "diet"]
    assert len(table) == 0
    assert to_numbers(table["diet"]).dtype == np.float64


def test_excel_cells_read_as_a_person_reads_them(tmp_path: Path) -> None:
    path = excel(
        tmp_path / "a.xlsx",
        [["animal", "volume", "ok", "day"], ["007", 1.5, True, pd.Timestamp("2013-06-25")]],
    )
    book = openpyxl.load_workbook(path)
    book.active.append([7, 3.0, False, None])
    book.active["A3"].number_format = "000"  # shown as 007
    book.save(path)
    assert as_dict(read_table(path)) == {
        "animal": ["007", "007"],
        "volume": ["1.5", "3"],
        "ok": ["true", "false"],
        "day": ["2013-06-25", ""],
    }


def test_of_several_excel_sheets_one_must_be_named(tmp_path: Path) -> None:
    path = excel(tmp_path / "a.xlsx", [["animal"], ["1"]], "mice")
    book = openpyxl.load_workbook(path)
    book.create_sheet("empty")
    book.create_sheet("Cq values").append(["gene"])
    book.save(path)
    with pytest.raises(InputError, match="several sheets: 'mice', 'Cq values'") as caught:
        read_table(path)
    assert f"{path}#mice" in caught.value.remedy
    assert as_dict(read_table(f"{path}#Cq values")) == {"gene": []}
    assert as_dict(read_table(f"{path}#mice")) == {"animal": ["1"]}
    with pytest.raises(InputError, match="no sheet 'rats'"):
        read_table(f"{path}#rats")


def test_a_formula_without_a_stored_result_is_no_empty_cell(tmp_path: Path) -> None:
    path = excel(tmp_path / "a.xlsx", [["animal", "ratio"], ["1", "=2/4"]])
    with pytest.raises(InputError, match="cell B2 is a formula without a result"):
        read_table(path)


def test_an_excel_file_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = excel(tmp_path / "a.xlsx", [["animal"], ["1"]])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/bomb", bytes(600_000_000))
    assert path.stat().st_size < 1e6
    with pytest.raises(InputError, match="unpacks to 600 MB"):
        read_table(path)


def test_parquet_keeps_numbers_and_brings_named_columns_to_text(tmp_path: Path) -> None:
    table = pd.DataFrame({"animal": [7, 12], "volume": [0.1, np.nan], "diet": ["low", None]})
    table.to_parquet(tmp_path / "a.parquet")
    back = read_table(tmp_path / "a.parquet", text_columns=["animal"])
    assert back["animal"].tolist() == ["7", "12"]
    assert back["volume"].iloc[0] == 0.1
    assert back["diet"].tolist() == ["low", ""]
    assert back.index.tolist() == [2, 3]
    assert read_table(tmp_path / "a.parquet")["animal"].dtype == np.int64


def test_parquet_with_a_pandas_index_gives_only_its_columns(tmp_path: Path) -> None:
    table = pd.DataFrame({"volume": [1.0, 2.0]}, index=[5, 9])
    table.to_parquet(tmp_path / "a.parquet")
    assert list(read_table(tmp_path / "a.parquet").columns) == ["volume"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n1,2,3\n", "row 3 has 3 cells, but the header names 2"),
        ("a,b\n1,2\n1\n", "row 3 has 1 cells, but the header names 2 columns: 'b' is missing"),
        ("animal,volume\n1,1,5\n", "row 2 has 3 cells"),
        ("a,a\n1,2\n", "row 1: the column names 'a' stand twice"),
        ("a,,c\n1,2,3\n", "row 1: column 2 has no name"),
        ('a,b\n1,2\n"3,4\n5,6\n', "row 3: a cell is malformed"),
        ("\n\n,,\n", "no cell with anything in it"),
        ("a,b\n1,\x07\n", "row 2 holds bytes that are no text"),
    ],
)
def test_malformed_text_tables_are_refused_by_row(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        read_table(tmp_path / "a.csv")
    assert message in caught.value.reason
    assert caught.value.path == str(tmp_path / "a.csv")
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.csv", b"a,b\n1,\x00\n", "binary file"),
        ("a.csv", b"\xff\xfea", "UTF-16 text is damaged"),
        ("a.xlsx", b"a,b\n1,2\n", "Excel file is damaged"),
        ("a.xls", b"\xd0\xcf\x11\xe0", "old Excel format"),
        ("a.parquet", b"PAR1 but no more", "Parquet file is damaged"),
    ],
)
def test_files_that_are_no_tables_are_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_table(tmp_path / name)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(InputError, match="a folder"):
        read_table(tmp_path)
    with pytest.raises(InputError, match="can't be opened"):
        read_table(tmp_path / ("x" * 300 + ".csv"))
    with pytest.raises(InputError, match="can't be opened"):
        read_table("nul\0l.csv")


def test_numbers_are_read_exactly() -> None:
    cells = ["1", "-2.5", "+3", "1e-3", ".5", "6.", "−7", " 8 ", "", "NA", "n/a", "NaN", "#N/A"]
    numbers = to_numbers(pd.Series(cells, name="x"))
    assert numbers.tolist()[:8] == [1, -2.5, 3, 0.001, 0.5, 6, -7, 8]
    assert numbers.iloc[8:].isna().all()


@pytest.mark.parametrize(
    "cell", ["abc", "1 2", "5 %", "<0.1", "1_000", "0x10", "inf", "1.2.3", "1,2,3", "-", "1e999"]
)
def test_what_is_no_number_is_named_with_row_and_column(cell: str) -> None:
    column = pd.Series(["1", cell], index=pd.Index([2, 3], name="row"), name="volume")
    with pytest.raises(InputError) as caught:
        to_numbers(column, path="volumes.csv")
    assert "column 'volume', row 3: " in caught.value.reason
    assert caught.value.path == "volumes.csv"


def test_many_bad_cells_are_counted_and_the_first_five_named() -> None:
    column = pd.Series(["x"] * 20, index=pd.RangeIndex(2, 22), name="v")
    with pytest.raises(InputError) as caught:
        to_numbers(column)
    assert caught.value.reason.count("row ") == 5
    assert "and 15 more rows" in caught.value.reason


def test_commas_that_may_be_thousands_are_not_guessed() -> None:
    column = pd.Series(["1,234", "2,500"], name="cells")
    with pytest.raises(InputError, match="may mean thousands or decimals"):
        to_numbers(column)
    assert to_numbers(column, decimal=",").tolist() == [1.234, 2.5]
    # one cell that can only be a decimal settles it
    assert to_numbers(pd.Series(["1,234", "2,5"])).tolist() == [1.234, 2.5]
    assert to_numbers(pd.Series(["0,125", "1,250"])).tolist() == [0.125, 1.25]


def test_mixed_decimal_marks_are_refused() -> None:
    with pytest.raises(InputError, match=r"row 1: '2\.5' has '\.' where"):
        to_numbers(pd.Series(["1,5", "2.5"]))


def test_numbers_pass_and_infinite_ones_do_not() -> None:
    assert to_numbers(pd.Series([1, 2])).dtype == np.float64
    with pytest.raises(InputError, match="not finite"):
        to_numbers(pd.Series([1.0, np.inf]))


def mutants(data: bytes, seed: int, count: int) -> list[bytes]:
    """Cut and flip bytes, the same ones each time."""
    random = np.random.default_rng(seed)
    made = [data[: int(random.integers(0, len(data)))] for _ in range(count // 2)]
    for _ in range(count - len(made)):
        changed = bytearray(data)
        for at in random.integers(0, len(data), size=int(random.integers(1, 6))):
            changed[at] ^= 1 << int(random.integers(0, 8))
        made.append(bytes(changed))
    return made


def make_csv(path: Path) -> None:
    path.write_text('animal,"diet, ppm",volume\n007,35,1.5\n"8 ""b""",350,2\n' * 5)


def make_xlsx(path: Path) -> None:
    excel(path, [["animal", "volume"], *[[f"{i:03}", i / 7] for i in range(40)]])


def make_parquet(path: Path) -> None:
    pd.DataFrame({"animal": ["007", "8"] * 50, "volume": np.arange(100) / 7}).to_parquet(path)


@pytest.mark.parametrize(
    ("suffix", "make"), [("csv", make_csv), ("xlsx", make_xlsx), ("parquet", make_parquet)]
)
def test_damaged_tables_read_or_are_refused_and_never_crash(
    tmp_path: Path, suffix: str, make: Callable[[Path], None]
) -> None:
    """Authority: the contract; each of 60 mutants gives a table or an InputError."""
    path = tmp_path / f"table.{suffix}"
    make(path)
    outcomes = [outcome(path, mutant) for mutant in mutants(path.read_bytes(), seed=3, count=60)]
    print(f"{suffix}: {outcomes.count('read')} read, {outcomes.count('refused')} refused")
    assert len(outcomes) == 60
    assert set(outcomes) <= {"read", "refused"}
    assert "refused" in outcomes


def outcome(path: Path, content: bytes) -> str:
    """Say what became of a file's content; anything but a table or an InputError escapes."""
    path.write_bytes(content)
    try:
        read_table(path)
    except InputError as error:
        return "refused" if error.reason and error.remedy else "refused without a reason"
    return "read"
