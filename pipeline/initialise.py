"""Starting a study: study.toml and samples.csv from the folders and file names that are there."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from .errors import InputError, Problem, StudyError
from .initialise_tables import (
    TEMPLATES,
    FoundTable,
    find_tables,
    found_section,
    other_sections,
    write_lanes,
    write_templates,
)
from .patterns import Pattern, compile_pattern
from .readers import ImageInfo, list_images, scan_folder
from .samples import BLANK, NEGATIVE_CONTROL, SAMPLE, SAMPLES_FILE
from .study import STUDY_FILE
from .writers import write_csv, write_text

COLUMNS = ("assay", "image", "animal", "group", "role", "lobe", "view", "field", "batch")

# words in a folder's name that tell its method, in the order in which they are tried
_FOLDER_WORDS = {
    "blot": ("blot", "western", "wb", "gel"),
    "nodules": ("lung", "lobe", "nodule", "bouin", "photo", "met"),
    "dab": ("dab", "ihc", "ferritin", "immunohisto", "slide", "section"),
    "fluorescence": ("if", "fluor", "confocal", "dapi", "snai", "cadherin", "notch", "alexa"),
}
_ROLE_WORDS = {
    BLANK: ("blank", "empty", "white", "flatfield", "background"),
    NEGATIVE_CONTROL: (
        "igg",
        "noprimary",
        "negative",
        "negctrl",
        "negcontrol",
        "isotype",
        "secondaryonly",
    ),
}
_GROUP_HINT = "fill me"
_BLOT = "blot"


@dataclass
class _FoundAssay:
    """One assay folder: its method and its rows of the sheet."""

    name: str
    method: str
    rows: list[dict[str, str]] = field(default_factory=list)
    channels: tuple[str, ...] = ()
    um_per_px: float | None = None


def initialise_study(directory: Path, *, patterns: Sequence[str] = ()) -> list[str]:
    """Write a study's files from what a folder holds, and a template of each table.

    Parameters
    ----------
    directory : pathlib.Path
        The folder; each of its folders with images becomes an assay, and so does each table in it
        whose columns tell what it is.
    patterns : sequence of str
        How paths name group, animal and the other columns; the first that fits a path counts.

    Returns
    -------
    list of str
        What was written and what is left to fill in, a line each.

    Raises
    ------
    StudyError
        If there is no folder, a pattern is wrong, or one of the files is there already.
    """
    _refuse_existing(directory)
    compiled = [compile_pattern(text) for text in patterns]
    assays, unread = _find_assays(directory, scan_folder(directory), compiled)
    tables = _further_tables(find_tables(directory), assays)
    groups = _groups(assays, tables)
    _free_controls(assays, groups)
    table = _sheet([assay for assay in assays if assay.method != _BLOT])
    if len(table):
        write_csv(directory / SAMPLES_FILE, _without_empty(table))
    write_text(
        directory / STUDY_FILE, _study_text(directory.resolve().name, groups, assays, tables)
    )
    lines = _summary(directory, assays, tables, groups, table, unread)
    return [*lines, *_further_files(directory, assays), f"Next: xenoquant check {directory}"]


def _further_tables(found: Sequence[FoundTable], assays: Sequence[_FoundAssay]) -> list[FoundTable]:
    """Leave out lane sheets whose blots are an assay by their folder already."""
    sheets = {lane_sheet(assay, assays) for assay in assays if assay.method == _BLOT}
    return [table for table in found if table.file not in sheets]


def lane_sheet(assay: _FoundAssay, assays: Sequence[_FoundAssay]) -> str:
    """Name a blot's lane sheet: each assay has one of its own."""
    blots = [each for each in assays if each.method == _BLOT]
    return "lanes.csv" if len(blots) < 2 else f"lanes_{assay.name}.csv"


def _further_files(directory: Path, assays: Sequence[_FoundAssay]) -> list[str]:
    """Write lane sheets and templates; give a line for each."""
    lines = []
    for assay in assays:
        if assay.method == _BLOT:
            sheet = lane_sheet(assay, assays)
            if write_lanes(directory, sheet, [row["image"] for row in assay.rows]):
                lines.append(f"To fill in: {sheet}, a row a lane and protein of each blot.")
    written = write_templates(directory)
    if written:
        lines.append(f"Templates in {directory / TEMPLATES}: {', '.join(written)}.")
    return lines


def _refuse_existing(directory: Path) -> None:
    if not directory.is_dir():
        remedy = "give the folder that holds the study's images"
        raise StudyError([Problem(str(directory), "", "no such folder", "a folder", remedy)])
    held = [name for name in (STUDY_FILE, SAMPLES_FILE) if (directory / name).exists()]
    remedy = "move it away first; nothing was written"
    expected = "no such file yet, since a person's file is never overwritten"
    if held:
        raise StudyError(
            [Problem(str(directory / name), "", "", expected, remedy) for name in held]
        )


def _find_assays(
    directory: Path, images: Sequence[Path], patterns: Sequence[Pattern]
) -> tuple[list[_FoundAssay], list[str]]:
    """Sort the images into assays; give also what can't be read."""
    by_name: dict[str, list[tuple[Path, dict[str, str]]]] = defaultdict(list)
    for path in images:
        relative = path.relative_to(directory)
        said = _said(relative.as_posix(), patterns)
        by_name[_assay_name(said.get("assay") or _top_folder(relative))].append((path, said))
    assays, unread = [], []
    for name, held in by_name.items():
        assay = None
        for path, said in held:
            try:
                infos = list_images(path)
            except InputError as error:
                unread.append(str(error))
                infos = []
            if assay is None:
                assay = _FoundAssay(name, _method(name, infos))
            _note_form(assay, infos)
            assay.rows += _rows(name, path.relative_to(directory).as_posix(), len(infos), said)
        assays += [assay] if assay else []
    return assays, unread


def _said(path: str, patterns: Sequence[Pattern]) -> dict[str, str]:
    for pattern in patterns:
        found = pattern.match(path)
        if found is not None:
            return found
    return {}


def _top_folder(relative: Path) -> str:
    return relative.parts[0] if len(relative.parts) > 1 else "images"


def _assay_name(text: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("_.-")
    return name[:64] or "images"


def _words(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.lower())


def _method(name: str, infos: Sequence[ImageInfo]) -> str:
    """Guess an assay's method: from its name, else from the first image's form."""
    lowered = name.lower()
    for method, words in _FOLDER_WORDS.items():
        if any(
            re.search(rf"(?<![a-z]){word}" if len(word) < 4 else word, lowered) for word in words
        ):
            return method
    if infos and infos[0].kind == "channels":
        return "fluorescence"
    return "dab" if infos and infos[0].um_per_px is not None else "nodules"


def _note_form(assay: _FoundAssay, infos: Sequence[ImageInfo]) -> None:
    if infos and not assay.channels and infos[0].kind == "channels":
        assay.channels = tuple(infos[0].channel_names)
    if infos and assay.um_per_px is None:
        assay.um_per_px = infos[0].um_per_px


def _rows(assay: str, image: str, series: int, said: Mapping[str, str]) -> list[dict[str, str]]:
    """Give an image's row, or a row for each image of a container."""
    row = {"assay": assay, "image": image, **{k: v for k, v in said.items() if k in COLUMNS}}
    row["assay"] = assay
    row["role"] = said.get("role") or _role(image)
    if series <= 1:
        return [row]
    return [{**row, "image": f"{image}#{number}"} for number in range(series)]


def _role(image: str) -> str:
    words = _words(image.rpartition("/")[2])
    for role, hints in _ROLE_WORDS.items():
        if any(hint in words for hint in hints):
            return role
    return SAMPLE


def _groups(assays: Sequence[_FoundAssay], tables: Sequence[FoundTable]) -> list[str]:
    found: dict[str, None] = {
        row.get("group", ""): None
        for assay in assays
        for row in assay.rows
        if row["role"] == SAMPLE
    }
    found |= dict.fromkeys(group for table in tables for group in table.groups)
    named = [group for group in found if group]
    return named or [_GROUP_HINT]


def _free_controls(assays: Sequence[_FoundAssay], groups: Sequence[str]) -> None:
    """Take away what a pattern reads of a control or blank that lies beside the groups' folders.

    Its "group" would be the assay's folder and its "animal" its own name; both may be empty.
    """
    for row in (row for assay in assays for row in assay.rows):
        if row["role"] != SAMPLE and row.get("group", "") not in groups:
            row |= {"animal": "", "group": ""}


def _sheet(assays: Sequence[_FoundAssay]) -> pd.DataFrame:
    rows = [{name: row.get(name, "") for name in COLUMNS} for a in assays for row in a.rows]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype="str")


def _without_empty(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out the columns that nothing was found for, but those that every sheet has."""
    always = ("assay", "image", "animal", "group", "role")
    return table[[name for name in table if name in always or (table[name] != "").any()]]


def _quoted(value: str) -> str:
    """Write a TOML string; JSON's escapes are TOML's too."""
    return json.dumps(value, ensure_ascii=False)


def _study_text(
    title: str,
    groups: Sequence[str],
    assays: Sequence[_FoundAssay],
    tables: Sequence[FoundTable],
) -> str:
    lines = [
        "[study]",
        f"title = {_quoted(title)}",
        'animal = "animal"                 # sample-sheet column of the experimental unit',
        'group = "group"                   # sample-sheet column of the group',
        f"groups = [{', '.join(_quoted(group) for group in groups)}]",
        f"reference = {_quoted(groups[0])}          # the group that the others are compared with",
        "alpha = 0.05",
    ]
    for assay in assays:
        lines += ["", f"[assays.{_key(assay.name)}]", *_assay_lines(assay, assays)]
    taken = {assay.name for assay in assays}
    for table in tables:
        name, section = found_section(table, taken)
        taken.add(name)
        lines += ["", f"[assays.{_key(name)}]", *section]
    lines += other_sections({each.method for each in assays} | {each.method for each in tables})
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _assay_lines(assay: _FoundAssay, assays: Sequence[_FoundAssay]) -> list[str]:
    lines = [f"method = {_quoted(assay.method)}"]
    if assay.method == _BLOT:
        bands = 'bands = "dark"                    # dark | light'
        return [*lines, f"lanes = {_quoted(lane_sheet(assay, assays))}", bands]
    if assay.method == "nodules":
        return [
            *lines,
            "# px_per_mm = 50                 # the photos' scale; without it sizes are in pixels",
        ]
    lines.append(f"marker = {_quoted(assay.name)}")
    if assay.method == "fluorescence":
        lines += ['compartment = "nucleus"           # nucleus | cytoplasm | membrane | cell']
        lines += [_channel_line(assay.channels)]
    else:
        lines += ['compartment = "cytoplasm"         # nucleus | cytoplasm | cell']
    if assay.um_per_px is None:
        lines.append(
            "# um_per_px = 0.5                 # the files don't say it: give the pixel size"
        )
    return lines


def _channel_line(names: Sequence[str]) -> str:
    """Guess which channel is the nuclear dye: by its name, else the last one."""
    dyes = ("dapi", "hoechst", "draq5", "nuclei", "dna")
    place = next(
        (i for i, name in enumerate(names) if any(dye in name.lower() for dye in dyes)),
        max(len(names) - 1, 0),
    )
    others = [i for i in range(len(names)) if i != place]
    parts = [f"marker = {_channel(names, others[0])}"] if others else []
    parts.append(f"nuclei = {_channel(names, place)}")
    return f"channels = {{ {', '.join(parts)} }}   # names in the files, or indices from 0"


def _channel(names: Sequence[str], place: int) -> str:
    name = names[place] if place < len(names) else ""
    return (
        str(place) if not name or name.isdecimal() or list(names).count(name) > 1 else _quoted(name)
    )


def _summary(
    directory: Path,
    assays: Sequence[_FoundAssay],
    tables: Sequence[FoundTable],
    groups: Sequence[str],
    table: pd.DataFrame,
    unread: Sequence[str],
) -> list[str]:
    sheet = f" and {directory / SAMPLES_FILE}" if len(table) else ""
    lines = [f"Wrote {directory / STUDY_FILE}{sheet}."]
    lines += [f"{a.name}: method {a.method}, {len(a.rows)} rows" for a in assays]
    lines += [f"{found.file}: method {found.method}" for found in tables]
    if not assays and not tables:
        lines.append(
            "No image and no table was found: put images into folders, one an assay, or fill "
            f"tables from {TEMPLATES}/ and take their sections of {STUDY_FILE} out of the comments."
        )
    samples = table[table["role"] == SAMPLE]
    for column in ("animal", "group"):
        empty = int((samples[column] == "").sum())
        if empty:
            lines.append(
                f"To fill in: {column} of {empty} rows in {SAMPLES_FILE} (or use --pattern)."
            )
    if list(groups) == [_GROUP_HINT]:
        lines.append(f"To fill in: groups and reference in {STUDY_FILE}.")
    return [*lines, *(f"Can't be read: {text}" for text in unread)]
