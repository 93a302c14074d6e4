"""Runs of a mask: stretches of pixels that lie side by side in a row."""

from typing import NamedTuple

import numpy as np
from numba import njit


class Runs(NamedTuple):
    """The runs of a mask, row by row.

    Attributes
    ----------
    ends : numpy.ndarray
        int32, shape (n, 2): the column where each run begins, and the one after its last.
    first : numpy.ndarray
        int64, shape (rows + 1,): the runs of row y are ``ends[first[y]:first[y + 1]]``.
    """

    ends: np.ndarray
    first: np.ndarray


@njit(cache=True, nogil=True)
def runs_of(mask: np.ndarray) -> Runs:
    """Find the runs of a mask.

    Parameters
    ----------
    mask : numpy.ndarray
        Shape (H, W), bool or whole numbers: what isn't 0 counts.

    Returns
    -------
    Runs

    Examples
    --------
    >>> runs_of(np.array([[True, True, False], [False, True, False]])).ends.tolist()
    [[0, 2], [1, 2]]
    """
    height, width = mask.shape
    first = np.zeros(height + 1, np.int64)
    for y in range(height):
        count = np.int64(width > 0 and mask[y, 0] != 0)
        for x in range(1, width):
            count += (mask[y, x] != 0) & (mask[y, x - 1] == 0)
        first[y + 1] = first[y] + count
    ends = np.empty((first[height], 2), np.int32)
    places = ends.ravel()  # begin, end, begin, end …
    changes = np.empty(width + 2, np.int32)
    for y in range(height):
        number, before = 0, False
        for x in range(width):
            here = mask[y, x] != 0
            changes[number] = x
            number += here != before
            before = here
        changes[number] = width
        into = 2 * first[y]
        for k in range(2 * (first[y + 1] - first[y])):
            places[into + k] = changes[k]
    return Runs(ends, first)
