"""Outlines of labelled objects along the edges of their pixels."""

import numba
import numpy as np

RIGHT, DOWN, LEFT, UP = 0, 1, 2, 3


def trace(mask: np.ndarray) -> list[np.ndarray]:
    """Trace a mask along its pixels' edges.

    The outlines enclose exactly the pixels, so that the area inside (outer rings less holes) is
    their number; a contour through pixel centres loses half a pixel all round.

    Parameters
    ----------
    mask : numpy.ndarray
        bool, shape (height, width).

    Returns
    -------
    list of numpy.ndarray
        Rings, each float64, shape (n, 2), x and y of the corners, the first repeated at the end;
        the top left corner of the mask is 0, 0. Outer rings run clockwise as seen (y down), holes
        the other way. Rings may touch at corners; none touches itself.

    Examples
    --------
    >>> trace(np.array([[True, True]]))[0].tolist()
    [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0], [0.0, 0.0]]
    """
    padded = np.pad(np.asarray(mask, dtype=np.bool_), 1)
    corners, starts = _traced(padded)
    rings = np.split(corners.astype(np.float64), starts[1:]) if len(starts) else []
    return [np.vstack([part, part[:1]]) for ring in rings for part in _parted(ring)]


def _parted(ring: np.ndarray) -> list[np.ndarray]:
    """Cut a ring that comes back to a corner into rings that only touch there."""
    if len(np.unique(ring, axis=0)) == len(ring):
        return [ring]
    parts: list[np.ndarray] = []
    path: list[tuple[float, float]] = []
    for x, y in ring.tolist():
        if (x, y) in path:
            start = path.index((x, y))
            parts.append(np.array(path[start:]))
            del path[start:]
        path.append((x, y))
    return [*parts, np.array(path)]


@numba.njit(cache=True, nogil=True)
def _traced(padded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Follow every edge between inside and outside once, with the inside on the right.

    An edge is named by the corner where it begins and its direction. Corner (y, x) is the top left
    one of padded pixel (y, x).
    """
    height, width = padded.shape
    done = np.zeros((height, width, 4), np.bool_)
    step_y, step_x = np.array([0, 1, 0, -1]), np.array([1, 0, -1, 0])
    corners = np.empty((4 * padded.sum() + 4, 2), np.int64)
    starts = np.empty(4 * padded.sum() + 4, np.int64)
    count, rings = 0, 0
    for y0 in range(1, height):
        for x0 in range(1, width):
            # a ring has an edge that runs right above a pixel, or left below one
            for first in (RIGHT, LEFT):
                if not _is_edge(padded, y0, x0, first) or done[y0, x0, first]:
                    continue
                starts[rings] = count
                rings += 1
                y, x, way, before = y0, x0, first, -1
                while not done[y, x, way]:
                    done[y, x, way] = True
                    if way != before:
                        corners[count, 0], corners[count, 1] = x - 1, y - 1
                        count += 1
                    before = way
                    y += step_y[way]
                    x += step_x[way]
                    for turn in (1, 0, 3):  # right first: pixels at a corner are parted
                        if _is_edge(padded, y, x, (way + turn) % 4):
                            way = (way + turn) % 4
                            break
                if before == first and count - starts[rings - 1] > 1:  # began within a side
                    corners[starts[rings - 1], 0] = corners[count - 1, 0]
                    corners[starts[rings - 1], 1] = corners[count - 1, 1]
                    count -= 1
    return corners[:count], starts[:rings]


@numba.njit(cache=True, nogil=True)
def _is_edge(padded: np.ndarray, y: int, x: int, way: int) -> bool:
    """Tell whether the edge from a corner in a direction has inside on its right only."""
    if way == RIGHT:
        return padded[y, x] and not padded[y - 1, x]
    if way == LEFT:
        return padded[y - 1, x - 1] and not padded[y, x - 1]
    if way == DOWN:
        return padded[y, x - 1] and not padded[y, x]
    return padded[y - 1, x] and not padded[y - 1, x - 1]


def ring_area(ring: np.ndarray) -> float:
    """Area of a closed ring, positive where it runs clockwise as seen (y down).

    Examples
    --------
    >>> ring_area(np.array([[0, 0], [2, 0], [2, 1], [0, 1], [0, 0]]))
    2.0
    """
    x, y = ring[:, 0], ring[:, 1]
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)
