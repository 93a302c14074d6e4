"""Objects made of basins: trimmed to their outlines, merged, and summed up."""

import numpy as np
from numba import njit

from .flooding import borders
from .runs import Runs, runs_of
from .unions import numbered, root


@njit(cache=True, nogil=True)
def _kept_sums(
    labels: np.ndarray, signal: np.ndarray, runs: Runs, limit: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sum and number of each object's pixels from a limit of its own upwards."""
    total, pixels = np.zeros(limit.size), np.zeros(limit.size, np.int64)
    for y in range(labels.shape[0]):
        own, passed, count = 0, 0.0, 0
        for k in range(runs.first[y], runs.first[y + 1]):
            for x in range(runs.ends[k, 0], runs.ends[k, 1]):
                if labels[y, x] != own:
                    total[own] += passed
                    pixels[own] += count
                    own, passed, count = labels[y, x], 0.0, 0
                kept = signal[y, x] >= limit[own]
                passed += signal[y, x] if kept else 0.0
                count += kept
        total[own] += passed
        pixels[own] += count
    return total, pixels


@njit(cache=True, nogil=True)
def _cut(labels: np.ndarray, signal: np.ndarray, runs: Runs, limit: np.ndarray) -> None:
    for y in range(labels.shape[0]):
        row = labels[y]
        for k in range(runs.first[y], runs.first[y + 1]):
            for x in range(runs.ends[k, 0], runs.ends[k, 1]):
                row[x] = row[x] if signal[y, x] >= limit[row[x]] else 0


def trim(
    labels: np.ndarray,
    signal: np.ndarray,
    n: int,
    fraction: float,
    rounds: int,
    runs: Runs | None = None,
) -> None:
    """Take from each object, in place, the pixels below a fraction of its own mean signal.

    The mean is that of the pixels kept in the round before, so it settles on the object's core.

    Parameters
    ----------
    labels : numpy.ndarray
        int32, shape (H, W), 1 to n.
    signal : numpy.ndarray
        float32, shape (H, W), over background.
    n : int
        Number of objects.
    fraction : float
        0.5 puts the outline at half height.
    rounds : int
        How often the mean is taken.
    runs : Runs, optional
        Where labels may be, where that is known already.
    """
    runs = runs_of(labels) if runs is None else runs
    limit = np.full(n + 1, -np.inf, np.float32)
    for _ in range(rounds):
        total, pixels = _kept_sums(labels, signal, runs, limit)
        limit = (fraction * total / np.maximum(pixels, 1)).astype(np.float32)
    _cut(labels, signal, runs, limit)


@njit(cache=True, nogil=True)
def _ellipse_fit(moments: np.ndarray) -> float:
    """Area over that of the ellipse with the same second moments: 1 for any ellipse.

    Two touching equal discs give 0.89. Moments are n, Σy, Σx, Σyy, Σxx, Σxy; a pixel is a
    square, whose own variance is 1/12.
    """
    n = moments[0]
    if n < 1:
        return 0.0
    y, x = moments[1] / n, moments[2] / n
    yy, xx = moments[3] / n - y * y + 1 / 12, moments[4] / n - x * x + 1 / 12
    xy = moments[5] / n - y * x
    return n / (4 * np.pi * np.sqrt(max(yy * xx - xy * xy, 1 / 144)))


@njit(cache=True, nogil=True)
def _add_stretch(moments: np.ndarray, y: int, first: int, after: int) -> None:
    """Add the moments of a row's pixels from one column to before another."""
    pixels, last = after - first, after - 1
    line = (first + last) * pixels / 2
    squares = last * (last + 1) * (2 * last + 1) / 6  # up to the last
    squares -= (first - 1) * first * (2 * first - 1) / 6  # less those before the first
    moments[0] += pixels
    moments[1] += y * pixels
    moments[2] += line
    moments[3] += y * y * pixels
    moments[4] += squares
    moments[5] += y * line


@njit(cache=True, nogil=True)
def _measured(
    labels: np.ndarray, height: np.ndarray, runs: Runs, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Moments and highest place of each basin."""
    moments, lowest = np.zeros((n + 1, 6)), np.float32(-np.inf)
    peak = np.full(n + 1, lowest)
    for y in range(labels.shape[0]):
        for k in range(runs.first[y], runs.first[y + 1]):
            first, after = runs.ends[k, 0], runs.ends[k, 1]
            own, highest = labels[y, first], lowest
            for x in range(first, after):
                if labels[y, x] != own:
                    _add_stretch(moments[own], y, first, x)
                    peak[own] = max(peak[own], highest)
                    own, first, highest = labels[y, x], x, lowest
                highest = max(highest, height[y, x])
            _add_stretch(moments[own], y, first, after)
            peak[own] = max(peak[own], highest)
    moments[0], peak[0] = 0, lowest
    return moments, peak


@njit(cache=True, nogil=True)
def _merged(
    moments: np.ndarray,
    peak: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    level: np.ndarray,
    weight: float,
    depth: float,
    small: float,
    large: float,
) -> np.ndarray:
    """Merge basins over their borders: pairs of them, with the level of the pass between them."""
    parent = np.arange(peak.size).astype(np.int32)
    order = np.argsort(-level, kind="mergesort")
    merged = True
    while merged:
        merged = False
        for edge in order:
            a, b = root(parent, low[edge]), root(parent, high[edge])
            if a == b:
                continue
            areas = moments[a, 0], moments[b, 0]
            both = moments[a] + moments[b]
            apart = areas[0] * _ellipse_fit(moments[a]) + areas[1] * _ellipse_fit(moments[b])
            gain = _ellipse_fit(both) - apart / max(both[0], 1.0)
            gain += weight * (depth - (min(peak[a], peak[b]) - level[edge]))
            gain += 0.1 * (min(areas) < small) - 0.1 * (both[0] > large)
            if gain > 0:
                moments[a], peak[a] = both, max(peak[a], peak[b])
                parent[b] = a
                merged = True
    return numbered(parent)


def merge(
    labels: np.ndarray,
    height: np.ndarray,
    n: int,
    weight: float,
    depth: float,
    small: float,
    large: float,
    runs: Runs | None = None,
) -> np.ndarray:
    """Merge touching basins that are more of an ellipse together than apart.

    The gain in ellipse fit, plus `weight` times how much shallower than `depth` the pass between
    them is, must be above 0; a basin under `small` pixels is favoured, a union over `large` is
    disfavoured by a tenth, what two discs lose against one.

    Parameters
    ----------
    labels : numpy.ndarray
        int32, shape (H, W), 1 to n.
    height : numpy.ndarray
        float32, shape (H, W).
    n : int
        Number of basins.
    weight, depth : float
        Worth of a shallow pass, and what is shallow, in units of the height.
    small, large : float
        Areas in pixels.
    runs : Runs, optional
        Where labels may be, where that is known already.

    Returns
    -------
    numpy.ndarray
        int32, shape (n + 1,): the number of the object, from 1 without gaps, that each basin is
        part of; 0 at place 0.
    """
    runs = runs_of(labels) if runs is None else runs
    moments, peak = _measured(labels, height, runs, n)
    return _merged(moments, peak, *borders(labels, height, runs, n), weight, depth, small, large)


@njit(cache=True, nogil=True)
def object_sums(
    labels: np.ndarray, signal: np.ndarray, objects: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Area, sum of a signal and its mean slope along the outline, of objects made of basins.

    Parameters
    ----------
    labels : numpy.ndarray
        int32, shape (H, W): the basins, 0 outside.
    signal : numpy.ndarray
        Shape (H, W), any real dtype.
    objects : numpy.ndarray
        int32: the object, 1 to n, that each basin is part of; 0 at place 0.
    n : int
        Number of objects.

    Returns
    -------
    area, total, slope : numpy.ndarray
        float64, shape (n + 1,), in pixels, in the signal's unit, and per pixel; index 0 is 0. The
        image's own edge is no outline.
    """
    rows, columns = labels.shape
    area, total = np.zeros(n + 1), np.zeros(n + 1)
    slope, count = np.zeros(n + 1), np.zeros(n + 1)
    for y in range(rows):
        for x in range(columns):
            if labels[y, x] == 0:
                continue
            i = objects[labels[y, x]]
            area[i] += 1
            total[i] += signal[y, x]
            if y == 0 or x == 0 or y == rows - 1 or x == columns - 1:
                continue
            above, below = labels[y - 1, x], labels[y + 1, x]
            left, right = labels[y, x - 1], labels[y, x + 1]
            own = labels[y, x]
            if above == own and below == own and left == own and right == own:
                continue
            if (
                objects[above] == i
                and objects[below] == i
                and objects[left] == i
                and objects[right] == i
            ):
                continue
            down = signal[y + 1, x] - signal[y - 1, x]
            across = signal[y, x + 1] - signal[y, x - 1]
            slope[i] += 0.5 * np.sqrt(down * down + across * across)
            count[i] += 1
    return area, total, slope / np.maximum(count, 1)


def steepness(labels: np.ndarray, signal: np.ndarray, n: int) -> np.ndarray:
    """Mean slope of a signal along each object's outline.

    Parameters
    ----------
    labels : numpy.ndarray
        int32, shape (H, W), 1 to n.
    signal : numpy.ndarray
        Shape (H, W), any real dtype.
    n : int
        Number of objects.

    Returns
    -------
    numpy.ndarray
        float64, shape (n + 1,), per pixel; index 0 is background's, 0.
    """
    return object_sums(labels, signal, np.arange(n + 1, dtype=np.int32), n)[2]
