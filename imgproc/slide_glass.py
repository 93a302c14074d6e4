"""The glass of a slide at full resolution: from which density on a pixel is tissue."""

from functools import partial

import cv2
import numpy as np

from .optics import transmission_density
from .slide_regions import RegionMap
from .tiles import Region, TileSource, in_order, read_region
from .tissue import SMOOTHING_UM, THINNEST_TISSUE_OD, glass_threshold
from .white import find_glass

SQUARES = 24
SQUARE_PX = 192
"""As many pixels as the stains are estimated from; most squares at a tissue's rim show glass."""


def tissue_threshold(
    source: TileSource,
    overview: np.ndarray,
    regions: RegionMap,
    white: np.ndarray,
    um_per_px: float,
    *,
    threads: int = 1,
) -> float:
    """Give the density from which a pixel is tissue, as in fields: just above the glass's noise.

    The glass is looked for in the brightest squares that touch tissue, spread evenly over it: the
    middle of a tissue may show none.

    Parameters
    ----------
    source : TileSource
        The slide.
    overview : numpy.ndarray
        uint8, shape (height, width, 3): all of it, reduced.
    regions : RegionMap
        What is measured.
    white : numpy.ndarray
        I0 in counts, shape (3,).
    um_per_px : float
        Pixel size of the slide, known or assumed.
    threads : int
        Threads at a time; they change no number.

    Returns
    -------
    float
        Optical density, as of `tissue.glass_threshold`; the least one where no glass is seen.
    """
    read = partial(_glass_density, source, white, um_per_px)
    squares = _brightest_squares(overview, regions)
    found = np.concatenate([np.empty(0), *in_order(read, squares, threads=threads)])
    if found.size == 0:
        return THINNEST_TISSUE_OD[0]
    return glass_threshold(found, np.ones(found.shape, bool))


def _brightest_squares(overview: np.ndarray, regions: RegionMap) -> list[Region]:
    """Take the brightest of each run of squares that touch tissue."""
    (height, width), side = regions.shape, min(SQUARE_PX, *regions.shape)
    rows, columns = (np.arange(0, length - side + 1, side) for length in (height, width))
    top, left = (axis.ravel() for axis in np.meshgrid(rows, columns, indexing="ij"))
    places = np.stack([top, left, np.full(top.size, side), np.full(top.size, side)], axis=1)
    places = places[regions.tissue_shares(places) > 0]
    brightness = regions.means(overview.mean(axis=2), places)
    runs = np.array_split(np.arange(len(places)), min(SQUARES, max(1, len(places))))
    chosen = [run[np.argmax(brightness[run])] for run in runs if run.size]
    return [tuple(place) for place in places[chosen].tolist()]


def _glass_density(
    source: TileSource, white: np.ndarray, um_per_px: float, place: Region
) -> np.ndarray:
    """Give the smoothed density of a square's glass, shape (n,)."""
    rgb = read_region(source, place)
    density = transmission_density(rgb, white)
    density = cv2.GaussianBlur(density, (0, 0), SMOOTHING_UM / um_per_px)
    found: np.ndarray = density[find_glass(rgb, white, um_per_px=um_per_px)]
    return found
