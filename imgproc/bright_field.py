"""Bright-field images as they come: their shape, their scale, and what can't be one."""

import cv2
import numba
import numpy as np

from .errors import MeasurementError

BIT_DEPTHS = (8, 10, 12, 14, 16)
"""Bit depths that cameras and scanners write, for the full scale of a 16-bit image."""

DIMMEST_WHITE = 0.7
"""A white under 70 % of full scale is no exposure anyone would choose for a bright field."""

GREY_SPREAD = 2
"""Largest difference of the channels, in counts of 255, up to which an image is grey."""

DARK_BACKGROUND = 0.25
"""A field whose median is under a quarter of full scale has a dark background."""

_THIN = 16  # a colour image is mostly known by every sixteenth row and column


def as_rgb(rgb: np.ndarray) -> np.ndarray:
    """Return `rgb` as a (height, width, 3) array of uint8 or uint16, or say what is wrong.

    Parameters
    ----------
    rgb : numpy.ndarray
        Shape (height, width, 3) or, with an alpha channel, (height, width, 4); uint8 or uint16.

    Returns
    -------
    numpy.ndarray
        C-contiguous, shape (height, width, 3), dtype unchanged.

    Raises
    ------
    MeasurementError
        If the image isn't a colour image of that shape and type, is empty, or is grey everywhere.
    """
    rgb = np.asarray(rgb)
    if rgb.ndim != 3 or rgb.shape[2] not in (3, 4) or 0 in rgb.shape:
        raise MeasurementError(
            f"A bright-field stain needs a colour image (height, width, 3); this one has shape "
            f"{rgb.shape}.",
            "Give the original colour image, not a single channel or a stack.",
        )
    if rgb.dtype not in (np.uint8, np.uint16):
        raise MeasurementError(
            f"A colour image of 8 or 16 bits a channel was expected; this one is {rgb.dtype}.",
            "Save the image as 8-bit or 16-bit RGB without rescaling its contrast.",
        )
    return np.ascontiguousarray(rgb[..., :3])


def full_scale(rgb: np.ndarray) -> float:
    """Return the largest count the image could hold: 255, or that of its bit depth.

    A 16-bit file often carries 10, 12 or 14 bits; the smallest usual depth that holds the
    image's maximum is taken.

    Examples
    --------
    >>> full_scale(np.array([[[4000, 90, 7]]], dtype=np.uint16))
    4095.0
    """
    if rgb.dtype == np.uint8:
        return 255.0
    largest = int(rgb.max(initial=0))
    return float(next(2**bits - 1 for bits in BIT_DEPTHS if largest < 2**bits))


def brightest_channel(rgb: np.ndarray) -> np.ndarray:
    """Return each pixel's largest channel, shape (height, width), the image's type."""
    red, green, blue = cv2.split(rgb)  # three planes are many times faster than max(axis=2)
    return cv2.max(cv2.max(red, green), blue)


def channel_mean(rgb: np.ndarray) -> np.ndarray:
    """Return each pixel's mean over the channels of a float32 image, shape (height, width)."""
    return cv2.transform(rgb, np.full((1, 3), 1 / 3, np.float32)).reshape(rgb.shape[:2])


def is_grey(rgb: np.ndarray) -> bool:
    """Tell whether the three channels are equal everywhere, within two counts of 255."""
    spread = GREY_SPREAD * full_scale(rgb) / 255
    for part in (rgb[::_THIN, ::_THIN], rgb):
        red, green, blue = cv2.split(part)
        difference = cv2.absdiff(brightest_channel(part), cv2.min(cv2.min(red, green), blue))
        if difference.max() > spread:
            return False
    return True


def looks_like_fluorescence(rgb: np.ndarray) -> bool:
    """Tell whether the background is dark, as in fluorescence: the median pixel is under a quarter.

    Bright field is bright where there is nothing; even a field full of strong stain keeps one
    channel (red under DAB, blue under hematoxylin) above a quarter of full scale.
    """
    counts = _brightest_counts(rgb, int(np.iinfo(rgb.dtype).max) + 1)
    middle = 0.5 * (rgb.shape[0] * rgb.shape[1] - 1)
    return ranked(counts, middle) < DARK_BACKGROUND * full_scale(rgb)


@numba.njit(cache=True, nogil=True)
def _brightest_counts(rgb: np.ndarray, levels: int) -> np.ndarray:
    """How many pixels have each count in their brightest channel."""
    counts = np.zeros(levels, np.int64)
    for y in range(rgb.shape[0]):
        for x in range(rgb.shape[1]):
            counts[max(rgb[y, x, 0], rgb[y, x, 1], rgb[y, x, 2])] += 1
    return counts


def ranked(counts: np.ndarray, rank: float) -> float:
    """Value at a rank among counted whole numbers, linear between ranks.

    Parameters
    ----------
    counts : numpy.ndarray
        int, shape (n,): how many there are of each number from 0.
    rank : float
        From 0, in order of size.

    Returns
    -------
    float
        The value.
    """
    passed = np.cumsum(counts)
    below, above = np.searchsorted(passed, [np.floor(rank), np.ceil(rank)], side="right")
    return float(below + (above - below) * (rank - np.floor(rank)))


def check_bright_field(rgb: np.ndarray) -> None:
    """Refuse what stains can't be separated in: a dark background, or an image without colour.

    Parameters
    ----------
    rgb : numpy.ndarray
        Shape (height, width, 3), uint8 or uint16.

    Raises
    ------
    MeasurementError
        If the image looks like fluorescence or its channels are equal everywhere. An empty bright
        field (all white) passes: it is a field with no tissue.
    """
    if looks_like_fluorescence(rgb):
        raise MeasurementError(
            "The image has a dark background: it looks like fluorescence, not like bright field.",
            "Measure it with the method fluorescence, or give the bright-field image.",
        )
    if is_grey(rgb) and rgb.min() < DIMMEST_WHITE * full_scale(rgb):  # else it is empty
        raise MeasurementError(
            "The image is grey: its three channels are equal everywhere, so hematoxylin and DAB "
            "can't be told apart.",
            "Give the original colour image.",
        )
