"""The lane sheet of blots: which lane of which image holds which animal and protein."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from .blot_rows import ROLES
from .problems import ProblemRow
from .table_cells import NumberColumn, TextColumn, parse_numbers
from .table_rows import TableRows, check_rows, identity_columns, read_mapped

if TYPE_CHECKING:
    from .study import StudyHeader

NO_SAMPLE = ("other", "ladder", "marker", "blank")
"""Roles of lanes that hold no sample; they are counted, and need no animal and protein."""

DILUTION = "dilution"
"""Role of the lanes of a dilution series; they need an amount and no animal."""

_TRUE = ("true", "yes", "y", "1", "x", "pooled", "pool")
_FALSE = ("false", "no", "n", "0")
_WANTED = (
    TextColumn("image"),
    NumberColumn("lane", at_least=1),
    TextColumn("protein"),
    TextColumn("role", one_of=(*ROLES, DILUTION, *NO_SAMPLE)),
    NumberColumn("top_px", required=False, empty=True, at_least=0),
    NumberColumn("bottom_px", required=False, empty=True, at_least=0),
    TextColumn("pooled", required=False, empty=True, one_of=(*_TRUE, *_FALSE)),
)


_DILUTIONS = (
    *(column for column in _WANTED if column.name not in ("role", "pooled")),
    NumberColumn("amount", above=0),
)


@dataclass(frozen=True)
class LaneSheet:
    """A lane sheet, read and checked.

    Attributes
    ----------
    table : pandas.DataFrame
        Rows that can be used, as `blot_rows.relative_volumes` takes them.
    lane_counts : dict of str to int
        For each image the highest lane that the sheet names, ladders and blank lanes included.
    problems : tuple of ProblemRow
        Rows that were left out.
    dilutions : pandas.DataFrame
        Lanes of dilution series: image, lane, protein, amount, and if given top_px, bottom_px.
    """

    table: pd.DataFrame
    lane_counts: dict[str, int]
    problems: tuple[ProblemRow, ...]
    dilutions: pd.DataFrame


def read_lane_sheet(assay: str, folder: Path, name: str, *, header: "StudyHeader") -> LaneSheet:
    """Read and check a lane sheet.

    Parameters
    ----------
    assay : str
        The assay's name, for the rows of problems.
    folder : pathlib.Path
        The study's folder.
    name : str
        The sheet's path in it.
    header : StudyHeader
        Names the columns of animal and group, and the groups.

    Returns
    -------
    LaneSheet
        Its lanes that can be used, and a row for each that can't.

    Raises
    ------
    InputError
        If the sheet can't be read, or lacks a column.
    """
    own = identity_columns(header)
    amount = NumberColumn("amount", required=False, empty=True)
    wanted = (*_WANTED, amount)
    table = _named_pools(read_mapped(folder, name, header=header, wanted=wanted, own=own))
    role = table["role"].map(str).str.strip().str.casefold()
    samples = table.assign(role=role)[~role.isin((*NO_SAMPLE, DILUTION))]
    checked = check_rows(assay, name, samples, header=header, wanted=_WANTED)
    series = table[role == DILUTION].drop(columns=["animal", "group"])
    if "amount" not in series:
        series = series.assign(amount="")
    diluted = check_rows(assay, name, series, header=header, wanted=_DILUTIONS)
    sheet = _typed(assay, name, checked, _lane_counts(table))
    return replace(
        sheet,
        problems=(*sheet.problems, *diluted.problems),
        dilutions=diluted.table.assign(lane=diluted.table["lane"].round().astype(int)),
    )


def _lane_counts(table: pd.DataFrame) -> dict[str, int]:
    """Give the highest lane of each image; cells that aren't numbers are named elsewhere."""
    lanes, _ = parse_numbers(table["lane"])
    held = pd.DataFrame({"image": table["image"].map(str), "lane": lanes}).dropna()
    counts = held[held["image"] != ""].groupby("image")["lane"].max()
    return {str(image): int(lane) for image, lane in counts.items() if lane >= 1}


def _named_pools(table: pd.DataFrame) -> pd.DataFrame:
    """Let TRUE be true, and name the pools that the sheet leaves without a name."""
    if "pooled" not in table:
        return table
    pooled = table["pooled"].map(lambda cell: str(cell).strip().casefold())
    nameless = pooled.isin(_TRUE) & (table["animal"] == "")
    animal = table["animal"].where(~nameless, "pool of " + table["group"])
    return table.assign(pooled=pooled, animal=animal)


def _typed(assay: str, name: str, rows: TableRows, counts: dict[str, int]) -> LaneSheet:
    """Bring the cells to their types; lanes are whole numbers, animals have one group."""
    table = rows.table
    whole = table["lane"] == table["lane"].round()
    groups = table.groupby("animal")["group"].transform("nunique")
    twice = table.duplicated(["image", "lane", "protein", "role"], keep="first")
    wrong = {
        "column lane: it isn't a whole number": ~whole,
        "the animal stands in several groups": groups > 1,
        "image, lane, protein and role stand in an earlier row as well": twice,
    }
    problems = [
        ProblemRow(assay, name, "read", f"row {row}, {text}", "mend the lane sheet")
        for text, rows_of in wrong.items()
        for row in table.index[rows_of]
    ]
    kept = table[whole & ~(groups > 1) & ~twice]
    pooled = kept["pooled"] if "pooled" in kept else pd.Series("", index=kept.index)
    kept = kept.assign(lane=kept["lane"].astype(int), pooled=pooled.isin(_TRUE).astype(bool))
    return LaneSheet(kept, counts, (*rows.problems, *problems), kept.iloc[:0])
