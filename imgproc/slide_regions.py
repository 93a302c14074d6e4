"""Which region each pixel of a slide belongs to: pieces of tissue, outlined regions, fields."""

from dataclasses import dataclass, field

import numpy as np

from .brown_sums import Spans
from .polygons import Polygon, inside
from .tiles import Region


@dataclass(frozen=True)
class RegionMap:
    """The regions of a slide, asked for rectangle by rectangle.

    Attributes
    ----------
    shape : tuple of int
        Height and width of the slide.
    coarse : numpy.ndarray
        int32, shape of the overview: pieces of tissue. A pixel of the slide is in the piece of the
        overview pixel that it lies under.
    areas : tuple of Polygon
        If there are any (that aren't excluded), they are the regions, 1 to n, instead of the
        pieces; a pixel in several belongs to the first. What lies in an excluded one is left out.
    fields : tuple of (top, left, height, width)
        If there are any, only pixels in them are measured, and they are the regions.
    """

    shape: tuple[int, int]
    coarse: np.ndarray
    areas: tuple[Polygon, ...] = ()
    fields: tuple[Region, ...] = ()
    _bounds: list[tuple[float, float, float, float]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Keep the bounds of the areas, which rule most of them out for a tile."""
        object.__setattr__(self, "_bounds", [area.bounds() for area in self.areas])

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each region, from 1."""
        if self.fields:
            return tuple(f"field {number}" for number in range(1, len(self.fields) + 1))
        included = self._included()
        if included:
            return tuple(self.areas[k].name for k in included)
        return tuple(f"piece {number}" for number in range(1, int(self.coarse.max(initial=0)) + 1))

    def _included(self) -> list[int]:
        return [k for k, area in enumerate(self.areas) if not area.excluded]

    def reduced_by(self) -> int:
        """Give the side of an overview pixel in pixels of the slide, rounded up."""
        return max(
            -(-full // small) for full, small in zip(self.shape, self.coarse.shape, strict=True)
        )

    def spans(self, region: Region) -> Spans | None:
        """Give the regions of a rectangle's pixels by the overview's pixels.

        Parameters
        ----------
        region : tuple of int
            Top, left, height, width in pixels of the slide; within it.

        Returns
        -------
        Spans or None
            None where areas or fields cut through the overview's pixels.
        """
        return None if self.areas or self.fields else self._pieces(region)

    def at(self, region: Region) -> np.ndarray:
        """Give the region of each pixel of a rectangle.

        Parameters
        ----------
        region : tuple of int
            Top, left, height, width in pixels of the slide; within it.

        Returns
        -------
        numpy.ndarray
            int32, shape (height, width), 0 where nothing is measured.
        """
        pieces = self._pieces(region)
        if not pieces.any():
            return np.zeros(region[2:], np.int32)
        repeats = np.diff(pieces.edges)
        found = np.repeat(pieces.regions, repeats, axis=1)[pieces.row_of]
        if self.areas:
            found = self._outlined(region, found)
        return self._sampled(region, found) if self.fields else found

    def any(self, region: Region) -> bool:
        """Tell whether anything is measured in a rectangle."""
        y0, y1, x0, x1 = self.under(region)
        if not self.coarse[y0:y1, x0:x1].any():
            return False
        return not (self.areas or self.fields) or bool(self.at(region).any())

    def under(self, region: Region) -> tuple[int, int, int, int]:
        """Give the rows and columns of the overview that a rectangle lies under."""
        top, left, height, width = region
        high, wide = self.coarse.shape
        return (
            top * high // self.shape[0],
            (top + height - 1) * high // self.shape[0] + 1,
            left * wide // self.shape[1],
            (left + width - 1) * wide // self.shape[1] + 1,
        )

    def _pieces(self, region: Region) -> Spans:
        top, left, height, width = region
        y0, y1, x0, x1 = self.under(region)
        rows = np.arange(top, top + height) * self.coarse.shape[0] // self.shape[0] - y0
        # the first pixel that lies under each column of the overview
        begins = -(-np.arange(x0, x1 + 1) * self.shape[1] // self.coarse.shape[1])
        edges = np.minimum(np.maximum(begins - left, 0), width)
        return Spans(self.coarse[y0:y1, x0:x1], rows, edges)

    def _outlined(self, region: Region, pieces: np.ndarray) -> np.ndarray:
        """Put the areas' numbers in the place of the pieces'."""
        included = self._included()
        found = np.zeros_like(pieces) if included else pieces
        for number, k in reversed(list(enumerate(included, start=1))):
            if self._touches(k, region):
                found[inside(self.areas[k], region) & (pieces > 0)] = number
        for k, area in enumerate(self.areas):
            if area.excluded and self._touches(k, region):
                found[inside(area, region)] = 0
        return found

    def _touches(self, k: int, region: Region) -> bool:
        x0, y0, x1, y1 = self._bounds[k]
        top, left, height, width = region
        return x0 < left + width and x1 > left and y0 < top + height and y1 > top

    def _sampled(self, region: Region, found: np.ndarray) -> np.ndarray:
        """Keep what lies in the fields, under their numbers."""
        top, left, height, width = region
        kept = np.zeros_like(found)
        for number, (y, x, rows, columns) in enumerate(self.fields, start=1):
            y0, x0 = max(y - top, 0), max(x - left, 0)
            y1, x1 = min(y + rows - top, height), min(x + columns - left, width)
            if y0 < y1 and x0 < x1:
                kept[y0:y1, x0:x1] = np.where(found[y0:y1, x0:x1] > 0, number, 0)
        return kept


def worth_measuring(regions: RegionMap, place: Region, least_tissue: float) -> bool:
    """Tell whether a rectangle's centre would be measured and enough of it is tissue.

    Parameters
    ----------
    regions : RegionMap
        What would be measured.
    place : tuple of int
        Top, left, height, width in pixels of the slide.
    least_tissue : float
        Share of the rectangle, judged on the overview.

    Returns
    -------
    bool
    """
    top, left, height, width = place
    if not regions.any((top + height // 2, left + width // 2, 1, 1)):
        return False
    y0, y1, x0, x1 = regions.under(place)
    return bool((regions.coarse[y0:y1, x0:x1] > 0).mean() >= least_tissue)
