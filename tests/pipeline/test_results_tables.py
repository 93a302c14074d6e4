"""The tables of a results folder come back as they were written."""

from pathlib import Path

import pandas as pd
import pytest
from written_results import write_results

from xenoquant.pipeline.results_tables import COLUMNS, read_tables


def test_identifiers_stay_text(tmp_path: Path) -> None:
    """Animals called 007 and NA keep their names, as the sheet wrote them."""
    animals = read_tables(write_results(tmp_path))["animals"]
    assert animals["animal"].tolist()[:3] == ["007", "008", "NA"]
    assert animals["value"].tolist()[:3] == [1.0, 2.0, 3.0]


def test_numbers_are_read_digit_for_digit(tmp_path: Path) -> None:
    """Every double comes back as it was written, the shortest and the longest."""
    values = [0.1 + 0.2, 1 / 3, 5e-324, 1.7976931348623157e308]
    rows = [("a", "f", str(i), "g", value, 1, 1) for i, value in enumerate(values)]
    table = pd.DataFrame(rows, columns=list(COLUMNS["animals"]))
    table.to_csv(tmp_path / "animals.csv", index=False)
    assert read_tables(tmp_path)["animals"]["value"].tolist() == values


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    """The error says which table, which column, what came and what to do."""
    write_results(tmp_path)
    text = (tmp_path / "groups.csv").read_text().replace("2.0", "two", 1)
    (tmp_path / "groups.csv").write_text(text)
    with pytest.raises(ValueError, match=r"groups\.csv, column mean: 'two' is no number"):
        read_tables(tmp_path)
    (tmp_path / "groups.csv").write_text("assay,feature\n")
    with pytest.raises(ValueError, match=r"groups\.csv lacks group, n, mean"):
        read_tables(tmp_path)
