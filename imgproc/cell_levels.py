"""Levels of all channels in the compartments of all cells."""

from collections.abc import Mapping

import cv2
import numpy as np
import pandas as pd
from numba import njit

from .cells import MEMBRANE, NUCLEUS
from .grouped import GroupedPixels
from .membrane_levels import stained_membrane_levels
from .membranes import facing_labels, membrane_arcs

PARTS = ("nucleus", "cytoplasm", "membrane")  # which together are the cell
PERCENTS = (5, 50, 95)


def away_from_cells(cells: np.ndarray, margin_px: float) -> np.ndarray:
    """Mark the pixels farther than a margin from all cells.

    Parameters
    ----------
    cells : numpy.ndarray
        Label image, shape (H, W); 0 is background.
    margin_px : float
        In pixels.

    Returns
    -------
    numpy.ndarray
        bool, shape (H, W).
    """
    if not cells.any():
        return np.ones(cells.shape, bool)
    reach = round(margin_px)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.dilate((cells > 0).view(np.uint8), disc) == 0)


@njit(cache=True, nogil=True)
def _keys(cells: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Number the parts of all cells: three numbers a cell."""
    keys = np.empty(cells.shape, np.int32)
    for y in range(cells.shape[0]):
        for x in range(cells.shape[1]):
            part = parts[y, x]
            keys[y, x] = (3 * (cells[y, x] - 1) + part) * (part > 0)
    return keys


def cell_levels(
    cells: np.ndarray,
    parts: np.ndarray,
    n: int,
    planes: Mapping[str, np.ndarray],
    surfaces: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Give the columns of every channel and compartment, from the pixels put together once.

    Parameters
    ----------
    cells, parts : numpy.ndarray
        Label image of the cells, numbers 1 to n, and the map of their parts (`cell_parts`), shape
        (H, W).
    n : int
        Number of cells.
    planes, surfaces : mapping of str to numpy.ndarray
        The channels and their backgrounds, shape (H, W), in grey values.

    Returns
    -------
    dict of str to numpy.ndarray
        Columns, float64, shape (n,), in order.
    """
    pixels = GroupedPixels(_keys(np.ascontiguousarray(cells, np.int32), parts), 3 * n)

    def by_part(values: np.ndarray) -> dict[str, np.ndarray]:
        values = values.astype(np.float64).reshape(n, 3)
        return {**dict(zip(PARTS, values.T, strict=True)), "cell": values.sum(axis=1)}

    area = {name: np.where(a > 0, a, np.nan) for name, a in by_part(pixels.area_px).items()}
    columns = {"cell_area_px": area["cell"]}
    for channel, plane in planes.items():
        found = pixels.summary(plane, PERCENTS, joined=3, ground=surfaces[channel])
        total, ground = by_part(found.sums), by_part(found.ground_sums)
        each = found.each.reshape(n, 3, len(PERCENTS))
        ranks = {name: each[:, k] for k, name in enumerate(PARTS)}
        ranks["cell"] = found.together
        for name in (*PARTS, "cell"):
            column = f"{channel}_{name}"
            columns[f"{column}_mean"] = total[name] / area[name]
            columns[f"{column}_net"] = (total[name] - ground[name]) / area[name]
            columns[f"{column}_integrated"] = total[name]
            columns[f"{column}_integrated_net"] = total[name] - ground[name]
            for k, percent in enumerate(PERCENTS):
                columns[f"{column}_p{percent}"] = ranks[name][:, k]
        own = "" if channel == "marker" else f"{channel}_"
        columns[f"{own}ctcf"] = total["cell"] - ground["cell"]
        ring = columns[f"{channel}_cytoplasm_net"]
        columns[f"{own}nuclear_cytoplasmic_ratio"] = columns[f"{channel}_nucleus_net"] / np.where(
            ring > 0, ring, np.nan
        )
    return columns


def add_membrane(
    table: pd.DataFrame,
    cells: np.ndarray,
    parts: np.ndarray,
    marker: np.ndarray,
    surface: np.ndarray,
    width_px: float,
    *,
    levels: bool,
) -> dict[str, np.ndarray]:
    """Give the arcs of all membranes; where asked, add the levels of their stained parts.

    Parameters
    ----------
    table : pandas.DataFrame
        A row a cell, with its centre (``y_px``, ``x_px``); changed in place.
    cells, parts : numpy.ndarray
        Label image of the cells and the map of their parts (`cell_parts`), shape (H, W).
    marker, surface : numpy.ndarray
        The marker and its background, shape (H, W), in grey values.
    width_px : float
        Width of the membrane band in pixels.
    levels : bool
        Add ``marker_membrane_own`` and ``_shared``.

    Returns
    -------
    dict of str to numpy.ndarray
        ``membrane_arcs``, see `membrane_arcs`.
    """
    band = parts == MEMBRANE
    net = np.subtract(marker, surface, dtype=np.float32, casting="same_kind")
    centres = table[["y_px", "x_px"]].to_numpy()
    if levels:
        facing = facing_labels(cells, width_px)
        facing[parts == NUCLEUS] = -1
        own, shared = stained_membrane_levels(cells, band, facing, net, centres)
        table["marker_membrane_own"], table["marker_membrane_shared"] = own, shared
    return {"membrane_arcs": membrane_arcs(cells, band, net, centres)}
