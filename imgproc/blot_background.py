"""Backgrounds of a blot: local by band, one for the image, and a rolling ball."""

import cv2
import numpy as np
from scipy.ndimage import grey_opening

from .blot_bands import Band, StraightLane

_RING_PX = 5  # rows on each side of a band that its background is taken from, at least,
_RING_SHARE = 0.5  # and as a share of the band's own rows: as many pixels as it has
# Radius up to which a ball is rolled on an image shrunk by the factor; 8 beyond.
_SHRINK = ((10.0, 1), (30.0, 2), (100.0, 4))
_MOST_SHRUNK = 8


def local_background(
    straight: StraightLane, bands: list[Band], number: int
) -> tuple[float, float, float, float]:
    """Straight line under a band, between the rows just above and just below it.

    Parameters
    ----------
    straight : StraightLane
        The lane.
    bands : list of Band
        Its bands from the top.
    number : int
        Which of them.

    Returns
    -------
    row_above, level_above, row_below, level_below : float
        Where the line is fixed. On a side where the band runs into the next, the level is that of
        the valley between them.
    """
    band = bands[number]
    profile = straight.profile
    first = bands[number - 1].bottom_px if number else 0
    last = bands[number + 1].top_px if number + 1 < len(bands) else len(profile)
    ring = max(_RING_PX, int(_RING_SHARE * (band.bottom_px - band.top_px)))
    above = np.arange(max(first, band.top_px - ring), band.top_px)
    below = np.arange(band.bottom_px, min(last, band.bottom_px + ring))
    if band.touches_above or not above.size:
        above = np.array([band.top_px])
    if band.touches_below or not below.size:
        below = np.array([band.bottom_px - 1])
    return (
        float(above.mean()),
        float(np.median(profile[above])),
        float(below.mean()),
        float(np.median(profile[below])),
    )


def global_background(signal: np.ndarray, bands: np.ndarray) -> float:
    """Median of what is no band, in the rectangle that holds the lanes with bands.

    Parameters
    ----------
    signal : numpy.ndarray, shape (height, width)
        Bands bright.
    bands : numpy.ndarray
        Label image.

    Returns
    -------
    float
        In the signal's unit.
    """
    rows, columns = np.nonzero(bands)
    if not rows.size:
        return float(np.median(signal))
    left, right = columns.min(), columns.max() + 1
    held = signal[rows.min() : rows.max() + 1, left:right]
    free = held[bands[rows.min() : rows.max() + 1, left:right] == 0]
    return float(np.median(free if free.size else held))


def rolling_ball(signal: np.ndarray, *, radius_px: float, level_per_px: float) -> np.ndarray:
    """Background by a ball rolled under the image's surface (an opening by a ball).

    Large balls are rolled on an image shrunk by the mean, as is usual. A ball reaches into what
    is wider than it is curved: it takes part of faint, thick bands, the more the smaller it is.

    Parameters
    ----------
    signal : numpy.ndarray, shape (height, width)
        float32, bands bright.
    radius_px : float
        Radius of the ball, larger than half of a band's smaller side.
    level_per_px : float
        Grey levels that count as much as a pixel: 1 in 8 bits, 257 in 16.

    Returns
    -------
    numpy.ndarray
        float32, same shape.

    References
    ----------
    Sternberg (1983), Computer 16, 22-34.
    """
    shrink = next((factor for most, factor in _SHRINK if radius_px <= most), _MOST_SHRUNK)
    height, width = signal.shape
    smooth = cv2.blur(signal.astype(np.float32), (3, 3))
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    small = cv2.resize(smooth, size, interpolation=cv2.INTER_AREA)
    reach = int(radius_px / shrink)
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1] * float(shrink)
    squared = radius_px**2 - rows**2 - columns**2
    inside = squared >= 0
    ball = np.sqrt(np.maximum(squared, 0)) * level_per_px
    base = grey_opening(small, footprint=inside, structure=ball, mode="nearest")
    return np.asarray(
        cv2.resize(base.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    )
