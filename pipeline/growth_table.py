"""Reading tumour measurements: long or wide, calipers or volumes, days or dates."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .dates import looks_like_date, read_dates
from .errors import InputError
from .growth_titles import wide_columns
from .problems import ProblemRow, RefusedTable
from .table_rows import (
    NumberColumn,
    check_rows,
    identity_columns,
    one_group_an_animal,
    open_table,
    pick_columns,
)

if TYPE_CHECKING:
    from ..stats.growth import Formula
    from .study import StudyHeader

MEASURES = ("volume_mm3", "length_mm", "width_mm", "height_mm")
_DAY = NumberColumn("day")
_MEASURE_COLUMNS = tuple(
    NumberColumn(name, required=False, empty=True, at_least=0) for name in MEASURES
)
_WANTED = (_DAY, *_MEASURE_COLUMNS)
_NEEDED = {
    "half_lww": ("length_mm", "width_mm"),
    "pi_6_lww": ("length_mm", "width_mm"),
    "pi_6_lwh": ("length_mm", "width_mm", "height_mm"),
    "given": ("volume_mm3",),
}
# a table's own volumes that differ by more than rounding were made by another formula
_SAME_VOLUME = 0.02
# Between these lies the largest tumour of any experiment: calipers don't tell less than 2 mm, and
# a mouse doesn't carry 100 mm.
_LENGTHS_MM = (2.0, 100.0)
_VOLUMES_MM3 = (4.0, 100_000.0)


@dataclass(frozen=True)
class Measurements:
    """The measurements that can be used.

    Attributes
    ----------
    values : pandas.DataFrame
        animal, group, day, volume_mm3, and length_mm, width_mm, height_mm where measured; the
        index is the file's row.
    problems : tuple of ProblemRow
        What was left out.
    flags : pandas.DataFrame
        Measurements that look like slips, as `entry_flags` gives them.
    notes : mapping
        Formula, form of the table, what was counted; JSON-serialisable.
    """

    values: pd.DataFrame
    problems: tuple[ProblemRow, ...]
    flags: pd.DataFrame
    notes: Mapping[str, Any]


def read_measurements(
    assay: str,
    folder: Path,
    name: str,
    *,
    header: "StudyHeader",
    columns: Mapping[str, str],
    formula: "Formula",
) -> Measurements:
    """Read a table of tumour measurements and give each a volume.

    Parameters
    ----------
    assay, folder, name, header, columns
        As `read_rows`.
    formula : str
        How volumes are made from calipers; a table without calipers gives its own volumes.

    Returns
    -------
    Measurements

    Raises
    ------
    InputError
        If the table can't be read, or has neither volumes nor the diameters of the formula.
    """
    from ..stats.growth_entries import entry_flags

    table = open_table(folder, name, header=header)
    wide, first = _wide_columns(name, table, header, columns)
    if wide:
        values, problems, notes = _read_wide(assay, name, table, wide, header, columns)
        notes |= {"day_0": first} if first else {}
    else:
        values, problems, notes = _read_long(assay, name, table, header, columns)
    used, chosen = _formula_of(name, values, formula, problems)
    values, incomplete, unmeasured = _complete(assay, name, values, used)
    values, differing = _with_volume(values, used, chosen)
    flags = entry_flags(values)
    doubts = _doubtful_unit(assay, name, values, chosen)
    values, doubled = _one_a_day(assay, name, values)
    notes |= {
        "formula": chosen,
        "rows_without_measurement": unmeasured,
        "given_volumes_that_differ": differing,
    }
    problems = tuple(dict.fromkeys((*problems, *incomplete, *doubled, *doubts)))
    return Measurements(values, problems, flags, notes)


def _read_long(
    assay: str, name: str, table: pd.DataFrame, header: "StudyHeader", columns: Mapping[str, str]
) -> tuple[pd.DataFrame, tuple[ProblemRow, ...], dict[str, Any]]:
    own = identity_columns(header)
    picked = pick_columns(table, name, wanted=_WANTED, columns=columns, own=own)
    picked["day"], first = _days_of_dates(name, picked["day"], columns.get("day", "day"))
    checked = check_rows(assay, name, picked, header=header, wanted=_WANTED, titles=columns)
    checked = one_group_an_animal(assay, name, checked)
    notes: dict[str, Any] = {"form": "long", "rows": checked.n_rows}
    if first:
        notes["day_0"] = first
    return checked.table, checked.problems, notes


def _days_of_dates(name: str, days: pd.Series, title: str) -> tuple[pd.Series, str]:
    """Count days from the first date where most of the column is dates, however written."""
    texts = days.map(lambda cell: str(cell).strip())
    filled = texts[texts != ""]
    dated = filled.map(looks_like_date)
    if not len(filled) or 2 * int(dated.sum()) <= len(filled):
        return days, ""
    try:
        dates = read_dates(filled[dated])
    except ValueError as error:
        row = next(row for row, text in filled.items() if repr(text) in str(error))
        raise InputError(
            name,
            f"row {row}, column {title}: {error}",
            "write dates as 2013-05-18, or days as numbers",
        ) from error
    first = min(dates.values())
    counted = {text: str((day - first).days) for text, day in dates.items()}
    # A number among dates is no day of the same count: it is named as what it is.
    said = texts.map(lambda text: counted.get(text, f"{text} among dates" if text else ""))
    return said, first.isoformat()


def _wide_columns(
    name: str, table: pd.DataFrame, header: "StudyHeader", columns: Mapping[str, str]
) -> tuple[dict[float, dict[str, str]], str]:
    """Give each day's columns of a wide table; none for a long one."""
    if columns.get("day", "day") in table.columns:
        return {}, ""
    taken = (header.animal, header.group, *columns.values())
    return wide_columns(name, [str(title) for title in table.columns], taken)


def _read_wide(
    assay: str,
    name: str,
    table: pd.DataFrame,
    wide: Mapping[float, Mapping[str, str]],
    header: "StudyHeader",
    columns: Mapping[str, str],
) -> tuple[pd.DataFrame, tuple[ProblemRow, ...], dict[str, Any]]:
    """Read a wide table day by day; an empty cell is an animal not measured on that day."""
    own = identity_columns(header)
    tables: list[pd.DataFrame] = []
    problems: list[ProblemRow] = []
    for day, titles in wide.items():
        mapped = {**columns, **titles}
        picked = pick_columns(table, name, wanted=_MEASURE_COLUMNS, columns=mapped, own=own)
        checked = check_rows(
            assay, name, picked, header=header, wanted=_MEASURE_COLUMNS, titles=mapped
        )
        checked = one_group_an_animal(assay, name, checked)
        problems += checked.problems
        tables.append(checked.table.assign(day=day))
    values = pd.concat(tables)
    notes = {"form": "wide", "rows": len(table)}
    return values, tuple(dict.fromkeys(problems)), notes


def _formula_of(
    name: str, values: pd.DataFrame, formula: "Formula", problems: Sequence[ProblemRow]
) -> tuple[tuple[str, ...], "Formula"]:
    """Give the columns that volumes are made from, and the formula that makes them."""
    needed = _NEEDED[formula]
    if set(needed) <= set(values.columns):
        return needed, formula
    if "volume_mm3" in values and not {"length_mm", "width_mm"} & set(values.columns):
        return ("volume_mm3",), "given"
    missing = ", ".join(column for column in needed if column not in values)
    raise RefusedTable(
        name,
        f"there is no column called {missing}, which the formula {formula} needs",
        "add the columns, say what the table calls them in columns = { … }, or give volumes in "
        "mm³ in a column volume_mm3",
        problems,
    )


def _complete(
    assay: str, name: str, values: pd.DataFrame, used: tuple[str, ...]
) -> tuple[pd.DataFrame, list[ProblemRow], int]:
    """Leave out rows without a measurement; one with half of it is a problem."""
    gone = values[list(used)].isna()
    problems = [
        ProblemRow(
            assay,
            name,
            "read",
            f"row {row}, day {values['day'].iloc[place]:g}: "
            f"{', '.join(c for c in used if cells[c])} is empty and the rest isn't",
            "fill the cell, or empty the whole measurement",
        )
        for place, (row, cells) in enumerate(gone.iterrows())
        if cells.any() and not cells.all()
    ]
    return values[~gone.any(axis=1)], problems, int(gone.all(axis=1).sum())


def _with_volume(
    values: pd.DataFrame, used: tuple[str, ...], formula: "Formula"
) -> tuple[pd.DataFrame, int]:
    """Work out volumes, and count the table's own that differ from them."""
    from ..stats.growth import tumour_volume

    order = ["animal", "group", "day", "volume_mm3"]
    measured = [name for name in MEASURES[1:] if name in values]
    if formula == "given":
        return values[[*order, *measured]], 0
    volumes = tumour_volume(*(values[name].to_numpy(float) for name in used), formula=formula)
    differing = 0
    if "volume_mm3" in values:
        given = values["volume_mm3"].to_numpy(float)
        known = np.isfinite(given)
        differing = int((np.abs(given - volumes)[known] > _SAME_VOLUME * volumes[known]).sum())
    return values.assign(volume_mm3=volumes)[[*order, *measured]], differing


def _doubtful_unit(
    assay: str, name: str, values: pd.DataFrame, formula: "Formula"
) -> list[ProblemRow]:
    """Name a column whose largest number can't be in the unit that it says."""
    given = formula == "given"
    column, limits = ("volume_mm3", _VOLUMES_MM3) if given else ("length_mm", _LENGTHS_MM)
    largest = float(values[column].max()) if len(values) else math.nan
    if not largest > 0 or limits[0] <= largest <= limits[1]:
        return []
    small, large = ("cm³?", "a factor of 1000?") if given else ("cm?", "µm, or tenths?")
    guess = small if largest < limits[0] else large
    return [
        ProblemRow(
            assay,
            name,
            "read",
            f"{column}: the largest of all is {largest:.4g}, which can't be its unit",
            f"check the column's unit ({guess}), and give lengths in mm and volumes in mm³",
        )
    ]


def _one_a_day(
    assay: str, name: str, values: pd.DataFrame
) -> tuple[pd.DataFrame, list[ProblemRow]]:
    """Leave out an animal's day that stands twice with different volumes; equal ones count once."""
    problems, wrong = [], np.zeros(len(values), bool)
    places = values.groupby(["animal", "day"], sort=False).indices
    for (animal, day), where in places.items():
        volumes = values["volume_mm3"].to_numpy(float)[where]
        if len(where) < 2 or math.isclose(volumes.min(), volumes.max()):
            wrong[where[1:]] = True
            continue
        wrong[where] = True
        rows = ", ".join(str(values.index[place]) for place in where)
        problems.append(
            ProblemRow(
                assay,
                name,
                "read",
                f"rows {rows}: animal {animal!r} has several volumes on day {day:g}",
                "keep the right one; two tumours of one animal need adding up in the table",
            )
        )
    return values[~wrong], problems
