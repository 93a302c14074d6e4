"""Tissue, ink and white of a whole slide, from a small copy of it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit

from .optics import transmission_density
from .parts import large_parts
from .stains import StainVectors, is_off_mixtures, unmixing_tables
from .tissue import BLACK_OD, INK_OD, INK_OFF_COLOUR_DEG, glass_threshold
from .white import untinted
from .white_level import median_colour, white_level

OVERVIEW_UM_PER_PX = 8.0
"""A nucleus across: tissue keeps its outline, and a slide of 100,000 by 80,000 pixels at 0.25 µm
has 8 million overview pixels."""

FLAT_GLASS_OD = 0.006
DARKEST_GLASS_OD = 0.1
"""On the overview, empty glass varies by less than this within 5 x 5 pixels; tissue has nuclei,
lumens and folds. Glass in a scanner's worst corner has lost a fifth of the light."""

TINT_PX = 5
"""Colours of the overview's glass are judged over as many pixels as its flatness."""

LEAST_GLASS = 0.005
"""Flat spots on less of the slide may be chance."""

SMALLEST_PIECE_UM2 = 2500.0
"""Of tissue on a slide: fifty micrometres across. Smaller is dust, or cells swept away."""

SMALLEST_LUMEN_UM2 = 400.0
"""Clear holes from here on are left out; smaller ones aren't seen on the overview."""

PIECE_GAP_UM = 200.0
PIECE_GAP_STEPS = 8
"""Parts of tissue closer than this are one piece, within an eighth of it."""

MOST_PIECES = 200
"""Of the largest first; what is beyond belongs to the last."""

INK_WIDTH_UM = 100.0
"""A pen's stroke is ten times as wide; stained tissue isn't all of one foreign colour so far."""


@dataclass(frozen=True)
class SlideTissue:
    """Tissue of a slide on its overview.

    Attributes
    ----------
    pieces : numpy.ndarray
        int32, shape of the overview: pieces of tissue, the largest is 1; 0 elsewhere.
    ink : numpy.ndarray
        bool, the same shape: pen marks, cut out of the tissue.
    white : numpy.ndarray or None
        Shape (3,): counts of empty glass; None where none was found.
    threshold_od : float
        From which density a pixel was tissue; 0 without glass, when all of it is.
    """

    pieces: np.ndarray
    ink: np.ndarray
    white: np.ndarray | None
    threshold_od: float


def find_slide_tissue(
    overview: np.ndarray, *, um_per_px: float, white: np.ndarray | None = None
) -> SlideTissue:
    """Find the tissue of a slide.

    Parameters
    ----------
    overview : numpy.ndarray
        uint8, shape (height, width, 3): the slide reduced by averaging.
    um_per_px : float
        Pixel size of the overview in micrometres.
    white : numpy.ndarray, optional
        I0 in counts, shape (3,), if it is known; otherwise the glass's own.

    Returns
    -------
    SlideTissue
        Pieces, ink and white. Without a white and with no glass in view, all of it is tissue.
    """
    first = white_level(overview).level if white is None else np.asarray(white, dtype=np.float64)
    density = transmission_density(overview, first)
    glass = untinted(_flat_and_bright(density), overview, first, TINT_PX)
    own = None
    if np.count_nonzero(glass) >= LEAST_GLASS * glass.size:
        own = median_colour(overview, glass)
    level = own if white is None else first
    if level is None:
        everywhere = np.ones(overview.shape[:2], np.int32)
        return SlideTissue(everywhere, np.zeros(everywhere.shape, bool), None, 0.0)
    if not np.array_equal(level, first):
        density = transmission_density(overview, level)
    threshold = glass_threshold(density, glass if own is not None else np.zeros_like(glass))
    ink = _ink(overview, level, density, um_per_px)
    smallest = SMALLEST_PIECE_UM2 / um_per_px**2
    dense = density > threshold
    if ink.any():
        dense &= ~ink
    clear = large_parts(~large_parts(dense, smallest), SMALLEST_LUMEN_UM2 / um_per_px**2)
    tissue = ~(clear | ink)
    return SlideTissue(_pieces(tissue, PIECE_GAP_UM / um_per_px), ink, own, threshold)


def _flat_and_bright(density: np.ndarray) -> np.ndarray:
    """Mark empty glass by its transmission density: it hardly varies within 5 x 5 pixels."""
    mean = cv2.blur(density, (5, 5))
    squares = cv2.multiply(density, density)
    return _below_both(mean, cv2.blur(squares, (5, 5), dst=squares))


@njit(cache=True, nogil=True)
def _below_both(mean: np.ndarray, mean_square: np.ndarray) -> np.ndarray:
    """Mark where mean and variance, from the mean of the squares, are below those of glass."""
    found = np.empty(mean.shape, np.bool_)
    darkest, most = np.float32(DARKEST_GLASS_OD), np.float32(FLAT_GLASS_OD**2)
    for y in range(mean.shape[0]):
        for x in range(mean.shape[1]):
            variance = mean_square[y, x] - mean[y, x] * mean[y, x]
            found[y, x] = (variance < most) & (mean[y, x] < darkest)
    return found


def _ink(
    overview: np.ndarray, white: np.ndarray, density: np.ndarray, um_per_px: float
) -> np.ndarray:
    """Mark wide strokes that are black, or of a colour that no mixture of the stains has."""
    marked = off_or_black(overview, white, density > INK_OD)  # what is black is dense, too
    return _strokes(marked, max(1, round(INK_WIDTH_UM / um_per_px / 2)))


def _strokes(marked: np.ndarray, half_px: int) -> np.ndarray:
    """Keep where a disc fits, and as much around it: a stroke's edge is paler than its middle."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * half_px + 1, 2 * half_px + 1))
    if marked.any():  # a corner of the image cuts a disc to a quarter; a part of less holds none
        marked = large_parts(marked, int(np.count_nonzero(disc[half_px:, half_px:])))
    if not marked.any():
        return marked
    opened = cv2.morphologyEx(marked.astype(np.uint8), cv2.MORPH_OPEN, disc)
    return cv2.dilate(opened, disc) > 0


def off_or_black(rgb: np.ndarray, white: np.ndarray, dense: np.ndarray) -> np.ndarray:
    """Mark dense pixels that are black, or of a colour that no mixture of the stains has.

    Equal to `stains.off_mixtures` and `optics.darker_than`, in one pass over the dense pixels.

    Parameters
    ----------
    rgb : numpy.ndarray
        uint8, shape (height, width, 3).
    white : numpy.ndarray
        I0 in counts, shape (3,).
    dense : numpy.ndarray
        bool, shape (height, width): pixels that are looked at.

    Returns
    -------
    numpy.ndarray
        bool, shape (height, width).
    """
    vectors = StainVectors()
    first, second, _ = vectors.matrix()
    sine = np.sin(np.deg2rad(INK_OFF_COLOUR_DEG))
    tables = unmixing_tables(rgb.dtype, white, vectors)
    black = np.asarray(white, np.float32) * np.float32(10**-BLACK_OD)
    cosine, share = np.float32(first @ second), np.float32(sine * sine)
    return _off_or_black(rgb, dense, tables, black, cosine, share)


@njit(cache=True, nogil=True)
def _off_or_black(
    rgb: np.ndarray,
    dense: np.ndarray,
    tables: np.ndarray,
    black: np.ndarray,
    cosine: np.float32,
    share: np.float32,
) -> np.ndarray:
    marked = np.zeros(dense.shape, np.bool_)
    for y in range(dense.shape[0]):
        for x in range(dense.shape[1]):
            if dense[y, x]:
                r, g, b = rgb[y, x, 0], rgb[y, x, 1], rgb[y, x, 2]
                blue = np.float32(tables[0, r, 0] + tables[1, g, 0] + tables[2, b, 0])
                brown = np.float32(tables[0, r, 1] + tables[1, g, 1] + tables[2, b, 1])
                residual = np.float32(tables[0, r, 2] + tables[1, g, 2] + tables[2, b, 2])
                marked[y, x] = is_off_mixtures(blue, brown, residual, cosine, share) or (
                    r < black[0] and g < black[1] and b < black[2]
                )
    return marked


def _pieces(mask: np.ndarray, gap_px: float) -> np.ndarray:
    """Number the pieces from the largest; parts within `gap_px` of each other are one.

    Which parts belong together is seen on a copy whose pixels are an eighth of the gap.
    """
    by = max(1, int(gap_px / PIECE_GAP_STEPS))
    away = cv2.distanceTransform(_clear_squares(mask, by), cv2.DIST_L2, 5)
    near = (away <= gap_px / by / 2).astype(np.uint8)
    count, joined = cv2.connectedComponents(near, connectivity=8)
    area = _areas_by_squares(mask, joined, by, count)
    order = 1 + np.argsort(-area[1:], kind="stable")
    number = np.zeros(count, np.int32)
    number[order] = np.minimum(np.arange(1, count), MOST_PIECES)
    return _painted_by_squares(mask, number[joined], by)


@njit(cache=True, nogil=True)
def _clear_squares(mask: np.ndarray, by: int) -> np.ndarray:
    """Mark the squares, `by` pixels a side, in which a mask has no pixel: uint8, 1 or 0."""
    height, width = mask.shape
    clear = np.ones((-(-height // by), -(-width // by)), np.uint8)
    seen = np.empty(width, np.bool_)
    for row in range(clear.shape[0]):
        seen[:] = False
        for y in range(row * by, min(row * by + by, height)):
            for x in range(width):
                seen[x] |= mask[y, x]
        for column in range(clear.shape[1]):
            for x in range(column * by, min(column * by + by, width)):
                if seen[x]:
                    clear[row, column] = 0
    return clear


@njit(cache=True, nogil=True)
def _areas_by_squares(mask: np.ndarray, labels: np.ndarray, by: int, count: int) -> np.ndarray:
    """Count a mask's pixels by the label of the square that they lie in."""
    height, width = mask.shape
    area = np.zeros(count, np.int64)
    pixels = np.empty(width, np.int32)
    for row in range(labels.shape[0]):
        pixels[:] = 0
        for y in range(row * by, min(row * by + by, height)):
            for x in range(width):
                pixels[x] += mask[y, x]
        for column in range(labels.shape[1]):
            for x in range(column * by, min(column * by + by, width)):
                area[labels[row, column]] += pixels[x]
    return area


@njit(cache=True, nogil=True)
def _painted_by_squares(mask: np.ndarray, labels: np.ndarray, by: int) -> np.ndarray:
    """Give a mask's pixels the label of the square that they lie in."""
    height, width = mask.shape
    painted = np.zeros(mask.shape, np.int32)
    wide = np.empty(width, np.int32)
    for row in range(labels.shape[0]):
        if not labels[row].any():
            continue  # what is never written to costs nothing
        for column in range(labels.shape[1]):
            wide[column * by : column * by + by] = labels[row, column]
        for y in range(row * by, min(row * by + by, height)):
            for x in range(width):
                painted[y, x] = wide[x] * mask[y, x]
    return painted
