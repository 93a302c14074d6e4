"""Erosion by discs, at a cost that grows with their radius and not with their area."""

import cv2
import numpy as np
from numba import njit

_FEW = 5  # pixels of radius, below which cv2's own way is as fast


@njit(cache=True, nogil=True)
def _lesser(one: np.ndarray, other: np.ndarray, out: np.ndarray) -> None:
    # not in place: stores under a condition are slow
    for x in range(out.size):
        out[x] = one[x] if one[x] < other[x] else other[x]


@njit(cache=True, nogil=True)
def _erode(padded: np.ndarray, halves: np.ndarray, out: np.ndarray) -> None:
    """Erode by a shape of centred rows of so many pixels to either side of the middle.

    The minimum over a row of each half width comes from that of the one before; each row of the
    image gives its share to all rows within reach, which wait in line.
    """
    reach = (halves.size - 1) // 2
    columns, wide = out.shape[1], padded.shape[1]
    waiting = np.full((2 * reach + 2, columns), np.inf, np.float32)
    least, pair = np.empty((reach + 1, wide), np.float32), np.empty(wide, np.float32)
    for y in range(padded.shape[0]):
        least[0] = padded[y]
        for half in range(1, reach + 1):
            before, after, last = least[half - 1], least[half - 1], wide - half
            if half == 1:  # else the two overlap in the middle
                _lesser(before[: wide - 1], before[1:], pair[: wide - 1])
                before = pair
            left, right = before[half - 1 : last - 1], after[half + 1 :]
            _lesser(left, right, least[half, half:last])
        for place in range(2 * reach + 1):
            part = least[halves[place], reach : wide - reach]
            _lesser(waiting[place + 1], part, waiting[place])
        if y >= 2 * reach:
            out[y - 2 * reach] = waiting[0]


def eroded(plane: np.ndarray, radius_px: int) -> np.ndarray:
    """Give the least value within a disc about each pixel.

    Equal to ``cv2.erode`` with an elliptic element of ``2 radius + 1`` pixels and the image
    mirrored at its edges.

    Parameters
    ----------
    plane : numpy.ndarray
        float32, shape (H, W), without NaN.
    radius_px : int
        At least 1.

    Returns
    -------
    numpy.ndarray
        float32, shape (H, W).
    """
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1, 2 * radius_px + 1))
    if radius_px < _FEW:
        return cv2.erode(plane, element, borderType=cv2.BORDER_REFLECT_101)
    margins = (radius_px, radius_px, radius_px, radius_px)
    padded = cv2.copyMakeBorder(plane, *margins, cv2.BORDER_REFLECT_101)
    out = np.empty(plane.shape, np.float32)
    _erode(padded, (element.sum(axis=1, dtype=np.int64) - 1) // 2, out)
    return out
