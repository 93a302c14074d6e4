"""The white of a slide from its own pixels, and of each pixel from a blank."""

from dataclasses import dataclass

import cv2
import numba
import numpy as np

from .bright_field import DIMMEST_WHITE, as_rgb, full_scale, ranked

BRIGHT_PERCENTILE = 99.5
"""Where the bright end of an image is read: half a percent is left to refractile specks."""

BRIGHT_BAND = 0.95
"""Pixels within 5 % of the bright end are taken as white: glass varies by less within a field."""

MOST_COLOURED_WHITE = 0.15
"""Largest (max - min) / max over the channels of a white; weak DAB of 0.15 OD exceeds it."""

FLAT_FIELD_BLUR = 0.02
"""Blur of the blank as a share of its shorter side: finer than lamp shading, coarser than dust."""

FLAT_FIELD_SIDE = 128
"""The blank is smoothed on a copy with about this many pixels a side: shading is no finer."""


@dataclass(frozen=True)
class White:
    """The light that reaches the camera where there is no specimen.

    Attributes
    ----------
    level : numpy.ndarray
        Shape (3,), float64, in the image's own counts.
    found : bool
        False where the image has no neutral bright part and `level` is full scale.
    """

    level: np.ndarray
    found: bool


def white_level(rgb: np.ndarray) -> White:
    """Find the white of a slide from its own brightest neutral pixels.

    The pixels within 5 % of the 99.5th percentile of brightness are the candidates and their
    median per channel is the white. It counts as found where it is bright (at least 70 % of full
    scale) and neutral (channels within 15 % of each other); otherwise full scale is returned,
    as programs do that aren't told a background.

    Parameters
    ----------
    rgb : numpy.ndarray
        Shape (height, width, 3), uint8 or uint16.

    Returns
    -------
    White
        The level per channel and whether it was found.
    """
    counts, total = _brightness_counts(rgb, 3 * int(np.iinfo(rgb.dtype).max) + 1), rgb[..., 0].size
    bright = ranked(counts, BRIGHT_PERCENTILE / 100 * (total - 1))
    least = int(np.ceil(BRIGHT_BAND * bright))
    channels = _bright_counts(rgb, least, int(np.iinfo(rgb.dtype).max) + 1)
    middle = 0.5 * (int(counts[least:].sum()) - 1)
    level = np.array([ranked(channel, middle) for channel in channels])
    coloured = (level.max() - level.min()) / max(level.max(), 1.0)
    if level.min() < DIMMEST_WHITE * full_scale(rgb) or coloured > MOST_COLOURED_WHITE:
        return White(np.full(3, full_scale(rgb)), False)
    return White(level, True)


def median_colour(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Median of each channel over the pixels of a mask.

    Parameters
    ----------
    rgb : numpy.ndarray
        Shape (height, width, 3), uint8 or uint16.
    mask : numpy.ndarray
        bool, shape (height, width); at least one True.

    Returns
    -------
    numpy.ndarray
        float64, shape (3,), in counts.
    """
    channels = _masked_counts(rgb, mask, int(np.iinfo(rgb.dtype).max) + 1)
    middle = 0.5 * (int(channels[0].sum()) - 1)
    return np.array([ranked(channel, middle) for channel in channels])


@numba.njit(cache=True, nogil=True)
def _masked_counts(rgb: np.ndarray, mask: np.ndarray, levels: int) -> np.ndarray:
    """How many pixels of a mask have each count of each channel."""
    counts = np.zeros((3, levels), np.int64)
    for y in range(rgb.shape[0]):
        for x in range(rgb.shape[1]):
            if mask[y, x]:
                for c in range(3):
                    counts[c, rgb[y, x, c]] += 1
    return counts


@numba.njit(cache=True, nogil=True)
def _brightness_counts(rgb: np.ndarray, levels: int) -> np.ndarray:
    """How many pixels have each sum of the channels."""
    counts = np.zeros(levels, np.int64)
    for y in range(rgb.shape[0]):
        for x in range(rgb.shape[1]):
            counts[int(rgb[y, x, 0]) + int(rgb[y, x, 1]) + int(rgb[y, x, 2])] += 1
    return counts


@numba.njit(cache=True, nogil=True)
def _bright_counts(rgb: np.ndarray, least: int, levels: int) -> np.ndarray:
    """How many pixels whose channels add to `least` or more have each count of each channel."""
    counts = np.zeros((3, levels), np.int64)
    for y in range(rgb.shape[0]):
        for x in range(rgb.shape[1]):
            if int(rgb[y, x, 0]) + int(rgb[y, x, 1]) + int(rgb[y, x, 2]) >= least:
                for c in range(3):
                    counts[c, rgb[y, x, c]] += 1
    return counts


def flat_field(blank: np.ndarray) -> np.ndarray:
    """Smooth an empty field into the white level of each pixel.

    The blank is reduced by averaging (which removes its noise), cleaned of dust by a median,
    blurred, and brought back to its size.

    Parameters
    ----------
    blank : numpy.ndarray
        Shape (height, width, 3), uint8 or uint16: the same microscope, exposure and frame size as
        the specimen, with nothing in view.

    Returns
    -------
    numpy.ndarray
        Shape (height, width, 3), float32, in counts, at least 1.
    """
    blank = as_rgb(blank)
    height, width = blank.shape[:2]
    shrink = max(1.0, min(height, width) / FLAT_FIELD_SIDE)
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    small = cv2.resize(blank.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    small = cv2.medianBlur(small, 5)
    small = cv2.GaussianBlur(small, (0, 0), max(0.5, FLAT_FIELD_BLUR * min(size)))
    flat = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.maximum(flat, np.float32(1.0))
