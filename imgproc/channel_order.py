"""Whether the channel said to be nuclear and the marker's have changed places."""

import cv2
import numpy as np
from numba import njit

from .labelled import label_means, renumbered
from .nuclei import SMALLEST_DIAMETER_PX, segment_nuclei, typical_diameter_px

_MIDDLE_PX = 768  # of the field, looked at for the size of what it holds
_AT_LEAST = 20  # objects that a share is taken of
_SIZE_RATIO = 1.5  # nuclei are that much larger than what membranes or noise are made of
_COMPACT = 0.6  # inscribed circle over circle of equal area: 1 for a disc, near 0 for a line
_COMPACT_SHARE = 0.9

# A nuclear stain binds DNA, of which every nucleus has as much as another, or twice as much in
# G2: few are dark in it. A marker may be missing from any of them. Of 295 real images of nuclear
# stains with 20 nuclei or more (BBBC038), one nucleus in ten is dark in 5, three in twenty in 2;
# and for a false alarm the marker would have to be in all nuclei, too.
_DIAMETERS = 48  # side of the square looked at: hundreds of nuclei of a tissue
_REDUCED_PX = 8.0  # a nucleus's diameter in its reduced copy
_DARK = 0.25  # of the brightness of the bright nuclei: half of the least that a whole nucleus has
_OUTLIERS = 2.5  # percent: the brightest, debris and dying cells, count as bright as the next
_DARK_IN_STAIN = 0.1  # at most: nuclei out of focus, cut, or found where there is none
_DARK_IN_MARKER = 0.15  # at least


def channels_look_swapped(nuclei: np.ndarray, marker: np.ndarray, found: np.ndarray) -> bool:
    """Say whether the marker's channel looks like the nuclear stain and the other one doesn't.

    Two things are looked for, each in the middle of the field:

    - The marker's channel is made of compact objects (at least 20, nine in ten compact) of a size
      1.5 times that of the structures in the channel said to be nuclear, which aren't compact:
      membranes, granules or noise. Not so where that channel is bright in what was found there, in
      nearly all of it and nowhere else, and that is compact.
    - Both channels show nuclei; of all nuclei that either shows, nearly all (nine in ten) are
      bright in the marker's channel, and many (three in twenty, and at least 20) are dark in the
      channel said to be nuclear. DNA is in every nucleus, a marker needn't be.

    The second works on a copy in which a nucleus is 8 pixels wide.

    A marker that is in more than four fifths of all nuclei, or as evenly in them as DNA, can't
    be told from a nuclear stain.

    Parameters
    ----------
    nuclei, marker : numpy.ndarray
        The channels, shape (H, W), real numbers.
    found : numpy.ndarray
        What was found in the nuclear channel, label image of shape (H, W).

    Returns
    -------
    bool
    """
    if nuclei.size == 0:
        return False
    first, second, held = (_middle(plane, _MIDDLE_PX) for plane in (nuclei, marker, found))
    step = max(1, round(_diameter(held, second) / _REDUCED_PX))
    side = round(_DIAMETERS * _REDUCED_PX) * step
    stain, other = (_reduced(_middle(plane, side), step) for plane in (nuclei, marker))
    labels = _thinned(_middle(found, side), step)
    if _marker_fills_more(stain, other, labels):
        return True
    # what a network takes for nuclei is compact whatever it is shown
    if _look_like_nuclei(labels, stain) and _are_compact(held):
        return False
    return _only_marker_is_compact(first, second)


def _middle(plane: np.ndarray, side: int) -> np.ndarray:
    top, left = (max(0, (length - side) // 2) for length in plane.shape)
    return plane[top : top + side, left : left + side]


def _only_marker_is_compact(nuclei: np.ndarray, marker: np.ndarray) -> bool:
    if typical_diameter_px(marker) < _SIZE_RATIO * typical_diameter_px(nuclei):
        return False
    return not _are_compact(segment_nuclei(nuclei)) and _are_compact(segment_nuclei(marker))


def _are_compact(labels: np.ndarray) -> bool:
    """Say whether these are many objects, nine in ten of them compact."""
    inner = cv2.distanceTransform((labels > 0).view(np.uint8), cv2.DIST_L2, 5)
    area, deepest = _areas_and_depths(np.ascontiguousarray(labels), inner)
    present = np.flatnonzero(area[1:]) + 1
    if present.size < _AT_LEAST:
        return False
    compact = deepest[present] > _COMPACT * np.sqrt(area[present] / np.pi)
    return float(np.mean(compact)) >= _COMPACT_SHARE


@njit(cache=True, nogil=True)
def _areas_and_depths(labels: np.ndarray, inner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give each label's pixels, and the largest value that another image has in it."""
    n = labels.max() + 1 if labels.size else 1
    area, deepest = np.zeros(n, np.int64), np.zeros(n, np.float32)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            area[labels[y, x]] += 1
            deepest[labels[y, x]] = max(deepest[labels[y, x]], inner[y, x])
    return area, deepest


def _marker_fills_more(first: np.ndarray, second: np.ndarray, labels: np.ndarray) -> bool:
    """Say whether all nuclei are bright in the second channel, and not in the first."""
    signal = second - _between(labels, second)
    levels = _levels(labels, signal)
    if _dark_share(levels) > 2 * _DARK_IN_STAIN:  # of few objects some may be debris
        return False  # as of most markers: the rest of the work is for the few others
    if _outside_share(labels, signal, levels) > _DARK_IN_STAIN:
        others = segment_nuclei(second)
        if not _are_compact(others):
            return False
        labels = _united(others, labels)
        levels = _levels(labels, second - _between(labels, second))
    dark = _dark_share(_levels(labels, first - _between(labels, first)))
    return (
        dark >= _DARK_IN_MARKER
        and dark * levels.size >= _AT_LEAST
        and _dark_share(levels) <= _DARK_IN_STAIN
    )


def _look_like_nuclei(labels: np.ndarray, plane: np.ndarray) -> bool:
    """Say whether a channel is bright in what was found there, in nearly all, and nowhere else."""
    signal = plane - _between(labels, plane)
    levels = _levels(labels, signal)
    outside = _outside_share(labels, signal, levels)
    return max(outside, _dark_share(levels)) <= _DARK_IN_STAIN


def _diameter(found: np.ndarray, marker: np.ndarray) -> float:
    """Give the diameter of the median object in pixels, or where few are found the blobs'."""
    areas = np.bincount(found.ravel())[1:]
    areas = areas[areas > 0]
    if areas.size < _AT_LEAST:
        return typical_diameter_px(marker)
    return max(SMALLEST_DIAMETER_PX, 2 * float(np.sqrt(np.median(areas) / np.pi)))


def _reduced(plane: np.ndarray, step: int) -> np.ndarray:
    """Average squares of pixels; what isn't finite counts as the darkest."""
    height, width = (length // step * step for length in plane.shape)
    small = plane[:height, :width].astype(np.float32)
    if not np.isfinite(small).all():
        small = np.where(np.isfinite(small), small, small[np.isfinite(small)].min(initial=0))
    if step == 1:
        return small
    return cv2.resize(small, (width // step, height // step), interpolation=cv2.INTER_AREA)


def _thinned(labels: np.ndarray, step: int) -> np.ndarray:
    """Take the middle of each square of pixels, and number what is left from 1."""
    height, width = (length // step for length in labels.shape)
    thin = labels[step // 2 :: step, step // 2 :: step][:height, :width]
    return renumbered(thin)


def _levels(labels: np.ndarray, signal: np.ndarray) -> np.ndarray:
    """Give the mean of each object, from 0 to that of the brightest but the outliers."""
    levels = label_means(labels, signal, int(labels.max(initial=0)))
    if levels.size == 0:
        return levels
    return np.clip(levels, 0, max(0.0, float(np.percentile(levels, 100 - _OUTLIERS))))


def _bright(levels: np.ndarray) -> float:
    """Give the average weighted by the signal itself: that of the bright ones, be they few."""
    total = float(levels.sum())
    return float((levels**2).sum()) / total if total > 0 else np.inf


def _dark_share(levels: np.ndarray) -> float:
    """Give the share of objects that are dark beside the bright ones; 0 without any."""
    return float(np.mean(levels < _DARK * _bright(levels))) if levels.size else 0.0


def _outside_share(labels: np.ndarray, signal: np.ndarray, levels: np.ndarray) -> float:
    """Give the share of the bright pixels that no object holds or touches."""
    bright = signal > 0.5 * _bright(levels)
    if not bright.any():
        return 1.0
    near = cv2.dilate((labels > 0).view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return float(np.mean(~near[bright]))


def _between(labels: np.ndarray, plane: np.ndarray) -> np.ndarray:
    """Give the mean level between the objects, over squares of four diameters."""
    side = 2 * round(2 * _REDUCED_PX) + 1
    outside = cv2.erode((labels == 0).view(np.uint8), np.ones((3, 3), np.uint8))
    outside = outside.astype(np.float32)
    room = cv2.blur(outside, (side, side))
    level: np.ndarray = cv2.blur(plane * outside, (side, side)) / np.maximum(room, 1e-3)
    return level


def _united(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Give the objects of one label image, and those of another that lie mostly outside them."""
    areas = np.maximum(np.bincount(second.ravel()), 1)
    outside = np.bincount(second.ravel(), (first == 0).ravel(), areas.size) > 0.5 * areas
    outside[0] = False
    added = np.where(outside[second] & (first == 0), second + int(first.max(initial=0)), first)
    return renumbered(added)
