"""The nearest label of every pixel within a distance, exactly."""

import numpy as np
from numba import njit

_WINDOW_REACH = 60.0  # pixels up to which trying every column within reach is the faster way
_BITS = 7  # that a column's place within reach takes
_COLUMNS = 2**_BITS


@njit(cache=True, nogil=True)
def _gaps_above(labels: np.ndarray, far: int) -> np.ndarray:
    """Give the distance to the nearest labelled pixel above in the column, at most `far`."""
    height, width = labels.shape
    gaps = np.empty((height, width), np.uint8)
    farthest = np.float32(far)
    above = np.full(width, farthest, np.float32)
    for y in range(height):
        for x in range(width):
            gap = above[x] + np.float32(1)
            gap = gap if gap < farthest else farthest
            above[x] = np.float32(0) if labels[y, x] > 0 else gap
            gaps[y, x] = np.uint8(above[x])
    return gaps


@njit(cache=True, nogil=True)
def _gaps_of_row(
    labels: np.ndarray,
    above: np.ndarray,
    below: np.ndarray,
    gaps: np.ndarray,
    ways: np.ndarray,
    farthest: np.float32,
) -> None:
    """Go up a row: renew the gaps below, and give the squared lesser gap and the rows to it."""
    for x in range(labels.size):
        gap = below[x] + np.float32(1)
        gap = gap if gap < farthest else farthest
        gap = np.float32(0) if labels[x] > 0 else gap
        below[x] = gap
        other = np.float32(above[x])
        ways[x] = -other if other <= gap else gap
        gap = other if other <= gap else gap
        gaps[x] = np.float32(_COLUMNS) * gap * gap


@njit(cache=True, nogil=True)
def _row_keys(gaps: np.ndarray, reach: int, keys: np.ndarray, spare: np.ndarray) -> np.ndarray:
    """Give each pixel's least squared distance over all columns in reach, and the column.

    Both stand in one number, so that several pixels are compared at once. The lesser is written
    elsewhere than where it is read from: a store under a condition is slow.
    """
    width = keys.size
    keys[:] = np.float32(_COLUMNS * 4 * (reach + 1) ** 2)
    for shift in range(2 * reach + 1):
        added = np.float32(_COLUMNS * (shift - reach) ** 2 + shift)
        part = gaps[shift : shift + width]
        for x in range(width):
            here = part[x] + added
            spare[x] = here if here < keys[x] else keys[x]
        keys, spare = spare, keys
    return keys


@njit(cache=True, nogil=True)
def _by_window(labels: np.ndarray, inner: float, outer: float) -> np.ndarray:
    """Try, for each pixel, the nearest labelled pixel of every column within reach."""
    height, width = labels.shape
    reach = int(outer)
    far = np.float32(reach + 1)
    least = -1 if inner < 0 else int(inner * inner)
    limit = int(outer * outer)
    above = _gaps_above(labels, reach + 1)
    below, ways = np.full(width, far, np.float32), np.empty(width, np.float32)
    gaps = np.full(width + 2 * reach, np.float32(_COLUMNS) * far * far, np.float32)
    keys, spare = np.empty(width, np.float32), np.empty(width, np.float32)
    out = np.zeros(labels.shape, np.int32)
    for y in range(height - 1, -1, -1):
        _gaps_of_row(labels[y], above[y], below, gaps[reach : reach + width], ways, far)
        found = _row_keys(gaps, reach, keys, spare)
        for x in range(width):
            if labels[y, x] > 0:
                out[y, x] = labels[y, x] if inner < 0 else 0
                continue
            key = np.int32(found[x])
            square = key >> _BITS
            if least < square <= limit:
                u = x + (key & (_COLUMNS - 1)) - reach
                out[y, x] = labels[y + np.int32(ways[u]), u]
    return out


@njit(cache=True, nogil=True)
def _nearest_in_column(labels: np.ndarray, gap: np.ndarray, owner: np.ndarray, far: int) -> None:
    """Write for each pixel the vertical distance to the nearest labelled one, and its label."""
    height, width = labels.shape
    for y in range(height):
        for x in range(width):
            if labels[y, x] > 0:
                gap[y, x], owner[y, x] = 0, labels[y, x]
            elif y > 0 and gap[y - 1, x] < far:
                gap[y, x], owner[y, x] = gap[y - 1, x] + 1, owner[y - 1, x]
            else:
                gap[y, x], owner[y, x] = far, 0
    for y in range(height - 2, -1, -1):
        for x in range(width):
            if gap[y + 1, x] + 1 < gap[y, x]:
                gap[y, x], owner[y, x] = gap[y + 1, x] + 1, owner[y + 1, x]


@njit(cache=True, nogil=True)
def _nearest_in_row(
    gap: np.ndarray, owner: np.ndarray, out: np.ndarray, inner: float, outer: float
) -> None:
    """Take, along each row, the owner with the shortest straight line (lower envelope)."""
    height, width = gap.shape
    apex = np.empty(width, np.int64)  # columns whose parabolas make the lower envelope
    height_at = np.empty(width, np.int64)
    begins = np.empty(width + 1, np.float64)
    least, limit, far = inner * inner, outer * outer, int(outer) + 1
    for y in range(height):
        count = 0
        for x in range(width):
            if gap[y, x] >= far:
                continue
            rise = gap[y, x] * gap[y, x]
            crossing = -np.inf
            while count > 0:
                last, higher = apex[count - 1], rise - height_at[count - 1]
                crossing = 0.5 * (x + last)
                if higher != 0:
                    crossing = (higher + x * x - last * last) / (2.0 * (x - last))
                if crossing > begins[count - 1]:
                    break
                count -= 1
            if count == 0:
                crossing = -np.inf
            apex[count], height_at[count], begins[count] = x, rise, crossing
            count += 1
        if count == 0:
            continue
        begins[count] = np.inf
        k = 0
        for x in range(width):
            while begins[k + 1] < x:
                k += 1
            run = x - apex[k]
            nearest = run * run + height_at[k]
            if nearest <= limit and (nearest > least or inner < 0):
                out[y, x] = owner[y, apex[k]]


@njit(cache=True, nogil=True)
def _by_envelope(labels: np.ndarray, inner: float, outer: float) -> np.ndarray:
    """Take the lower envelope of the parabolas about each row's columns, whatever the reach.

    References
    ----------
    Felzenszwalb and Huttenlocher, Distance transforms of sampled functions. Theory Comput 2012;
    8: 415–428.
    """
    gap = np.empty(labels.shape, np.int32)
    owner = np.empty(labels.shape, np.int32)
    found = np.zeros(labels.shape, np.int32)
    _nearest_in_column(labels, gap, owner, int(outer) + 1)
    _nearest_in_row(gap, owner, found, inner, outer)
    return found


def nearest_labels(labels: np.ndarray, inner_px: float, outer_px: float) -> np.ndarray:
    """Give the label of the nearest labelled pixel, if it lies between two distances.

    Parameters
    ----------
    labels : numpy.ndarray
        Label image, shape (H, W), whole numbers, 0 is background.
    inner_px, outer_px : float
        Euclidean distances between pixel centres, in pixels: farther than the first (a negative
        one takes the labelled pixels themselves in), at most the second.

    Returns
    -------
    numpy.ndarray
        int32, shape (H, W), 0 where there is none. Of equally near ones the leftmost, then the
        upper one.
    """
    labels = np.ascontiguousarray(labels, np.int32)
    find = _by_window if outer_px <= _WINDOW_REACH else _by_envelope
    return find(labels, float(inner_px), float(outer_px))
