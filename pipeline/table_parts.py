"""Large tables written as they grow, so that memory doesn't grow with the number of images."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from .shared_rows import join_tables
from .writers import atomic_path, write_parquet

ROWS_IN_PART = 100_000
_TABLES_TOGETHER = 200  # small tables cost more than their content: join them early


class GrowingTable:
    """A Parquet file that takes tables one after the other.

    Parameters
    ----------
    path : pathlib.Path
        The file; it appears whole when the table is closed, or not at all.
    rows : int
        Rows that are held before they are written.
    """

    def __init__(self, path: Path, *, rows: int = ROWS_IN_PART) -> None:
        self._path = path
        self._rows = rows
        self._held: list[pd.DataFrame] = []
        self._fresh = self._count = 0
        self._empty = pd.DataFrame()
        self._file = ExitStack()
        self._writer: Any = None
        self.differs = False  # a part had other types than the first: nothing will be written

    def add(self, table: pd.DataFrame) -> None:
        """Append a table; an empty one gives its columns alone, and only if all are empty."""
        if not len(table):
            if not len(self._empty.columns):
                self._empty = table
            return
        self._held.append(table)
        self._fresh, self._count = self._fresh + 1, self._count + len(table)
        if self._count >= self._rows:
            self._write_part()
        elif self._fresh >= _TABLES_TOGETHER:
            self._held, self._fresh = [join_tables(self._held)], 0

    def close(self) -> None:
        """Write what is left and let the file appear."""
        if self._writer is None and not self.differs:
            write_parquet(self._path, join_tables(self._held or [self._empty]))
            return
        if self._held:
            self._write_part()
        if self.differs:
            return
        self._writer.close()
        self._file.close()

    def abandon(self) -> None:
        """Leave nothing behind; does nothing to a table that was closed."""
        self._file.__exit__(_Abandoned, _Abandoned(), None)

    def _write_part(self) -> None:
        import pyarrow
        from pyarrow import parquet

        part: Any = pyarrow.Table.from_pandas(join_tables(self._held), preserve_index=False)
        self._held, self._fresh, self._count = [], 0, 0
        if self.differs:
            return
        if self._writer is None:
            partial = self._file.enter_context(_kept_unless_abandoned(self._path))
            self._writer = parquet.ParquetWriter(partial, part.schema, compression="zstd")
        if part.schema.equals(self._writer.schema):
            self._writer.write_table(part)
            return
        self.differs = True
        self._writer.close()
        self.abandon()


class _Abandoned(Exception):
    """Tells the file that it isn't wanted any more."""


@contextmanager
def _kept_unless_abandoned(path: Path) -> Iterator[Path]:
    try:
        with atomic_path(path) as partial:
            yield partial
    except _Abandoned:
        pass
