"""Cq tables as instruments export them: lines above the header, their own titles, RDML."""

import csv
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pandas as pd

from .errors import InputError, detail_of
from .table_excel import excel_rows
from .table_rows import identity_columns, open_table, read_mapped
from .tables import MAX_MEGABYTES, ROW, read_table

if TYPE_CHECKING:
    from .study import StudyHeader

SAMPLE_SHEET = "samples.csv"
RDML_SUFFIXES = frozenset({".rdml", ".rdm"})
_EXCEL_SUFFIXES = frozenset({".xlsx", ".xlsm"})
_NAMESPACE = "{http://www.rdml.org}"
_NOT_AVAILABLE = "-1"  # how RDML writes a reaction without a Cq
_UNDETERMINED = "Undetermined"
# RDML's types of samples without template, and those of standards and calibrators of quantity.
_CONTROL_TYPES = {"ntc": "NTC", "nac": "NTC", "nrt": "-RT", "ntp": "NTC"}
_STANDARD = "std"
_SEPARATORS = ("\t", ",", ";")

# What instruments call the columns, in small letters; т is the Cyrillic letter of some exports.
_TITLES = {
    "animal": ("sample name", "sample"),
    "gene": ("target name", "target", "detector name", "detector", "gene name"),
    "cq": ("cт", "ct", "cq", "cp", "c(t)", "cq value"),
    "replicate": ("well position", "well"),
    "excluded": ("omit", "omitted", "exclude"),
    "task": ("task", "content"),
}


def open_plate(
    folder: Path,
    name: str,
    *,
    header: "StudyHeader",
    columns: Mapping[str, str],
    animals: str | None = None,
) -> pd.DataFrame:
    """Read a Cq table: RDML, an instrument's export, or a plain table.

    Lines above the header of an export are passed over, and the instruments' usual titles are
    understood. Where the table has no column of groups, the table of animals gives each
    animal's, or the study's sample sheet.

    Parameters
    ----------
    folder : pathlib.Path
        The study's folder.
    name : str
        The table's path in it.
    header : StudyHeader
        Names the columns of animal and group.
    columns : mapping of str to str
        What the table calls its columns, as the study file says.
    animals : str, optional
        A table of the study's folder with the columns of animal and group.

    Returns
    -------
    pandas.DataFrame
        Text, indexed by row (of RDML: by reaction).

    Raises
    ------
    InputError
        If a table can't be read, or nothing tells the animals' groups.
    """
    if Path(name).suffix.lower() in RDML_SUFFIXES:
        table = _rdml(name, folder / name, header)
    else:
        table = _table(folder, name, header, columns)
    titled = _titled(table, header, columns)
    groups = _named_groups(folder, header, animals)
    return _with_groups(name, titled, groups, header, columns)


def _table(
    folder: Path, name: str, header: "StudyHeader", columns: Mapping[str, str]
) -> pd.DataFrame:
    """Read a plain table, or the part of an export that begins with its header."""
    wanted = [_names("gene", columns), _names("cq", columns)]
    try:
        table = open_table(folder, name, header=header)
    except InputError:
        found = _below_header(name, folder / name, wanted)
        if found is None:
            raise
        return found
    if _has(list(table.columns), wanted):
        return table
    found = _below_header(name, folder / name, wanted)
    return table if found is None else found


def _names(ours: str, columns: Mapping[str, str]) -> set[str]:
    """Give what a column may be called, in small letters."""
    given = columns.get(ours)
    return {given.casefold()} if given else {ours, *_TITLES[ours]}


def _has(cells: Sequence[str], wanted: Sequence[set[str]]) -> bool:
    titles = {str(cell).strip().casefold() for cell in cells}
    return all(titles & names for names in wanted)


def _below_header(name: str, path: Path, wanted: Sequence[set[str]]) -> pd.DataFrame | None:
    """Give the table under the first row that has the titles wanted.

    Below an empty row it goes on only with wells: rows that have a gene and a Cq.
    """
    if not path.is_file():
        return None
    is_excel = path.suffix.lower() in _EXCEL_SUFFIXES
    rows = _excel(name, path) if is_excel else _lines(path, wanted)
    start = next((place for place, (_, cells) in enumerate(rows) if _has(cells, wanted)), None)
    if start is None:
        return None
    # Some exports begin every line with an empty cell: a title names the cells at its own place.
    places = [place for place, title in enumerate(rows[start][1]) if title]
    titles = [rows[start][1][place] for place in places]
    if len(set(titles)) < len(titles):
        return None
    wells = [place for place in places if _is_one(rows[start][1][place], wanted)]
    body: dict[int, list[str]] = {}
    before = rows[start][0]
    for number, cells in rows[start + 1 :]:
        held = [*cells, *[""] * (max(places) + 1)]
        if number != before + 1 and not all(held[place] for place in wells):
            break  # below a gap: a summary, or more wells
        body[number] = [held[place] for place in places]
        before = number
    table = pd.DataFrame.from_dict(body, orient="index", columns=titles, dtype=str)
    return table.rename_axis(ROW)


def _is_one(title: str, wanted: Sequence[set[str]]) -> bool:
    return any(title.strip().casefold() in names for names in wanted)


def _excel(name: str, path: Path) -> list[tuple[int, list[str]]]:
    return excel_rows(name, path, None, max_megabytes=MAX_MEGABYTES)


def _lines(path: Path, wanted: Sequence[set[str]]) -> list[tuple[int, list[str]]]:
    """Split the lines of a text at the separator that parts the titles wanted."""
    data = path.read_bytes()
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    for mark in _SEPARATORS:
        rows = []
        for number, line in enumerate(text.splitlines(), start=1):
            cells = [cell.strip() for cell in next(csv.reader([line], delimiter=mark), [])]
            if any(cells):
                rows.append((number, cells))
        if any(_has(cells, wanted) for _, cells in rows):
            return rows
    return []


def _titled(table: pd.DataFrame, header: "StudyHeader", columns: Mapping[str, str]) -> pd.DataFrame:
    """Give an instrument's columns the usual titles, where the study file names no others."""
    usual = {"animal": header.animal, "gene": "gene", "cq": "cq"}
    usual |= {"replicate": "replicate", "excluded": "excluded", "task": "task"}
    renamed = {}
    for ours, title in usual.items():
        if ours in columns or title in columns or title in table.columns:
            continue
        for theirs in table.columns:
            if str(theirs).strip().casefold() in _TITLES[ours] and theirs not in renamed:
                renamed[theirs] = title
                break
    return table.rename(columns=renamed)


def _named_groups(folder: Path, header: "StudyHeader", animals: str | None) -> dict[str, str]:
    """Give the groups that the table of animals or the sample sheet names, by animal."""
    if animals is not None:
        own = identity_columns(header)
        table = read_mapped(folder, animals, header=header, wanted=(), own=own)
        return dict(zip(table["animal"].map(str), table["group"].map(str), strict=True))
    sheet = folder / SAMPLE_SHEET
    if not sheet.is_file():
        return {}
    samples = read_table(sheet, text_columns=[header.animal, header.group])
    if not {header.animal, header.group} <= set(samples.columns):
        return {}
    return dict(zip(samples[header.animal], samples[header.group], strict=True))


def _with_groups(
    name: str,
    table: pd.DataFrame,
    groups: Mapping[str, str],
    header: "StudyHeader",
    columns: Mapping[str, str],
) -> pd.DataFrame:
    """Give a table without a column of groups those of its animals."""
    animal = columns.get("animal", header.animal)
    if "group" in columns or header.group in columns or header.group in table.columns:
        return table
    if animal not in table.columns:
        return table  # what is missing is said where columns are looked for
    if not any(groups.get(str(one)) for one in table[animal]):
        raise InputError(
            name,
            f"the table has no column called {header.group!r}, and nothing else tells the groups "
            "of its animals",
            'say what the table calls it, columns = { group = "…" }, or give a table of animals '
            'and their groups: animals = "animals.csv"',
        )
    return table.assign(**{header.group: table[animal].map(lambda one: groups.get(str(one), ""))})


def _rdml(name: str, path: Path, header: "StudyHeader") -> pd.DataFrame:
    """Read the reactions of an RDML file, with those that it excludes marked.

    References
    ----------
    Lefever et al. (2009), Nucleic Acids Research 37, 2065-2069.
    """
    root = _rdml_root(name, path)
    samples = {item.get("id", ""): item for item in _children(root, "sample")}
    rows = []
    for experiment in _children(root, "experiment"):
        for run in _children(experiment, "run"):
            for react in _children(run, "react"):
                rows += _reactions(run, react, samples, header)
    columns = [header.animal, header.group, "gene", "cq", "replicate", "plate", "excluded"]
    table = pd.DataFrame(rows, columns=columns, dtype=str)
    table.index = pd.RangeIndex(1, len(table) + 1, name=ROW)
    has_groups = (table[header.group] != "").any()
    return table if has_groups else table.drop(columns=header.group)


def _rdml_root(name: str, path: Path) -> ElementTree.Element:
    remedy = "export it again from the instrument's software, as RDML 1.1 or later"
    try:
        data = path.read_bytes()
        if data.startswith(b"PK"):
            with zipfile.ZipFile(path) as archive:
                entry = next(e for e in archive.infolist() if e.filename.endswith(".xml"))
                if entry.file_size > MAX_MEGABYTES * 1e6:
                    raise InputError(name, "it unpacks to too much", "split the export")
                data = archive.read(entry)
        if re.search(rb"<!(DOCTYPE|ENTITY)", data[:10_000]):
            # Entities can be nested to fill any memory, and RDML has none.
            raise InputError(name, "it declares entities, which RDML doesn't", remedy)
        return ElementTree.fromstring(data)
    except FileNotFoundError as error:
        raise InputError(name, "there is no such file", "check the path") from error
    except (OSError, zipfile.BadZipFile, StopIteration, ElementTree.ParseError) as error:
        raise InputError(name, f"it isn't RDML: {detail_of(error)}", remedy) from error


def _children(parent: ElementTree.Element, tag: str) -> list[ElementTree.Element]:
    return parent.findall(f"{_NAMESPACE}{tag}")


def _text(parent: ElementTree.Element, tag: str) -> str:
    return (parent.findtext(f"{_NAMESPACE}{tag}") or "").strip()


def _identifier(parent: ElementTree.Element, tag: str) -> str:
    child = parent.find(f"{_NAMESPACE}{tag}")
    return "" if child is None else child.get("id", "")


def _reactions(
    run: ElementTree.Element,
    react: ElementTree.Element,
    samples: Mapping[str, ElementTree.Element],
    header: "StudyHeader",
) -> list[tuple[str, ...]]:
    """Give a reaction's targets as rows; standards have none."""
    own = _identifier(react, "sample")
    sample = samples.get(own)
    kind = "" if sample is None else _text(sample, "type")
    if kind == _STANDARD:
        return []
    animal = _CONTROL_TYPES.get(kind, own)
    group = "" if sample is None else _annotation(sample, header.group)
    rows: list[tuple[str, ...]] = []
    for data in _children(react, "data"):
        excluded = "" if data.find(f"{_NAMESPACE}excl") is None else "true"
        cq = _text(data, "cq")
        missing = cq == "" or cq.split(".")[0] == _NOT_AVAILABLE
        shown = _UNDETERMINED if missing else cq
        well, plate = react.get("id", ""), run.get("id", "")
        rows.append((animal, group, _identifier(data, "tar"), shown, well, plate, excluded))
    return rows


def _annotation(sample: ElementTree.Element, named: str) -> str:
    """Give what a sample's annotation of that name says: where RDML has a place for groups."""
    for note in _children(sample, "annotation"):
        if _text(note, "property").casefold() == named.casefold():
            return _text(note, "value")
    return ""
