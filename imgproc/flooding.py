"""Basins of a height image, found by flooding."""

import numpy as np
from numba import njit

from .runs import Runs, runs_of
from .unions import numbered, root


@njit(cache=True, nogil=True)
def _masked_row(height: np.ndarray, mask: np.ndarray, out: np.ndarray) -> None:
    """Write a row of heights between two lowest ones, which also stand for what isn't flooded."""
    for x in range(height.size):
        out[x + 1] = height[x] if mask[x] != 0 else np.float32(-np.inf)


@njit(cache=True, nogil=True)
def _before(value: float, way: int, highest: float, found: int) -> tuple[float, int]:
    return (value, way) if value > highest else (highest, found)


@njit(cache=True, nogil=True)
def _after(value: float, way: int, highest: float, found: int) -> tuple[float, int]:
    return (value, way) if value >= highest else (highest, found)


@njit(cache=True, nogil=True)
def _ways_of_row(above: np.ndarray, here: np.ndarray, below: np.ndarray, ways: np.ndarray) -> None:
    """Give the way from each place to its highest neighbour; without branches, many at once."""
    still, right = np.int32(0), np.int32(1)
    left, down, up = np.int32(-1), np.int32(ways.size), np.int32(-ways.size)
    up_left, up_right = np.int32(up - 1), np.int32(up + 1)
    down_left, down_right = np.int32(down - 1), np.int32(down + 1)
    for x in range(ways.size):
        highest, way = here[x + 1], still
        highest, way = _before(above[x], up_left, highest, way)
        highest, way = _before(above[x + 1], up, highest, way)
        highest, way = _before(above[x + 2], up_right, highest, way)
        highest, way = _before(here[x], left, highest, way)
        highest, way = _after(here[x + 2], right, highest, way)
        highest, way = _after(below[x], down_left, highest, way)
        highest, way = _after(below[x + 1], down, highest, way)
        highest, way = _after(below[x + 2], down_right, highest, way)
        ways[x] = way


@njit(cache=True, nogil=True)
def _write_ways(height: np.ndarray, mask: np.ndarray, ways: np.ndarray) -> None:
    rows, columns = height.shape
    lowest = np.float32(-np.inf)
    above, here = np.full(columns + 2, lowest), np.full(columns + 2, lowest)
    below = np.full(columns + 2, lowest)
    if rows:
        _masked_row(height[0], mask[0], here)
    for y in range(rows):
        if y + 1 < rows:
            _masked_row(height[y + 1], mask[y + 1], below)
        else:
            below[:] = lowest
        _ways_of_row(above, here, below, ways[y])
        above, here, below = here, below, above


@njit(cache=True, nogil=True)
def _number_peaks(
    height: np.ndarray, ways: np.ndarray, runs: Runs, labels: np.ndarray
) -> np.ndarray:
    """Number the places without a way up in reading order, and give their heights."""
    peaks = [np.float32(0)]
    for y in range(labels.shape[0]):
        for k in range(runs.first[y], runs.first[y + 1]):
            for x in range(runs.ends[k, 0], runs.ends[k, 1]):
                if ways[y, x] == 0:
                    labels[y, x] = len(peaks)
                    peaks.append(height[y, x])
    return np.array(peaks)


@njit(cache=True, nogil=True)
def _climb(ways: np.ndarray, runs: Runs, labels: np.ndarray) -> None:
    """Give, in place, each pixel the label that its way ends on."""
    flat, way, columns = labels.ravel(), ways.ravel(), labels.shape[1]
    for y in range(labels.shape[0]):
        for k in range(runs.first[y], runs.first[y + 1]):
            for start in range(y * columns + runs.ends[k, 0], y * columns + runs.ends[k, 1]):
                place = start
                while flat[place] == 0:
                    place += way[place]
                number, place = flat[place], start
                while flat[place] == 0:
                    flat[place] = number
                    place += way[place]


def _climbed(height: np.ndarray, mask: np.ndarray, runs: Runs) -> tuple[np.ndarray, np.ndarray]:
    """Give each pixel of the mask the number of the peak that the steepest way up ends on.

    Of equally high neighbours the last in reading order is the way up, so that a plateau has one
    peak and no way goes in a circle. The peaks' heights stand at their numbers, from 1.
    """
    ways, labels = np.empty(height.shape, np.int32), np.zeros(height.shape, np.int32)
    _write_ways(height, mask, ways)
    peaks = _number_peaks(height, ways, runs, labels)
    _climb(ways, runs, labels)
    return labels, peaks


@njit(cache=True, nogil=True)
def _mark_borders(here: np.ndarray, below: np.ndarray, at_border: np.ndarray) -> None:
    """Mark a row's places that touch another basin to the right or below; many at once."""
    for x in range(1, here.size - 1):
        own, right, left = here[x], here[x + 1], below[x - 1]
        under, across = below[x], below[x + 1]
        at_border[x] = (own > 0) & (
            ((right > 0) & (right != own))
            | ((left > 0) & (left != own))
            | ((under > 0) & (under != own))
            | ((across > 0) & (across != own))
        )
    at_border[0] = here[0] > 0
    at_border[-1] = here[-1] > 0


@njit(cache=True, nogil=True)
def _add_borders(
    labels: np.ndarray,
    height: np.ndarray,
    y: int,
    x: int,
    pairs: np.ndarray,
    level: np.ndarray,
    links: np.ndarray,
    count: int,
) -> int:
    """Note the borders of a pixel with later ones, and give how many there are now.

    The links lead from a pair to the next one of the same lower basin; the basins' own stand after
    those of the pairs and lead to their first ones.
    """
    rows, columns = labels.shape
    here, room = labels[y, x], len(pairs)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        v, u = y + dy, x + dx
        if v >= rows or u < 0 or u >= columns or here == 0:
            continue
        there = labels[v, u]
        if there == 0 or there == here:
            continue
        a, b = min(here, there), max(here, there)
        at = min(height[y, x], height[v, u])
        edge = links[room + a]
        while edge >= 0 and pairs[edge, 1] != b:
            edge = links[edge]
        if edge >= 0:
            level[edge] = max(level[edge], at)
        elif count < room:
            pairs[count, 0], pairs[count, 1], level[count] = a, b, at
            links[count], links[room + a] = links[room + a], count
            count += 1
    return count


@njit(cache=True, nogil=True)
def borders(
    labels: np.ndarray, height: np.ndarray, runs: Runs, n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of touching basins and the height of the highest pass between them.

    Parameters
    ----------
    labels : numpy.ndarray
        int32, shape (H, W), 1 to n.
    height : numpy.ndarray
        float32, shape (H, W).
    runs : Runs
        Where labels may be.
    n : int
        Number of basins.

    Returns
    -------
    low, high : numpy.ndarray
        int32: the lower and the higher number of each pair.
    level : numpy.ndarray
        float64: the highest pass between them.
    """
    rows, columns = labels.shape
    room = 16 * n + 16  # planar maps have fewer than 3 n borders; corners add some
    pairs, level = np.empty((room, 2), np.int32), np.empty(room, np.float64)
    links = np.full(room + n + 1, -1, np.int32)
    at_border, count = np.empty(columns, np.bool_), 0
    for y in range(rows):
        if runs.first[y] == runs.first[y + 1]:
            continue
        _mark_borders(labels[y], labels[min(y + 1, rows - 1)], at_border)
        for k in range(runs.first[y], runs.first[y + 1]):
            for x in range(runs.ends[k, 0], runs.ends[k, 1]):
                if at_border[x]:
                    count = _add_borders(labels, height, y, x, pairs, level, links, count)
    return pairs[:count, 0], pairs[:count, 1], level[:count]


@njit(cache=True, nogil=True)
def _joined(
    peak: np.ndarray, low: np.ndarray, high: np.ndarray, level: np.ndarray, depth: float
) -> np.ndarray:
    """Number the basins that are left when shallow ones have joined others."""
    parent = np.arange(peak.size).astype(np.int32)
    for edge in np.argsort(-level, kind="mergesort"):
        a, b = root(parent, low[edge]), root(parent, high[edge])
        if a != b and min(peak[a], peak[b]) - level[edge] < depth:
            if peak[b] > peak[a]:
                a, b = b, a
            parent[b] = a
    return numbered(parent)


@njit(cache=True, nogil=True)
def renumber(labels: np.ndarray, number: np.ndarray, runs: Runs) -> None:
    """Give, in place, each label the number that stands at its place.

    Parameters
    ----------
    labels : numpy.ndarray
        int32, shape (H, W), 0 to n.
    number : numpy.ndarray
        int32, shape (n + 1,), 0 at place 0.
    runs : Runs
        Where labels may be.
    """
    for y in range(labels.shape[0]):
        row = labels[y]
        for k in range(runs.first[y], runs.first[y + 1]):
            for x in range(runs.ends[k, 0], runs.ends[k, 1]):
                row[x] = number[row[x]]


def flood(
    height: np.ndarray, mask: np.ndarray, depth: float, runs: Runs | None = None
) -> tuple[np.ndarray, int]:
    """Divide a mask into the basins of its peaks.

    Every pixel belongs to the peak that the steepest way up ends on. From the highest pass between
    two basins downwards, the one whose peak stands less than `depth` above the pass joins the
    other: this is the watershed from the h-maxima of the height.

    Parameters
    ----------
    height : numpy.ndarray
        float32, shape (H, W).
    mask : numpy.ndarray
        uint8 or bool, shape (H, W), C-contiguous: where to flood.
    depth : float
        h, in units of the height.
    runs : Runs, optional
        Those of the mask, where they are known already.

    Returns
    -------
    labels : numpy.ndarray
        int32, shape (H, W), 1 to n in the mask, 0 outside.
    n : int
        Number of basins.
    """
    runs = runs_of(mask) if runs is None else runs
    labels, peak = _climbed(height, mask, runs)
    number = _joined(peak, *borders(labels, height, runs, peak.size - 1), depth)
    renumber(labels, number, runs)
    return labels, int(number.max(initial=0))
