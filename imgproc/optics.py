"""White level, flat field and optical density of bright-field images."""

from dataclasses import dataclass

import cv2
import numba
import numpy as np

from .errors import MeasurementError

BIT_DEPTHS = (8, 10, 12, 14, 16)
"""Bit depths that cameras and scanners write, for the full scale of a 16-bit image."""

BRIGHT_PERCENTILE = 99.5
"""Where the bright end of an image is read: half a percent is left to refractile specks."""

BRIGHT_BAND = 0.95
"""Pixels within 5 % of the bright end are taken as white: glass varies by less within a field."""

DIMMEST_WHITE = 0.7
"""A white under 70 % of full scale is no exposure anyone would choose for a bright field."""

MOST_COLOURED_WHITE = 0.15
"""Largest (max - min) / max over the channels of a white; weak DAB of 0.15 OD exceeds it."""

GREY_SPREAD = 2
"""Largest difference of the channels, in counts of 255, up to which an image is grey."""

DARK_BACKGROUND = 0.25
"""A field whose median is under a quarter of full scale has a dark background."""


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
    for part in (rgb[::_THIN, ::_THIN], rgb):  # a colour image is mostly known by a few pixels
        red, green, blue = cv2.split(part)
        difference = cv2.absdiff(brightest_channel(part), cv2.min(cv2.min(red, green), blue))
        if difference.max() > spread:
            return False
    return True


_THIN = 16


def looks_like_fluorescence(rgb: np.ndarray) -> bool:
    """Tell whether the background is dark, as in fluorescence: the median pixel is under a quarter.

    Bright field is bright where there is nothing; even a field full of strong stain keeps one
    channel (red under DAB, blue under hematoxylin) above a quarter of full scale.
    """
    counts = _brightest_counts(rgb, int(np.iinfo(rgb.dtype).max) + 1)
    middle = 0.5 * (rgb.shape[0] * rgb.shape[1] - 1)
    return _ranked(counts, middle) < DARK_BACKGROUND * full_scale(rgb)


@numba.njit(cache=True, nogil=True)
def _brightest_counts(rgb: np.ndarray, levels: int) -> np.ndarray:
    """How many pixels have each count in their brightest channel."""
    counts = np.zeros(levels, np.int64)
    for y in range(rgb.shape[0]):
        for x in range(rgb.shape[1]):
            counts[max(rgb[y, x, 0], rgb[y, x, 1], rgb[y, x, 2])] += 1
    return counts


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
    bright = _ranked(counts, BRIGHT_PERCENTILE / 100 * (total - 1))
    least = int(np.ceil(BRIGHT_BAND * bright))
    channels = _bright_counts(rgb, least, int(np.iinfo(rgb.dtype).max) + 1)
    middle = 0.5 * (int(counts[least:].sum()) - 1)
    level = np.array([_ranked(channel, middle) for channel in channels])
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
    return np.array([_ranked(channel, middle) for channel in channels])


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


def _ranked(counts: np.ndarray, rank: float) -> float:
    """Value at a rank from 0 among counted whole numbers, linear between ranks."""
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


FLAT_FIELD_BLUR = 0.02
"""Blur of the blank as a share of its shorter side: finer than lamp shading, coarser than dust."""

FLAT_FIELD_SIDE = 128
"""The blank is smoothed on a copy with about this many pixels a side: shading is no finer."""


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


def optical_density(rgb: np.ndarray, white: np.ndarray) -> np.ndarray:
    """Optical density per channel: max(0, -log10(max(v, 1) / I0)).

    Parameters
    ----------
    rgb : numpy.ndarray
        Shape (height, width, 3), counts.
    white : numpy.ndarray
        I0 in the same counts: shape (3,), or (height, width, 3) from `flat_field`.

    Returns
    -------
    numpy.ndarray
        Shape (height, width, 3), float64.

    See Also
    --------
    optical_density_fast : the same in one pass over whole-number counts.

    Examples
    --------
    A tenth of the light is an optical density of 1:

    >>> optical_density(np.array([[[24, 240, 255]]]), np.array([240.0, 240.0, 240.0])).round(3)
    array([[[1., 0., 0.]]])
    """
    counts = np.maximum(np.asarray(rgb, dtype=np.float64), 1.0)
    density = -np.log10(counts / np.asarray(white, dtype=np.float64))
    return np.where(density > 0, density, 0.0)


def log_counts(dtype: np.dtype) -> np.ndarray:
    """Return log10(max(v, 1)) of every count that a type can hold: the look-up table."""
    levels = int(np.iinfo(dtype).max) + 1
    return np.log10(np.maximum(np.arange(levels, dtype=np.float64), 1.0))


def optical_density_fast(rgb: np.ndarray, white: np.ndarray) -> np.ndarray:
    """Give what `optical_density` gives, by table look-up, in float32.

    Parameters
    ----------
    rgb : numpy.ndarray
        Shape (height, width, 3), uint8 or uint16.
    white : numpy.ndarray
        Shape (3,) or (height, width, 3), counts.

    Returns
    -------
    numpy.ndarray
        Shape (height, width, 3), float32; within 1e-6 of `optical_density`.
    """
    logs = np.log10(np.asarray(white, dtype=np.float64))
    if logs.ndim == 1:
        return _density_by_table(rgb, np.maximum(0.0, logs[:, None] - log_counts(rgb.dtype)))
    return _density_by_field(rgb, log_counts(rgb.dtype), logs)


@numba.njit(cache=True, nogil=True)
def _density_by_table(rgb: np.ndarray, tables: np.ndarray) -> np.ndarray:
    height, width, channels = rgb.shape
    density = np.empty((height, width, channels), np.float32)
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                density[y, x, c] = tables[c, rgb[y, x, c]]
    return density


@numba.njit(cache=True, nogil=True)
def _density_by_field(rgb: np.ndarray, table: np.ndarray, log_white: np.ndarray) -> np.ndarray:
    height, width, channels = rgb.shape
    density = np.empty((height, width, channels), np.float32)
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                density[y, x, c] = max(0.0, log_white[y, x, c] - table[rgb[y, x, c]])
    return density


def transmission_density(rgb: np.ndarray, white: np.ndarray) -> np.ndarray:
    """-log10 of the mean transmitted light over the channels; negative where brighter than white.

    Parameters
    ----------
    rgb : numpy.ndarray
        Shape (height, width, 3), counts.
    white : numpy.ndarray
        I0 in counts, shape (3,) or (height, width, 3).

    Returns
    -------
    numpy.ndarray
        Shape (height, width), float32.
    """
    level = np.asarray(white, dtype=np.float32)
    if level.ndim == 1:
        counts = np.arange(int(np.iinfo(rgb.dtype).max) + 1, dtype=np.float32)
        light = _light_by_table(rgb, counts / level[:, None] / np.float32(3))
    else:
        light = _light_by_field(rgb, level)
    density: np.ndarray = cv2.log(light, dst=light)
    return np.multiply(density, np.float32(-1 / np.log(10)), out=density)


FAINTEST_LIGHT = np.float32(1e-3)
"""Darker pixels count as 3 OD."""


@numba.njit(cache=True, nogil=True)
def _light_by_table(rgb: np.ndarray, shares: np.ndarray) -> np.ndarray:
    light = np.empty(rgb.shape[:2], np.float32)
    red, green, blue = shares[0], shares[1], shares[2]
    for y in range(rgb.shape[0]):
        for x in range(rgb.shape[1]):
            share = red[rgb[y, x, 0]] + green[rgb[y, x, 1]] + blue[rgb[y, x, 2]]
            light[y, x] = max(share, FAINTEST_LIGHT)
    return light


@numba.njit(cache=True, nogil=True)
def _light_by_field(rgb: np.ndarray, white: np.ndarray) -> np.ndarray:
    light = np.empty(rgb.shape[:2], np.float32)
    third = np.float32(1 / 3)
    for y in range(rgb.shape[0]):
        for x in range(rgb.shape[1]):
            share = np.float32(0)
            for c in range(3):
                share += np.float32(rgb[y, x, c]) / white[y, x, c]
            light[y, x] = max(share * third, FAINTEST_LIGHT)
    return light


def darker_than(rgb: np.ndarray, white: np.ndarray, share: float) -> np.ndarray:
    """Mark pixels that let through less than a share of the white in every channel.

    Parameters
    ----------
    rgb : numpy.ndarray
        Shape (height, width, 3), counts.
    white : numpy.ndarray
        I0 in counts, shape (3,) or (height, width, 3).
    share : float
        0 to 1.

    Returns
    -------
    numpy.ndarray
        bool, shape (height, width).
    """
    limit = np.asarray(white, dtype=np.float32) * np.float32(share)
    return _below(rgb, np.broadcast_to(limit, rgb.shape))


@numba.njit(cache=True, nogil=True)
def _below(rgb: np.ndarray, limit: np.ndarray) -> np.ndarray:
    found = np.empty(rgb.shape[:2], np.bool_)
    for y in range(rgb.shape[0]):
        for x in range(rgb.shape[1]):
            found[y, x] = (
                rgb[y, x, 0] < limit[y, x, 0]
                and rgb[y, x, 1] < limit[y, x, 1]
                and rgb[y, x, 2] < limit[y, x, 2]
            )
    return found
