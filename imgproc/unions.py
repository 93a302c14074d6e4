"""Numbers that have become one: the sets of a union and find."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def root(parent: np.ndarray, i: int) -> int:
    """Give the number that stands for a set, and shorten the way to it.

    Parameters
    ----------
    parent : numpy.ndarray
        Whole numbers: what each number has joined, itself if nothing; changed in place.
    i : int
        A number of the set.

    Returns
    -------
    int
    """
    top = i
    while parent[top] != top:
        top = parent[top]
    while parent[i] != top:
        parent[i], i = top, parent[i]
    return top


@njit(cache=True, nogil=True)
def numbered(parent: np.ndarray) -> np.ndarray:
    """Number the sets from 1 in order of their roots, and give each number its set's.

    Parameters
    ----------
    parent : numpy.ndarray
        Whole numbers: what each number has joined, itself if nothing. Number 0 is left out.

    Returns
    -------
    numpy.ndarray
        int32, of the same length, 0 at place 0.
    """
    number = np.zeros(parent.size, np.int32)
    n = 0
    for i in range(1, parent.size):
        if parent[i] == i:
            n += 1
            number[i] = n
    for i in range(1, parent.size):
        number[i] = number[root(parent, i)]
    return number
