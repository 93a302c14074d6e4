"""Tables of a new study: what is found in its folder, and a template of each that there can be."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .errors import InputError
from .growth_titles import wide_columns
from .qpcr_files import RDML_SUFFIXES
from .tables import SUFFIXES, read_table
from .writers import write_csv, write_text

TEMPLATES = "templates"
SAMPLES = ("samples.csv", "animals.csv")
_LANES = "lanes.csv"


@dataclass(frozen=True)
class Template:
    """One table that an assay can be read from.

    Attributes
    ----------
    file : str
        Its usual name.
    columns : tuple of str
        Its columns, the optional ones last.
    assay : str
        The usual name of its assay; empty for a table that another one's assay reads.
    section : tuple of str
        The lines of that assay in study.toml.
    """

    file: str
    columns: tuple[str, ...]
    assay: str = ""
    section: tuple[str, ...] = ()


_ANIMAL = ("animal", "group")
ALL_TEMPLATES = (
    Template(
        "volumes.csv",
        (*_ANIMAL, "day", "length_mm", "width_mm"),
        "volume",
        (
            'method = "growth"',
            'table = "volumes.csv"',
            'formula = "half_lww"              # half_lww | pi_6_lww | pi_6_lwh | given',
            "# size_limit_mm3 = 3000           # where animals have to be removed, if there is one",
        ),
    ),
    Template(
        "cq.csv",
        (*_ANIMAL, "gene", "cq", "replicate", "plate", "pooled"),
        "rna",
        (
            'method = "qpcr"',
            'table = "cq.csv"',
            'reference_genes = ["Gapdh", "G6pd", "Hprt1"]',
            "# amplification = { Snai1 = 1.95 }   # 1 + efficiency; 2 where absent",
            '# dilutions = "dilutions.csv"        # or the dilution series it is worked out from',
            '# animals = "animals.csv"            # where the table has no column of groups',
        ),
    ),
    Template("dilutions.csv", ("gene", "quantity", "cq")),
    Template("animals.csv", _ANIMAL),
    Template(
        "iron.csv",
        (*_ANIMAL, "serum_iron_umol_l", "tibc_umol_l", "haemoglobin_g_l", "ferritin_ug_l"),
        "iron",
        ('method = "iron"', 'table = "iron.csv"'),
    ),
    Template(
        _LANES,
        (
            *("image", "lane", *_ANIMAL, "protein", "role"),
            *("top_px", "bottom_px", "pooled", "amount"),
        ),
        "blots",
        (
            'method = "blot"',
            'lanes = "lanes.csv"',
            'bands = "dark"                    # dark | light',
        ),
    ),
    Template(
        "patients.csv",
        ("subject", "node_status", "haemoglobin_g_l", "age_years"),
        "patients",
        (
            'method = "clinical"',
            'table = "patients.csv"',
            'outcome = "node_status"',
            'positive = "positive"             # the outcome that odds are of',
            "predictors = { haemoglobin_g_l = 10, age_years = 1 }   # odds ratios per 10 and per 1",
            'subject = "subject"               # finds people who stand twice; kept in no output',
        ),
    ),
)
_BY_METHOD = {"growth": "volume", "qpcr": "rna", "iron": "iron", "blot": "blots"}


@dataclass(frozen=True)
class FoundTable:
    """A table of the folder whose columns tell its method.

    Attributes
    ----------
    file : str
        Its path in the study's folder.
    method : str
        growth, qpcr, iron or blot.
    groups : tuple of str
        What its column of groups holds.
    """

    file: str
    method: str
    groups: tuple[str, ...] = ()


def find_tables(directory: Path) -> list[FoundTable]:
    """Give the tables of a folder (not of those below) whose columns tell their method.

    Parameters
    ----------
    directory : pathlib.Path
        The study's folder.
    """
    found = []
    for file in sorted(directory.iterdir()):
        if file.suffix.lower() in RDML_SUFFIXES:
            found.append(FoundTable(file.name, "qpcr"))
        elif file.suffix.lower() in SUFFIXES and file.name not in SAMPLES and file.is_file():
            table = _table(file)
            found += [table] if table else []
    return found


def _table(file: Path) -> FoundTable | None:
    try:
        table = read_table(file, text_columns=list(_ANIMAL))
    except InputError:
        return None  # what it is can't be told; a study that names it is told what is wrong
    titles = [str(title).strip() for title in table.columns]
    method = _method(titles)
    if not method:
        return None
    groups = table["group"].map(str) if "group" in table.columns else ()
    return FoundTable(file.name, method, tuple(dict.fromkeys(name for name in groups if name)))


def _method(titles: list[str]) -> str:
    """Tell a table's method by its columns; empty where none fits."""
    lower = {title.casefold() for title in titles}
    if {"image", "lane", "protein"} <= lower:
        return "blot"
    if lower & {"gene", "target name", "target"} and lower & {"cq", "ct", "cт", "cp"}:
        return "" if "quantity" in lower else "qpcr"
    if "day" in lower and ("volume_mm3" in lower or {"length_mm", "width_mm"} <= lower):
        return "growth"
    if any(re.match(r"(serum_iron|tibc|uibc|ferritin)_", title) for title in lower):
        return "iron"
    try:
        days, _ = wide_columns("", titles, _ANIMAL)
    except InputError:
        return ""
    return "growth" if len(days) > 1 and "animal" in lower else ""


def found_section(table: FoundTable, taken: set[str]) -> tuple[str, list[str]]:
    """Give the name and the lines of a found table's assay.

    Parameters
    ----------
    table : FoundTable
        The table.
    taken : set of str
        Names of assays that are taken.

    Returns
    -------
    name : str
        One that isn't taken.
    lines : list of str
        Its section of study.toml.
    """
    usual = _BY_METHOD[table.method]
    template = next(each for each in ALL_TEMPLATES if each.assay == usual)
    name, number = usual, 2
    while name in taken:
        name, number = f"{usual}_{number}", number + 1
    lines = [line.replace(template.file, table.file) for line in template.section]
    return name, lines


def other_sections(methods: set[str]) -> list[str]:
    """Give the lines of the assays that aren't there yet, as comments.

    Parameters
    ----------
    methods : set of str
        Methods that the study has.
    """
    lines: list[str] = []
    for template in ALL_TEMPLATES:
        named = [line for line in template.section if line.startswith("method")]
        if not named or any(f'"{method}"' in named[0] for method in methods):
            continue
        lines += ["", f"# [assays.{template.assay}]"]
        lines += [line if line.startswith("#") else f"# {line}" for line in template.section]
    if lines:
        hint = f"# Further evidence: fill a table of {TEMPLATES}/, put it beside this file,"
        lines = ["", hint, "# and take the # away before its lines.", *lines]
    return lines


def write_templates(directory: Path) -> list[str]:
    """Write an empty table of each kind below the study's folder; none is overwritten.

    Parameters
    ----------
    directory : pathlib.Path
        The study's folder.

    Returns
    -------
    list of str
        The tables written.
    """
    written = []
    for template in ALL_TEMPLATES:
        file = directory / TEMPLATES / template.file
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            write_text(file, ",".join(template.columns) + "\n")
            written.append(template.file)
    return written


def write_lanes(directory: Path, name: str, images: Sequence[str]) -> bool:
    """Write a lane sheet with a row an image, to be filled in; False where there is one.

    Parameters
    ----------
    directory : pathlib.Path
        The study's folder.
    name : str
        The sheet.
    images : sequence of str
        Images of blots, by their path in the folder.

    Returns
    -------
    bool
        Whether it was written.
    """
    file = directory / name
    if file.exists():
        return False
    template = next(each for each in ALL_TEMPLATES if each.file == _LANES)
    rows = [{"image": image, "lane": "1"} for image in images]
    write_csv(file, pd.DataFrame(rows, columns=list(template.columns), dtype="str").fillna(""))
    return True
