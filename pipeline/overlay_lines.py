"""The lines of an overlay: edges of label images, coloured and laid over a picture.

Each step is one pass in compiled code. A label image that is shown enlarged by a whole factor is
looked at in its own pixels, of which there are fewer.
"""

import math
from functools import lru_cache

import cv2
import numpy as np
from numba import njit
from PIL import ImageColor

CASING = "#101010"
"""The dark line around a bright one, so that it shows on any ground."""

_LINE_OF_OBJECT = 0.09  # a line's width is at most this part of a typical object's diameter
_UNCASED = np.empty((0, 0), np.uint8)


def edge_lines(
    labels: np.ndarray, colour_of: np.ndarray, *, factor: int, line_px: int, cased: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Give the colour of each pixel of a picture that lies on a label's edge.

    Parameters
    ----------
    labels : numpy.ndarray
        (H, W) integer label image.
    colour_of : numpy.ndarray
        (n + 1,) uint8: the colour of each label; 0, and labels beyond the array, have no line.
    factor : int
        The picture's pixels along a side of a label image's pixel.
    line_px : int
        Width of a line, unless the typical object would be filled by it.
    cased : bool
        Whether lines have a dark one around them.

    Returns
    -------
    lines : numpy.ndarray
        (H * factor, W * factor) uint8: colours, 0 where there is no line; where two lines meet,
        the higher colour wins.
    around : numpy.ndarray
        The same, a pixel wider to each side; empty without casing.
    """
    whole = np.ascontiguousarray(labels, dtype=np.int32)
    width_px = min(line_px, _widest_line(whole, factor)) if line_px > 1 else 1
    edges = _edges(whole, colour_of, factor)
    lines = _thickened(edges, width_px)
    return lines, _thickened(lines, width_px + 2) if cased else _UNCASED


def lay_over(
    rgb: np.ndarray, lines: np.ndarray, around: np.ndarray, inks: tuple[str, ...], opacity: float
) -> None:
    """Lay lines over a picture.

    Parameters
    ----------
    rgb : numpy.ndarray
        (h, w, 3) uint8, C-contiguous; drawn on in place.
    lines, around : numpy.ndarray
        (h, w) uint8, as `edge_lines` gives them.
    inks : tuple of str
        Colours as ``#rrggbb``, for 1, 2, … of `lines`.
    opacity : float
        0 to 1; below 1 the picture shows through the lines.
    """
    casing = np.array(ImageColor.getrgb(CASING)[:3], np.uint8)
    _lay_over(rgb, lines, around, _mixed(inks, opacity), casing)


def draw_thin_edges(
    rgb: np.ndarray,
    labels: np.ndarray,
    colour_of: np.ndarray,
    *,
    factor: int,
    inks: tuple[str, ...],
    opacity: float,
) -> None:
    """Draw lines one pixel wide and without casing: `edge_lines` and `lay_over` in one pass.

    Such a line lies within its own label, so none meets another, and the enlarged picture is
    looked at along the edges alone.

    Parameters
    ----------
    rgb : numpy.ndarray
        (H * factor, W * factor, 3) uint8, C-contiguous; drawn on in place.
    labels, colour_of, factor
        As for `edge_lines`.
    inks, opacity
        As for `lay_over`.
    """
    whole = np.ascontiguousarray(labels, dtype=np.int32)
    _thin_edges(rgb, whole, colour_of, factor, _mixed(inks, opacity))


@lru_cache
def _mixed(inks: tuple[str, ...], opacity: float) -> np.ndarray:
    """Give what becomes of each value of a picture under each ink; no pixel is calculated then."""
    ink = np.array([(0, 0, 0), *(ImageColor.getrgb(colour)[:3] for colour in inks)], np.float64)
    under = np.arange(256.0)
    return np.rint(opacity * ink[:, :, None] + (1.0 - opacity) * under).astype(np.uint8)


def _widest_line(labels: np.ndarray, factor: int) -> int:
    """Width beyond which lines would fill the typical object of labels as they are shown."""
    areas = _areas(labels, int(labels.max(initial=0)))
    areas = areas[areas > 0] * factor**2
    if not areas.size:
        return 1
    diameter = 2.0 * math.sqrt(float(np.median(areas)) / math.pi)
    return max(1, round(diameter * _LINE_OF_OBJECT))


def _thickened(colours: np.ndarray, width_px: int) -> np.ndarray:
    """Widen lines to about `width_px`; where two meet, the higher colour wins."""
    if width_px <= 1:
        return colours
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width_px, width_px))
    return cv2.dilate(colours, kernel)


@njit(cache=True, nogil=True)
def _areas(labels: np.ndarray, n: int) -> np.ndarray:
    """Count the pixels of labels 1 to n."""
    areas = np.zeros(n + 1, np.int64)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            areas[max(labels[y, x], 0)] += 1
    return areas[1:]


@njit(cache=True, nogil=True)
def _edges(labels: np.ndarray, colour_of: np.ndarray, factor: int) -> np.ndarray:
    """Colour the pixels with a neighbour above, below or beside of another label."""
    height, width = labels.shape
    edges = np.zeros((height * factor, width * factor), np.uint8)
    for y in range(height):
        top, bottom = y * factor, (y + 1) * factor
        for x in range(width):
            label = labels[y, x]
            colour = colour_of[label] if 0 <= label < colour_of.size else 0
            if colour == 0:
                continue
            left, right = x * factor, (x + 1) * factor
            if y > 0 and labels[y - 1, x] != label:
                edges[top, left:right] = colour
            if y + 1 < height and labels[y + 1, x] != label:
                edges[bottom - 1, left:right] = colour
            if x > 0 and labels[y, x - 1] != label:
                edges[top:bottom, left] = colour
            if x + 1 < width and labels[y, x + 1] != label:
                edges[top:bottom, right - 1] = colour
    return edges


@njit(cache=True, nogil=True)
def _lay_over(
    rgb: np.ndarray, lines: np.ndarray, around: np.ndarray, mixed: np.ndarray, casing: np.ndarray
) -> None:
    cased = around.size > 0
    for y in range(lines.shape[0]):
        for x in range(lines.shape[1]):
            colour = lines[y, x]
            if colour > 0:
                for c in range(3):
                    rgb[y, x, c] = mixed[colour, c, rgb[y, x, c]]
            elif cased and around[y, x] > 0:
                for c in range(3):
                    rgb[y, x, c] = casing[c]


@njit(cache=True, nogil=True)
def _thin_edges(
    rgb: np.ndarray, labels: np.ndarray, colour_of: np.ndarray, factor: int, mixed: np.ndarray
) -> None:
    height, width = labels.shape
    last = factor - 1
    for y in range(height):
        for x in range(width):
            label = labels[y, x]
            colour = colour_of[label] if 0 <= label < colour_of.size else 0
            if colour == 0:
                continue
            above = y > 0 and labels[y - 1, x] != label
            below = y + 1 < height and labels[y + 1, x] != label
            left = x > 0 and labels[y, x - 1] != label
            right = x + 1 < width and labels[y, x + 1] != label
            if not (above or below or left or right):
                continue
            for i in range(factor):
                for j in range(factor):
                    if (
                        (above and i == 0)
                        or (below and i == last)
                        or (left and j == 0)
                        or (right and j == last)
                    ):
                        at, along = y * factor + i, x * factor + j
                        for c in range(3):
                            rgb[at, along, c] = mixed[colour, c, rgb[at, along, c]]
