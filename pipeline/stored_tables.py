"""The tables of stored images: made when they are asked for, many of one layout at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from .measured import Measured, layout_of
from .packing import StoredMeasurement, joined_columns
from .samples import Sample
from .shared_rows import Rows, join_tables


class FromStore:
    """A `Measured` whose tables and profiles are made from the store's file when asked for.

    Parameters
    ----------
    sample : Sample
        The image's row of the sheet.
    stored : StoredMeasurement
        What the store keeps of it.
    flags : tuple of str
        All flags of the image.
    """

    def __init__(self, sample: Sample, stored: StoredMeasurement, flags: tuple[str, ...]) -> None:
        self.sample = sample
        self.stored = stored
        self.flags = flags
        self.notes: Mapping[str, Any] = stored.notes

    @property
    def objects(self) -> pd.DataFrame:
        """The image's objects."""
        return self.stored.objects

    @property
    def regions(self) -> pd.DataFrame:
        """The image's regions."""
        return self.stored.regions

    @property
    def profiles(self) -> Mapping[str, np.ndarray]:
        """The image's profiles."""
        return self.stored.profiles

    @property
    def layout(self) -> object:
        """What tells whether two images' tables can be joined; none is made for it."""
        known = self.stored.layout("objects"), self.stored.layout("regions")
        return layout_of(self.objects, self.regions) if None in known else known

    @property
    def n_objects(self) -> int:
        """How many objects the image has."""
        return self.stored.n_rows("objects")

    def column(self, name: str) -> np.ndarray:
        """Give a column of the objects that holds plain numbers; shape (n_objects,)."""
        if self.stored.layout("objects") is None:
            return self.objects[name].to_numpy()
        return self.stored.column("objects", name)


@dataclass(frozen=True)
class Shared:
    """A `Classified` whose tables are rows of tables that it shares with other images.

    Attributes
    ----------
    object_rows, region_rows : Rows
        The image's rows.
    features, flags, maps
        As of `Classified`.
    """

    object_rows: Rows
    region_rows: Rows
    features: Mapping[str, float]
    flags: tuple[str, ...]
    maps: Mapping[str, np.ndarray] = field(default_factory=dict)

    def rows(self, kind: Literal["objects", "regions"]) -> Rows:
        """Give the image's rows."""
        return self.object_rows if kind == "objects" else self.region_rows

    @property
    def n_objects(self) -> int:
        """How many objects the image has."""
        return len(self.object_rows)

    @property
    def objects(self) -> pd.DataFrame:
        """The image's objects, taken out of the shared table."""
        return self.object_rows.taken()

    @property
    def regions(self) -> pd.DataFrame:
        """The image's regions, taken out of the shared table."""
        return self.region_rows.taken()


def shared_rows(images: Sequence[Measured], kind: Literal["objects", "regions"]) -> list[Rows]:
    """Join one table of images of one layout, and give the rows of each.

    Parameters
    ----------
    images : sequence of Measured
        One or more, of one layout.
    kind : {"objects", "regions"}
        Which of their tables.

    Returns
    -------
    list of Rows
        One an image, all of one table.
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
