"""The tables of stored images: made when they are asked for, many of one layout at once."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from .assay import Classified, Measured
from .packing import StoredMeasurement, joined_columns
from .samples import Sample
from .shared_rows import Rows, join_tables


class FromStore(Measured):
    """A measured image whose tables and profiles are made from the store's file when asked for.

    Parameters
    ----------
    sample : Sample
        The image's row of the sheet.
    held : StoredMeasurement
        What the store keeps of it.
    flags : tuple of str
        All flags of the image.
    """

    def __init__(self, sample: Sample, held: StoredMeasurement, flags: tuple[str, ...]) -> None:
        # the base is frozen: its fields are set once, here
        own = {"sample": sample, "flags": flags, "notes": held.notes, "_held": held}
        for name, value in own.items():
            object.__setattr__(self, name, value)

    @property
    def objects(self) -> pd.DataFrame:
        """The image's objects."""
        table: pd.DataFrame = self._held.objects  # type: ignore[attr-defined]
        return table

    @property
    def regions(self) -> pd.DataFrame:
        """The image's regions."""
        table: pd.DataFrame = self._held.regions  # type: ignore[attr-defined]
        return table

    @property
    def stored(self) -> StoredMeasurement:
        """What the store keeps of the image."""
        held: StoredMeasurement = self._held  # type: ignore[attr-defined]
        return held

    @property
    def layout(self) -> object:
        """What tells whether two images' tables can be joined; none is made for it."""
        known = self.stored.layout("objects"), self.stored.layout("regions")
        return super().layout if None in known else known

    @property
    def n_objects(self) -> int:
        """How many objects the image has."""
        return self.stored.n_rows("objects")

    def column(self, name: str) -> np.ndarray:
        """Give a column of the objects that holds plain numbers."""
        if self.stored.layout("objects") is None:
            return super().column(name)
        return self.stored.column("objects", name)

    @property
    def profiles(self) -> Mapping[str, np.ndarray]:
        """The image's profiles."""
        held: Mapping[str, np.ndarray] = self._held.profiles  # type: ignore[attr-defined]
        return held


class Shared(Classified):
    """A classified image whose tables are rows of tables that it shares with others.

    Parameters
    ----------
    objects, regions : Rows
        The image's rows.
    features : mapping of str to float
        As of `Classified`.
    flags : tuple of str
        As of `Classified`.
    """

    def __init__(
        self, objects: Rows, regions: Rows, features: Mapping[str, float], flags: tuple[str, ...]
    ) -> None:
        # the base is frozen: its fields are set once, here
        own = {"features": features, "flags": flags, "_objects": objects, "_regions": regions}
        for name, value in own.items():
            object.__setattr__(self, name, value)

    def rows(self, kind: Literal["objects", "regions"]) -> Rows:
        """Give the image's rows."""
        held: Rows = getattr(self, f"_{kind}")
        return held

    @property
    def n_objects(self) -> int:
        """How many objects the image has."""
        return len(self.rows("objects"))

    @property
    def objects(self) -> pd.DataFrame:
        """The image's objects, taken out of the shared table."""
        return self.rows("objects").taken()

    @property
    def regions(self) -> pd.DataFrame:
        """The image's regions, taken out of the shared table."""
        return self.rows("regions").taken()


def shared_rows(images: Sequence[Measured], kind: Literal["objects", "regions"]) -> list[Rows]:
    """Join one table of images of one layout, and give the rows of each.

    Parameters
    ----------
    images : sequence of Measured
        One or more, of one layout.
    kind : {"objects", "regions"}
        Which of their tables.
    """
    stored = [image.stored for image in images if isinstance(image, FromStore)]
    if len(stored) == len(images) and stored[0].layout(kind) is not None:
        lengths = [held.n_rows(kind) for held in stored]
        table = joined_columns(stored, kind)
    else:
        tables = [getattr(image, kind) for image in images]
        lengths = [len(table) for table in tables]
        table = join_tables(tables)
    ends = np.cumsum(lengths).tolist()
    return [Rows(table, end - length, end) for end, length in zip(ends, lengths, strict=True)]
