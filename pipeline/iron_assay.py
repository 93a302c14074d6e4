"""Iron status from a table of serum and blood values."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pandas as pd

from .problems import ProblemRow, RefusedTable
from .table_assay import TableAssay, TableResult
from .table_rows import NumberColumn, TableRows, animal_features, read_rows

if TYPE_CHECKING:
    from .study import StudyHeader

FEATURES = (
    "transferrin_saturation_percent",
    "serum_iron_umol_l",
    "tibc_umol_l",
    "haemoglobin_g_l",
    "ferritin_ug_l",
)
# What each quantity is read from: the column in the unit of the result, and the other unit.
_UNITS = {
    "serum_iron_umol_l": ("serum_iron_umol_l", "serum_iron_ug_dl"),
    "tibc_umol_l": ("tibc_umol_l", "tibc_ug_dl"),
    "uibc_umol_l": ("uibc_umol_l", "uibc_ug_dl"),
    "haemoglobin_g_l": ("haemoglobin_g_l", "haemoglobin_g_dl"),
    "ferritin_ug_l": ("ferritin_ug_l",),
}
_WANTED = tuple(
    NumberColumn(name, required=False, empty=True, at_least=0)
    for names in _UNITS.values()
    for name in names
)
# Medians outside these, of mouse or man, mean that a column is in another unit than it says:
# haemoglobin of 30 g/L isn't lived with, and serum iron is a few to a hundred µmol/L.
_PLAUSIBLE_MEDIANS = {
    "serum_iron_umol_l": (0.5, 150.0, "µg/dL"),
    "tibc_umol_l": (10.0, 200.0, "µg/dL"),
    "haemoglobin_g_l": (30.0, 250.0, "g/dL"),
}
# TIBC and serum iron + UIBC are two measurements of one thing
_SAME_CAPACITY = 0.05
_MOST_PERCENT = 100.0


class IronAssay(TableAssay):
    """Serum iron, transferrin saturation, haemoglobin and ferritin of each animal."""

    method: Literal["iron"] = "iron"

    reminders: ClassVar[tuple[str, ...]] = (
        "Transferrin saturation is 100 · serum iron / TIBC; below 20 % iron is deficient.",
        "Haemolysis adds iron to serum, and inflammation adds ferritin whatever the iron.",
    )

    def evaluate(self, name: str, folder: Path, header: "StudyHeader") -> TableResult:
        """Read the table, convert units and work out saturations.

        Raises
        ------
        InputError
            If the table can't be read, holds none of the columns, or one quantity in two units.
        """
        rows = read_rows(
            name, folder, self.table, header=header, wanted=_WANTED, columns=self.columns
        )
        units = _units_of(self.table, rows)
        rows = _one_row_an_animal(name, self.table, rows)
        values, flags = _converted(rows.table, units)
        doubts = _doubtful_units(name, self.table, values)
        features = [feature for feature in FEATURES if feature in values]
        notes: dict[str, Any] = {
            "units_of_the_table": units,
            "rows": rows.n_rows,
            "missing": {feature: int(values[feature].isna().sum()) for feature in features},
            "deficient_below_percent": _mark(),
        }
        tables = {f"{name}_values": values.reset_index(), f"{name}_flags": flags}
        tables[f"{name}_correlations"] = _correlations(values, features, 1 - header.alpha)
        if FEATURES[0] in values:
            tables[f"{name}_deficient"] = _deficient(values, header)
        animals = animal_features(_long(values, features), header.groups)
        return TableResult(
            animals=animals,
            compared=tuple(features),
            problems=(*rows.problems, *doubts),
            notes=notes,
            tables=tables,
        )


def _mark() -> float:
    from ..stats.iron import IRON_DEFICIENT_BELOW_PERCENT

    return IRON_DEFICIENT_BELOW_PERCENT


def _units_of(name: str, rows: TableRows) -> dict[str, str]:
    """Give the column that each quantity is read from."""
    found = {
        quantity: [column for column in names if column in rows.table]
        for quantity, names in _UNITS.items()
    }
    twice = [names for names in found.values() if len(names) > 1]
    if twice:
        raise RefusedTable(
            name,
            "; ".join(f"{' and '.join(names)} are one quantity in two units" for names in twice),
            "keep one of the two columns",
            rows.problems,
        )
    units = {quantity: names[0] for quantity, names in found.items() if names}
    if not units:
        raise RefusedTable(
            name,
            "there is no column of iron status",
            f"add one of {', '.join(column.name for column in _WANTED)}, or say what the table "
            "calls it in columns = { … }",
            rows.problems,
        )
    return units


def _one_row_an_animal(assay: str, name: str, rows: TableRows) -> TableRows:
    """Leave out animals with several rows: which one counts is for a person to say."""
    table = rows.table
    twice = table["animal"].duplicated(keep=False)
    problems = tuple(
        ProblemRow(
            assay,
            name,
            "read",
            f"rows {', '.join(map(str, own.index))}: animal {animal!r} stands there "
            f"{len(own)} times",
            "keep one row an animal; take the mean of repeated measurements, or one day's",
        )
        for animal, own in table[twice].groupby("animal", sort=False)
    )
    return TableRows(table[~twice], (*rows.problems, *problems), rows.n_rows)


def _converted(table: pd.DataFrame, units: dict[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give every quantity in the units of the results, and rows that don't add up."""
    from ..stats.iron import (
        g_dl_to_g_l,
        total_iron_binding_capacity,
        transferrin_saturation_percent,
        ug_dl_to_umol_l,
    )

    values = table[["animal", "group"]].copy()
    for quantity, column in units.items():
        numbers = table[column].to_numpy(float)
        if column.endswith("_ug_dl"):
            numbers = ug_dl_to_umol_l(numbers)
        elif column.endswith("_g_dl"):
            numbers = g_dl_to_g_l(numbers)
        values[quantity] = numbers
    flags: list[tuple[int, str, str, str]] = []
    if {"serum_iron_umol_l", "uibc_umol_l"} <= set(values):
        summed = total_iron_binding_capacity(values["serum_iron_umol_l"], values["uibc_umol_l"])
        given = values["tibc_umol_l"].to_numpy(float) if "tibc_umol_l" in values else summed
        apart = np.abs(given - summed) > _SAME_CAPACITY * summed
        detail = "TIBC isn't serum iron + UIBC; TIBC is used"
        flags += _flag(values, apart, "tibc_differs", detail)
        values["tibc_umol_l"] = np.where(np.isfinite(given), given, summed)
    if {"serum_iron_umol_l", "tibc_umol_l"} <= set(values):
        saturation = transferrin_saturation_percent(
            values["serum_iron_umol_l"], values["tibc_umol_l"]
        )
        values[FEATURES[0]] = saturation
        detail = "TIBC is 0: no saturation"
        flags += _flag(values, values["tibc_umol_l"].to_numpy(float) == 0, "tibc_zero", detail)
        detail = "more iron than transferrin binds: haemolysis, or a slip"
        flags += _flag(values, saturation > _MOST_PERCENT, "saturation_above_100", detail)
    listed = pd.DataFrame(flags, columns=["row", "animal", "flag", "detail"])
    return values, listed


def _flag(
    values: pd.DataFrame, where: np.ndarray, flag: str, detail: str
) -> list[tuple[int, str, str, str]]:
    held = values[where]
    return [
        (int(row), str(animal), flag, detail)
        for row, animal in zip(held.index, held["animal"], strict=True)
    ]


def _doubtful_units(assay: str, name: str, values: pd.DataFrame) -> list[ProblemRow]:
    """Name quantities whose middle value says that they are in another unit."""
    problems = []
    for quantity, (low, high, other) in _PLAUSIBLE_MEDIANS.items():
        if quantity not in values or not values[quantity].notna().any():
            continue
        middle = float(values[quantity].median())
        if not low <= middle <= high:
            error = (
                f"{quantity}: half of the values lie below {middle:.4g}, which can't be its unit"
            )
            remedy = f"check the column's unit ({other}?), and name it by the unit that it has"
            problems.append(ProblemRow(assay, name, "read", error, remedy))
    return problems


def _long(values: pd.DataFrame, features: list[str]) -> pd.DataFrame:
    columns = ["feature", "animal", "group", "value", "n_objects"]
    tables = [
        pd.DataFrame(
            {
                "feature": feature,
                "animal": values["animal"],
                "group": values["group"],
                "value": values[feature],
                "n_objects": values[feature].notna().astype(int),
            },
            columns=columns,
        )
        for feature in features
    ]
    return pd.concat(tables, ignore_index=True)


def _deficient(values: pd.DataFrame, header: "StudyHeader") -> pd.DataFrame:
    """Count the animals below the mark in each group."""
    from ..stats.iron import iron_deficient

    rows = []
    for group in header.groups:
        own = values.loc[values["group"] == group, FEATURES[0]].dropna()
        below = int(iron_deficient(own).sum())
        rows.append((group, len(own), below, 100 * below / len(own) if len(own) else math.nan))
    return pd.DataFrame(rows, columns=["group", "n", "deficient", "deficient_percent"])


def _correlations(values: pd.DataFrame, features: list[str], level: float) -> pd.DataFrame:
    """Correlate each pair of quantities over animals, all groups together."""
    from ..stats.correlation import spearman
    from ..stats.estimate import estimate_table

    pairs = [(a, b) for place, a in enumerate(features) for b in features[place + 1 :]]
    found = [spearman(values[a], values[b], name=f"{a} and {b}", level=level) for a, b in pairs]
    return estimate_table(found)
