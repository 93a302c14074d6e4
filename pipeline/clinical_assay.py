"""A clinical table: an outcome of people, and what goes with it."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import pandas as pd
from pydantic import Field, field_validator, model_validator

from .problems import ProblemRow, RefusedTable
from .table_assay import TableAssay, TableResult
from .table_rows import (
    NumberColumn,
    TextColumn,
    Wanted,
    animal_features,
    check_rows,
    read_mapped,
)

if TYPE_CHECKING:
    from .study import StudyHeader

_REMEDY = "look at the outcomes and predictors of the rows that are complete"


class ClinicalAssay(TableAssay):
    """Predictors of an outcome: compared between the outcomes, and as odds ratios."""

    method: Literal["clinical"] = "clinical"
    outcome: str = Field(description="Column of the outcome, such as node_status.", min_length=1)
    positive: str = Field(description="The outcome that odds ratios are of.", min_length=1)
    predictors: Annotated[dict[str, float], Field(min_length=1)] = Field(
        description="Columns of numbers, each with the amount that its odds ratio is for: "
        "{ haemoglobin_g_l = 10, age_years = 1 }.",
    )
    subject: str | None = Field(
        None,
        description="Column that tells subjects apart, to find those that stand twice; it is kept "
        "in no output.",
    )

    reminders: ClassVar[tuple[str, ...]] = (
        "Only the columns named in study.toml are read; subjects appear as rows of the table.",
        "An odds ratio of an observational table is an association, not an effect.",
    )

    @field_validator("predictors")
    @classmethod
    def _amounts(cls, predictors: dict[str, float]) -> dict[str, float]:
        wrong = [name for name, amount in predictors.items() if not 0 < abs(amount) < math.inf]
        if wrong:
            raise ValueError(
                f"the amounts that odds ratios are for are above or below 0: {', '.join(wrong)}"
            )
        return predictors

    @model_validator(mode="after")
    def _outcome_is_no_predictor(self) -> "ClinicalAssay":
        if self.outcome in self.predictors:
            raise ValueError(f"the outcome {self.outcome!r} can't be its own predictor")
        return self

    def evaluate(self, name: str, folder: Path, header: "StudyHeader") -> TableResult:
        """Read the table, compare the outcomes and fit the regressions.

        Raises
        ------
        InputError
            If the table can't be read, lacks a column, or its outcomes aren't two.
        """
        from ..stats.clinical import describe_outcomes, outcome_levels

        subjects, problems, n_rows = self._read(name, folder, header)
        try:
            levels = outcome_levels(subjects[self.outcome], self.positive)
        except ValueError as error:
            remedy = "mend positive in study.toml, or the outcomes in the table"
            raise RefusedTable(self.table, str(error), remedy, problems) from error
        known = subjects[subjects[self.outcome] != ""]
        comparisons, failed = self._comparisons(name, known, header.alpha)
        summary = describe_outcomes(
            known,
            outcome=self.outcome,
            positive=self.positive,
            predictors=list(self.predictors),
            level=1 - header.alpha,
        )
        missing = self._missing(subjects)
        notes: dict[str, Any] = {
            "outcome": self.outcome,
            "positive": self.positive,
            "levels": list(levels),
            "predictors": dict(self.predictors),
            "rows": n_rows,
            "subjects": len(known),
            "missing": {str(row.column): int(row.missing) for row in missing.itertuples()},
        }
        return TableResult(
            animals=animal_features(self._values(known), levels),
            comparisons=comparisons,
            problems=(*problems, *failed),
            notes=notes,
            tables={f"{name}_summary": summary, f"{name}_missing": missing},
        )

    def _read(
        self, name: str, folder: Path, header: "StudyHeader"
    ) -> tuple[pd.DataFrame, tuple[ProblemRow, ...], int]:
        """Read the columns that study.toml lists, and no other."""
        numbers = [
            NumberColumn(predictor, empty=True, private=True) for predictor in self.predictors
        ]
        wanted: list[Wanted] = [TextColumn(self.outcome, empty=True), *numbers]
        own = {"subject": self.subject} if self.subject else {}
        table = read_mapped(
            folder,
            self.table,
            header=header,
            wanted=wanted,
            columns=self.columns,
            own=own,
            private=True,
        )
        # the comparison's own columns are called animal and group; nothing here is one of them
        listed = table[[column.name for column in wanted]]
        checked = check_rows(
            name, self.table, listed, header=header, wanted=wanted, titles=self.columns
        )
        problems = list(checked.problems)
        kept = checked.table
        if self.subject:
            subjects = table["subject"].astype(str).str.strip().loc[kept.index]
            twice = subjects.duplicated(keep=False) & (subjects != "")
            for _, own_rows in subjects[twice].groupby(subjects[twice], sort=False):
                rows = ", ".join(map(str, own_rows.index))
                error = f"rows {rows}: one subject stands there {len(own_rows)} times"
                remedy = "keep one row a subject"
                problems.append(ProblemRow(name, self.table, "read", error, remedy))
            kept = kept[~twice]
        return kept, tuple(problems), checked.n_rows

    def _comparisons(
        self, name: str, subjects: pd.DataFrame, alpha: float
    ) -> tuple[pd.DataFrame | None, list[ProblemRow]]:
        """Give the tests between the outcomes, and the regressions' rows."""
        from ..stats.clinical import compare_outcomes, odds_ratios

        named: dict[str, Any] = {"outcome": self.outcome, "positive": self.positive, "alpha": alpha}
        tables: list[pd.DataFrame] = []
        problems: list[ProblemRow] = []
        predictors = list(self.predictors)
        try:
            found = compare_outcomes(subjects, predictors=predictors, tests=self.tests, **named)
            tables.append(found)
        except ValueError as error:
            problems.append(ProblemRow(name, "", "compare", f"outcomes: {error}", _REMEDY))
        try:
            tables.append(odds_ratios(subjects, units=self.predictors, **named))
        except ValueError as error:
            reason = f"logistic regression: {error}"
            problems.append(ProblemRow(name, "", "compare", reason, _REMEDY))
        return (pd.concat(tables, ignore_index=True) if tables else None), problems

    def _missing(self, subjects: pd.DataFrame) -> pd.DataFrame:
        """Count missing values by column, and name their rows."""
        rows = []
        for column in (self.outcome, *self.predictors):
            cells = subjects[column]
            gone = cells.index[cells.isna() | (cells.astype(str) == "")]
            rows.append((column, len(gone), ", ".join(map(str, gone))))
        return pd.DataFrame(rows, columns=["column", "missing", "rows"])

    def _values(self, subjects: pd.DataFrame) -> pd.DataFrame:
        """Give the subjects' predictors, subjects named by their row alone."""
        width = len(str(subjects.index.max())) if len(subjects) else 1
        names = [f"row {row:0{width}d}" for row in subjects.index]
        tables = [
            pd.DataFrame(
                {
                    "feature": predictor,
                    "animal": names,
                    "group": subjects[self.outcome].to_numpy(),
                    "value": subjects[predictor].to_numpy(),
                    "n_objects": subjects[predictor].notna().astype(int).to_numpy(),
                }
            )
            for predictor in self.predictors
        ]
        return pd.concat(tables, ignore_index=True)
