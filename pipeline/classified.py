"""An image after the study's thresholds, wherever its tables are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import pandas as pd

from .shared_rows import Rows


class Classified(Protocol):
    """One image after the study's thresholds: its tables, features, flags, and maps to draw.

    Implemented by `ClassifiedImage`, whose tables are its own, by
    `xenoquant.pipeline.stored_tables.Shared` and `xenoquant.pipeline.stored_images.Reclassified`.
    """

    @property
    def objects(self) -> pd.DataFrame:
        """A row an object, with its class."""

    @property
    def regions(self) -> pd.DataFrame:
        """A row a region."""

    @property
    def features(self) -> Mapping[str, float]:
        """The image's features, by name."""

    @property
    def flags(self) -> tuple[str, ...]:
        """All flags of the image."""

    @property
    def maps(self) -> Mapping[str, np.ndarray]:
        """What an overlay shows beside the objects, by name."""

    @property
    def n_objects(self) -> int:
        """How many objects the image has."""

    def rows(self, kind: Literal["objects", "regions"]) -> Rows:
        """Give one of the tables as rows of a table that several images may share."""


@dataclass(frozen=True)
class ClassifiedImage:
    """A `Classified` whose tables are its own."""

    objects: pd.DataFrame
    regions: pd.DataFrame
    features: Mapping[str, float]
    flags: tuple[str, ...] = ()
    maps: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def n_objects(self) -> int:
        """How many objects the image has."""
        return len(self.objects)

    def rows(self, kind: Literal["objects", "regions"]) -> Rows:
        """Give all rows of one of the tables."""
        return all_rows(self, kind)


def all_rows(classified: Classified, kind: Literal["objects", "regions"]) -> Rows:
    """Give all rows of one of an image's own tables."""
    table = classified.objects if kind == "objects" else classified.regions
    return Rows(table, 0, len(table))
