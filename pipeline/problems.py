"""Rows of problems.csv: inputs that failed, with the reason and what to do."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields

import pandas as pd

from .errors import InputError


@dataclass(frozen=True, order=True)
class ProblemRow:
    """One input that failed.

    Attributes
    ----------
    assay, image : str
        The input; image is empty where the problem is the whole assay's.
    stage : str
        Where it failed: read, measure, store, calibrate, classify, draw or compare.
    error : str
        What failed, what was expected and what came.
    remedy : str
        What the user can do about it.
    """

    assay: str
    image: str
    stage: str
    error: str
    remedy: str


class RefusedTable(InputError):
    """A table that can't be used as a whole, with whatever else is wrong with its rows.

    Parameters
    ----------
    path, reason, remedy : str
        As `InputError`.
    rows : sequence of ProblemRow
        The rows that were found wrong before it was refused.
    """

    def __init__(
        self, path: str, reason: str, remedy: str, rows: Sequence[ProblemRow] = ()
    ) -> None:
        super().__init__(path, reason, remedy)
        self.rows = tuple(rows)


def problem_table(rows: Iterable[ProblemRow]) -> pd.DataFrame:
    """Give problems as the table of problems.csv, in a fixed order, each once."""
    columns = [item.name for item in fields(ProblemRow)]
    return pd.DataFrame([astuple(row) for row in sorted(set(rows))], columns=columns)
