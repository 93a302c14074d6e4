"""Levels of all channels in the compartments of all cells."""

from collections.abc import Mapping

import cv2
import numpy as np
import pandas as pd

from .labelled import LabelledPixels, sums
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
    outside = (cells == 0).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_5) > margin_px)


def add_levels(
    table: pd.DataFrame,
    parts: Mapping[str, np.ndarray],
    planes: Mapping[str, np.ndarray],
    surfaces: Mapping[str, np.ndarray],
) -> None:
    """Add the columns of every channel and compartment, in one pass over the parts of all cells.

    Parameters
    ----------
    table : pandas.DataFrame
        A row a cell, in the order of the cells' numbers; changed in place.
    parts : mapping of str to numpy.ndarray
        As `compartments` gives them, shape (H, W).
    planes, surfaces : mapping of str to numpy.ndarray
        The channels and their backgrounds, shape (H, W), in grey values.
    """
    n, cells = len(table), parts["cell"]
    key = 3 * cells - 2  # three numbers a cell: nucleus, cytoplasm, membrane
    np.add(key, 1, out=key, where=parts["cytoplasm"] > 0)
    np.add(key, 2, out=key, where=parts["membrane"] > 0)
    key[cells == 0] = 0
    images = {**planes, **{f"{name} ground": surface for name, surface in surfaces.items()}}
    found = sums(key, images, n_labels=3 * n)

    def by_part(column: str) -> dict[str, np.ndarray]:
        values = found[column].to_numpy(float).reshape(n, 3)
        return {**dict(zip(PARTS, values.T, strict=True)), "cell": values.sum(axis=1)}

    area = {name: np.where(a > 0, a, np.nan) for name, a in by_part("area_px").items()}
    table["cell_area_px"] = area["cell"]
    for channel, plane in planes.items():
        total, ground = by_part(f"{channel}_sum"), by_part(f"{channel} ground_sum")
        pixels = LabelledPixels(key, plane, n_labels=3 * n)
        by_rank = pixels.percentiles(PERCENTS).reshape(n, 3, len(PERCENTS))
        ranks = {name: by_rank[:, k] for k, name in enumerate(PARTS)}
        ranks["cell"] = pixels.percentiles(PERCENTS, joined=3)
        for name in (*PARTS, "cell"):
            column = f"{channel}_{name}"
            table[f"{column}_mean"] = total[name] / area[name]
            table[f"{column}_net"] = (total[name] - ground[name]) / area[name]
            table[f"{column}_integrated"] = total[name]
            table[f"{column}_integrated_net"] = total[name] - ground[name]
            for k, percent in enumerate(PERCENTS):
                table[f"{column}_p{percent}"] = ranks[name][:, k]
        own = "" if channel == "marker" else f"{channel}_"
        table[f"{own}ctcf"] = total["cell"] - ground["cell"]
        ring = table[f"{channel}_cytoplasm_net"]
        table[f"{own}nuclear_cytoplasmic_ratio"] = table[f"{channel}_nucleus_net"] / ring.where(
            ring > 0
        )


def add_membrane(
    table: pd.DataFrame,
    parts: Mapping[str, np.ndarray],
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
    parts : mapping of str to numpy.ndarray
        As `compartments` gives them, shape (H, W).
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
    cells, band = parts["cell"], parts["membrane"] > 0
    net = marker.astype(np.float32) - surface
    centres = table[["y_px", "x_px"]].to_numpy()
    if levels:
        facing = facing_labels(cells, width_px)
        facing[parts["nucleus"] > 0] = -1
        own, shared = stained_membrane_levels(cells, band, facing, net, centres)
        table["marker_membrane_own"], table["marker_membrane_shared"] = own, shared
    return {"membrane_arcs": membrane_arcs(cells, band, net, centres)}
