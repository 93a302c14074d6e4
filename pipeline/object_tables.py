"""``objects/`` and ``regions/``: an assay's tables, written while its images are classified."""

from collections.abc import Iterable
from pathlib import Path

from .assay import Classified, join_tables
from .rollup import with_identity
from .samples import Sample
from .table_parts import GrowingTable
from .writers import write_parquet


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
        self._files = {kind: results / kind / f"{assay}.parquet" for kind in ("objects", "regions")}
        self._tables = {kind: GrowingTable(file) for kind, file in self._files.items()}

    def __enter__(self) -> "ObjectTables":
        return self

    def __exit__(self, *_: object) -> None:
        for table in self._tables.values():
            table.abandon()

    def add(self, sample: Sample, image: Classified) -> None:
        """Append one image's objects and regions."""
        for kind, table in self._tables.items():
            table.add(with_identity(getattr(image, kind), sample))

    def close(self, images: Iterable[tuple[Sample, Classified]]) -> None:
        """Let the files appear.

        Parameters
        ----------
        images : iterable of (Sample, Classified)
            All images again, for a table whose columns change their type on the way: such a one
            is joined in memory.
        """
        for kind, table in self._tables.items():
            table.close()
            if table.differs:
                held = [with_identity(getattr(image, kind), sample) for sample, image in images]
                write_parquet(self._files[kind], join_tables(held))
