"""Rows of a table assay's table: columns mapped and every cell checked, all problems at once.

A row with a cell that can't be right becomes a `ProblemRow` that names row and column, and is
left out; the other rows are used. Only the columns that an assay asks for are kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

import pandas as pd

from .errors import InputError
from .problems import ProblemRow
from .table_assay import ANIMAL_FEATURE_COLUMNS
from .table_cells import NumberColumn, TextColumn, Wanted, check_cells, parse_numbers
from .tables import read_table

if TYPE_CHECKING:
    from .study import StudyHeader

__all__ = [
    "NumberColumn",
    "TableRows",
    "TextColumn",
    "Wanted",
    "animal_features",
    "check_rows",
    "identity_columns",
    "one_group_an_animal",
    "open_table",
    "parse_numbers",
    "pick_columns",
    "read_mapped",
    "read_rows",
]


@dataclass(frozen=True)
class TableRows:
    """The rows of a table that can be used.

    Attributes
    ----------
    table : pandas.DataFrame
        Index "row" as a spreadsheet counts; the columns asked for under the assay's names, text
        as str, numbers as float64; with `animal` and `group` first where the table has animals.
    problems : tuple of ProblemRow
        What was left out, in the order of rows.
    n_rows : int
        Rows in the file, without the header and empty rows.
    """

    table: pd.DataFrame
    problems: tuple[ProblemRow, ...]
    n_rows: int


def read_rows(
    assay: str,
    folder: Path,
    name: str,
    *,
    header: "StudyHeader",
    wanted: Sequence[Wanted],
    columns: Mapping[str, str] | None = None,
    animals: bool = True,
) -> TableRows:
    """Read a study's table and check every cell that the assay asks for.

    Parameters
    ----------
    assay : str
        The assay's name, for the rows of problems.
    folder : pathlib.Path
        The study's folder.
    name : str
        The table's path in it.
    header : StudyHeader
        Names the columns of animal and group, and the groups.
    wanted : sequence of NumberColumn or TextColumn
        The columns to read besides animal and group.
    columns : mapping of str to str, optional
        What the table calls the columns: assay's name to table's name.
    animals : bool
        Whether rows belong to animals of the study's groups.

    Returns
    -------
    TableRows

    Raises
    ------
    InputError
        If the table can't be read at all, lies outside the study, or lacks a column.
    """
    own = identity_columns(header) if animals else {}
    table = read_mapped(folder, name, header=header, wanted=wanted, columns=columns, own=own)
    checked = check_rows(assay, name, table, header=header, wanted=wanted, titles=columns or {})
    return checked if not animals else one_group_an_animal(assay, name, checked)


def identity_columns(header: "StudyHeader") -> dict[str, str]:
    """Give what a table of animals calls them and their groups, by the study file."""
    return {"animal": header.animal, "group": header.group}


def open_table(folder: Path, name: str, *, header: "StudyHeader") -> pd.DataFrame:
    """Read a table of the study's folder as it is, all text, indexed by row.

    Raises
    ------
    InputError
        If it lies outside the study's folder without leave, or can't be read.
    """
    outside = PurePosixPath(name).is_absolute() or bool(PureWindowsPath(name).drive)
    if not outside:
        outside = not (folder / name).resolve().is_relative_to(folder.resolve())
    if outside and not header.read_outside:
        raise InputError(
            name,
            "the table lies outside the study's folder",
            "copy it into the study, or set read_outside = true under [study]",
        )
    try:
        return read_table(folder / name, text_columns=[header.animal, header.group])
    except InputError as error:
        remedy = error.remedy
        if "has no name" in error.reason or "but the header names" in error.reason:
            remedy += "; merged headings above the columns have to go: the first row of the table "
            remedy += "names every column"
        raise InputError(name, error.reason, remedy) from error


def read_mapped(
    folder: Path,
    name: str,
    *,
    header: "StudyHeader",
    wanted: Sequence[Wanted],
    columns: Mapping[str, str] | None = None,
    own: Mapping[str, str] | None = None,
    private: bool = False,
) -> pd.DataFrame:
    """Read a table and give its columns the assay's names; the others are dropped.

    Parameters
    ----------
    folder, name, header, wanted, columns
        As `read_rows`.
    own : mapping of str to str, optional
        Further columns that must be there: assay's name to the table's usual name.
    private : bool
        Whether an error leaves the table's other columns unnamed: without a header, the first row
        is a person.

    Returns
    -------
    pandas.DataFrame
        Columns by the assay's names, cells as text; the index is the row in the table.

    Raises
    ------
    InputError
        If the table can't be read, lacks a column, or `columns` names one that nobody asks for.
    """
    table = open_table(folder, name, header=header)
    return pick_columns(table, name, wanted=wanted, columns=columns, own=own, private=private)


def pick_columns(
    table: pd.DataFrame,
    name: str,
    *,
    wanted: Sequence[Wanted],
    columns: Mapping[str, str] | None = None,
    own: Mapping[str, str] | None = None,
    private: bool = False,
) -> pd.DataFrame:
    """Give the columns of an open table the assay's names; see `read_mapped`."""
    given, own = dict(columns or {}), dict(own or {})
    for ours, theirs in own.items():  # { diet = "Futter" } is as good as { group = "Futter" }
        if theirs in given and ours not in given:
            given[ours] = given.pop(theirs)
    titles = own | {column.name: column.name for column in wanted}
    unknown = sorted(set(given) - set(titles))
    if unknown:
        raise InputError(
            name,
            f"the option columns renames {', '.join(map(repr, unknown))}, which this method "
            "doesn't read",
            f"rename one of {', '.join(titles)}",
        )
    titles |= given
    required = {*own, *given, *(column.name for column in wanted if column.required)}
    missing = {ours: titles[ours] for ours in titles if ours in required} if required else {}
    missing = {ours: theirs for ours, theirs in missing.items() if theirs not in table.columns}
    if missing:
        raise _missing(name, missing, table, private=private)
    present = {ours: theirs for ours, theirs in titles.items() if theirs in table.columns}
    picked = table[list(present.values())]
    picked.columns = pd.Index(list(present))
    return picked.copy()


def _missing(
    name: str, missing: Mapping[str, str], table: pd.DataFrame, *, private: bool
) -> InputError:
    lower = {str(title).casefold().replace(" ", "_"): str(title) for title in table.columns}
    if private:
        lower = {}
    likely = {ours: lower.get(theirs.casefold(), "…") for ours, theirs in missing.items()}
    renames = ", ".join(f'{ours} = "{title}"' for ours, title in likely.items())
    known = f"the columns are {', '.join(repr(str(title)) for title in table.columns)}"
    if private:
        known = f"the table has {len(table.columns)} columns"
    return InputError(
        name,
        f"there is no column called {', '.join(map(repr, missing.values()))}; {known}",
        f"rename the table's columns, or say what it calls them: columns = {{ {renames} }}",
    )


def check_rows(
    assay: str,
    name: str,
    table: pd.DataFrame,
    *,
    header: "StudyHeader",
    wanted: Sequence[Wanted],
    titles: Mapping[str, str] | None = None,
) -> TableRows:
    """Check every cell of a table whose columns have the assay's names.

    Parameters
    ----------
    assay, name : str
        The assay and the table, for the rows of problems.
    table : pandas.DataFrame
        As `pick_columns` gives it.
    header : StudyHeader
        Names the groups.
    wanted : sequence of NumberColumn or TextColumn
        The columns to check besides animal and group, where those are there.
    titles : mapping of str to str, optional
        What the file calls a column, to name it so in problems.

    Returns
    -------
    TableRows
        Rows without any problem, and the problems of all others.
    """
    shown = {"animal": header.animal, "group": header.group} | dict(titles or {})
    identity = {
        "animal": TextColumn("animal"),
        "group": TextColumn("group", one_of=tuple(header.groups)),
    }
    kept: dict[str, pd.Series] = {}
    found: list[tuple[int, str, str]] = []
    asked = {column.name for column in wanted}
    own = [column for column in identity.values() if column.name not in asked]
    for column in (*own, *wanted):
        if column.name not in table:
            continue
        title = shown.get(column.name, column.name)
        kept[column.name], wrong = check_cells(table[column.name], column)
        found += [(row, f"row {row}, column {title}: {text}", fix) for row, text, fix in wrong]
    whole = pd.DataFrame(kept, index=table.index)
    usable = whole[~whole.index.isin([row for row, _, _ in found])]
    found.sort(key=lambda item: item[0])
    problems = tuple(ProblemRow(assay, name, "read", text, fix) for _, text, fix in found)
    return TableRows(usable, problems, len(table))


def one_group_an_animal(assay: str, name: str, rows: TableRows) -> TableRows:
    """Leave out the animals that stand in more than one group; each becomes a problem."""
    held = rows.table.groupby("animal", sort=True)["group"].unique()
    twice = {str(animal): sorted(groups) for animal, groups in held.items() if len(groups) > 1}
    if not twice:
        return rows
    found = tuple(
        ProblemRow(
            assay,
            name,
            "read",
            f"animal {animal!r} stands in the groups {', '.join(groups)}",
            "mend the table; two animals need two names",
        )
        for animal, groups in twice.items()
    )
    kept = rows.table[~rows.table["animal"].isin(twice)]
    return TableRows(kept, (*rows.problems, *found), rows.n_rows)


def animal_features(values: pd.DataFrame, groups: Sequence[str]) -> pd.DataFrame:
    """Put features of animals into the order and columns of `TableResult.animals`.

    Parameters
    ----------
    values : pandas.DataFrame
        Columns feature, animal, group, value, n_objects; features in the order of appearance.
    groups : sequence of str
        The groups in their order.

    Returns
    -------
    pandas.DataFrame
        Feature by feature, groups in their order, animals by name; n_images is 0.
    """
    order = {group: place for place, group in enumerate(groups)}
    places = {name: place for place, name in enumerate(dict.fromkeys(values["feature"]))}
    keyed = values.assign(
        n_images=0,
        _feature=values["feature"].map(places),
        _group=values["group"].map(order),
    )
    ordered = keyed.sort_values(["_feature", "_group", "animal"], kind="stable")
    kinds = {"value": "float64", "n_images": "int64", "n_objects": "int64"}
    kinds |= dict.fromkeys(("feature", "animal", "group"), "str")
    return ordered[ANIMAL_FEATURE_COLUMNS].reset_index(drop=True).astype(kinds)
