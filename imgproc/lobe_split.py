"""Lobes that touch in a photograph, told apart by the shape of their outline."""

import cv2
import numpy as np
from scipy import ndimage

MIN_SOLIDITY_GAIN = 0.04
"""A cut has to make the two parts this much more convex than the whole: a lobe's own notch (the
hilum) gains less, two lobes that touch gain more."""

_SMOOTHING_SHARE = 0.05
"""Smoothing of the distance map before its peaks are read, as a share of its maximum."""


def solidity(mask: np.ndarray) -> float:
    """Area of a mask divided by the area of its convex hull.

    Parameters
    ----------
    mask : numpy.ndarray of bool, shape (H, W)

    Returns
    -------
    float
        Between 0 and 1; 0 for an empty mask.
    """
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return 0.0
    points = np.concatenate(outlines)
    hull = np.zeros(mask.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(points), 1)
    return float(mask.sum() / max(int(hull.sum()), 1))


def _over_segment(mask: np.ndarray) -> np.ndarray:
    """Give every bulge of a mask its own label (watershed of the smoothed distance map)."""
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    sigma = max(1.0, _SMOOTHING_SHARE * float(distance.max()))
    smooth = cv2.GaussianBlur(distance, (0, 0), sigma)
    reach = 2 * round(2 * sigma) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    peaks = (smooth >= cv2.dilate(smooth, kernel)) & mask
    markers, _ = ndimage.label(peaks, structure=np.ones((3, 3)))
    from skimage.segmentation import watershed  # heavy, and rarely needed

    return watershed(-smooth, markers, mask=mask).astype(np.int32)


def _neighbours(parts: np.ndarray) -> set[tuple[int, int]]:
    """Pairs of labels that share a border."""
    pairs: set[tuple[int, int]] = set()
    for first, second in ((parts[:, :-1], parts[:, 1:]), (parts[:-1], parts[1:])):
        touching = (first != second) & (first > 0) & (second > 0)
        found = np.sort(np.stack([first[touching], second[touching]], axis=1), axis=1)
        pairs.update((int(a), int(b)) for a, b in np.unique(found, axis=0))
    return pairs


def _gain(parts: np.ndarray, first: int, second: int) -> float:
    """How much more convex two parts are than their union, weighted by area."""
    a, b = parts == first, parts == second
    weight = a.sum() / (a.sum() + b.sum())
    return float(weight * solidity(a) + (1 - weight) * solidity(b)) - solidity(a | b)


def split_touching(
    mask: np.ndarray, *, min_area_px: float, min_gain: float = MIN_SOLIDITY_GAIN
) -> np.ndarray:
    """Split one connected silhouette into lobes where that makes the parts clearly more convex.

    The silhouette is over-segmented at the peaks of its distance map; then the cut that gains the
    least is undone until every cut left gains at least `min_gain` of solidity and both of its
    sides are of a lobe's size.

    Parameters
    ----------
    mask : numpy.ndarray of bool, shape (H, W)
        One connected silhouette.
    min_area_px : float
        Area of the smallest lobe, in pixels.
    min_gain : float
        Least gain of solidity (area-weighted mean of the two parts minus that of their union).

    Returns
    -------
    numpy.ndarray of int32, shape (H, W)
        Labels 1..n; one label where nothing is to be cut.
    """
    return undo_weak_cuts(_over_segment(mask), min_area_px=min_area_px, min_gain=min_gain)


def undo_weak_cuts(
    parts: np.ndarray, *, min_area_px: float, min_gain: float = MIN_SOLIDITY_GAIN
) -> np.ndarray:
    """Join parts of a silhouette again, the weakest cut first, until every cut left is clear.

    Parameters
    ----------
    parts : numpy.ndarray of int32, shape (H, W)
        Labels of the parts.
    min_area_px, min_gain : float
        As of `split_touching`.

    Returns
    -------
    numpy.ndarray of int32, shape (H, W)
        Labels 1..n.
    """
    parts = parts.copy()
    while True:
        pairs = _neighbours(parts)
        if not pairs:
            break
        areas = np.bincount(parts.ravel())
        scores = {
            pair: -1.0 if min(areas[pair[0]], areas[pair[1]]) < min_area_px else _gain(parts, *pair)
            for pair in sorted(pairs)
        }
        weakest = min(scores, key=lambda pair: (scores[pair], pair))
        if scores[weakest] >= min_gain:
            break
        parts[parts == weakest[1]] = weakest[0]
    _, numbers = np.unique(parts, return_inverse=True)
    return numbers.reshape(parts.shape).astype(np.int32)
