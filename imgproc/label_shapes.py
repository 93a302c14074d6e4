"""Shapes for correcting label images by hand: discs, polygons, strokes, and objects cut in parts.

Each gives a window of the image and what is in it, so that a correction costs as much as the
object is large, not as the image is.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from skimage import draw, measure, segmentation

from .errors import MeasurementError

Window = tuple[slice, slice]
Points = Sequence[tuple[float, float]]


def window_around(shape: tuple[int, ...], box: Sequence[float], margin: float = 0) -> Window:
    """Slices of an image around a box, cut at its edges.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the image.
    box : sequence of float
        Lowest y and x, highest y and x, inclusive.
    margin : float
        Pixels added on every side.

    Returns
    -------
    tuple of slice
        Rows and columns; empty where the box lies outside the image.

    Examples
    --------
    >>> window_around((10, 10), (8, 1, 12, 2), margin=1)
    (slice(7, 10, None), slice(0, 4, None))
    """
    low_y, low_x, high_y, high_x = box
    return (
        _span(low_y - margin, high_y + margin, shape[0]),
        _span(low_x - margin, high_x + margin, shape[1]),
    )


def _span(low: float, high: float, size: int) -> slice:
    first = min(max(0, int(np.floor(low))), size)
    return slice(first, max(first, min(size, int(np.ceil(high)) + 1)))


def disc(shape: tuple[int, ...], y: float, x: float, radius: float) -> tuple[Window, np.ndarray]:
    """Pixels whose centre lies within a radius of a point.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the image.
    y, x : float
        Centre.
    radius : float
        In pixels; below 0.5 the disc is the pixel of its centre.

    Returns
    -------
    window : tuple of slice
        Where it lies in the image.
    mask : numpy.ndarray of bool
        Of the window's shape.
    """
    radius = max(float(radius), 0.5)
    window = window_around(shape, (y - radius, x - radius, y + radius, x + radius))
    rows = np.arange(window[0].start, window[0].stop)[:, None] - y
    columns = np.arange(window[1].start, window[1].stop)[None, :] - x
    near = rows**2 + columns**2 <= radius**2
    middle = (rows == np.round(y) - y) & (columns == np.round(x) - x)
    return window, near | middle


def polygon(shape: tuple[int, ...], points: Points) -> tuple[Window, np.ndarray]:
    """Pixels inside a closed outline drawn by hand.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the image.
    points : sequence of (y, x)
        Its corners, three or more; the last is joined to the first.

    Returns
    -------
    window : tuple of slice
        Where it lies in the image.
    mask : numpy.ndarray of bool
        Of the window's shape.

    Raises
    ------
    MeasurementError
        With fewer than three corners.
    """
    corners = np.asarray(points, float)
    if len(corners) < 3:
        raise MeasurementError(
            f"an outline needs three corners or more; it has {len(corners)}",
            "draw around the region with the button held down",
        )
    window = window_around(shape, (*corners.min(axis=0), *corners.max(axis=0)))
    size = window[0].stop - window[0].start, window[1].stop - window[1].start
    mask = np.zeros(size, bool)
    rows, columns = draw.polygon(
        corners[:, 0] - window[0].start, corners[:, 1] - window[1].start, size
    )
    mask[rows, columns] = True
    return window, mask


def stroke(shape: tuple[int, ...], points: Points) -> tuple[np.ndarray, np.ndarray]:
    """Pixels under a line drawn by hand, in its order.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the image.
    points : sequence of (y, x)
        Its corners.

    Returns
    -------
    rows, columns : numpy.ndarray of int
        Those within the image.
    """
    corners = [(round(y), round(x)) for y, x in points]
    lines = [draw.line(*a, *b) for a, b in zip(corners[:1] + corners, corners, strict=False)]
    rows = np.concatenate([line[0] for line in lines])
    columns = np.concatenate([line[1] for line in lines])
    inside = (rows >= 0) & (columns >= 0) & (rows < shape[0]) & (columns < shape[1])
    return rows[inside], columns[inside]


def cut_by_line(mask: np.ndarray, points: Points) -> np.ndarray:
    """Cut an object along a line drawn across it.

    Parameters
    ----------
    mask : numpy.ndarray of bool, shape (h, w)
        The object.
    points : sequence of (y, x)
        Corners of the line, in the mask's pixels.

    Returns
    -------
    numpy.ndarray
        int32, shape (h, w): parts 1, 2, …, the largest first; every pixel of the object belongs
        to one. All 1 where the line doesn't part it.
    """
    rows, columns = stroke(mask.shape, points)
    line = np.zeros(mask.shape, np.uint8)
    line[rows, columns] = 1
    apart = measure.label(mask & (line == 0), connectivity=1)
    return _all_of(mask, _by_size(apart))


def cut_by_seeds(mask: np.ndarray, seeds: Points) -> np.ndarray:
    """Cut an object into one part a seed, by a watershed of the distance to its outline.

    Parameters
    ----------
    mask : numpy.ndarray of bool, shape (h, w)
        The object.
    seeds : sequence of (y, x)
        In the mask's pixels; those outside the object are left out.

    Returns
    -------
    numpy.ndarray
        int32, shape (h, w): parts 1, 2, …, the largest first; every pixel of the object belongs
        to one.
    """
    markers = np.zeros(mask.shape, np.int32)
    for number, (y, x) in enumerate(seeds, start=1):
        row, column = round(y), round(x)
        if 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1] and mask[row, column]:
            markers[row, column] = number
    if not markers.any():
        return mask.astype(np.int32)
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    parts = segmentation.watershed(-depth, markers, mask=mask)
    return _all_of(mask, _by_size(parts))


def _by_size(parts: np.ndarray) -> np.ndarray:
    """Number parts by their size, the largest being 1."""
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    order = [number for number in np.argsort(-sizes, kind="stable") if sizes[number]]
    table = np.zeros(len(sizes), np.int32)
    table[order] = np.arange(1, len(order) + 1)
    return table[parts]


def _all_of(mask: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Give the object's pixels that belong to no part to the nearest one."""
    if not parts.any():
        return mask.astype(np.int32)
    reach = float(np.hypot(*mask.shape))
    return np.where(mask, segmentation.expand_labels(parts, reach), 0).astype(np.int32)
