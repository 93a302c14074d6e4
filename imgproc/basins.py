"""Basins of a height image: found by flooding, merged where they are one object, trimmed."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _root(parent: np.ndarray, i: int) -> int:
    root = i
    while parent[root] != root:
        root = parent[root]
    while parent[i] != root:
        parent[i], i = root, parent[i]
    return root


@njit(cache=True, nogil=True)
def _numbered(parent: np.ndarray) -> np.ndarray:
    """Number the roots from 1 in order of first number, and give each number its root's."""
    number = np.zeros(parent.size, np.int32)
    n = 0
    for i in range(1, parent.size):
        if parent[i] == i:
            n += 1
            number[i] = n
    for i in range(1, parent.size):
        number[i] = number[_root(parent, i)]
    return number


@njit(cache=True, nogil=True)
def renumber(labels: np.ndarray, number: np.ndarray) -> None:
    """Give, in place, each label the number that stands at its place.

    Parameters
    ----------
    labels : numpy.ndarray
        int32, shape (H, W), 0 to n.
    number : numpy.ndarray
        int32, shape (n + 1,).
    """
    flat = labels.ravel()
    for p in range(flat.size):
        if flat[p] > 0:
            flat[p] = number[flat[p]]


@njit(cache=True, nogil=True)
def _framed(height: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Give the heights with a frame of lowest values, which is also what lies outside the mask."""
    rows, columns = height.shape
    framed = np.full((rows + 2, columns + 2), -np.inf, np.float32)
    for y in range(rows):
        for x in range(columns):
            if mask[y, x]:
                framed[y + 1, x + 1] = height[y, x]
    return framed


@njit(cache=True, nogil=True)
def _climbed(height: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give each pixel of the mask the number of the peak that the steepest way up ends on.

    Of equally high neighbours the last in reading order is the way up, so that a plateau has one
    peak and no way goes in a circle. The peaks' heights stand at their numbers, from 1.
    """
    rows, columns = height.shape
    framed = _framed(height, mask)
    labels = np.zeros((rows, columns), np.int32)
    flat, inside = labels.ravel(), mask.ravel()
    upwards = np.empty(rows * columns, np.int32)
    peaks = [np.float32(0)]
    for y in range(rows):
        for x in range(columns):
            if not mask[y, x]:
                continue
            highest, way = framed[y + 1, x + 1], 0
            for v, u in ((0, 0), (0, 1), (0, 2), (1, 0)):
                if framed[y + v, x + u] > highest:
                    highest, way = framed[y + v, x + u], (v - 1) * columns + u - 1
            for v, u in ((1, 2), (2, 0), (2, 1), (2, 2)):
                if framed[y + v, x + u] >= highest:
                    highest, way = framed[y + v, x + u], (v - 1) * columns + u - 1
            upwards[y * columns + x] = y * columns + x + way
            if way == 0:
                labels[y, x] = len(peaks)
                peaks.append(highest)
    for start in range(flat.size):
        if not inside[start] or flat[start] > 0:
            continue
        place = start
        while flat[place] == 0:
            place = upwards[place]
        number, place = flat[place], start
        while flat[place] == 0:
            flat[place] = number
            place = upwards[place]
    return labels, np.array(peaks)


@njit(cache=True, nogil=True)
def flood(height: np.ndarray, mask: np.ndarray, depth: float) -> tuple[np.ndarray, int]:
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

    Returns
    -------
    labels : numpy.ndarray
        int32, shape (H, W), 1 to n in the mask, 0 outside.
    n : int
        Number of basins.
    """
    labels, peak = _climbed(height, mask)
    n = peak.size - 1
    low, high, level = _borders(labels, height, n)
    parent = np.arange(n + 1).astype(np.int32)
    for edge in np.argsort(-level, kind="mergesort"):
        a, b = _root(parent, low[edge]), _root(parent, high[edge])
        if a != b and min(peak[a], peak[b]) - level[edge] < depth:
            if peak[b] > peak[a]:
                a, b = b, a
            parent[b] = a
    number = _numbered(parent)
    renumber(labels, number)
    return labels, int(number.max())


@njit(cache=True, nogil=True)
def trim(labels: np.ndarray, signal: np.ndarray, n: int, fraction: float, rounds: int) -> None:
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
    """
    flat, values = labels.ravel(), signal.ravel()
    inside = 0
    for label in flat:
        inside += label > 0
    whose, held, count = np.empty(inside, np.int32), np.empty(inside, np.float32), 0
    for p in range(flat.size):
        if flat[p] > 0:
            whose[count], held[count] = flat[p], values[p]
            count += 1
    limit = np.full(n + 1, -np.inf, np.float32)
    for _ in range(rounds):
        total, pixels = np.zeros(n + 1), np.zeros(n + 1, np.int32)
        for p in range(inside):
            kept = held[p] >= limit[whose[p]]
            total[whose[p]] += held[p] if kept else np.float32(0)
            pixels[whose[p]] += kept
        for label in range(1, n + 1):
            limit[label] = fraction * total[label] / max(pixels[label], 1)
    for p in range(flat.size):
        if flat[p] > 0 and values[p] < limit[flat[p]]:
            flat[p] = 0


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
def _measured(labels: np.ndarray, height: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Moments and highest place of each basin."""
    moments = np.zeros((n + 1, 6))
    peak = np.full(n + 1, -np.inf)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            i = labels[y, x]
            if i > 0:
                moments[i, 0] += 1
                moments[i, 1] += y
                moments[i, 2] += x
                moments[i, 3] += y * y
                moments[i, 4] += x * x
                moments[i, 5] += x * y
                peak[i] = max(peak[i], height[y, x])
    return moments, peak


@njit(cache=True, nogil=True)
def _borders(
    labels: np.ndarray, height: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of touching basins and the height of the highest pass between them."""
    room = 16 * n + 16  # planar maps have fewer than 3 n borders; corners add some
    low, high = np.empty(room, np.int32), np.empty(room, np.int32)
    level = np.empty(room, np.float64)
    following, head = np.full(room, -1, np.int32), np.full(n + 1, -1, np.int32)
    count = 0
    rows, columns = labels.shape
    for y in range(rows):
        for x in range(columns):
            here = labels[y, x]
            if here == 0:
                continue
            if (  # as most are: inside a basin
                0 < x < columns - 1
                and y < rows - 1
                and labels[y, x + 1] == here
                and labels[y + 1, x] == here
                and labels[y + 1, x + 1] == here
                and labels[y + 1, x - 1] == here
            ):
                continue
            for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
                v, u = y + dy, x + dx
                if v >= rows or u < 0 or u >= columns:
                    continue
                there = labels[v, u]
                if there == 0 or there == here:
                    continue
                a, b = min(here, there), max(here, there)
                at = min(height[y, x], height[v, u])
                edge = head[a]
                while edge >= 0 and high[edge] != b:
                    edge = following[edge]
                if edge >= 0:
                    level[edge] = max(level[edge], at)
                elif count < room:
                    low[count], high[count], level[count] = a, b, at
                    following[count], head[a] = head[a], count
                    count += 1
    return low[:count], high[:count], level[:count]


@njit(cache=True, nogil=True)
def merge(
    labels: np.ndarray,
    height: np.ndarray,
    n: int,
    weight: float,
    depth: float,
    small: float,
    large: float,
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

    Returns
    -------
    numpy.ndarray
        int32, shape (n + 1,): the number of the object, from 1 without gaps, that each basin is
        part of; 0 at place 0.
    """
    moments, peak = _measured(labels, height, n)
    low, high, level = _borders(labels, height, n)
    parent = np.arange(n + 1).astype(np.int32)
    order = np.argsort(-level, kind="mergesort")
    merged = True
    while merged:
        merged = False
        for edge in order:
            a, b = _root(parent, low[edge]), _root(parent, high[edge])
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
    return _numbered(parent)


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
