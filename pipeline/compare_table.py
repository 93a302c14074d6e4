"""The statistics alone, on anybody's table."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from .compare_choices import Choices, Columns
from .errors import InputError, Problem, StudyError
from .tables import read_table, to_numbers
from .writers import neutralised

if TYPE_CHECKING:
    from ..stats.units import Units

FORMATS = ("table", "csv", "json")

_UNITS = ("animal", "mouse", "rat", "subject", "patient", "donor")
_UNIT_NAMES = frozenset(name + end for name in _UNITS for end in ("", "_id"))
"""Columns so called hold the experimental unit, whether or not the command names them."""


@dataclass(frozen=True)
class TableComparison:
    """The groups of a table, described and compared.

    Attributes
    ----------
    groups : pandas.DataFrame
        The columns of groups.csv.
    comparisons : pandas.DataFrame
        The columns of comparisons.csv.
    units : Units
        What both were made from: one value a unit, by group.
    """

    groups: pd.DataFrame
    comparisons: pd.DataFrame
    units: "Units"


def compare_table(path: Path, columns: Columns, choices: Choices) -> TableComparison:
    """Compare the groups of a CSV, XLSX or Parquet table.

    Parameters
    ----------
    path : pathlib.Path
        The table.
    columns : Columns
        What its columns hold: single values, or n, mean and SD or SEM of each group.
    choices : Choices
        What is run.

    Returns
    -------
    TableComparison
        Both tables.

    Raises
    ------
    InputError
        If the table can't be read, holds text where numbers should be, or repeats units.
    StudyError
        If a column isn't there.
    """
    from ..stats.compare import compare_units
    from ..stats.summaries import SUMMARY_COLUMNS, summarise
    from ..stats.units import RepeatedUnits

    text = [name for name in (columns.group, columns.unit, columns.pooled) if name]
    table = read_table(path, text_columns=text)
    _require(path, table, columns)
    _require_one_feature(path, table, columns)
    try:
        units = _units(path, table, columns, choices)
        comparisons = compare_units(
            units,
            reference=choices.reference,
            alpha=choices.alpha,
            tests=choices.tests,
            alternative=choices.alternative,  # type: ignore[arg-type]
            margin=choices.margin,
            per=choices.per,
        )
    except RepeatedUnits as error:
        remedy = (
            "--unit names their column and --aggregate takes each one's mean; --rows-are-units "
            "counts every row, if each truly is a unit of its own"
        )
        raise InputError(str(path), error.finding, remedy) from error
    except ValueError as error:
        raise InputError(str(path), str(error), "mend the table or the options") from error
    rows = [summarise(group, level=1 - choices.alpha) for group in units.groups]
    groups = pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))
    for made in (groups, comparisons):
        made.insert(0, "feature", columns.value)
        made.insert(0, "assay", path.stem)
    return TableComparison(groups, comparisons, units)


def _require(path: Path, table: pd.DataFrame, columns: Columns) -> None:
    missing = [name for name in columns.named if name not in table.columns]
    if missing:
        expected = "one of its columns (" + ", ".join(map(str, table.columns)) + ")"
        remedy = "mend the column's name"
        raise StudyError([Problem(path.name, "", repr(name), expected, remedy) for name in missing])


def _require_one_feature(path: Path, table: pd.DataFrame, columns: Columns) -> None:
    """Refuse a table of ours, long and of many features, whose means would mix counts and areas."""
    if columns.group == "feature" or not {"assay", "feature"} <= set(table.columns):
        return
    kinds = table[["assay", "feature"]].astype(str).drop_duplicates().agg(", ".join, axis=1)
    if len(kinds) > 1:
        shown = "; ".join(kinds[:3]) + ("; …" if len(kinds) > 3 else "")
        reason = f"it holds {len(kinds)} features ({shown}), whose values have no common mean"
        raise InputError(str(path), reason, "keep the rows of one assay and one feature")


def _units(path: Path, table: pd.DataFrame, columns: Columns, choices: Choices) -> "Units":
    from ..stats.units import units_from_summaries, units_of

    numbers = [columns.value, *(name for name in (columns.n, columns.sd, columns.sem) if name)]
    held = table.assign(**{name: to_numbers(table[name], path=str(path)) for name in numbers})
    if columns.summaries:
        if columns.n is None:
            raise ValueError("a table of summaries needs the column of each group's n: --n")
        return units_from_summaries(
            held,
            mean=columns.value,
            n=columns.n,
            sd=columns.sd,
            sem=columns.sem,
            group=columns.group,
        )
    nested = choices.tests is not None and set(choices.tests) == {"mixed_model"}
    unit = columns.unit or _repeated_unit(held, columns)
    return units_of(
        held,
        value=columns.value,
        group=columns.group,
        unit=unit,
        pooled=columns.pooled,
        aggregate=columns.unit is not None and (choices.aggregate or nested),
        rows_are_units=choices.rows_are_units,
    )


def _repeated_unit(table: pd.DataFrame, columns: Columns) -> str | None:
    """Name a column that by its name holds animals, if they repeat within a group."""
    for name in table.columns:
        plain = str(name).strip().casefold().replace(" ", "_").replace("-", "_")
        if plain not in _UNIT_NAMES or name in columns.named:
            continue
        named = table[[columns.group, name]].astype(str)
        if named[named[name].str.strip() != ""].duplicated().any():
            return str(name)
    return None


def format_comparison(found: TableComparison, form: str) -> str:
    """Give both tables as text for people, as CSV (the comparisons), or as JSON.

    Raises
    ------
    StudyError
        If the form isn't one of the three.
    """
    if form == "csv":
        return neutralised(found.comparisons).to_csv(index=False).rstrip("\n")
    if form == "json":
        parts = {"groups": found.groups, "comparisons": found.comparisons}
        records = {name: _records(table) for name, table in parts.items()}
        return json.dumps(records, indent=2, ensure_ascii=False, allow_nan=False)
    if form == "table":
        return "\n\n".join(part for part in (_as_text(found.groups), _with_notes(found)) if part)
    remedy = "write --format table, csv or json"
    raise StudyError([Problem("--format", "", form, "one of " + ", ".join(FORMATS), remedy)])


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Give rows with every digit, and null where there is no finite number."""
    return [
        {str(name): _plain(value) for name, value in row.items()}
        for row in table.to_dict("records")
    ]


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _with_notes(found: TableComparison) -> str:
    """Give the comparisons, their notes numbered and set below."""
    shown = found.comparisons.copy()
    numbers: dict[str, int] = {}
    marks = []
    for note in shown["note"]:
        own = [numbers.setdefault(part, len(numbers) + 1) for part in note.split("; ") if part]
        marks.append(", ".join(map(str, own)))
    shown["note"] = marks
    lines = [f"{number:>3}  {part}" for part, number in numbers.items()]
    return "\n\n".join(part for part in (_as_text(shown), "\n".join(lines)) if part)


def _as_text(table: pd.DataFrame) -> str:
    shown = table.drop(columns=["assay", "feature"])
    return shown.to_string(index=False, float_format=lambda number: f"{number:.6g}", na_rep="")
