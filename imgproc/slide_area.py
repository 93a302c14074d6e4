"""Area measures of a slide: a sweep over the tiles that hold tissue, in bounded memory."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from .brown_sums import (
    BrownSums,
    BrownTables,
    add_coarse,
    add_labelled,
    histogram,
    summed_od,
)
from .slide_regions import RegionMap
from .tiles import (
    HERE,
    BadTile,
    Spread,
    TileSource,
    runs,
    tile_buffer,
    tile_grid,
    tile_region,
    tile_regions,
)

MAP_PX = 256
"""Side of a square of the heat map, in pixels of the slide."""


@dataclass(frozen=True)
class SlideArea:
    """What the sweep found.

    Attributes
    ----------
    histograms : numpy.ndarray
        int64, shape (regions, bins): pixels by DAB in bins of 0.001 OD.
    integrated_od : numpy.ndarray
        float64, shape (regions,): summed DAB.
    heat_od : numpy.ndarray
        float32, shape (rows, columns): mean DAB of the measured pixels of each square of 256
        pixels, NaN where there are none.
    bad : tuple of BadTile
        Tiles that couldn't be decoded, in their order; their pixels are in no count.
    decoded, tiles : int
        Tiles decoded, and tiles of the slide.
    pigment_px : numpy.ndarray or None
        int64, shape (regions,): pixels left out as pigment; None where none were looked for.
    """

    histograms: np.ndarray
    integrated_od: np.ndarray
    heat_od: np.ndarray
    bad: tuple[BadTile, ...]
    decoded: int
    tiles: int
    pigment_px: np.ndarray | None = None


def measure_area(
    source: TileSource,
    regions: RegionMap,
    tables: BrownTables,
    *,
    bins: int,
    spread: Spread = HERE,
) -> SlideArea:
    """Measure the DAB of every pixel in a region; tiles without one are never decoded.

    Parameters
    ----------
    source : TileSource
        The slide.
    regions : RegionMap
        What is measured.
    tables : BrownTables
        From `brown_sums.brown_tables`.
    bins : int
        Bins of the histograms.
    spread : Spread
        What carries the pieces of work out. Neither it nor the tiles' size change a number.

    Returns
    -------
    SlideArea
        Counts and sums.
    """
    wanted = tiles_held(source, regions)
    total, bad = empty_sums(source, regions, tables), list[BadTile]()
    # a few large pieces of work for each worker, each with sums of its own
    sweep = partial(_sweep, source, regions, tables)
    for sums, failed in spread(sweep, _shares(wanted, spread.workers)):
        total.add(sums)
        bad.extend(failed)
    return summed_up(source, total, tables, bins, bad, len(wanted))


def tiles_held(source: TileSource, regions: RegionMap) -> list[int]:
    """Give the tiles in which anything is measured."""
    return regions.numbers_held(tile_regions(source))


def empty_sums(source: TileSource, regions: RegionMap, tables: BrownTables) -> BrownSums:
    """Begin with nothing seen."""
    map_shape = (-(-source.shape[0] // MAP_PX), -(-source.shape[1] // MAP_PX))
    return BrownSums.empty(len(regions.names), tables, map_shape)


def summed_up(
    source: TileSource,
    total: BrownSums,
    tables: BrownTables,
    bins: int,
    bad: Iterable[BadTile],
    decoded: int,
) -> SlideArea:
    """Give the sums over all of a slide as optical densities."""
    rows, columns = tile_grid(source)
    pixels = total.counts.sum(axis=1)
    with np.errstate(invalid="ignore"):
        heat = summed_od(total.map_units, total.map_pixels, tables) / total.map_pixels
    return SlideArea(
        histogram(total, tables, bins),
        summed_od(total.units, pixels, tables)[1:],
        heat.astype(np.float32),
        tuple(bad),
        decoded,
        rows * columns,
    )


SHARES_PER_WORKER = 8
"""Enough that no worker waits long for the last one."""


def _shares(wanted: list[int], workers: int) -> Iterable[list[int]]:
    count = max(1, min(len(wanted), workers * SHARES_PER_WORKER))
    size = -(-len(wanted) // count)
    return [wanted[start : start + size] for start in range(0, len(wanted), max(1, size))]


def _sweep(
    source: TileSource,
    regions: RegionMap,
    tables: BrownTables,
    numbers: list[int],
) -> tuple[BrownSums, list[BadTile]]:
    """Decode and add up some of the tiles."""
    sums = empty_sums(source, regions, tables)
    buffer, coarse = tile_buffer(source), regions.plain()
    bad = []
    for run in runs(numbers):
        for number, pixels in source.decode(run, buffer):
            if isinstance(pixels, BadTile):
                bad.append(pixels)
                continue
            place = tile_region(source, number)
            if coarse is None:
                add_by_squares(sums, pixels, regions.at(place), place[:2], tables)
            else:
                add_coarse(sums, pixels, place, coarse, tables, MAP_PX)
    return sums, bad


def add_by_squares(
    sums: BrownSums,
    pixels: np.ndarray,
    regions: np.ndarray,
    corner: tuple[int, int],
    tables: BrownTables,
) -> None:
    """Add pixels whose regions a label image gives, square by square of the heat map.

    Parameters
    ----------
    sums : BrownSums
        What is added to.
    pixels : numpy.ndarray
        uint8, at least as high and wide as `regions`, 3 channels.
    regions : numpy.ndarray
        Whole numbers, shape (height, width); pixels of region 0 are left out.
    corner : tuple of int
        Row and column of the first pixel in the slide.
    tables : BrownTables
        The tables.
    """
    (top, left), (height, width) = corner, regions.shape
    for y0, y1 in _cuts(top, height):
        for x0, x1 in _cuts(left, width):
            place = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
            square = (y0 // MAP_PX, x0 // MAP_PX)
            add_labelled(sums, pixels[place], regions[place], tables, square)


def _cuts(start: int, length: int) -> list[tuple[int, int]]:
    """Cut a span where squares of the heat map meet."""
    end = start + length
    inner = range((start // MAP_PX + 1) * MAP_PX, end, MAP_PX)
    places = [start, *inner, end]
    return list(itertools.pairwise(places))
