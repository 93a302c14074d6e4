"""The sample sheet: which image belongs to which assay, animal and group."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pandas as pd

from .errors import InputError, Problem, StudyError
from .tables import NUMBER, THOUSANDS, read_table

if TYPE_CHECKING:
    from .study import Study

SAMPLES_FILE = "samples.csv"
ROLES = ("sample", "negative_control", "blank")
SAMPLE, NEGATIVE_CONTROL, BLANK = ROLES
NUMBERS = ("px_per_mm", "um_per_px")
OPTIONAL = ("lobe", "view", "field", "batch")


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of the sample sheet.

    Attributes
    ----------
    assay, image, animal, group, role : str
        As the sheet gives them; animal and group may be empty on controls and blanks.
    lobe, view, field, batch : str
        Empty where the sheet doesn't say.
    px_per_mm, um_per_px : float or None
        The image's own scale; it wins over the file's and the study's.
    """

    assay: str
    image: str
    animal: str = ""
    group: str = ""
    role: str = SAMPLE
    lobe: str = ""
    view: str = ""
    field: str = ""
    batch: str = ""
    px_per_mm: float | None = None
    um_per_px: float | None = None


def read_sheet(study: "Study", file: Path) -> tuple[list[Sample], list[Problem]]:
    """Read the sample sheet; give the rows that can be used, and every problem.

    Parameters
    ----------
    study : Study
        The study that the sheet belongs to; names the columns of animal and group.
    file : pathlib.Path
        The sheet (CSV).

    Returns
    -------
    samples : list of Sample
        The rows without a problem of their own, in the sheet's order.
    problems : list of Problem
        Empty where the study can run.
    """
    header = study.header
    if not file.exists():
        remedy = f"save the sheet as {file.name} (CSV) in the study's folder"
        return [], [Problem(file.name, "", "no such file", "the sample sheet", remedy)]
    try:
        table = read_table(file, text_columns=_text_columns(header.animal, header.group))
    except InputError as error:
        return [], [Problem(file.name, "", error.reason, "a sample sheet", error.remedy)]
    problems = _missing_columns(table, header.animal, header.group, file.name)
    if problems:
        return [], problems
    table = _normalised(table, header.animal, header.group)
    found = _check_rows(table, study, file.name)
    problems = [*(problem for _, problem in found), *_check_animals(table, file.name)]
    usable = table.drop(index=[row for row, _ in found])
    return [_sample(row) for row in usable.to_dict("records")], problems


def study_samples(study: "Study") -> list[Sample]:
    """Read a study's sample sheet.

    A study needs none whose assays are all tables, or bring a sheet of their own that names their
    images (the lane sheet of a blot).

    Raises
    ------
    StudyError
        If the sheet can't be read or holds rows that can't be right; the error lists all of them.
    """
    samples, problems = check_samples(study)
    if problems:
        raise StudyError(problems)
    return samples


def check_samples(study: "Study") -> tuple[list[Sample], list[Problem]]:
    """Read a study's sample sheet as `study_samples`; give its problems beside its good rows."""
    file = study.folder / SAMPLES_FILE
    if not file.exists() and all(assay.sheets() for assay in study.image_assays.values()):
        return [], []
    return read_sheet(study, file)


def unused_columns(study: "Study") -> list[str]:
    """Name the sheet's columns that nothing reads, those first whose names are nearly right.

    Returns
    -------
    list of str
        A line each for ``Role`` or ``px per mm``, and one for all others; empty without a sheet.
    """
    known = {"assay", "image", study.header.animal, study.header.group, "role"}
    known |= {*OPTIONAL, *NUMBERS}
    try:
        titles = [str(title) for title in read_table(study.folder / SAMPLES_FILE).columns]
    except InputError:  # told, or not needed
        return []
    meant = {_letters(name): name for name in known}
    unused = [title for title in titles if title not in known]
    lines = [
        f"{SAMPLES_FILE}: the column {title!r} isn't used; its name would be "
        f"{meant[_letters(title)]!r}."
        for title in unused
        if _letters(title) in meant
    ]
    others = [repr(title) for title in unused if _letters(title) not in meant]
    return [*lines, f"{SAMPLES_FILE}: not used: {', '.join(others)}."] if others else lines


def _letters(title: str) -> str:
    return re.sub(r"[\W_]+", "", title).lower()


def _text_columns(animal: str, group: str) -> list[str]:
    return ["assay", "image", animal, group, "role", *OPTIONAL, *NUMBERS]


def _missing_columns(table: pd.DataFrame, animal: str, group: str, name: str) -> list[Problem]:
    needed = ("assay", "image", animal, group)
    remedy = "add the column; xenoquant init writes a sheet with all of them"
    return [
        Problem(name, "first line", "", f"a column called {column!r}", remedy)
        for column in needed
        if column not in table.columns
    ]


def _normalised(table: pd.DataFrame, animal: str, group: str) -> pd.DataFrame:
    """Give the sheet with the program's own column names, all text, blanks as empty text."""
    columns = {"assay": "assay", "image": "image", "animal": animal, "group": group}
    columns |= {name: name for name in ("role", *OPTIONAL, *NUMBERS)}
    known = {
        ours: table[theirs] if theirs in table else pd.Series("", index=table.index)
        for ours, theirs in columns.items()
    }
    sheet = pd.DataFrame(known).fillna("").astype(str).apply(lambda column: column.str.strip())
    sheet["role"] = sheet["role"].replace("", SAMPLE)
    return sheet


def _schema(study: "Study") -> "object":
    import pandera.pandas as pa

    header = study.header
    groups = list(header.groups)
    return pa.DataFrameSchema(
        {
            "assay": pa.Column(str, pa.Check.isin(list(study.image_assays))),
            "image": pa.Column(str, pa.Check.str_length(min_value=1)),
            "group": pa.Column(str, pa.Check.isin(["", *groups])),
            "role": pa.Column(str, pa.Check.isin(list(ROLES))),
            **{
                name: pa.Column(str, pa.Check(_positive_or_empty, name="positive"))
                for name in NUMBERS
            },
        },
        strict=False,
    )


def _positive_or_empty(column: pd.Series) -> pd.Series:
    numbers = column.where(column != "", "1").map(_number)
    return (numbers > 0) & (numbers < float("inf"))


def _number(text: str) -> float:
    """Read a number with a decimal point or comma; NaN where it isn't one or could be two."""
    if NUMBER.fullmatch(text) is None or THOUSANDS.fullmatch(text):
        return float("nan")
    return float(text.replace(",", "."))


def _check_rows(table: pd.DataFrame, study: "Study", name: str) -> list[tuple[int, Problem]]:
    """Give every cell that can't be right with its row, in the order of rows."""
    import pandera.errors

    found: list[tuple[int, Problem]] = []
    try:
        _schema(study).validate(table, lazy=True)  # type: ignore[attr-defined]
    except pandera.errors.SchemaErrors as errors:
        for case in errors.failure_cases.to_dict("records"):
            row, column = int(case["index"]), str(case["column"])
            found.append((row, _cell_problem(name, row, column, str(case["failure_case"]), study)))
    found += _check_identity(table, study, name)
    return sorted(found, key=lambda item: item[0])


def _cell_problem(name: str, row: int, column: str, value: str, study: "Study") -> Problem:
    expected = {
        "assay": "an image assay of study.toml (" + ", ".join(study.image_assays) + ")",
        "image": "the path of an image",
        "group": "a group of study.toml (" + ", ".join(study.header.groups) + ")",
        "role": "one of " + ", ".join(ROLES),
    }.get(column, "a positive number, or nothing")
    shown = study.header.group if column == "group" else column
    remedy = "mend the cell"
    if column in ("assay", "group"):
        remedy += ", or name it in study.toml"
    if column == "group" and _looks_like_one(value, study.header.groups):
        remedy = "copy the name from study.toml: it looks the same and has other characters"
    return Problem(name, f"row {row}, column {shown}", repr(value), expected, remedy)


def _looks_like_one(value: str, names: Sequence[str]) -> bool:
    """Tell a name with an accent in a character of its own, as macOS writes files' names."""
    return unicodedata.normalize("NFC", value) in {unicodedata.normalize("NFC", n) for n in names}


def _check_identity(table: pd.DataFrame, study: "Study", name: str) -> list[tuple[int, Problem]]:
    """Give rows that lack an animal or group, repeat an image, or leave the study's folder."""
    header = study.header
    found: list[tuple[int, Problem]] = []
    for column, shown in (("animal", header.animal), ("group", header.group)):
        rows = table.index[(table["role"] == SAMPLE) & (table[column] == "")]
        expected = f"the {column} of a sample (only controls and blanks may leave it empty)"
        remedy = "fill the cell, or set the row's role"
        found += [
            (int(row), Problem(name, f"row {row}, column {shown}", "", expected, remedy))
            for row in rows
        ]
    for row in table.index[table.duplicated(["assay", "image"]) & (table["image"] != "")]:
        expected = "each image once in an assay"
        found.append((int(row), _row_problem(name, row, table, expected, "remove the row")))
    if not header.read_outside:
        known: dict[Path, Path] = {}
        outside = [leaves_folder(study.folder, image, known) for image in table["image"].tolist()]
        for row in table.index[outside]:
            expected = "an image inside the study's folder"
            remedy = "copy it into the study, or set read_outside = true under [study]"
            found.append((int(row), _row_problem(name, row, table, expected, remedy)))
    return found


def _row_problem(name: str, row: int, table: pd.DataFrame, expected: str, remedy: str) -> Problem:
    return Problem(name, f"row {row}, column image", repr(table.at[row, "image"]), expected, remedy)


def leaves_folder(folder: Path, image: str, known: dict[Path, Path] | None = None) -> bool:
    """Tell whether a path leads out of a folder, also through a link.

    Parameters
    ----------
    folder : pathlib.Path
        The folder.
    image : str
        A path in it, with slashes.
    known : dict of Path to Path, optional
        Where the folders of earlier paths lead; it is added to. Many images lie in few folders.
    """
    if PurePosixPath(image).is_absolute():
        return True
    known = {} if known is None else known
    path = folder / image
    try:
        if path == folder or path.name == ".." or path.is_symlink():
            return not path.resolve().is_relative_to(_led_to(folder, known))
        return not _led_to(path.parent, known).is_relative_to(_led_to(folder, known))
    except (OSError, RuntimeError, ValueError):  # links in a circle, a name beyond all length
        return False  # it leads nowhere; reading it says so


def _led_to(folder: Path, known: dict[Path, Path]) -> Path:
    """Give where a folder leads."""
    if folder not in known:
        known[folder] = folder.resolve()
    return known[folder]


def _check_animals(table: pd.DataFrame, name: str) -> list[Problem]:
    """Give the animals that stand in more than one group."""
    named = table[(table["animal"] != "") & (table["group"] != "")]
    groups = named.groupby("animal", sort=True)["group"].unique()
    remedy = "mend the sheet; two animals need two names"
    return [
        Problem(name, f"animal {animal!r}", ", ".join(sorted(held)), "one group an animal", remedy)
        for animal, held in groups.items()
        if len(held) > 1
    ]


def _sample(row: Mapping[str, str]) -> Sample:
    numbers = {name: _number(row[name]) if row[name] else None for name in NUMBERS}
    texts = {name: row[name] for name in ("assay", "image", "animal", "group", "role", *OPTIONAL)}
    return Sample(**texts, **numbers)  # type: ignore[arg-type]
