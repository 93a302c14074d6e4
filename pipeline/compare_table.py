"""The statistics alone, on anybody's table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from .errors import InputError, Problem, StudyError
from .tables import read_table, to_numbers

FORMATS = ("table", "csv", "json")


@dataclass(frozen=True)
class TableComparison:
    """The groups of a table, described and compared.

    Attributes
    ----------
    groups : pandas.DataFrame
        The columns of groups.csv.
    comparisons : pandas.DataFrame
        The columns of comparisons.csv.
    """

    groups: pd.DataFrame
    comparisons: pd.DataFrame


def compare_table(
    path: Path,
    *,
    value: str,
    group: str,
    unit: str | None = None,
    reference: str | None = None,
    tests: Sequence[str] | None = None,
    alpha: float = 0.05,
    aggregate: bool = False,
    alternative: str = "two-sided",
    margin: float | None = None,
) -> TableComparison:
    """Compare the groups of a CSV, XLSX or Parquet table.

    Parameters
    ----------
    path : pathlib.Path
        The table.
    value, group, unit : str
        Columns: the values, the groups, and the experimental unit (each row one, if not given).
    reference : str, optional
        The group that the others are compared with.
    tests : sequence of str, optional
        Tests to run instead of the default ones.
    alpha : float
        The level of significance.
    aggregate : bool
        Average the rows of a unit first.
    alternative : {"two-sided", "less", "greater"}
        The side of the tests that have one.
    margin : float, optional
        The margin of an equivalence test, in the units of the values.

    Returns
    -------
    TableComparison
        Both tables.

    Raises
    ------
    InputError
        If the table can't be read or holds text where numbers should be.
    StudyError
        If a column or group isn't there, or the groups can't be compared.
    """
    table = read_table(path, text_columns=[name for name in (group, unit) if name])
    missing = [name for name in (value, group, unit) if name and name not in table.columns]
    if missing:
        expected = "one of its columns (" + ", ".join(map(str, table.columns)) + ")"
        remedy = "mend the column's name"
        raise StudyError([Problem(path.name, "", repr(name), expected, remedy) for name in missing])
    held = pd.DataFrame({"value": to_numbers(table[value], path=str(path)), "group": table[group]})
    if unit:
        held["animal"] = table[unit]
    held = held[held["group"].fillna("").astype(str) != ""]
    options: dict[str, Any] = {
        "unit": "animal" if unit else None,
        "reference": reference,
        "alpha": alpha,
        "tests": tests,
        "aggregate": aggregate and unit is not None,
        "alternative": alternative,
        "margin": margin,
    }
    try:
        return _compare(held, value, path.stem, options)
    except ValueError as error:
        raise InputError(str(path), str(error), "mend the table or the options") from error


def _compare(
    held: pd.DataFrame, feature: str, name: str, options: Mapping[str, Any]
) -> TableComparison:
    from ..stats.compare import compare_groups
    from ..stats.summaries import summarise_groups

    comparisons = compare_groups(held, **options)
    if options["aggregate"]:
        held = held.groupby(["group", "animal"], sort=False, as_index=False)["value"].mean()
    groups = summarise_groups(held)
    for table in (groups, comparisons):
        table.insert(0, "feature", feature)
        table.insert(0, "assay", name)
    return TableComparison(groups, comparisons)


def format_comparison(found: TableComparison, form: str) -> str:
    """Give both tables as text for people, as CSV (the comparisons), or as JSON.

    Raises
    ------
    StudyError
        If the form isn't one of the three.
    """
    if form == "csv":
        return found.comparisons.to_csv(index=False).rstrip("\n")
    if form == "json":
        parts = {"groups": found.groups, "comparisons": found.comparisons}
        records = {
            name: json.loads(table.to_json(orient="records")) for name, table in parts.items()
        }
        return json.dumps(records, indent=2, ensure_ascii=False)
    if form == "table":
        return "\n\n".join(_as_text(table) for table in (found.groups, found.comparisons))
    remedy = "write --format table, csv or json"
    raise StudyError([Problem("--format", "", form, "one of " + ", ".join(FORMATS), remedy)])


def _as_text(table: pd.DataFrame) -> str:
    shown = table.drop(columns=["assay", "feature"])
    return shown.to_string(index=False, float_format=lambda number: f"{number:.6g}", na_rep="")
