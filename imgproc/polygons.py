"""Which pixels lie in a polygon, decided pixel by pixel in the coordinates of the full image."""

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np

from .tiles import Region


@dataclass(frozen=True)
class Polygon:
    """An area outlined by closed rings; where rings lie in each other, the inner one is a hole.

    Attributes
    ----------
    name : str
        What it is called.
    rings : tuple of numpy.ndarray
        Each float64, shape (n, 2): x and y in pixels of the full image, whose top left corner is
        the origin (the centre of the first pixel is 0.5, 0.5).
    excluded : bool
        Whether what lies inside is left out instead of measured.
    """

    name: str
    rings: tuple[np.ndarray, ...]
    excluded: bool = False

    def bounds(self) -> tuple[float, float, float, float]:
        """Return least x, least y, greatest x, greatest y."""
        points = np.concatenate(self.rings)
        low, high = points.min(axis=0), points.max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def inside(polygon: Polygon, region: Region) -> np.ndarray:
    """Tell for each pixel of a rectangle whether its centre lies in a polygon.

    The crossings of a row of pixel centres with the outline are worked out from the polygon's own
    coordinates alone, so that a rectangle gives what the same part of a larger one does; drawing
    routines that move the polygon into the rectangle first round differently in each.

    Parameters
    ----------
    polygon : Polygon
        The area.
    region : tuple of int
        Top, left, height, width in pixels of the full image.

    Returns
    -------
    numpy.ndarray
        bool, shape (height, width).
    """
    top, left, height, width = region
    mask = np.zeros((height, width), np.bool_)
    starts = np.concatenate(list(polygon.rings))
    ends = np.concatenate([np.roll(ring, -1, axis=0) for ring in polygon.rings])
    _toggle_rows(starts, ends, top, left, mask)
    return mask


@numba.njit(cache=True, nogil=True)
def _toggle_rows(
    starts: np.ndarray, ends: np.ndarray, top: int, left: int, mask: np.ndarray
) -> None:
    """Flip, for each edge, every pixel of a row to the right of where the edge crosses it."""
    height, width = mask.shape
    for k in range(starts.shape[0]):
        x0, y0, x1, y1 = starts[k, 0], starts[k, 1], ends[k, 0], ends[k, 1]
        if y0 == y1:
            continue
        if y0 > y1:
            x0, y0, x1, y1 = x1, y1, x0, y0
        # rows whose centre c has y0 <= c < y1
        first = max(int(np.ceil(y0 - 0.5)), top)
        last = min(int(np.ceil(y1 - 0.5)) - 1, top + height - 1)
        for y in range(first, last + 1):
            crossing = x0 + (y + 0.5 - y0) * (x1 - x0) / (y1 - y0)
            begin = max(int(np.ceil(crossing - 0.5)), left) - left
            for x in range(begin, width):
                mask[y - top, x] = not mask[y - top, x]


def within(areas: Sequence[Polygon], shape: tuple[int, int]) -> np.ndarray:
    """Tell which pixels of an image lie in an area, and in none that is excluded.

    Parameters
    ----------
    areas : sequence of Polygon
        All of the image counts where none of them is to be measured.
    shape : tuple of int
        Height and width.

    Returns
    -------
    numpy.ndarray
        bool, that shape.
    """
    whole = (0, 0, *shape)
    included = [area for area in areas if not area.excluded]
    found = np.full(shape, not included)
    for area in included:
        found |= inside(area, whole)
    for area in areas:
        if area.excluded:
            found &= ~inside(area, whole)
    return found
