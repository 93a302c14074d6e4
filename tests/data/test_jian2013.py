"""The paper's reported values: complete, parsable, and tied to a place in the paper."""

from importlib import resources

import pandas as pd
import pytest

from xenoquant.stats.rounding import Printed


def _table(name: str) -> pd.DataFrame:
    path = resources.files("xenoquant.data") / "jian2013" / f"{name}.csv"
    with path.open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def groups() -> pd.DataFrame:
    return _table("groups").set_index("id")


@pytest.mark.parametrize(
    ("id", "mean", "error", "n", "kind"),
    [
        ("tumour_3.5", "2922.6", "161.8", "9", "SEM"),
        ("tumour_35", "1636.5", "86.6", "9", "SEM"),
        ("tumour_350", "1453.8", "90.6", "9", "SEM"),
        ("nodules_3.5", "22.9", "2.6", "9", "unlabelled"),
        ("nodules_35", "13.9", "2.4", "9", "unlabelled"),
        ("nodules_350", "13.7", "2.7", "9", "unlabelled"),
        ("therapy_3.5", "925.6", "147.4", "9", "unlabelled"),
        ("therapy_350", "644.8", "53.2", "9", "unlabelled"),
        ("therapy_iron", "638.8", "90.3", "9", "unlabelled"),
        ("haemoglobin_positive", "119.6", "14.5", "62", "SD"),
        ("haemoglobin_negative", "126.7", "13.6", "74", "SD"),
    ],
)
def test_groups_are_the_papers(groups, id, mean, error, n, kind):
    """Read from the text of the paper, figure for figure."""
    row = groups.loc[id]
    assert tuple(row[["mean", "error", "n", "error_kind"]]) == (mean, error, n, kind)


def test_intervals_ages_and_p_are_the_papers(groups):
    """Read from the text and from the legend of Figure 6."""
    assert tuple(groups.loc["haemoglobin_positive", ["ci_low", "ci_high"]]) == ("116", "123.2")
    assert tuple(groups.loc["haemoglobin_negative", ["ci_low", "ci_high"]]) == ("123.6", "129.8")
    ages = groups.loc[["age_positive", "age_negative", "age_negative_legend"], "mean"]
    assert ages.to_list() == ["34.5", "35.5", "35.4"]
    assert groups.loc["haemoglobin_positive", "p"] == "<0.002"


def test_sem_is_said_of_figure_1a_alone(groups):
    """The paper labels ± once as SEM and once as SD."""
    figures = groups.groupby("error_kind")["figure"].unique()
    assert figures["SEM"].tolist() == ["1A"]
    assert figures["SD"].tolist() == ["6"]


def test_every_printed_number_keeps_its_decimals(groups):
    """Text that parses as a printed number, or is empty."""
    for column in ("mean", "error", "ci_low", "ci_high"):
        for text in groups[column]:
            assert text == "" or Printed(text).text == text


@pytest.mark.parametrize("name", ["groups", "numbers", "claims"])
def test_ids_are_unique_and_each_row_has_its_place(name):
    """A number without a place in the paper can't be checked."""
    table = _table(name)
    assert table["id"].is_unique
    assert (table["section"] != "").all()


def test_claims_name_only_what_the_tables_hold(groups):
    """Every id that a claim refers to exists."""
    claims, statements = _table("claims"), _table("statements")
    known = set(groups.index) | set(_table("numbers")["id"])
    for column in ("family", "high", "low"):
        for cell in claims[column]:
            assert {id for id in cell.split(";") if id} <= known
    assert set(statements["claim"]) <= set(claims["id"])


def test_data_knows_no_code():
    """The room holds tables and nothing that runs."""
    folder = resources.files("xenoquant.data")
    assert (folder / "__init__.py").read_text() == ""
    inside = {path.name for path in (folder / "jian2013").iterdir()}
    assert inside == {"README.md", "groups.csv", "numbers.csv", "claims.csv", "statements.csv"}
