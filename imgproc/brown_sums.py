"""DAB of slide tiles in one pass: whole-number sums and histograms that add up in any order.

A pixel's DAB is the sum of three table entries in units of 0.001 / 4096 OD, kept as whole numbers.
Whole numbers add to the same total in any order, so tiles of any size, measured by any number of
threads, give the very numbers of the whole image.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np

from .dab_scores import HISTOGRAM_BIN_OD
from .stains import StainVectors, unmixing_tables

UNITS_PER_BIN = 4096
"""A bin of 0.001 OD has 4096 units: three rounded entries err by 4e-7 OD at most."""

_SHIFT = 12
_WORD_PIXELS = 4  # 12 bytes are three words of 32 bits: four pixels with three loads
_U, _W = np.uint64, np.uint32


@dataclass(frozen=True)
class BrownTables:
    """What each count of each channel adds to DAB, in whole units.

    Attributes
    ----------
    units : numpy.ndarray
        uint32, shape (3, 256), offset so that none is negative; `zero_bin` says by how much.
    zero_bin : int
        Bin in which 0 OD begins.
    bins : int
        Number of bins that hold every possible sum.
    """

    units: np.ndarray
    zero_bin: int
    bins: int


def brown_tables(white: np.ndarray, vectors: StainVectors) -> BrownTables:
    """Make the tables for 8-bit tiles under one white.

    Parameters
    ----------
    white : numpy.ndarray
        I0 in counts, shape (3,).
    vectors : StainVectors
        The stains' colours.

    Returns
    -------
    BrownTables
        Tables, and where zero lies.
    """
    density = unmixing_tables(np.dtype(np.uint8), white, vectors)[:, :, 1]
    units = np.rint(density / HISTOGRAM_BIN_OD * UNITS_PER_BIN).astype(np.int64)
    highest = int(units.max(axis=1).sum())
    least = units.min(axis=1)
    units -= least[:, None]  # no entry below 0: unsigned sums never wrap
    zero_bin = -(int(least.sum()) // UNITS_PER_BIN)
    units[0] += zero_bin * UNITS_PER_BIN + int(least.sum())
    bins = (highest >> _SHIFT) + zero_bin + 1
    return BrownTables(units.astype(np.uint32), zero_bin, bins)


class BrownSums(NamedTuple):
    """Sums over the pixels seen so far; those of threads are added together at the end.

    Attributes
    ----------
    halves : numpy.ndarray
        int64, shape (2, regions + 1, bins): pixels of each region by DAB, in two histograms that
        are filled in turn, so that none waits for its last write; row 0 stays empty.
    units : numpy.ndarray
        int64, shape (regions + 1,): summed DAB of each region, with the offset of each pixel.
    map_units, map_pixels : numpy.ndarray
        int64, shape (rows, columns): the same by squares of the heat map, over all regions.
    """

    halves: np.ndarray
    units: np.ndarray
    map_units: np.ndarray
    map_pixels: np.ndarray

    @classmethod
    def empty(cls, regions: int, tables: BrownTables, map_shape: tuple[int, int]) -> "BrownSums":
        """Begin with nothing seen."""
        return cls(
            np.zeros((2, regions + 1, tables.bins), np.int64),
            np.zeros(regions + 1, np.int64),
            np.zeros(map_shape, np.int64),
            np.zeros(map_shape, np.int64),
        )

    def add(self, other: "BrownSums") -> None:
        """Add what another thread has seen."""
        for own, others in zip(self, other, strict=True):
            own += others

    @property
    def counts(self) -> np.ndarray:
        """Pixels of each region by DAB, int64, shape (regions + 1, bins)."""
        both: np.ndarray = self.halves.sum(axis=0)
        return both


class CoarseRegions(NamedTuple):
    """Regions of an image's pixels by those of a coarser copy, which each covers a rectangle.

    Attributes
    ----------
    regions : numpy.ndarray
        int32, shape (rows, columns): region of each coarse pixel, 0 for none.
    shape : tuple of int
        Height and width of the image.
    """

    regions: np.ndarray
    shape: tuple[int, int]


def add_coarse(
    sums: BrownSums,
    rgb: np.ndarray,
    place: tuple[int, int, int, int],
    coarse: CoarseRegions,
    tables: BrownTables,
    map_px: int,
) -> None:
    """Add pixels whose regions a coarser image gives.

    Parameters
    ----------
    sums : BrownSums
        What is added to.
    rgb : numpy.ndarray
        uint8, shape (height, width, 3), contiguous: a decoded tile. It is read four pixels at a
        time where its width is a multiple of 4 and so is its address.
    place : tuple of int
        Top, left, height and width of the pixels to add, in the image; they begin where the tile
        does and may be fewer.
    coarse : CoarseRegions
        The regions.
    tables : BrownTables
        The tables.
    map_px : int
        Side of a square of the heat map.
    """
    words = _NO_WORDS
    if rgb.shape[1] % _WORD_PIXELS == 0 and rgb.flags.c_contiguous:
        words = rgb.reshape(rgb.shape[0], -1).view(_W)
    if not words.flags.aligned:
        words = _NO_WORDS
    _add_coarse(sums, rgb, words, place, coarse, tables.units, map_px)


_NO_WORDS = np.zeros((0, 0), _W)


@numba.njit(cache=True, nogil=True)
def _edges(start: int, length: int, coarse: int, full: int) -> tuple[int, np.ndarray]:
    """First coarse column under some pixels, and where it and those after it begin among them."""
    first = start * coarse // full
    last = (start + length - 1) * coarse // full
    edges = np.empty(last - first + 2, np.int64)
    for k in range(edges.size):
        begin = -((-(first + k) * full) // coarse)  # rounded up
        edges[k] = min(max(begin - start, 0), length)
    return first, edges


@numba.njit(cache=True, nogil=True)
def _add_coarse(
    sums: BrownSums,
    rgb: np.ndarray,
    words: np.ndarray,
    place: tuple[int, int, int, int],
    coarse: CoarseRegions,
    tables: np.ndarray,
    map_px: int,
) -> None:
    """Add row after row, span after span."""
    top, left, height, width = place
    first_row, row_edges = _edges(top, height, coarse.regions.shape[0], coarse.shape[0])
    first, edges = _edges(left, width, coarse.regions.shape[1], coarse.shape[1])
    spans = np.empty((edges.size + width // map_px + 1, 4), np.int64)
    for k in range(row_edges.size - 1):
        row = coarse.regions[first_row + k, first : first + edges.size - 1]
        number = _cut(row, edges, left, map_px, spans)
        for y in range(row_edges[k], row_edges[k + 1]):
            map_row = (top + y) // map_px
            for s in range(number):
                x, stop, region, square = spans[s, 0], spans[s, 1], spans[s, 2], spans[s, 3]
                even, odd = sums.halves[0, region], sums.halves[1, region]
                units = _add_run(rgb, words, y, x, stop, tables, even, odd)
                sums.units[region] += units
                sums.map_units[map_row, square] += units
                sums.map_pixels[map_row, square] += stop - x


@numba.njit(cache=True, nogil=True)
def _cut(row: np.ndarray, edges: np.ndarray, left: int, map_px: int, spans: np.ndarray) -> int:
    """Cut a row where regions and squares of the heat map end; give the number of spans.

    Each is its first column, the one after its last, its region and its square.
    """
    number = k = 0
    while k < row.size:
        region, x = row[k], edges[k]
        while k < row.size and row[k] == region:
            k += 1
        while region > 0 and x < edges[k]:
            square = (left + x) // map_px
            stop = min(edges[k], (square + 1) * map_px - left)
            spans[number, 0], spans[number, 1] = x, stop
            spans[number, 2], spans[number, 3] = region, square
            number += 1
            x = stop
    return number


@numba.njit(cache=True, nogil=True, inline="always")
def _add_run(
    rgb: np.ndarray,
    words: np.ndarray,
    y: int,
    x: int,
    end: int,
    tables: np.ndarray,
    even: np.ndarray,
    odd: np.ndarray,
) -> np.int64:
    """Add some pixels of a row: by words where they begin at one, the rest one by one."""
    red, green, blue = tables[0], tables[1], tables[2]
    shift = _W(_SHIFT)
    in_words = words.shape[1] // 3 * _WORD_PIXELS
    units = np.int64(0)
    while x < end:
        last = min(end, in_words) // _WORD_PIXELS * _WORD_PIXELS
        if x % _WORD_PIXELS == 0 and x < last:
            row = words[y, x // _WORD_PIXELS * 3 : last // _WORD_PIXELS * 3]
            units += _add_words(row, red, green, blue, even, odd)
            x = last
        else:
            p = red[rgb[y, x, 0]] + green[rgb[y, x, 1]] + blue[rgb[y, x, 2]]
            even[p >> shift] += 1
            units += np.int64(p)
            x += 1
    return units


@numba.njit(cache=True, nogil=True, inline="always")
def _add_words(
    row: np.ndarray,
    red: np.ndarray,
    green: np.ndarray,
    blue: np.ndarray,
    even: np.ndarray,
    odd: np.ndarray,
) -> np.int64:
    """Count pixels read four at a time; two histograms, so that none waits for its last write."""
    byte, shift, one = _W(255), _W(_SHIFT), np.int64(1)
    total = np.int64(0)
    for group in range(_U(row.size // 3)):  # unsigned: no place counts from the end
        i = _U(3) * group
        a, b, c = row[i], row[i + _U(1)], row[i + _U(2)]
        p = red[a & byte] + green[(a >> _W(8)) & byte] + blue[(a >> _W(16)) & byte]
        q = red[a >> _W(24)] + green[b & byte] + blue[(b >> _W(8)) & byte]
        even[p >> shift] += one
        odd[q >> shift] += one
        total += np.int64(p) + np.int64(q)
        r = red[(b >> _W(16)) & byte] + green[b >> _W(24)] + blue[c & byte]
        s = red[(c >> _W(8)) & byte] + green[(c >> _W(16)) & byte] + blue[c >> _W(24)]
        even[r >> shift] += one
        odd[s >> shift] += one
        total += np.int64(r) + np.int64(s)
    return total


def add_labelled(
    sums: BrownSums,
    rgb: np.ndarray,
    regions: np.ndarray,
    tables: BrownTables,
    square: tuple[int, int],
) -> None:
    """Add pixels of several regions, or of a tile that is only partly tissue.

    Parameters
    ----------
    sums : BrownSums
        What is added to.
    rgb : numpy.ndarray
        uint8, shape (height, width, 3).
    regions : numpy.ndarray
        Whole numbers, shape (height, width); pixels of region 0 are left out.
    tables : BrownTables
        The tables.
    square : tuple of int
        Row and column in the heat map.
    """
    total, pixels = _add_labelled(rgb, regions, tables.units, sums.halves[0], sums.units)
    sums.map_units[square] += total
    sums.map_pixels[square] += pixels


@numba.njit(cache=True, nogil=True)
def _add_labelled(
    rgb: np.ndarray,
    regions: np.ndarray,
    tables: np.ndarray,
    counts: np.ndarray,
    region_units: np.ndarray,
) -> tuple[np.int64, np.int64]:
    shift = np.uint32(_SHIFT)
    total, pixels = np.int64(0), np.int64(0)
    for y in range(rgb.shape[0]):
        for x in range(rgb.shape[1]):
            region = regions[y, x]
            if region > 0:
                units = tables[0, rgb[y, x, 0]] + tables[1, rgb[y, x, 1]] + tables[2, rgb[y, x, 2]]
                counts[region, units >> shift] += 1
                region_units[region] += np.int64(units)
                total += np.int64(units)
                pixels += 1
    return total, pixels


def histogram(sums: BrownSums, tables: BrownTables, bins: int) -> np.ndarray:
    """Counts of each region in bins of 0.001 OD from 0; the ends take what lies beyond.

    Returns
    -------
    numpy.ndarray
        int64, shape (regions, bins).
    """
    counts = sums.counts[1:]
    zero = tables.zero_bin
    out = np.zeros((len(counts), bins), np.int64)
    inside = counts[:, zero : zero + bins]
    out[:, : inside.shape[1]] = inside
    out[:, 0] += counts[:, :zero].sum(axis=1)
    out[:, -1] += counts[:, zero + bins :].sum(axis=1)
    return out


def summed_od(units: np.ndarray, pixels: np.ndarray, tables: BrownTables) -> np.ndarray:
    """DAB in optical density from sums of units over so many pixels, float64."""
    offset = tables.zero_bin * UNITS_PER_BIN
    return (units - pixels * offset) * (HISTOGRAM_BIN_OD / UNITS_PER_BIN)
