"""The outline of a lobe, drawn to the pixel within a band around a coarse one."""

import cv2
import numpy as np

from .glare import normalised_blur

_REACH_MM = 0.6  # over how far the two sides' colours are averaged
_SMOOTH_MM = 0.12  # an outline has no detail finer than this


def _eroded(mask: np.ndarray, distance: float) -> np.ndarray:
    padded = np.pad(mask, 1, mode="edge").astype(np.uint8)
    return cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1] > distance


def refine_edge(
    rgb: np.ndarray, mask: np.ndarray, *, px_per_mm: float, off_mm: float
) -> np.ndarray:
    """Draw a lobe's outline where the colour changes from the lobe's to the background's.

    Within a band around the coarse outline each pixel goes to the side whose colour nearby
    (CIE Lab, averaged along the inner and the outer border of the band) it resembles more.

    Parameters
    ----------
    rgb : numpy.ndarray of float32, shape (H, W, 3)
        Photo between 0 and 1.
    mask : numpy.ndarray of bool, shape (H, W)
        Coarse mask.
    px_per_mm : float
        Scale of both.
    off_mm : float
        How far the coarse outline may be off: half the band's width.

    Returns
    -------
    numpy.ndarray of bool, shape (H, W)
    """
    band = off_mm * px_per_mm
    inner, outer = _eroded(mask, band), _eroded(~mask, band)
    if not inner.any() or not outer.any():
        return mask
    lab = cv2.cvtColor(cv2.GaussianBlur(rgb, (0, 0), 0.7), cv2.COLOR_RGB2LAB)
    sigma = _REACH_MM * px_per_mm
    near = [normalised_blur(lab, side.astype(np.float32), sigma) for side in (inner, outer)]
    distance = [((lab - level) ** 2).sum(axis=2) for level in near]
    lobe = inner | (~outer & (distance[0] < distance[1]))
    soft = cv2.GaussianBlur(lobe.astype(np.float32), (0, 0), _SMOOTH_MM * px_per_mm)
    return _largest(soft > 0.5)


def _largest(mask: np.ndarray) -> np.ndarray:
    """The largest connected piece, with its holes filled."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=4
    )
    if count < 2:
        return mask
    lobe = pieces == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    padded = np.pad(~lobe, 1, constant_values=True).astype(np.uint8)
    _, outside = cv2.connectedComponents(padded, connectivity=4)
    return (outside != outside[0, 0])[1:-1, 1:-1]
