"""Cells grown from their nuclei, and the compartments of a cell."""

import cv2
import numpy as np
from numba import njit

from .errors import MeasurementError
from .nearest import nearest_labels


def surroundings(nuclei: np.ndarray, inner_px: float, outer_px: float) -> np.ndarray:
    """Give each nucleus the ring around it from one distance to another, in one pass.

    Equal to `expand_cells` by the outer distance, without what it gives by the inner one.

    Parameters
    ----------
    nuclei : numpy.ndarray
        Label image, shape (H, W), whole numbers, 0 is background.
    inner_px, outer_px : float
        Distances from the nucleus, in pixels.

    Returns
    -------
    numpy.ndarray
        int32 labels of shape (H, W): of the nearest nucleus, in the rings only.
    """
    return nearest_labels(nuclei, inner_px, outer_px)


def expand_cells(nuclei: np.ndarray, distance_px: float) -> np.ndarray:
    """Grow nuclei into cells up to a distance, without overlap.

    Every pixel within `distance_px` (Euclidean, between pixel centres) of a nucleus goes to the
    nearest one, as in `skimage.segmentation.expand_labels`; pixels at equal distances from two
    nuclei go to either.

    Parameters
    ----------
    nuclei : numpy.ndarray
        Label image, shape (H, W), whole numbers, 0 is background.
    distance_px : float
        Largest distance from the nucleus, in pixels, at least 0.

    Returns
    -------
    numpy.ndarray
        int32 labels of shape (H, W), with the numbers of the nuclei.

    Raises
    ------
    MeasurementError
        If the labels aren't 2-D or the distance is negative.
    """
    nuclei = np.ascontiguousarray(nuclei, np.int32)
    if nuclei.ndim != 2 or not distance_px >= 0:
        raise MeasurementError(
            f"cells grow in a 2-D label image by a distance of 0 or more; the labels have shape "
            f"{nuclei.shape}, the distance is {distance_px}",
            "give one plane of labels and a distance that isn't negative",
        )
    return nearest_labels(nuclei, -1.0, distance_px)


NUCLEUS, CYTOPLASM, MEMBRANE = 1, 2, 3  # of a cell's pixels, in a map of its parts


def _disc(radius: float) -> np.ndarray:
    reach = int(radius)
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    return (y * y + x * x <= radius * radius).astype(np.uint8)


def _compact(labels: np.ndarray) -> np.ndarray:
    """Give the labels in the smallest type that cv2's morphology takes and that holds them."""
    return labels.astype(np.uint16 if labels.max(initial=0) < 2**16 else np.float64)


def near_outlines(labels: np.ndarray, width_px: float) -> np.ndarray:
    """Mark objects' pixels near their outlines.

    Parameters
    ----------
    labels : numpy.ndarray
        Label image, shape (H, W), whole numbers, 0 is background.
    width_px : float
        How far from the outline, in pixels between pixel centres.

    Returns
    -------
    numpy.ndarray
        bool, shape (H, W): in an object, and within `width_px` of a pixel of another label
        (background is one). The image's edge is no outline.
    """
    return np.asarray(np.not_equal(*_extremes(labels, width_px)) & (labels > 0))


def _extremes(labels: np.ndarray, width_px: float) -> tuple[np.ndarray, np.ndarray]:
    """Give the largest and the smallest label within a distance of each pixel."""
    small = _compact(labels)
    if labels.size == 0:
        return small, small
    near = _disc(width_px)
    return cv2.dilate(small, near), cv2.erode(small, near)


@njit(cache=True, nogil=True)
def _parts(
    nuclei: np.ndarray, cells: np.ndarray, largest: np.ndarray, smallest: np.ndarray
) -> np.ndarray:
    parts = np.empty(cells.shape, np.uint8)
    for y in range(cells.shape[0]):
        for x in range(cells.shape[1]):
            ring = MEMBRANE if largest[y, x] != smallest[y, x] else CYTOPLASM
            part = NUCLEUS if nuclei[y, x] > 0 else ring
            parts[y, x] = part if cells[y, x] != 0 else 0
    return parts


def cell_parts(nuclei: np.ndarray, cells: np.ndarray, membrane_width_px: float) -> np.ndarray:
    """Divide cells into nucleus, cytoplasm and membrane.

    The membrane band is what lies in a cell within `membrane_width_px` of its outline, outside
    the nucleus; each of two neighbours keeps its own side of a shared outline. The cytoplasm is
    the rest of the ring around the nucleus. The image's edge is no outline.

    Parameters
    ----------
    nuclei, cells : numpy.ndarray
        Label images of shape (H, W) with the same numbers.
    membrane_width_px : float
        Width of the band inside the outline, in pixels; below 1 there is no band and all of the
        ring is cytoplasm.

    Returns
    -------
    numpy.ndarray
        uint8, shape (H, W): `NUCLEUS`, `CYTOPLASM`, `MEMBRANE`, 0 outside cells.
    """
    nuclei = np.ascontiguousarray(nuclei, np.int32)
    cells = np.ascontiguousarray(cells, np.int32)
    return _parts(nuclei, cells, *_extremes(cells, membrane_width_px))
