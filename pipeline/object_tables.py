"""``objects/`` and ``regions/``: an assay's tables, written while its images are classified."""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Literal

import pandas as pd

from .classified import Classified
from .rollup import joined_with_identity, with_identity
from .samples import Sample
from .shared_rows import Rows, join_tables
from .table_parts import GrowingTable
from .writers import write_parquet

# Small tables cost more than their content: that many are joined at once.
_TABLES_TOGETHER = 200
_ROWS_TOGETHER = 20_000

Kind = Literal["objects", "regions"]
KINDS: tuple[Kind, ...] = ("objects", "regions")
Held = list[tuple[Sample, Rows]]


class ObjectTables:
    """The tables of one assay's objects and regions.

    Parameters
    ----------
    results : pathlib.Path
        The results folder.
    assay : str
        The assay's name.
    """

    def __init__(self, results: Path, assay: str) -> None:
        self._files = {kind: results / kind / f"{assay}.parquet" for kind in KINDS}
        self._tables = {kind: GrowingTable(file) for kind, file in self._files.items()}
        self._held: dict[Kind, Held] = {kind: [] for kind in self._files}
        self._rows = dict.fromkeys(self._files, 0)

    def __enter__(self) -> "ObjectTables":
        return self

    def __exit__(self, *_: object) -> None:
        for table in self._tables.values():
            table.abandon()

    def add(self, sample: Sample, image: Classified) -> None:
        """Append one image's objects and regions."""
        for kind, held in self._held.items():
            rows = image.rows(kind)
            held.append((sample, rows))
            self._rows[kind] += len(rows)
            if len(held) >= _TABLES_TOGETHER or self._rows[kind] >= _ROWS_TOGETHER:
                self._join(kind)

    def _join(self, kind: Kind) -> None:
        """Hand on what is held; tables of one form at a time, so that no column moves."""
        tables = {id(rows.table): rows.table for _, rows in self._held[kind]}
        forms = {place: _form(table) for place, table in tables.items()}
        alike_by = groupby(
            self._held[kind], lambda pair: (bool(len(pair[1])), forms[id(pair[1].table)])
        )
        for _, alike in alike_by:
            self._tables[kind].add(joined_with_identity(list(alike)))
        self._held[kind], self._rows[kind] = [], 0

    def close(self, images: Iterable[tuple[Sample, Classified]]) -> None:
        """Let the files appear.

        Parameters
        ----------
        images : iterable of (Sample, Classified)
            All images again, for a table whose columns change their type on the way: such a one
            is joined in memory.
        """
        for kind, table in self._tables.items():
            self._join(kind)
            table.close()
            if table.differs:
                held = [with_identity(getattr(image, kind), sample) for sample, image in images]
                write_parquet(self._files[kind], join_tables(held))


def _form(table: pd.DataFrame) -> tuple[object, ...]:
    return (*table.columns, *table.dtypes)
