"""Which region each pixel of a slide belongs to: pieces of tissue, outlined regions, fields."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from .brown_sums import CoarseRegions
from .packing import Packed, pack, unpack
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
    _summed: np.ndarray = field(init=False, repr=False)
    _pieces: int = field(init=False, repr=False)
    _packed: Packed = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Keep the number of pieces, and the bounds and sums that rule most rectangles out."""
        object.__setattr__(self, "_bounds", [area.bounds() for area in self.areas])
        object.__setattr__(self, "_pieces", int(self.coarse.max(initial=0)))
        object.__setattr__(self, "_summed", cv2.integral((self.coarse > 0).astype(np.uint8)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle with the overview packed, once for all pieces of work that it goes with."""
        if not hasattr(self, "_packed"):
            object.__setattr__(self, "_packed", pack(self.coarse))
        return _unpacked, (self.shape, self._packed, self.areas, self.fields)

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each region, from 1."""
        if self.fields:
            return tuple(f"field {number}" for number in range(1, len(self.fields) + 1))
        included = self._included()
        if included:
            return tuple(self.areas[k].name for k in included)
        return tuple(f"piece {number}" for number in range(1, self._pieces + 1))

    @property
    def outlined(self) -> bool:
        """Whether the regions are areas that somebody drew."""
        return bool(self._included()) and not self.fields

    def _included(self) -> list[int]:
        return [k for k, area in enumerate(self.areas) if not area.excluded]

    def reduced_by(self) -> int:
        """Give the side of an overview pixel in pixels of the slide, rounded up."""
        return max(
            -(-full // small) for full, small in zip(self.shape, self.coarse.shape, strict=True)
        )

    def plain(self) -> CoarseRegions | None:
        """Give the regions by the overview's pixels; None where areas or fields cut through."""
        if self.areas or self.fields:
            return None
        return CoarseRegions(self.coarse, self.shape)

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
        top, left, height, width = region
        rows = np.arange(top, top + height) * self.coarse.shape[0] // self.shape[0]
        columns = np.arange(left, left + width) * self.coarse.shape[1] // self.shape[1]
        found: np.ndarray = self.coarse[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        if (found == found[0, 0]).all():
            found = np.full((height, width), found[0, 0])
        else:
            found = found[:, columns - columns[0]][rows - rows[0]]
        if not found.any():
            return found
        if self.areas:
            found = self._outlined(region, found)
        return self._sampled(region, found) if self.fields else found

    def held(self, places: Sequence[Region]) -> list[Region]:
        """Give those of many rectangles in which anything is measured, in their order.

        Parameters
        ----------
        places : sequence of (top, left, height, width)
            Pixels of the slide; within it.

        Returns
        -------
        list of (top, left, height, width)
        """
        return [places[number] for number in self.numbers_held(places)]

    def numbers_held(self, places: Sequence[Region]) -> list[int]:
        """Give the numbers, from 0, of those rectangles; see `held`."""
        found: list[int] = np.flatnonzero(self.tissue_shares(places) > 0).tolist()
        if not (self.areas or self.fields):
            return found
        return [number for number in found if self.at(places[number]).any()]

    def tissue_shares(self, places: Sequence[Region] | np.ndarray) -> np.ndarray:
        """Give the tissue's share of each of many rectangles, on the overview.

        Parameters
        ----------
        places : sequence of (top, left, height, width)
            Pixels of the slide; within it.

        Returns
        -------
        numpy.ndarray
            float64, shape (n,).
        """
        return self._means(self._summed, places)

    def means(self, overview: np.ndarray, places: Sequence[Region] | np.ndarray) -> np.ndarray:
        """Give the mean of an overview of the slide under each of many rectangles.

        Parameters
        ----------
        overview : numpy.ndarray
            Real numbers, shape of `coarse`.
        places : sequence of (top, left, height, width)
            Pixels of the slide; within it.

        Returns
        -------
        numpy.ndarray
            float64, shape (n,).
        """
        return self._means(cv2.integral(overview.astype(np.float64)), places)

    def _means(self, summed: np.ndarray, places: Sequence[Region] | np.ndarray) -> np.ndarray:
        top, left, height, width = np.array(places, np.int64).reshape(-1, 4).T
        y0, y1, x0, x1 = self._under(top, left, height, width)
        total = summed[y1, x1] - summed[y0, x1] - summed[y1, x0] + summed[y0, x0]
        means: np.ndarray = total / ((y1 - y0) * (x1 - x0))
        return means

    def _under(self, top: Any, left: Any, height: Any, width: Any) -> tuple[Any, Any, Any, Any]:
        """Give the rows and columns of the overview that rectangles lie under."""
        high, wide = self.coarse.shape
        return (
            top * high // self.shape[0],
            (top + height - 1) * high // self.shape[0] + 1,
            left * wide // self.shape[1],
            (left + width - 1) * wide // self.shape[1] + 1,
        )

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


def _unpacked(
    shape: tuple[int, int], coarse: Packed, areas: tuple[Polygon, ...], fields: tuple[Region, ...]
) -> RegionMap:
    return RegionMap(shape, unpack(coarse), areas, fields)


def worth_measuring(
    regions: RegionMap, places: Sequence[Region], least_tissue: float
) -> list[Region]:
    """Give the rectangles whose centre would be measured and of which enough is tissue.

    Parameters
    ----------
    regions : RegionMap
        What would be measured.
    places : sequence of (top, left, height, width)
        Pixels of the slide; within it.
    least_tissue : float
        Share of the rectangle, judged on the overview.

    Returns
    -------
    list of (top, left, height, width)
        In their order.
    """
    share = regions.tissue_shares(places)
    enough = [place for place, tissue in zip(places, share, strict=True) if tissue >= least_tissue]
    centres = [(top + height // 2, left + width // 2, 1, 1) for top, left, height, width in enough]
    held = set(regions.held(centres))
    return [place for place, centre in zip(enough, centres, strict=True) if centre in held]
