"""Connected parts of a mask, found by its runs: by size, and by whether they touch the edge."""

import numpy as np
from numba import njit

from .runs import runs_of
from .unions import root


@njit(cache=True, nogil=True)
def _joined(ends: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Root of every run: runs that touch in neighbouring rows (4-connected) share one."""
    parent = np.arange(len(ends)).astype(np.int32)
    for y in range(1, first.size - 1):
        above = first[y - 1]
        for k in range(first[y], first[y + 1]):
            while above < first[y] and ends[above, 1] <= ends[k, 0]:
                above += 1
            over = above
            while over < first[y] and ends[over, 0] < ends[k, 1]:
                a, b = root(parent, over), root(parent, k)
                if a != b:
                    parent[max(a, b)] = min(a, b)
                over += 1
    for k in range(parent.size):
        parent[k] = root(parent, k)
    return parent


@njit(cache=True, nogil=True)
def _sizes(ends: np.ndarray, roots: np.ndarray) -> np.ndarray:
    """Pixels of each part, at its root."""
    size = np.zeros(roots.size, np.int64)
    for k in range(roots.size):
        size[roots[k]] += ends[k, 1] - ends[k, 0]
    return size


@njit(cache=True, nogil=True)
def _at_edge(ends: np.ndarray, first: np.ndarray, roots: np.ndarray, width: int) -> np.ndarray:
    """Tell, at its root, whether a part touches the edge of the image."""
    found = np.zeros(roots.size, np.bool_)
    last = first.size - 2
    for y in range(last + 1):
        for k in range(first[y], first[y + 1]):
            if y == 0 or y == last or ends[k, 0] == 0 or ends[k, 1] == width:
                found[roots[k]] = True
    return found


@njit(cache=True, nogil=True)
def _painted(
    shape: tuple[int, int],
    ends: np.ndarray,
    first: np.ndarray,
    roots: np.ndarray,
    wanted: np.ndarray,
) -> np.ndarray:
    out = np.zeros(shape, np.bool_)
    for y in range(shape[0]):
        for k in range(first[y], first[y + 1]):
            if wanted[roots[k]]:
                out[y, ends[k, 0] : ends[k, 1]] = True
    return out


def large_parts(mask: np.ndarray, smallest_px: float) -> np.ndarray:
    """Keep the parts of a mask (4-connected) that have at least so many pixels.

    Parameters
    ----------
    mask : numpy.ndarray
        bool, shape (height, width).
    smallest_px : float
        Pixels.

    Returns
    -------
    numpy.ndarray
        bool, shape (height, width).

    Examples
    --------
    >>> large_parts(np.array([[True, True, False, True]]), 2).tolist()
    [[True, True, False, False]]
    """
    ends, first = runs_of(mask)
    roots = _joined(ends, first)
    return _painted(mask.shape, ends, first, roots, _sizes(ends, roots) >= smallest_px)


def enclosed_parts(mask: np.ndarray, smallest_px: float) -> tuple[np.ndarray, np.ndarray]:
    """Give the parts of a mask (4-connected) that don't touch the image's edge, by size.

    Parameters
    ----------
    mask : numpy.ndarray
        bool, shape (height, width).
    smallest_px : float
        From how many pixels a part is large.

    Returns
    -------
    small, large : numpy.ndarray
        bool, shape (height, width).
    """
    ends, first = runs_of(mask)
    roots = _joined(ends, first)
    inside = ~_at_edge(ends, first, roots, mask.shape[1])
    large = _sizes(ends, roots) >= smallest_px
    small, wide = (
        _painted(mask.shape, ends, first, roots, inside & chosen) for chosen in (~large, large)
    )
    return small, wide
