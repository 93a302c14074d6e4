"""Pieces of tissue of a DAB image: their areas, their DAB, and what of them isn't tissue."""

import numpy as np
import pandas as pd
from numba import njit

from .artefacts import Artefacts
from .dab_scores import HISTOGRAM_BIN_OD
from .labelled import typed_table

HISTOGRAM_BINS = 3000

REGION_COLUMNS = {
    "region": np.int64,
    "area_mm2": np.float64,
    "area_px": np.int64,
    "mean_od": np.float64,
    "integrated_od": np.float64,
    "pigment_fraction": np.float64,
    "ink_fraction": np.float64,
    "fold_fraction": np.float64,
}


def regions_table(
    found: np.ndarray,
    measured: np.ndarray,
    dab: np.ndarray,
    artefacts: Artefacts,
    um_per_px: float | None,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Measure pieces of tissue: what is left of them after ink and excluded pigment.

    Parameters
    ----------
    found, measured : numpy.ndarray
        int32, shape (height, width): the pieces as found, and what is left of them.
    dab : numpy.ndarray
        Amounts, float32, shape (height, width).
    artefacts : Artefacts
        Pigment, ink and folds, whose shares of the pieces as found are given.
    um_per_px : float or None
        Pixel size; without it areas are NaN.

    Returns
    -------
    table : pandas.DataFrame
        A row a piece of which something is left, the columns of `REGION_COLUMNS`.
    histogram : numpy.ndarray
        int64, shape (3000,): measured pixels by DAB in bins of 0.001 OD from 0; the ends take what
        lies beyond.
    """
    n = max(int(found.max(initial=0)), int(measured.max(initial=0)))
    sums, integrated, histogram = _region_sums(
        found, measured, dab, artefacts.pigment, artefacts.ink, artefacts.folds,
        n, 1 / HISTOGRAM_BIN_OD, HISTOGRAM_BINS,
    )  # fmt: skip
    numbers = np.flatnonzero(sums[1:, 4] > 0)
    whole, pigment, ink, folds, area = sums[1 + numbers].T
    left = integrated[1 + numbers]
    with np.errstate(invalid="ignore"):
        columns = {
            "region": 1 + numbers,
            "area_mm2": area * (um_per_px**2 * 1e-6 if um_per_px else np.nan),
            "area_px": area,
            "mean_od": left / area,
            "integrated_od": left,
            "pigment_fraction": pigment / whole,
            "ink_fraction": ink / whole,
            "fold_fraction": folds / whole,
        }
    return typed_table(columns, REGION_COLUMNS), histogram


@njit(cache=True, nogil=True)
def _region_sums(
    found: np.ndarray,
    measured: np.ndarray,
    dab: np.ndarray,
    pigment: np.ndarray,
    ink: np.ndarray,
    folds: np.ndarray,
    n: int,
    bins_per_od: float,
    bins: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count each piece's pixels, its pigment, ink, folds and measured pixels, and sum their DAB."""
    sums = np.zeros((n + 1, 5), np.int64)
    integrated = np.zeros(n + 1)
    histogram = np.zeros(bins, np.int64)
    for y in range(found.shape[0]):
        for x in range(found.shape[1]):
            piece = found[y, x]
            if piece > 0:
                sums[piece, 0] += 1
                sums[piece, 1] += pigment[y, x]
                sums[piece, 2] += ink[y, x]
                sums[piece, 3] += folds[y, x]
            piece = measured[y, x]
            if piece > 0:
                sums[piece, 4] += 1
                integrated[piece] += dab[y, x]
                # in double precision: in single, some values round into the next bin
                place = int(np.float64(dab[y, x]) * bins_per_od)
                histogram[min(max(place, 0), bins - 1)] += 1
    return sums, integrated, histogram
