"""Channels of a fluorescence image as one colour picture."""

from collections.abc import Mapping

import numpy as np
from numba import njit
from PIL import ImageColor

CHANNEL_COLOURS = {"nuclei": "#4070ff", "marker": "#30e050"}
"""Colours of the channels that every fluorescence assay has."""

_OTHER_CHANNELS = ("#ff50d0", "#ffe060", "#ff7a40", "#70f0ff")
_CONTRAST_PERCENTILES = (1.0, 99.8)  # of a channel's pixels: shown black, shown fully bright


def composite(
    channels: Mapping[str, np.ndarray], limits: Mapping[str, tuple[float, float]]
) -> np.ndarray:
    """Add channels up, each stretched between its limits and in its colour.

    Parameters
    ----------
    channels : mapping of str to numpy.ndarray
        2-D arrays of one shape.
    limits : mapping of str to (float, float)
        Values shown black and fully bright; a channel without takes its own percentiles.

    Returns
    -------
    numpy.ndarray
        (H, W, 3) uint8.

    Raises
    ------
    ValueError
        If there is no channel, or the channels differ in shape.
    """
    if len({channel.shape for channel in channels.values()}) != 1:
        shapes = {name: channel.shape for name, channel in channels.items()}
        raise ValueError(f"An overlay needs one or more channels of one shape; it got {shapes}.")
    colours = iter(_OTHER_CHANNELS * len(channels))
    total = np.zeros((*next(iter(channels.values())).shape, 3), np.float32)
    for name, channel in channels.items():
        ink = ImageColor.getrgb(CHANNEL_COLOURS.get(name) or next(colours))
        low, high = map(float, limits.get(name) or contrast(channel))
        if high > low:  # else it is an empty channel: black, not noise made visible
            bright = np.array(ink[:3], np.float32)
            level = np.ascontiguousarray(channel)
            _add(total, level, np.float32(low), np.float32(high - low), bright)
    return _rounded(total)


def contrast(channel: np.ndarray) -> tuple[float, float]:
    """Give the 1st and the 99.8th percentile of a channel's pixels, NaN apart.

    Whole numbers of up to 16 bits are counted, not sorted: that takes a tenth of the time.
    """
    if channel.dtype.kind != "u" or channel.dtype.itemsize > 2:
        low, high = np.nanpercentile(channel.astype(np.float32), _CONTRAST_PERCENTILES)
        return float(low), float(high)
    ends = np.cumsum(np.bincount(channel.ravel()))
    places = np.array(_CONTRAST_PERCENTILES) / 100 * (channel.size - 1)
    below = np.floor(places)
    first, then = (np.searchsorted(ends, below + step, side="right") for step in (0, 1))
    low, high = first + (np.minimum(then, len(ends) - 1) - first) * (places - below)
    return float(low), float(high)


@njit(cache=True, nogil=True)
def _add(
    total: np.ndarray, channel: np.ndarray, low: np.float32, span: np.float32, ink: np.ndarray
) -> None:
    """Add a channel's colour; a pixel that is no number adds none."""
    for y in range(channel.shape[0]):
        for x in range(channel.shape[1]):
            share = (np.float32(channel[y, x]) - low) / span
            if share > 0:
                share = min(share, np.float32(1.0))
                for c in range(3):
                    total[y, x, c] += share * ink[c]


@njit(cache=True, nogil=True)
def _rounded(total: np.ndarray) -> np.ndarray:
    """Give colours as the nearest of 256 values."""
    picture = np.empty(total.shape, np.uint8)
    for y in range(total.shape[0]):
        for x in range(total.shape[1]):
            for c in range(3):
                picture[y, x, c] = np.uint8(
                    min(total[y, x, c] + np.float32(0.5), np.float32(255.0))
                )
    return picture
