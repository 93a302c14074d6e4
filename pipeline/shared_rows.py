"""Tables that several images share: a thousand small ones cost far more than their rows."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Rows:
    """Some rows of a table, one behind the other: one image's.

    Attributes
    ----------
    table : pandas.DataFrame
        With a row number as its index.
    start, stop : int
        The first row, and the one behind the last.
    """

    table: pd.DataFrame
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def taken(self) -> pd.DataFrame:
        """Give the rows as a table of their own."""
        if len(self) == len(self.table):
            return self.table
        return self.table.iloc[self.start : self.stop].reset_index(drop=True)


def join_tables(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Join images' tables; an empty one keeps its columns and never changes a column's type."""
    held = list(tables)
    filled = [table for table in held if len(table)]
    if not filled:
        return held[0] if held else pd.DataFrame()
    return pd.concat(filled, ignore_index=True)


def join_rows(rows: Iterable[Rows]) -> pd.DataFrame:
    """Join images' rows, as `join_tables` joins their tables; neighbours are taken at once."""
    runs: list[Rows] = []
    for held in rows:
        if runs and runs[-1].table is held.table and runs[-1].stop == held.start:
            runs[-1] = Rows(held.table, runs[-1].start, held.stop)
        else:
            runs.append(held)
    return join_tables(run.taken() for run in runs)
