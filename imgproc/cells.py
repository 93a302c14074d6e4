"""Cells grown from their nuclei, and the compartments of a cell."""

import cv2
import numpy as np
from numba import njit

from .errors import MeasurementError


@njit(cache=True, nogil=True)
def _nearest_in_column(nuclei: np.ndarray, gap: np.ndarray, owner: np.ndarray, far: int) -> None:
    """Write for each pixel the vertical distance to the nearest labelled one, and its label."""
    height, width = nuclei.shape
    for y in range(height):
        for x in range(width):
            if nuclei[y, x] > 0:
                gap[y, x], owner[y, x] = 0, nuclei[y, x]
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
def _nearest(nuclei: np.ndarray, inner: float, outer: float) -> np.ndarray:
    """Label of the nearest nucleus if it is farther than one distance and within another."""
    gap = np.empty(nuclei.shape, np.int32)
    owner = np.empty(nuclei.shape, np.int32)
    found = np.zeros(nuclei.shape, np.int32)
    _nearest_in_column(nuclei, gap, owner, int(outer) + 1)
    _nearest_in_row(gap, owner, found, inner, outer)
    return found


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
    return _nearest(np.ascontiguousarray(nuclei, np.int32), float(inner_px), float(outer_px))


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
    return _nearest(nuclei, -1.0, float(distance_px))


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
    if labels.size == 0:
        return np.zeros(labels.shape, bool)
    near, small = _disc(width_px), _compact(labels)
    return np.asarray((cv2.dilate(small, near) != cv2.erode(small, near)) & (labels > 0))


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
    parts = np.where(nuclei > 0, np.uint8(NUCLEUS), np.uint8(CYTOPLASM))
    parts[near_outlines(cells, membrane_width_px) & (nuclei == 0)] = MEMBRANE
    parts[cells == 0] = 0
    return parts


def compartments(
    nuclei: np.ndarray, cells: np.ndarray, membrane_width_px: float
) -> dict[str, np.ndarray]:
    """Give the parts of `cell_parts` as label images.

    Parameters
    ----------
    nuclei, cells : numpy.ndarray
        Label images of shape (H, W) with the same numbers.
    membrane_width_px : float
        Width of the band inside the outline, in pixels.

    Returns
    -------
    dict of str to numpy.ndarray
        int32 label images ``nucleus``, ``cytoplasm``, ``membrane``, ``cell``; nucleus, cytoplasm
        and membrane don't overlap and together are the cell.
    """
    parts = cell_parts(nuclei, cells, membrane_width_px)
    cells = np.ascontiguousarray(cells, np.int32)
    return {
        "nucleus": np.ascontiguousarray(nuclei, np.int32),
        "cytoplasm": np.where(parts == CYTOPLASM, cells, 0).astype(np.int32),
        "membrane": np.where(parts == MEMBRANE, cells, 0).astype(np.int32),
        "cell": cells,
    }
