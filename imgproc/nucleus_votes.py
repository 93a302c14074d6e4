"""From the network's maps to nuclei: every pixel votes for the centre of its nucleus."""

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from skimage.measure import label

from .cells import expand_cells
from .flooding import flood
from .nucleus_network import DIAMETER_PX, NucleusMaps

_SMALLEST_PX = 12
_BEYOND_PX = 2.0  # labels reach a little further before they are cut at the outline


@dataclass(frozen=True)
class Decoding:
    """The constants of decoding, at the canonical scale.

    `benchmarks/nucleus_decoding.py` prints how they were chosen: on the images that the network was
    trained on and on the types kept apart for validation.

    Attributes
    ----------
    inside : float
        Probability from which a pixel is nucleus: learning weighed nuclei more than ground.
    vote_blur_px : float
        The votes of a nucleus of 20 px spread about so far.
    least_votes : float
        Pixels whose votes make a centre.
    valley : float
        Two centres are two if the votes between them fall by this share.
    dimmest : float
        Mean probability below which an object is haze.
    smallest : float
        Share of the median area below which an object is a fragment.
    """

    inside: float = 0.6
    vote_blur_px: float = 1.5
    least_votes: float = 9.0
    valley: float = 0.4
    dimmest: float = 0.86
    smallest: float = 0.06


DECODING = Decoding()


@njit(cache=True)
def _votes(inside: np.ndarray, way: np.ndarray) -> np.ndarray:
    """Count how many pixels point to each place, shared between the four pixels around it."""
    height, width = inside.shape
    count = np.zeros((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            if not inside[y, x]:
                continue
            v = min(max(y + way[0, y, x], 0.0), height - 1.0)
            u = min(max(x + way[1, y, x], 0.0), width - 1.0)
            top, left = int(v), int(u)
            below, right = min(top + 1, height - 1), min(left + 1, width - 1)
            dy, dx = v - top, u - left
            count[top, left] += (1 - dy) * (1 - dx)
            count[top, right] += (1 - dy) * dx
            count[below, left] += dy * (1 - dx)
            count[below, right] += dy * dx
    return count


@njit(cache=True)
def _assigned(inside: np.ndarray, way: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Give each pixel the number of the centre that it points to, 0 if there is none."""
    height, width = inside.shape
    labels = np.zeros((height, width), np.int32)
    for y in range(height):
        for x in range(width):
            if inside[y, x]:
                v = int(min(max(y + way[0, y, x] + 0.5, 0.0), height - 1.0))
                u = int(min(max(x + way[1, y, x] + 0.5, 0.0), width - 1.0))
                labels[y, x] = centres[v, u]
    return labels


def centres(maps: NucleusMaps, decoding: Decoding = DECODING) -> np.ndarray:
    """Number the places that pixels vote for.

    Parameters
    ----------
    maps : NucleusMaps
        The network's.
    decoding : Decoding
        Constants.

    Returns
    -------
    numpy.ndarray
        int32, shape (H, W): around each centre its number, from 1; 0 elsewhere.
    """
    votes = _votes(_inside(maps, decoding), maps.way_px())
    spread = decoding.vote_blur_px
    blurred_peak = np.float32(2 * np.pi * spread**2)  # blur lowers a point's votes by this factor
    votes = cv2.GaussianBlur(votes, (0, 0), spread) * blurred_peak
    # a valley is a share of its peak, so basins are looked for in the logarithm
    height = np.log(np.maximum(votes, 1.0))
    basins, n = flood(height, votes > 1.0, -np.log(1 - decoding.valley))
    peak = np.zeros(n + 1, np.float32)
    np.maximum.at(peak, basins.ravel().astype(np.intp), votes.ravel())
    peak[0] = 0
    strong = peak >= decoding.least_votes
    return (np.cumsum(strong) * strong).astype(np.int32)[basins]


def _inside(maps: NucleusMaps, decoding: Decoding) -> np.ndarray:
    return maps.foreground >= round(255 * decoding.inside)


def decoded(maps: NucleusMaps, decoding: Decoding = DECODING) -> np.ndarray:
    """Turn the network's maps into label images.

    Pixels of a nucleus point to the same place; a centre is a peak of their votes. What points
    to no centre goes to the nearest nucleus that it touches. Dim objects and fragments far
    smaller than the median nucleus are left out.

    Parameters
    ----------
    maps : NucleusMaps
        The network's, shape (H, W).
    decoding : Decoding
        Constants.

    Returns
    -------
    numpy.ndarray
        int32 labels of shape (H, W), 1 to n.
    """
    inside = _inside(maps, decoding)
    labels = _in_one_piece(_assigned(inside, maps.way_px(), centres(maps, decoding)))
    # pixels that point nowhere, and pieces apart, belong to what they touch
    labels = np.where(inside, expand_cells(labels, DIAMETER_PX / 4), 0).astype(np.int32)
    labels = _in_one_piece(labels)
    return _without_haze(labels, maps.foreground, decoding)


def _in_one_piece(labels: np.ndarray) -> np.ndarray:
    """Keep the largest connected piece of every object."""
    pieces = label(labels, background=0, connectivity=1)
    area = np.bincount(pieces.ravel())
    area[0] = 0
    owner = np.zeros(area.size, np.int64)
    owner[pieces.ravel()] = labels.ravel()
    order = np.argsort(area, kind="stable")
    largest = np.zeros(int(labels.max(initial=0)) + 1, np.int64)
    largest[owner[order]] = order  # the last writer is the largest
    kept = np.zeros(area.size, np.int32)
    kept[largest[1:]] = np.arange(1, largest.size)
    kept[0] = 0
    return kept[pieces]


def _without_haze(labels: np.ndarray, foreground: np.ndarray, decoding: Decoding) -> np.ndarray:
    """Leave out dim objects and fragments, and close the numbering."""
    area = np.bincount(labels.ravel())
    area[0] = 0
    if not area.any():
        return np.zeros(labels.shape, np.int32)
    mean = np.bincount(labels.ravel(), foreground.ravel()) / np.maximum(area, 1) / 255
    bright = (area > 0) & (mean >= decoding.dimmest)
    median = float(np.median(area[bright])) if bright.any() else 0.0
    kept = bright & (area >= max(_SMALLEST_PX, decoding.smallest * median))
    return (np.cumsum(kept) * kept).astype(np.int32)[labels]


def enlarged(
    labels: np.ndarray,
    maps: NucleusMaps,
    shape: tuple[int, int],
    decoding: Decoding = DECODING,
) -> np.ndarray:
    """Bring labels of the canonical scale to the image's own.

    The outline is that of the interpolated probability, so that it is as smooth as the image.

    Parameters
    ----------
    labels : numpy.ndarray
        int32, shape (H, W), from `decoded`.
    maps : NucleusMaps
        Of the same shape.
    shape : tuple of int
        The image's height and width.
    decoding : Decoding
        Constants.

    Returns
    -------
    numpy.ndarray
        int32 labels of the image's shape, 1 to n.
    """
    if labels.shape == shape:
        return labels
    size = shape[::-1]
    smaller = shape[0] < labels.shape[0]
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    probability = np.where(
        (labels == 0) & _inside(maps, decoding), 0, maps.foreground
    )  # of what was left
    inside = cv2.resize(probability, size, interpolation=how) >= round(255 * decoding.inside)
    wide = expand_cells(labels, _BEYOND_PX).astype(np.float32)
    numbers = cv2.resize(wide, size, interpolation=cv2.INTER_NEAREST_EXACT).astype(np.int32)
    numbers[~inside] = 0
    present = np.bincount(numbers.ravel()) > 0
    present[0] = False
    return (np.cumsum(present) * present).astype(np.int32)[numbers]
