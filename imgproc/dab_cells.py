"""Cells of a DAB image: nuclei of either colour, their cells, and DAB by compartment."""

import cv2
import numpy as np
import pandas as pd
from numba import njit
from skimage import measure

from .cells import near_outlines, surroundings
from .labelled import label_means, renumbered, typed_table
from .stains import BROWN_OD
from .white import ASSUMED_UM_PER_PX

CORE_MARGIN_UM = 1.0
"""Blur of a 20x objective and 4:2:0 chroma mix colours over about a micrometre: the means of
nucleus and cytoplasm are read at least this far from their outlines."""

SMALLEST_CORE_PX = 10
"""A core of fewer pixels is too noisy; the whole compartment is read instead."""

TYPICAL_NUCLEUS_UM = 8.0
"""Nuclei of mouse and human tissue in sections measure 5 to 12 µm."""

SURROUNDINGS_UM = 3.0
LEAST_CONTRAST_OD = 0.1
LEAST_CONTRAST_SHARE = 0.33
DENSE_PERCENTILE = 80.0
"""A nucleus is compared with the ring of 1 to 3 µm around it; see `without_pale`."""

SMALLEST_PART = 0.35
"""Of the median nucleus: a lymphocyte's nucleus beside a tumour cell's."""

THINNEST_PART = 0.4
"""Of the radius of a typical nucleus: a blue rim, left by blur, is thinner."""

SPECKLE_SHARE = 0.15
"""Chromatin and speckled antigen are blurred over about a sixth of a nucleus before its colour is
judged."""

OBJECT_COLUMNS = {
    "object": np.int64,
    "y_px": np.float64,
    "x_px": np.float64,
    "area_um2": np.float64,
    "area_px": np.int64,
    "dab_nucleus_od": np.float64,
    "dab_cytoplasm_od": np.float64,
    "dab_cell_od": np.float64,
    "hematoxylin_nucleus_od": np.float64,
}


def assumed_scale(nuclei: np.ndarray, diameter_um: float | None = None) -> float:
    """Pixel size that makes the median nucleus a typical one: 8 µm, or as given.

    Parameters
    ----------
    nuclei : numpy.ndarray
        Label image, shape (height, width).
    diameter_um : float, optional
        Diameter of a typical nucleus.

    Returns
    -------
    float
        Micrometres a pixel; 0.5 where there is no nucleus.
    """
    areas = np.bincount(nuclei.ravel())[1:]
    if not areas.any():
        return ASSUMED_UM_PER_PX
    diameter_px = 2 * np.sqrt(np.median(areas[areas > 0]) / np.pi)
    return float((diameter_um or TYPICAL_NUCLEUS_UM) / diameter_px)


def without_pale(
    nuclei: np.ndarray, signal: np.ndarray, um_per_px: float, *, typical_od: float | None = None
) -> np.ndarray:
    """Drop what stands out of its surroundings too little to be a nucleus: fibres, haze, debris.

    Counterstain tints everything; a nucleus is denser than what lies around it by at least 0.1
    (QuPath's default threshold for nuclei) and by a third of what the image's dense nuclei are.

    Parameters
    ----------
    nuclei : numpy.ndarray
        int32 labels 1 to n, shape (height, width).
    signal : numpy.ndarray
        What they were found in, in optical density, shape (height, width).
    um_per_px : float
        Pixel size in micrometres.
    typical_od : float, optional
        What dense nuclei stand out by; this image's own 80th percentile if not given.

    Returns
    -------
    numpy.ndarray
        int32 labels of the nuclei that are left, 1 to n in their order.
    """
    contrast = contrasts(nuclei, signal, um_per_px)
    if contrast.size == 0:
        return nuclei
    if typical_od is None:
        typical_od = float(np.percentile(contrast, DENSE_PERCENTILE))
    return renumbered(nuclei, contrast >= max(LEAST_CONTRAST_OD, LEAST_CONTRAST_SHARE * typical_od))


def contrasts(nuclei: np.ndarray, signal: np.ndarray, um_per_px: float) -> np.ndarray:
    """By how much each nucleus is denser than the ring of 1 to 3 µm around it.

    Parameters
    ----------
    nuclei : numpy.ndarray
        int32 labels 1 to n, shape (height, width).
    signal : numpy.ndarray
        Optical density, shape (height, width).
    um_per_px : float
        Pixel size in micrometres.

    Returns
    -------
    numpy.ndarray
        float64, shape (n,).
    """
    n = int(nuclei.max(initial=0))
    if n == 0:
        return np.empty(0)
    ring = surroundings(nuclei, CORE_MARGIN_UM / um_per_px, SURROUNDINGS_UM / um_per_px)
    inside, around = label_means(nuclei, signal, n), label_means(ring, signal, n)
    usual = 0.0 if np.isnan(around).all() else float(np.nanmedian(around))
    found: np.ndarray = inside - np.where(np.isnan(around), usual, around)  # NaN: crowded
    return found


def split_by_colour(nuclei: np.ndarray, hematoxylin: np.ndarray, dab: np.ndarray) -> np.ndarray:
    """Part brown nuclei from the blue ones they touch.

    Colour tells what outlines can't: where a nucleus has a brown and a blue part, each as large
    and as thick as a small nucleus, it is two. Smaller and thinner parts (a brown speckle, a blue
    rim) stay with the rest.

    Parameters
    ----------
    nuclei : numpy.ndarray
        Label image, shape (height, width).
    hematoxylin, dab : numpy.ndarray
        Amounts, shape (height, width).

    Returns
    -------
    numpy.ndarray
        int32 labels, not in sequence.
    """
    areas = np.bincount(nuclei.ravel())[1:]
    if not areas.any():
        return nuclei.astype(np.int32)
    typical = float(np.median(areas[areas > 0]))
    sigma = SPECKLE_SHARE * np.sqrt(typical)
    blue, brown = (cv2.GaussianBlur(plane, (0, 0), sigma) for plane in (hematoxylin, dab))
    is_brown = (brown >= BROWN_OD) & (brown > blue)
    parts = measure.label(nuclei * 2 + is_brown * (nuclei > 0), background=0, connectivity=1)
    n = int(parts.max())
    inside = _depth(parts)
    thickest = np.zeros(n + 1)
    np.maximum.at(thickest, parts.ravel(), inside.ravel())
    size = np.bincount(parts.ravel(), minlength=n + 1)
    size[0] = 0
    stands = (size >= SMALLEST_PART * typical) & (
        thickest >= THINNEST_PART * np.sqrt(typical / np.pi)
    )
    owner = np.zeros(n + 1, dtype=np.int64)
    owner[parts.ravel()] = nuclei.ravel()
    return _merged(parts, owner, size, stands)


def _depth(labels: np.ndarray) -> np.ndarray:
    """Distance of each pixel to the nearest one of another label."""
    edge = np.zeros(labels.shape, dtype=bool)
    down = labels[1:] != labels[:-1]
    right = labels[:, 1:] != labels[:, :-1]
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= right
    edge[:, :-1] |= right
    return cv2.distanceTransform((~edge).astype(np.uint8), cv2.DIST_L2, 5)


def _merged(
    parts: np.ndarray, owner: np.ndarray, size: np.ndarray, stands: np.ndarray
) -> np.ndarray:
    """Give parts that don't stand alone to the largest part of the same nucleus."""
    order = np.argsort(size, kind="stable")
    largest = np.zeros(owner.max() + 1, dtype=np.int64)
    largest[owner[order]] = order  # the last writer is the largest
    new = np.where(stands, np.arange(size.size), largest[owner])
    new[0] = 0
    return new[parts].astype(np.int32)


def objects_table(
    nuclei: np.ndarray,
    cells: np.ndarray,
    amounts: np.ndarray,
    um_per_px: float | None,
    scale: float,
) -> pd.DataFrame:
    """Measure DAB in each cell and compartment.

    Nucleus and cytoplasm are read in their cores, a micrometre inside their outlines; the cell
    over all of it.

    Parameters
    ----------
    nuclei, cells : numpy.ndarray
        int32 labels of shape (height, width), with the same numbers 1 to n.
    amounts : numpy.ndarray
        Hematoxylin, DAB and residual, shape (3, height, width).
    um_per_px : float or None
        Pixel size; without it the area in µm² is NaN.
    scale : float
        Pixel size, known or assumed, for the width of the margin.

    Returns
    -------
    pandas.DataFrame
        A row a cell, the columns of `OBJECT_COLUMNS`.
    """
    n = max(int(nuclei.max(initial=0)), int(cells.max(initial=0)))
    margin = CORE_MARGIN_UM / scale
    found = _compartment_sums(
        nuclei, cells, amounts[0], amounts[1], near_outlines(nuclei, margin),
        near_outlines(cells, margin), _within(nuclei, margin), n,
    )[1:]  # fmt: skip
    pixels, dab = found[:, :5], found[:, 5:10]
    with np.errstate(invalid="ignore"):  # a label without pixels has no mean
        means = dab / pixels
        y, x, hematoxylin = (found[:, 10:] / pixels[:, :1]).T
    nucleus, nucleus_core, cell, cytoplasm, cytoplasm_core = means.T
    enough = pixels >= SMALLEST_CORE_PX
    return typed_table(
        {
            "object": np.arange(1, n + 1),
            "y_px": y,
            "x_px": x,
            "area_um2": pixels[:, _CELL] * (um_per_px**2 if um_per_px else np.nan),
            "area_px": pixels[:, _CELL],
            "dab_nucleus_od": np.where(enough[:, _NUCLEUS_CORE], nucleus_core, nucleus),
            "dab_cytoplasm_od": np.select(
                [enough[:, _CYTOPLASM_CORE], enough[:, _CYTOPLASM]],
                [cytoplasm_core, cytoplasm],
                cell,
            ),
            "dab_cell_od": cell,
            "hematoxylin_nucleus_od": hematoxylin,
        },
        OBJECT_COLUMNS,
    )


_NUCLEUS, _NUCLEUS_CORE, _CELL, _CYTOPLASM, _CYTOPLASM_CORE = range(5)


def _within(nuclei: np.ndarray, distance_px: float) -> np.ndarray:
    """Mark nuclei and what lies within a distance of one, as `cells.expand_cells` reaches."""
    reach = int(distance_px)
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    disc = (y * y + x * x <= distance_px**2).astype(np.uint8)
    grown: np.ndarray = cv2.dilate((nuclei > 0).astype(np.uint8), disc) > 0
    return grown


@njit(cache=True, nogil=True)
def _compartment_sums(
    nuclei: np.ndarray,
    cells: np.ndarray,
    hematoxylin: np.ndarray,
    dab: np.ndarray,
    nuclear_rim: np.ndarray,
    cell_rim: np.ndarray,
    near_nucleus: np.ndarray,
    n: int,
) -> np.ndarray:
    """Sum everything that a cell's row needs in one pass.

    Columns: pixels of nucleus, its core, cell, cytoplasm and its core; their DAB; then y, x and
    hematoxylin over the nucleus.
    """
    found = np.zeros((n + 1, 13))
    for y in range(nuclei.shape[0]):
        for x in range(nuclei.shape[1]):
            label, here = nuclei[y, x], dab[y, x]
            if label > 0:
                row = found[label]
                row[_NUCLEUS] += 1
                row[5 + _NUCLEUS] += here
                row[10] += y
                row[11] += x
                row[12] += hematoxylin[y, x]
                if not nuclear_rim[y, x]:
                    row[_NUCLEUS_CORE] += 1
                    row[5 + _NUCLEUS_CORE] += here
            cell = cells[y, x]
            if cell > 0:
                row = found[cell]
                row[_CELL] += 1
                row[5 + _CELL] += here
                if label == 0:
                    row[_CYTOPLASM] += 1
                    row[5 + _CYTOPLASM] += here
                if not near_nucleus[y, x] and not cell_rim[y, x]:
                    row[_CYTOPLASM_CORE] += 1
                    row[5 + _CYTOPLASM_CORE] += here
    return found
