"""Rows of problems.csv: inputs that failed, with the reason and what to do."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields

import pandas as pd


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


def problem_table(rows: Iterable[ProblemRow]) -> pd.DataFrame:
    """Give problems as the table of problems.csv, in a fixed order, each once."""
    columns = [item.name for item in fields(ProblemRow)]
    return pd.DataFrame([astuple(row) for row in sorted(set(rows))], columns=columns)
