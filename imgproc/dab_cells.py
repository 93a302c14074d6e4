"""Cells of a DAB image: nuclei of either colour, their cells, and DAB by compartment."""

import cv2
import numpy as np
import pandas as pd
from skimage import measure

from .cells import compartments, expand_cells
from .labelled import sums
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
        int32 labels of the nuclei that are left, not in sequence.
    """
    contrast = contrasts(nuclei, signal, um_per_px)
    if contrast.size == 0:
        return nuclei
    if typical_od is None:
        typical_od = float(np.percentile(contrast, DENSE_PERCENTILE))
    kept = np.r_[False, contrast >= max(LEAST_CONTRAST_OD, LEAST_CONTRAST_SHARE * typical_od)]
    return np.where(kept[nuclei], nuclei, 0).astype(np.int32)


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
    blurred_rim = expand_cells(nuclei, CORE_MARGIN_UM / um_per_px) > 0
    ring = np.where(blurred_rim, 0, expand_cells(nuclei, SURROUNDINGS_UM / um_per_px))
    inside = sums(nuclei, {"signal": signal}, n_labels=n)["signal_mean"].to_numpy()
    around = sums(ring, {"signal": signal}, n_labels=n)["signal_mean"].to_numpy()
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


def renumbered(labels: np.ndarray) -> np.ndarray:
    """Number the labels that are left 1 to n, in their order.

    Parameters
    ----------
    labels : numpy.ndarray
        Label image, shape (height, width), 0 is background.

    Returns
    -------
    numpy.ndarray
        int32, shape (height, width).
    """
    present = np.bincount(labels.ravel()) > 0
    present[0] = False
    return (np.cumsum(present) * present)[labels].astype(np.int32)


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
    hematoxylin, dab, _ = amounts
    n = int(nuclei.max(initial=0))
    nuclear = sums(nuclei, {"dab": dab, "hematoxylin": hematoxylin}, n_labels=n)
    whole = sums(cells, {"dab": dab}, n_labels=n)
    margin = CORE_MARGIN_UM / scale
    table = pd.DataFrame(
        {
            "object": np.arange(1, n + 1),
            "y_px": nuclear["y_px"].to_numpy(),
            "x_px": nuclear["x_px"].to_numpy(),
            "area_um2": whole["area_px"].to_numpy() * (um_per_px**2 if um_per_px else np.nan),
            "area_px": whole["area_px"].to_numpy(),
            "dab_nucleus_od": core_means(nuclei, dab, margin),
            "dab_cytoplasm_od": _cytoplasm_means(nuclei, cells, dab, margin),
            "dab_cell_od": whole["dab_mean"].to_numpy(),
            "hematoxylin_nucleus_od": nuclear["hematoxylin_mean"].to_numpy(),
        }
    )
    return table.astype(OBJECT_COLUMNS)


def _cytoplasm_means(
    nuclei: np.ndarray, cells: np.ndarray, dab: np.ndarray, margin_px: float
) -> np.ndarray:
    """Mean DAB of each cytoplasm; a cell that shows none takes its whole mean."""
    n = int(nuclei.max(initial=0))
    cytoplasm = np.where(nuclei == 0, cells, 0).astype(np.int32)
    core = compartments(expand_cells(nuclei, margin_px), cells, margin_px)["cytoplasm"]
    whole = sums(cells, {"dab": dab}, n_labels=n)["dab_mean"]
    return _first_with_pixels([core, cytoplasm], dab, n, whole)


def core_means(labels: np.ndarray, image: np.ndarray, margin_px: float) -> np.ndarray:
    """Mean of each object away from its outline, where blur mixes it with its neighbours.

    Parameters
    ----------
    labels : numpy.ndarray
        int32, shape (height, width).
    image : numpy.ndarray
        Shape (height, width).
    margin_px : float
        How far from the outline the core begins.

    Returns
    -------
    numpy.ndarray
        float64, one value for each label from 1; the whole object's mean where its core has
        fewer than 10 pixels.
    """
    n = int(labels.max(initial=0))
    core = compartments(np.zeros_like(labels), labels, margin_px)["cytoplasm"]
    whole = sums(labels, {"image": image}, n_labels=n)["image_mean"]
    return _first_with_pixels([core], image, n, whole)


def _first_with_pixels(
    choices: list[np.ndarray], image: np.ndarray, n: int, last: pd.Series
) -> np.ndarray:
    """Mean over the first of several label images in which an object has enough pixels."""
    means = last.to_numpy(dtype=np.float64).copy()
    for labels in reversed(choices):
        table = sums(labels, {"image": image}, n_labels=n)
        enough = table["area_px"].to_numpy() >= SMALLEST_CORE_PX
        means[enough] = table["image_mean"].to_numpy()[enough]
    return means
