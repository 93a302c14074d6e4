"""The rim of cells: where it runs, what it faces, and whose the signal on it is."""

import cv2
import numpy as np
from numba import njit

from .errors import MeasurementError

N_ARCS = 32  # 11° each: about 1 µm of the outline of a cell 11 µm across

# Flooding: heights are counted in steps of the way from the nucleus to the farthest outline. A
# ridge as high as the noise's own ridges counts a quarter of that way, so that only what stands
# four times above noise stops a cell; ridges above ten ways are all equally impassable.
_STEPS = 32
_NOISE_RIDGES = 4.0
_HIGHEST_RIDGE = 10.0


@njit(cache=True, nogil=True)
def _differs(labels: np.ndarray, y: int, x: int) -> bool:
    """Say whether one of the four neighbours has another label."""
    label = labels[y, x]
    return bool(
        (y > 0 and labels[y - 1, x] != label)
        or (x > 0 and labels[y, x - 1] != label)
        or (y + 1 < labels.shape[0] and labels[y + 1, x] != label)
        or (x + 1 < labels.shape[1] and labels[y, x + 1] != label)
    )


@njit(cache=True, nogil=True)
def _paint_facing(cells: np.ndarray, width: float) -> np.ndarray:
    height, breadth = cells.shape
    reach = int(width)
    limit = width * width
    facing = np.full(cells.shape, -1, np.int32)
    nearest = np.full(cells.shape, np.int32(limit) + 1, np.int32)
    for y in range(height):
        for x in range(breadth):
            if not _differs(cells, y, x):
                continue
            label = cells[y, x]
            for v in range(max(0, y - reach), min(height, y + reach + 1)):
                for u in range(max(0, x - reach), min(breadth, x + reach + 1)):
                    square = (v - y) ** 2 + (u - x) ** 2
                    if square > limit or cells[v, u] == label:
                        continue
                    if square < nearest[v, u] or (square == nearest[v, u] and label > facing[v, u]):
                        nearest[v, u] = square
                        facing[v, u] = label
    return facing


def facing_labels(cells: np.ndarray, width_px: float) -> np.ndarray:
    """Mark the pixels near outlines with what lies on the other side.

    Parameters
    ----------
    cells : numpy.ndarray
        Label image, shape (H, W), whole numbers, 0 is background.
    width_px : float
        How far from the outline, in pixels between pixel centres.

    Returns
    -------
    numpy.ndarray
        int32, shape (H, W): for a pixel within `width_px` of a pixel of another label (background
        is one), the label of the nearest such pixel (at equal distances the larger label); -1
        everywhere else. The image's edge is no outline.
    """
    return _paint_facing(np.ascontiguousarray(cells, np.int32), float(width_px))


@njit(cache=True, nogil=True)
def _flood(height: np.ndarray, seeds: np.ndarray, levels: int) -> np.ndarray:
    """Flood from labelled seeds in order of height, first come first served at equal heights."""
    rows, columns = height.shape
    labels = seeds.copy()
    following = np.full(rows * columns, -1, np.int32)
    head = np.full(levels, -1, np.int32)
    tail = np.full(levels, -1, np.int32)
    for y in range(rows):
        for x in range(columns):
            if labels[y, x] != 0 and _differs(labels, y, x):
                pixel, level = y * columns + x, height[y, x]
                if head[level] < 0:
                    head[level] = pixel
                else:
                    following[tail[level]] = pixel
                tail[level] = pixel
    level = 0
    while level < levels:
        pixel = head[level]
        if pixel < 0:
            level += 1
            continue
        head[level] = following[pixel]
        y, x = pixel // columns, pixel % columns
        for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            v, u = y + dy, x + dx
            if 0 <= v < rows and 0 <= u < columns and labels[v, u] == 0:
                labels[v, u] = labels[y, x]
                other, at = v * columns + u, max(level, height[v, u])
                following[other] = -1
                if head[at] < 0:
                    head[at] = other
                else:
                    following[tail[at]] = other
                tail[at] = other
    return labels


def stop_at_membrane(
    nuclei: np.ndarray, cells: np.ndarray, image: np.ndarray, *, width_px: float
) -> np.ndarray:
    """Draw the outlines of cells in to the membranes that an image shows.

    A watershed from the nuclei and from outside all cells over the ridges of the image (white
    top-hat) plus the distance from the nucleus: where there is a ridge the outline runs along its
    crest; where there is none it stays where distance alone puts it.

    Parameters
    ----------
    nuclei, cells : numpy.ndarray
        Label images, shape (H, W), with the same numbers; `cells` is the farthest that each cell
        may reach.
    image : numpy.ndarray
        Shape (H, W), any real dtype, bright on membranes.
    width_px : float
        Width of a membrane in the image, in pixels.

    Returns
    -------
    numpy.ndarray
        int32 labels of shape (H, W), each within its cell or its neighbours'.
    """
    nuclei = np.ascontiguousarray(nuclei, np.int32)
    if nuclei.max(initial=0) == 0:
        return np.zeros(nuclei.shape, np.int32)
    smooth = cv2.GaussianBlur(np.asarray(image, np.float32), (0, 0), max(0.7, width_px / 3))
    reach = max(1, int(np.ceil(1.5 * width_px)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    ridge = cv2.morphologyEx(smooth, cv2.MORPH_TOPHAT, kernel)
    noise = float(np.median(ridge))
    outside = (nuclei == 0).astype(np.uint8)
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, 5)
    farthest = max(float(distance[cells > 0].max(initial=0)), 1.0)
    climb = np.minimum(distance / farthest, 1)
    if noise > 0:
        climb += np.minimum(ridge / (_NOISE_RIDGES * noise), _HIGHEST_RIDGE)
    height = (climb * _STEPS).astype(np.int32)
    seeds = np.where(cells > 0, nuclei, -1).astype(np.int32)
    flooded = _flood(height, seeds, int(height.max()) + 1)
    return np.maximum(flooded, 0)


_TANGENTS = tuple(float(np.tan(2 * np.pi * k / N_ARCS)) for k in range(1, N_ARCS // 4))


@njit(cache=True, nogil=True)
def arc_of(y: float, x: float) -> int:
    """Number of the arc that a place lies in, seen from a cell's centre; 0 begins at the left.

    Parameters
    ----------
    y, x : float
        From the centre, in pixels.

    Returns
    -------
    int
        0 to `N_ARCS` − 1.
    """
    # quarter turns from the left by way of the top, then comparisons instead of an arctangent
    if (y < 0 and x <= 0) or (y == 0 and x < 0):
        quarter, along, across = 0, -x, -y
    elif y < 0:
        quarter, along, across = 1, -y, x
    elif x > 0 or y == 0:
        quarter, along, across = 2, x, y
    else:
        quarter, along, across = 3, y, -x
    if along <= 0 and across > 0:  # upon the next quarter's axis
        return (quarter + 1) % 4 * (N_ARCS // 4)
    arc = quarter * (N_ARCS // 4)
    for tangent in _TANGENTS:
        arc += across >= along * tangent
    return arc % N_ARCS


@njit(cache=True, nogil=True)
def arc_means(
    cells: np.ndarray,
    rim: np.ndarray,
    image: np.ndarray,
    centres: np.ndarray,
    facing: np.ndarray,
    taken_off: np.ndarray,
    cut_at_edge: bool,
) -> np.ndarray:
    """Give each arc's mean, less what is to be taken off for the cell that it faces.

    Parameters
    ----------
    cells : numpy.ndarray
        (H, W) int labels from 1.
    rim : numpy.ndarray
        (H, W) bool: pixels of membranes.
    image : numpy.ndarray
        (H, W) the marker, in counts.
    centres : numpy.ndarray
        (n, 2) y and x of each cell's centre, in pixels.
    facing : numpy.ndarray
        (H, W) int: the cell that a pixel of a rim faces; below 1 where it faces none.
    taken_off : numpy.ndarray
        (n + 1,) counts, by the number of the cell that is faced; the first for none.
    cut_at_edge : bool
        Leave out arcs that the image's edge cuts.

    Returns
    -------
    numpy.ndarray
        (n, N_ARCS) float32, in counts; NaN for arcs without a pixel, or cut.
    """
    rows, columns = cells.shape
    n = centres.shape[0]
    total, count = np.zeros((n, N_ARCS)), np.zeros((n, N_ARCS))
    cut = np.zeros((n, N_ARCS), np.bool_)
    for y in range(rows):
        for x in range(columns):
            i = cells[y, x] - 1
            at_edge = y == 0 or x == 0 or y == rows - 1 or x == columns - 1
            if i < 0 or not (rim[y, x] or at_edge):
                continue
            arc = arc_of(y - centres[i, 0], x - centres[i, 1])
            cut[i, arc] |= at_edge and cut_at_edge
            if rim[y, x]:
                total[i, arc] += image[y, x] - taken_off[max(facing[y, x], 0)]
                count[i, arc] += 1
    out = np.full((n, N_ARCS), np.nan, np.float32)
    for i in range(n):
        for arc in range(N_ARCS):
            if count[i, arc] > 0 and not cut[i, arc]:
                out[i, arc] = total[i, arc] / count[i, arc]
    return out


def membrane_arcs(
    cells: np.ndarray, rim: np.ndarray, image: np.ndarray, centres: np.ndarray
) -> np.ndarray:
    """Mean of an image on each cell's rim, in 32 arcs of equal angle about the cell's centre.

    Each of two neighbours has the arcs on its own side of a shared outline; what the other adds
    there counts for both.

    Parameters
    ----------
    cells : numpy.ndarray
        Label image, shape (H, W), numbers 1 to n.
    rim : numpy.ndarray
        bool, shape (H, W): the membrane bands.
    image : numpy.ndarray
        Shape (H, W), any real dtype.
    centres : numpy.ndarray
        Shape (n, 2), y and x of each cell's centre, in pixels.

    Returns
    -------
    numpy.ndarray
        float32, shape (n, 32), counted from the left (-x) by way of the top; NaN where an arc
        can't be judged: it reaches the image's edge, or has no pixel of the band.

    Raises
    ------
    MeasurementError
        If there are more labels than centres.
    """
    cells = np.ascontiguousarray(cells, np.int32)
    n = int(cells.max(initial=0))
    if n > len(centres):
        raise MeasurementError(
            f"the cells are numbered to {n}, and there are {len(centres)} centres",
            "give the centre of every cell, in the order of their numbers",
        )
    plane = np.ascontiguousarray(image, np.float32)
    nothing = np.zeros(n + 1)
    return arc_means(cells, rim, plane, np.asarray(centres, np.float64), cells, nothing, True)
