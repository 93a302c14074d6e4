"""What every table assay has: a table of the study's folder in place of images."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, field_validator

from .chosen_tests import known_tests
from .problems import ProblemRow

if TYPE_CHECKING:
    from .study import StudyHeader


ANIMAL_FEATURE_COLUMNS = ["feature", "animal", "group", "value", "n_images", "n_objects"]
"""Columns of `TableResult.animals`."""


def no_animals() -> pd.DataFrame:
    """Give `TableResult.animals` without a row, for results that only add tables."""
    return pd.DataFrame(columns=ANIMAL_FEATURE_COLUMNS)


@dataclass(frozen=True)
class TableResult:
    """What a table assay gives.

    Attributes
    ----------
    animals : pandas.DataFrame
        Rows of animals.csv without ``assay``: feature, animal, group, value, n_images, n_objects
        (n_images is 0; n_objects is the number of rows of the table that the value was made from).
        In the order feature by feature, groups in their order, animals by name.
    comparisons : pandas.DataFrame or None
        Rows of comparisons.csv without ``assay`` that aren't made by comparing the groups of
        `animals` (a logistic regression, a mixed model); None where there are none.
    compared : tuple of str
        The features whose groups are compared by the default tests; all of `animals` when empty
        is not meant: a feature that isn't named here is described and not tested.
    problems : tuple of ProblemRow
        Rows of the table that could not be used: row and column named in the error.
    notes : mapping
        What a reader should know (formula, reference genes, exclusions); JSON-serialisable.
    tables : mapping of str to pandas.DataFrame
        Further tables to write beside the results, by file name without extension
        (``<assay>_curves``), for the report and for people.
    """

    animals: pd.DataFrame = field(default_factory=no_animals)
    comparisons: pd.DataFrame | None = None
    compared: tuple[str, ...] = ()
    problems: tuple[ProblemRow, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)


class TableAssay(BaseModel, ABC):
    """One ``[assays.*]`` table of the study file whose evidence is a table, not images."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str
    table: str = Field(description="The table's path in the study's folder: CSV, XLSX or Parquet.")
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="What the table calls its columns, where it isn't the usual name: "
        '{ length_mm = "Länge", animal = "Mouse" }.',
    )
    tests: tuple[str, ...] | None = Field(
        None, description="Tests to run between the groups, instead of the default ones."
    )

    _known_tests = field_validator("tests")(known_tests)

    reminders: ClassVar[tuple[str, ...]] = ()

    def files(self) -> tuple[str, ...]:
        """Give the paths of all tables the assay reads, relative to the study's folder."""
        return (self.table,)

    @abstractmethod
    def evaluate(self, name: str, folder: Path, header: "StudyHeader") -> TableResult:
        """Read the table and work out the animals' features.

        Parameters
        ----------
        name : str
            The assay's name, for the rows of problems.
        folder : pathlib.Path
            The study's folder.
        header : StudyHeader
            Names the columns of animal and group, the groups and the reference.

        Raises
        ------
        InputError
            If the table can't be read at all, or lacks a column.
        """
