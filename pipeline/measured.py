"""A measured image as roll-up sees it, wherever its tables are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd

from ..imgproc.measurement import Measurement
from .samples import Sample


class Measured(Protocol):
    """One measured image: its row of the sheet and what was measured.

    Implemented by `MeasuredImage`, whose tables are in the memory, and by
    `xenoquant.pipeline.stored_tables.FromStore`.
    """

    @property
    def sample(self) -> Sample:
        """The image's row of the sheet."""

    @property
    def objects(self) -> pd.DataFrame:
        """A row an object."""

    @property
    def regions(self) -> pd.DataFrame:
        """A row a region."""

    @property
    def profiles(self) -> Mapping[str, np.ndarray]:
        """Histograms and curves, by name."""

    @property
    def flags(self) -> tuple[str, ...]:
        """All flags of the image."""

    @property
    def notes(self) -> Mapping[str, Any]:
        """What method, reader and review noted."""

    @property
    def layout(self) -> object:
        """What tells whether the tables of two images can be joined as they are."""

    @property
    def n_objects(self) -> int:
        """How many objects the image has."""

    def column(self, name: str) -> np.ndarray:
        """Give a column of the objects that holds plain numbers; shape (n_objects,)."""


@dataclass(frozen=True)
class MeasuredImage:
    """A `Measured` whose tables are in the memory."""

    sample: Sample
    objects: pd.DataFrame
    regions: pd.DataFrame
    profiles: Mapping[str, np.ndarray]
    flags: tuple[str, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, sample: Sample, found: Measurement) -> "MeasuredImage":
        """Give what a method found in the image of a row of the sheet."""
        return cls(sample, found.objects, found.regions, found.profiles, found.flags, found.notes)

    @property
    def layout(self) -> object:
        """The names and types of the tables' columns."""
        return layout_of(self.objects, self.regions)

    @property
    def n_objects(self) -> int:
        """How many objects the image has."""
        return len(self.objects)

    def column(self, name: str) -> np.ndarray:
        """Give a column of the objects that holds plain numbers; shape (n_objects,)."""
        return self.objects[name].to_numpy()


def layout_of(*tables: pd.DataFrame) -> object:
    """Give the names and types of tables' columns, to compare with those of other tables."""
    return tuple((*table.columns, *table.dtypes) for table in tables)


def readers_classes(measured: Measured) -> dict[int, int]:
    """Give the classes that a reader gave to objects of an image; they win over thresholds."""
    held = measured.notes.get("review", {}).get("classes", {})
    return {int(number): int(value) for number, value in held.items()}


def given_or(given: Mapping[int, int], objects: pd.DataFrame, column: str) -> list[int]:
    """Give each object the reader's class, or else what stands in the column."""
    pairs = zip(objects["object"], objects[column], strict=True)
    return [given.get(int(number), int(value)) for number, value in pairs]
