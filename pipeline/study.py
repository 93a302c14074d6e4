"""The study file: what study.toml may say, read with every problem reported at once."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from .assay import Assay
from .assays import METHODS, TABLE_METHODS, AnyAssay
from .errors import Problem, StudyError
from .image_files import MAX_MEGAPIXELS
from .table_assay import TableAssay

STUDY_FILE = "study.toml"
RESULTS_FOLDER = "results"

AssayName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


class StudyHeader(BaseModel):
    """The ``[study]`` table: who is compared with whom."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(description="What the study is called in its report.", min_length=1)
    animal: str = Field(
        "animal", description="Sample-sheet column of the experimental unit.", min_length=1
    )
    group: str = Field("group", description="Sample-sheet column of the group.", min_length=1)
    groups: tuple[str, ...] = Field(
        description="The groups, in the order in which tables and figures show them.", min_length=1
    )
    reference: str = Field(description="The group that the others are compared with.")
    alpha: float = Field(0.05, gt=0, lt=1, description="The level of significance.")
    adjust: Literal["none", "holm", "benjamini_hochberg"] = Field(
        "none",
        description="Correction of p-values over the features of an assay: a family is one test of "
        "one pair of groups over all features of its assay, and is named in the note.",
    )
    rendered: bool = Field(
        False,
        description="The images are rendered, not photographed; every table's report says so.",
    )
    read_outside: bool = Field(
        False, description="Allow the sample sheet to name images outside the study's folder."
    )

    max_megapixels: float = Field(
        MAX_MEGAPIXELS,
        gt=0,
        description="Images larger than this are refused before decoding: a damaged or malicious "
        "file can claim any size.",
    )

    @field_validator("groups")
    @classmethod
    def _distinct(cls, groups: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(groups)) != len(groups) or "" in groups:
            raise ValueError("every group needs a name of its own")
        return groups

    @model_validator(mode="after")
    def _reference_is_a_group(self) -> "StudyHeader":
        if self.reference not in self.groups:
            known = ", ".join(repr(group) for group in self.groups)
            raise ValueError(f"reference must be one of the groups ({known})")
        return self


class StudyFile(BaseModel):
    """All of study.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    study: StudyHeader
    assays: dict[AssayName, AnyAssay] = Field(min_length=1)


@dataclass(frozen=True)
class Study:
    """A study on disk: its folder and what its study.toml says.

    Attributes
    ----------
    folder : pathlib.Path
        The study's folder; the sample sheet's image paths are relative to it.
    header : StudyHeader
        The ``[study]`` table.
    assays : mapping of str to assay
        The ``[assays.*]`` tables by name, in the file's order.
    results : pathlib.Path
        The folder that a run writes to.
    """

    folder: Path
    header: StudyHeader
    assays: Mapping[str, Assay | TableAssay]
    results: Path

    @property
    def image_assays(self) -> dict[str, Assay]:
        """The assays whose evidence is images."""
        return {name: assay for name, assay in self.assays.items() if isinstance(assay, Assay)}

    @property
    def table_assays(self) -> dict[str, TableAssay]:
        """The assays whose evidence is a table."""
        return {name: held for name, held in self.assays.items() if isinstance(held, TableAssay)}


def locate_study(path: Path) -> Path:
    """Give the study file of a path that is a study's folder or the file itself.

    Raises
    ------
    StudyError
        If there is no study.toml.
    """
    file = path if path.suffix == ".toml" else path / STUDY_FILE
    if not file.is_file():
        remedy = (
            f"give the folder that holds {STUDY_FILE}, or write one with: xenoquant init {path}"
        )
        raise StudyError([Problem(str(file), "", "no such file", "a study file", remedy)])
    return file


def load_study(path: Path) -> Study:
    """Read and validate a study file.

    Parameters
    ----------
    path : pathlib.Path
        The study's folder, or its study.toml.

    Returns
    -------
    Study
        The study, with absolute folder.

    Raises
    ------
    StudyError
        If the file is missing, isn't TOML, or holds keys or values that aren't allowed; the error
        lists all of them.
    """
    file = locate_study(path)
    content = _parse_toml(file)
    try:
        parsed = StudyFile.model_validate(content)
    except ValidationError as error:
        raise StudyError([_problem(STUDY_FILE, item) for item in error.errors()]) from error
    folder = file.parent.resolve()
    return Study(folder, parsed.study, parsed.assays, folder / RESULTS_FOLDER)


def _parse_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        remedy = "check the file's permissions"
        problem = Problem(file.name, "", str(error), "a readable file", remedy)
        raise StudyError([problem]) from error
    except UnicodeDecodeError as error:
        remedy = "save the file as UTF-8"
        problem = Problem(file.name, f"byte {error.start}", "", "text in UTF-8", remedy)
        raise StudyError([problem]) from error
    except (ValueError, RecursionError) as error:  # also numbers and nesting beyond all reason
        remedy = "mend the line named here; text values stand in quotes"
        problem = Problem(file.name, str(error), "", "valid TOML", remedy)
        raise StudyError([problem]) from error


# what pydantic calls the kinds of error whose remedy differs from "give such a value"
_REMEDIES = {
    "extra_forbidden": "remove the key, or mend its spelling",
    "missing": "add the key",
    "union_tag_invalid": "write one of the methods named here",
    "union_tag_not_found": 'add a line such as: method = "nodules"',
}


# what pydantic puts before the value that it expected
_EXPECTED = re.compile(r"^(Value error, |Input should be |Input should have )")


def _problem(file: str, item: Mapping[str, Any]) -> Problem:
    """Turn one pydantic error into a problem that names key, value and remedy."""
    tags = {*METHODS, *TABLE_METHODS}
    parts = [str(part) for part in item["loc"]]
    if len(parts) > 2 and parts[0] == "assays" and parts[2] in tags:
        del parts[2]  # pydantic puts the chosen method into the path
    kind = item["type"]
    remedy = _REMEDIES.get(kind, "give the key such a value")
    value = "" if kind == "missing" else _shown(item.get("input"))
    expected = {
        "missing": "the key to be there",
        "extra_forbidden": "only keys that this table knows",
    }.get(kind, _EXPECTED.sub("", str(item["msg"])))
    return Problem(file, ".".join(parts), value, expected, remedy)


def _shown(value: object, longest: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= longest else f"{text[:longest]}…"
