"""Tissue against glass, lumen, ink and folds, from a bright-field image's optical density."""

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit

from .optics import darker_than, transmission_density
from .parts import enclosed_parts, large_parts
from .white import ASSUMED_UM_PER_PX, ChosenWhite, find_glass

SMOOTHING_UM = 0.5
"""Grain and JPEG noise are smoothed over; a wider blur would carry tissue outwards over glass."""

GLASS_SIGMAS = 4.0
NORMAL_MAD = 1.4826  # standard deviations to a median absolute deviation of 1
GLASS_MARGIN_OD = 0.005
GLASS_PIXELS = 100_000
"""So many pixels of glass give its noise within half a percent."""

THINNEST_TISSUE_OD = (0.015, 0.06)
"""Least and greatest density from which tissue begins, whatever the glass looks like."""

SMALLEST_PIECE_UM2 = 40.0
"""Specks under the size of a nucleus are dirt or debris, not tissue."""

SMALLEST_LUMEN_UM2 = 40.0
"""Smaller clear holes in tissue are fat droplets, vacuoles and cracks within cells."""

PIECE_GAP_UM = 25.0
"""Parts of tissue closer than this are one piece."""


INK_OFF_COLOUR_DEG = 10.0
"""Red, pink and green inks lie at least this far off any mixture of hematoxylin and DAB, stained
pixels within 6 degrees. Blue ink has hematoxylin's colour; dense, it is reported as a fold."""

INK_OD = 0.2
"""Paler than this, a colour is too uncertain to be called ink."""

BLACK_OD = 1.3
"""Black ink lets through less than a twentieth in every channel; stained tissue passes red or
blue."""

INK_WIDTH_UM = 20.0
"""The thinnest pen stroke is wider; a stained cell is not all of one foreign colour so far."""

FOLD_WIDTH_UM = 12.0
"""Hematoxylin without a gap over more than a nucleus is tissue lying double."""

FOLD_TIMES = 2.5
FOLD_OD = 0.25
"""A fold is at least so many times as blue as the tissue's mean, and at least so blue."""


@dataclass(frozen=True)
class Tissue:
    """Where the tissue is.

    Attributes
    ----------
    pieces : numpy.ndarray
        int32, shape (height, width): pieces of tissue 1 to n, 0 elsewhere.
    lumen : numpy.ndarray
        bool, shape (height, width): clear holes enclosed by tissue.
    threshold_od : float
        Optical density from which a pixel was tissue.
    """

    pieces: np.ndarray
    lumen: np.ndarray
    threshold_od: float


def glass_threshold(density: np.ndarray, glass: np.ndarray) -> float:
    """Optical density that separates glass from tissue: just above what the glass itself has.

    Parameters
    ----------
    density : numpy.ndarray
        Smoothed `optics.transmission_density`, shape (height, width).
    glass : numpy.ndarray
        bool, shape (height, width), from `white.find_glass`.

    Returns
    -------
    float
        Four robust standard deviations and 0.005 above the glass's median, between 0.015 and 0.06;
        0.015 without glass.
    """
    seen = _some(density.ravel(), glass.ravel(), GLASS_PIXELS)
    if seen.size == 0:
        return THINNEST_TISSUE_OD[0]
    middle = float(np.median(seen))
    spread = NORMAL_MAD * float(np.median(np.abs(seen - middle)))
    return float(np.clip(middle + GLASS_SIGMAS * spread + GLASS_MARGIN_OD, *THINNEST_TISSUE_OD))


@njit(cache=True, nogil=True)
def _some(values: np.ndarray, mask: np.ndarray, about: int) -> np.ndarray:
    """Take every k-th value of a mask, so that they are from `about` to twice as many, or all."""
    number = 0
    for p in range(mask.size):
        number += mask[p]
    step = max(1, number // about)
    taken = np.empty(-(-number // step), values.dtype)
    found, waiting = 0, 0
    for p in range(mask.size):
        if mask[p] and waiting == 0:
            taken[found] = values[p]
            found += 1
            waiting = step
        waiting -= mask[p]
    return taken


def find_tissue(rgb: np.ndarray, white: ChosenWhite, *, um_per_px: float | None = None) -> Tissue:
    """Separate tissue from glass and lumen, and number its pieces.

    Parameters
    ----------
    rgb : numpy.ndarray
        Shape (height, width, 3), counts.
    white : ChosenWhite
        From `white.choose_white`; a field without glass is tissue all over.
    um_per_px : float, optional
        Pixel size; 0.5 µm is assumed for the sizes of specks and holes where it isn't known.

    Returns
    -------
    Tissue
        Pieces, lumen and threshold.
    """
    scale = um_per_px or ASSUMED_UM_PER_PX
    if not white.glass:
        everywhere = np.ones(rgb.shape[:2], dtype=np.int32)
        return Tissue(everywhere, np.zeros(rgb.shape[:2], dtype=bool), 0.0)
    density = transmission_density(rgb, white.level)
    density = cv2.GaussianBlur(density, (0, 0), SMOOTHING_UM / scale)
    glass = white.seen
    if glass is None:
        glass = find_glass(rgb, white.level, um_per_px=scale)
    threshold = glass_threshold(density, glass)
    mask, lumen = without_specks(density > threshold, scale)
    return Tissue(_pieces(mask, PIECE_GAP_UM / scale), lumen, threshold)


def without_specks(dense: np.ndarray, um_per_px: float) -> tuple[np.ndarray, np.ndarray]:
    """Take specks out of what is dense, and fill the small clear holes in it.

    Parameters
    ----------
    dense : numpy.ndarray
        bool, shape (height, width): denser than glass.
    um_per_px : float
        Pixel size in micrometres.

    Returns
    -------
    tissue, lumen : numpy.ndarray
        bool, shape (height, width): tissue, and the clear holes in it that are left.
    """
    mask = large_parts(dense, SMALLEST_PIECE_UM2 / um_per_px**2)
    cracks, lumen = enclosed_parts(~mask, SMALLEST_LUMEN_UM2 / um_per_px**2)
    return mask | cracks, lumen


def find_ink(
    rgb: np.ndarray, white: np.ndarray, foreign: np.ndarray, *, um_per_px: float | None
) -> np.ndarray:
    """Mark pen and dye: wide patches of a colour that isn't a mixture of the stains, or black.

    Parameters
    ----------
    rgb : numpy.ndarray
        Shape (height, width, 3), counts.
    white : numpy.ndarray
        I0 in counts, shape (3,) or (height, width, 3).
    foreign : numpy.ndarray
        bool, shape (height, width): colours `INK_OFF_COLOUR_DEG` or more off every mixture.
    um_per_px : float or None
        Pixel size; 0.5 µm is assumed where it isn't known.

    Returns
    -------
    numpy.ndarray
        bool, shape (height, width).
    """
    black = darker_than(rgb, white, 10**-BLACK_OD)
    marked = black | _denser(rgb, white, foreign, INK_OD)
    return _opened(marked, INK_WIDTH_UM / (um_per_px or ASSUMED_UM_PER_PX))


def _denser(rgb: np.ndarray, white: np.ndarray, mask: np.ndarray, least: float) -> np.ndarray:
    """Mark those pixels of a mask whose transmission density is above `least`."""
    found = np.zeros(mask.shape, dtype=bool)
    if mask.any():  # few are, so the others' logarithms are spared
        level = white if np.ndim(white) == 1 else white[mask][np.newaxis]
        found[mask] = transmission_density(rgb[mask][np.newaxis], level)[0] > least
    return found


def find_folds(
    hematoxylin: np.ndarray, tissue: np.ndarray, *, um_per_px: float | None
) -> np.ndarray:
    """Mark tissue lying double: hematoxylin far above the mean with no gap between nuclei.

    Densely packed nuclei can look the same, so folds are reported and not cut out.

    Parameters
    ----------
    hematoxylin : numpy.ndarray
        Amounts in optical density, shape (height, width).
    tissue : numpy.ndarray
        bool, shape (height, width).
    um_per_px : float or None
        Pixel size; 0.5 µm is assumed where it isn't known.

    Returns
    -------
    numpy.ndarray
        bool, shape (height, width).
    """
    if not tissue.any():
        return np.zeros(tissue.shape, dtype=bool)
    least = max(FOLD_OD, FOLD_TIMES * float(hematoxylin[tissue].mean()))
    width = FOLD_WIDTH_UM / (um_per_px or ASSUMED_UM_PER_PX)
    return _opened((hematoxylin > least) & tissue, width)


def _opened(mask: np.ndarray, width_px: float) -> np.ndarray:
    """Keep the parts of a mask in which a disc of that width fits."""
    mask = large_parts(mask, 0.5 * width_px**2)  # a disc has more pixels than that
    if not mask.any():
        return mask
    padded = np.pad(mask.astype(np.uint8), 1)  # the image's edge is an edge
    inside = cv2.distanceTransform(padded, cv2.DIST_L2, 5) >= width_px / 2
    if not inside.any():
        return np.zeros(mask.shape, dtype=bool)
    reach = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 5)
    return ((reach <= width_px / 2) & (padded > 0))[1:-1, 1:-1]


def _pieces(mask: np.ndarray, gap_px: float) -> np.ndarray:
    """Number the parts of a mask, counting parts within `gap_px` of each other as one."""
    radius = max(1, round(gap_px / 2))
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    _, labels = cv2.connectedComponents((distance <= radius).astype(np.uint8), connectivity=8)
    return np.where(mask, labels, 0).astype(np.int32)
