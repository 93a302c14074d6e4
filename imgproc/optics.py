"""Optical density of bright-field images."""

import cv2
import numba
import numpy as np


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
