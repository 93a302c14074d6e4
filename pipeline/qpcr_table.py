"""Reading a table of Cq values: long or wide, with pools and controls told apart."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from .problems import ProblemRow
from .qpcr_files import open_plate
from .table_cells import NumberColumn, TextColumn, Wanted, parse_numbers
from .table_rows import (
    check_rows,
    identity_columns,
    one_group_an_animal,
    pick_columns,
    read_mapped,
)

if TYPE_CHECKING:
    from .study import StudyHeader

# What instruments write for a well whose fluorescence never crossed the threshold.
UNDETERMINED = dict.fromkeys(
    ("undetermined", "undet", "undet.", "no ct", "no cq", "n/a", "nan", "neg", "-"), math.nan
)
CONTROLS = frozenset(
    {"ntc", "no template control", "no-template control", "water", "nrt", "-rt", "no rt", "no-rt"}
)
# What instruments call a well's task, with a number behind it or not; any other is a sample.
_CONTROL_TASK = (
    r"(?:ntc|nrt|nac|neg|neg(?:ative)? (?:ctrl|control)|no[- ]template control)(?:-\d+)?"
)
_STANDARD_TASK = r"(?:std|standard)(?:-\d+)?"
_TRUE = ("true", "yes", "y", "1", "x", "pooled", "pool")
_FALSE = ("false", "no", "n", "0")
# No instrument runs more cycles; a number above isn't a Cq.
_MOST_CYCLES = 60.0

_CQ = NumberColumn("cq", words=UNDETERMINED, above=0, at_most=_MOST_CYCLES)
_OPTIONAL = (
    TextColumn("replicate", required=False, empty=True),
    TextColumn("plate", required=False, empty=True),
    TextColumn("pooled", required=False, empty=True, one_of=(*_TRUE, *_FALSE)),
    TextColumn("excluded", required=False, empty=True),
    TextColumn("task", required=False, empty=True),
)


@dataclass(frozen=True)
class Wells:
    """The wells of a table that can be used.

    Attributes
    ----------
    wells : pandas.DataFrame
        animal, group, gene, replicate, plate (text), pooled, excluded (bool), cq (NaN where
        undetermined); the index is the file's row.
    controls : pandas.DataFrame
        Wells without template or reverse transcriptase: animal, gene, cq.
    problems : tuple of ProblemRow
        What was left out.
    ignored_columns : tuple of str
        Columns of a wide table that hold no numbers.
    form : str
        "long" or "wide".
    standards : int
        Rows of standards, which are no samples and are left out.
    """

    wells: pd.DataFrame
    controls: pd.DataFrame
    problems: tuple[ProblemRow, ...]
    ignored_columns: tuple[str, ...] = ()
    form: str = "long"
    standards: int = 0


def read_wells(
    assay: str,
    folder: Path,
    name: str,
    *,
    header: "StudyHeader",
    columns: Mapping[str, str],
    reference_genes: Sequence[str],
    animals: str | None = None,
    calibrators: Sequence[str] = (),
) -> Wells:
    """Read the wells of a study's qPCR table.

    A long table has a row a well with columns gene and cq; a wide one has a column a gene, and is
    known by lacking both and having the reference genes as columns. Exports and RDML are read as
    `open_plate` says. Calibrators are samples that link plates and are no animal: their wells
    have no group.

    Raises
    ------
    InputError
        If the table can't be read, or lacks a column.
    """
    table = open_plate(folder, name, header=header, columns=columns, animals=animals)
    titles = {column: columns.get(column, column) for column in ("gene", "cq")}
    wide = not any(title in table.columns for title in titles.values())
    if wide and all(gene in table.columns for gene in reference_genes):
        return _wide(assay, name, table, header, columns, calibrators)
    wanted = (TextColumn("gene"), _CQ, *_OPTIONAL)
    own = identity_columns(header)
    picked = pick_columns(table, name, wanted=wanted, columns=columns, own=own)
    return _wells(assay, name, picked, header, wanted, columns, calibrators)


def read_dilutions(
    assay: str, folder: Path, name: str, *, header: "StudyHeader"
) -> tuple[pd.DataFrame, list[ProblemRow]]:
    """Read a table of dilution series: gene, quantity, cq."""
    wanted = (TextColumn("gene"), NumberColumn("quantity", above=0), _CQ)
    table = read_mapped(folder, name, header=header, wanted=wanted)
    rows = check_rows(assay, name, table, header=header, wanted=wanted)
    return rows.table, list(rows.problems)


def _wells(
    assay: str,
    name: str,
    picked: pd.DataFrame,
    header: "StudyHeader",
    wanted: Sequence[Wanted],
    columns: Mapping[str, str],
    calibrators: Sequence[str],
) -> Wells:
    """Check the rows of a table; pools get a name of their own, controls are set aside."""
    picked = _named_pools(_small_letters(picked))
    task = picked["task"] if "task" in picked else pd.Series("", index=picked.index)
    task = task.map(str).str.strip().str.casefold()
    is_control = picked["animal"].map(str).str.casefold().isin(CONTROLS)
    is_control |= task.str.fullmatch(_CONTROL_TASK)
    is_standard = task.str.fullmatch(_STANDARD_TASK) & ~is_control
    samples = picked[~is_control & ~is_standard]
    linking = samples["animal"].isin(list(calibrators))
    # A calibrator has no group; the reference's stands in while the cells are checked.
    samples = samples.assign(group=samples["group"].where(~linking, header.reference))
    checked = check_rows(assay, name, samples, header=header, wanted=wanted, titles=columns)
    checked = one_group_an_animal(assay, name, checked)
    wells = checked.table.drop(columns="task", errors="ignore")
    wells["group"] = wells["group"].where(~wells["animal"].isin(list(calibrators)), "")
    for optional in ("replicate", "plate"):
        if optional not in wells:
            wells[optional] = ""
    pooled = wells["pooled"] if "pooled" in wells else pd.Series("", index=wells.index)
    excluded = wells["excluded"] if "excluded" in wells else pd.Series("", index=wells.index)
    wells["excluded"] = ~excluded.str.casefold().isin((*_FALSE, ""))
    wells["pooled"] = pooled.isin(_TRUE).astype(bool)
    return Wells(
        wells,
        _controls(picked[is_control]),
        checked.problems,
        standards=int(is_standard.sum()),
    )


def _wide(
    assay: str,
    name: str,
    table: pd.DataFrame,
    header: "StudyHeader",
    columns: Mapping[str, str],
    calibrators: Sequence[str],
) -> Wells:
    """Read a table with a column a gene: each cell is a well."""
    own = identity_columns(header)
    taken = {*own.values(), *columns.values(), *(column.name for column in _OPTIONAL)}
    others = [str(title) for title in table.columns if title not in taken]
    genes = [title for title in others if _mostly_numbers(table[title])]
    cells = tuple(
        NumberColumn(gene, empty=True, words=UNDETERMINED, above=0, at_most=_MOST_CYCLES)
        for gene in genes
    )
    wanted: tuple[Wanted, ...] = (*cells, *_OPTIONAL)
    picked = pick_columns(table, name, wanted=wanted, columns=columns, own=own)
    # An empty cell of a wide table is a well that wasn't run; "Undetermined" is one that was.
    run = {gene: table[gene].map(str).str.strip() != "" for gene in genes}
    read = _wells(assay, name, picked, header, wanted, columns, calibrators)
    kept = [column for column in read.wells.columns if column not in genes]
    parts = [
        read.wells.loc[run[gene].reindex(read.wells.index), kept].assign(
            gene=gene, cq=read.wells[gene]
        )
        for gene in genes
    ]
    ignored = tuple(title for title in others if title not in genes)
    wells = pd.concat(parts) if parts else read.wells.assign(gene="", cq=math.nan)
    return replace(read, wells=wells, ignored_columns=ignored, form="wide")


def _mostly_numbers(cells: pd.Series) -> bool:
    held = cells[cells.map(str).str.strip() != ""]
    _, wrong = parse_numbers(held, words=UNDETERMINED)
    return 2 * len(wrong) < len(held)


def _small_letters(picked: pd.DataFrame) -> pd.DataFrame:
    """Let TRUE, True and true be the same."""
    if "pooled" not in picked:
        return picked
    return picked.assign(pooled=picked["pooled"].map(lambda cell: str(cell).strip().casefold()))


def _named_pools(picked: pd.DataFrame) -> pd.DataFrame:
    """Tell the groups' pools apart, which tables call alike or leave without a name."""
    if "pooled" not in picked:
        return picked
    is_pool = picked["pooled"].isin(_TRUE)
    groups = picked.groupby("animal")["group"].transform("nunique")
    nameless = picked["animal"] == ""
    shared = is_pool & (nameless | (groups > 1))
    names = picked["animal"].where(~nameless, "pool") + " of " + picked["group"]
    return picked.assign(animal=picked["animal"].where(~shared, names))


def _controls(rows: pd.DataFrame) -> pd.DataFrame:
    """Give the wells without template as far as they are in the long form."""
    if not {"gene", "cq"} <= set(rows.columns):
        return pd.DataFrame({"animal": [], "gene": [], "cq": []})
    numbers, _ = parse_numbers(rows["cq"], words=UNDETERMINED)
    return rows[["animal", "gene"]].assign(cq=numbers)
