"""Classes, H-score, Allred and area fractions from stored DAB measurements."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import pandas as pd

Compartment = Literal["nucleus", "cytoplasm", "cell"]

Triple = tuple[float, float, float]

CUTOFFS_OD: Triple = (0.2, 0.4, 0.6)
"""QuPath's default cut-offs of 1+, 2+ and 3+, inclusive."""

HISTOGRAM_BIN_OD = 0.001


def checked_cutoffs(cutoffs_od: Triple) -> Triple:
    """Return the cut-offs if they are positive and rise, or say that they don't.

    Raises
    ------
    ValueError
        If there aren't three, or they don't rise from above 0.
    """
    if len(cutoffs_od) != 3 or not 0 < cutoffs_od[0] < cutoffs_od[1] < cutoffs_od[2]:
        raise ValueError(
            f"The DAB cut-offs must be three rising optical densities above 0; got {cutoffs_od}."
        )
    return cutoffs_od


def classify_dab(
    objects: pd.DataFrame, *, compartment: Compartment, cutoffs_od: Triple = CUTOFFS_OD
) -> pd.DataFrame:
    """Add `class` (0 to 3) and `positive` from the mean DAB of one compartment.

    Parameters
    ----------
    objects : pandas.DataFrame
        Cells of `measure_dab`.
    compartment : {"nucleus", "cytoplasm", "cell"}
        Whose mean is compared.
    cutoffs_od : tuple of float
        Optical densities from which a cell is 1+, 2+, 3+; inclusive.

    Returns
    -------
    pandas.DataFrame
        A copy with ``class`` (int64) and ``positive`` (bool, class of 1 or more).

    Examples
    --------
    >>> cells = pd.DataFrame({"dab_cell_od": [0.1, 0.2, 0.59, 0.6]})
    >>> classify_dab(cells, compartment="cell")["class"].tolist()
    [0, 1, 2, 3]
    """
    density = objects[f"dab_{compartment}_od"].to_numpy(dtype=np.float64)
    classes = dab_classes(density, cutoffs_od=cutoffs_od)
    return objects.assign(**{"class": classes, "positive": classes > 0})


def dab_classes(density: np.ndarray, *, cutoffs_od: Triple = CUTOFFS_OD) -> np.ndarray:
    """Class of each cell from its mean optical density, as `classify_dab`.

    Parameters
    ----------
    density : numpy.ndarray
        (n,) float64; NaN is class 0.
    cutoffs_od : tuple of float
        Optical densities from which a cell is 1+, 2+, 3+; inclusive.

    Returns
    -------
    numpy.ndarray
        (n,) int64, 0 to 3.
    """
    classes = np.searchsorted(checked_cutoffs(cutoffs_od), density, side="right")
    classes[np.isnan(density)] = 0
    return classes.astype(np.int64)


def h_score(classes: np.ndarray) -> float:
    """H-score = 100 (n1 + 2 n2 + 3 n3) / N, from 0 to 300; NaN without cells.

    Parameters
    ----------
    classes : numpy.ndarray
        Class of each cell, 0 to 3.

    Returns
    -------
    float
        The score.

    Examples
    --------
    >>> h_score(np.array([0, 1, 2, 3]))
    150.0
    """
    classes = np.asarray(classes)
    return float(100 * classes.mean()) if classes.size else float("nan")


def allred(classes: np.ndarray) -> float:
    """Allred score as QuPath gives it: proportion (0 to 5) plus intensity (0 to 3).

    Proportion of positive cells: above 0 scores 1, from 1 % 2, from 10 % 3, from a third 4, from
    two thirds 5. Intensity from the mean class of the positive cells: above 7/3 scores 3, above
    5/3 2, else 1. No positive cell scores 0, no cell NaN.

    Parameters
    ----------
    classes : numpy.ndarray
        Class of each cell, 0 to 3.

    Returns
    -------
    float
        0, or 2 to 8.

    Examples
    --------
    >>> allred(np.array([0, 1, 2, 3]))
    7.0
    """
    classes = np.asarray(classes)
    if classes.size == 0:
        return float("nan")
    positive = classes[classes > 0]
    if positive.size == 0:
        return 0.0
    proportion = 1 + np.searchsorted(
        [0.01, 0.1, 1 / 3, 2 / 3], positive.size / classes.size, "right"
    )
    intensity = 1 + np.searchsorted([5 / 3, 7 / 3], positive.mean(), "left")
    return float(proportion + intensity)


def summarise_dab(
    objects: pd.DataFrame,
    regions: pd.DataFrame,
    profiles: dict[str, np.ndarray],
    *,
    cutoffs_od: Triple = CUTOFFS_OD,
) -> dict[str, float]:
    """Features of one image, the first being the one that is reported first.

    Parameters
    ----------
    objects : pandas.DataFrame
        Cells with ``class`` and ``positive`` from `classify_dab`.
    regions : pandas.DataFrame
        Pieces of tissue from `measure_dab`.
    profiles : dict of str to numpy.ndarray
        With ``dab_od_histogram``.
    cutoffs_od : tuple of float
        Optical densities from which a pixel is weakly, moderately, strongly positive; inclusive.

    Returns
    -------
    dict of str to float
        ``area_fraction_1`` to ``_3`` are the shares of tissue that are weakly, moderately and
        strongly positive. A share without anything to share in (no cell, no tissue) is NaN;
        counts and areas are 0.
    """
    return features_of_cells(
        objects["class"].to_numpy(),
        profiles["dab_od_histogram"],
        tissue_mm2=regions["area_mm2"].to_numpy(),
        cutoffs_od=cutoffs_od,
    )


def features_of_cells(
    classes: np.ndarray, histogram: np.ndarray, *, tissue_mm2: np.ndarray, cutoffs_od: Triple
) -> dict[str, float]:
    """As `summarise_dab`, from the columns that it needs.

    Parameters
    ----------
    classes : numpy.ndarray
        (n,) class of each cell, 0 to 3.
    histogram : numpy.ndarray
        Tissue's pixels by optical density, in bins of `HISTOGRAM_BIN_OD`.
    tissue_mm2 : numpy.ndarray
        (m,) area of each piece of tissue.
    cutoffs_od : tuple of float
        As for `summarise_dab`.

    Returns
    -------
    dict of str to float
        By feature; NaN where there is nothing to take a share of.
    """
    counts = np.asarray(histogram, dtype=np.float64)
    weak, moderate, strong = (_share_from(counts, cut) for cut in checked_cutoffs(cutoffs_od))
    middles = _middles(counts.size)
    total = counts.sum()
    return {
        "h_score": h_score(classes),
        "positive_cell_fraction": float((classes > 0).mean()) if classes.size else float("nan"),
        "positive_area_fraction": weak,
        "mean_od": float(counts @ middles / total) if total else float("nan"),
        "cells": float(classes.size),
        "tissue_area_mm2": float(tissue_mm2.sum()),
        "allred": allred(classes),
        "area_fraction_1": weak - moderate,
        "area_fraction_2": moderate - strong,
        "area_fraction_3": strong,
    }


@lru_cache
def _middles(bins: int) -> np.ndarray:
    """Give the optical density in the middle of each bin."""
    return (np.arange(bins) + 0.5) * HISTOGRAM_BIN_OD


def _share_from(counts: np.ndarray, cutoff_od: float) -> float:
    """Share of a histogram of optical density from a cut-off on; NaN where it is empty."""
    total = counts.sum()
    return float(counts[round(cutoff_od / HISTOGRAM_BIN_OD) :].sum() / total) if total else np.nan


def _percentile_from(counts: np.ndarray, percent: float) -> float:
    """Upper end of the bin of a histogram in which a percentile lies; NaN where it is empty."""
    total = counts.sum()
    if not total:
        return float("nan")
    place = int(np.searchsorted(np.cumsum(counts), percent / 100 * total))
    return (place + 1) * HISTOGRAM_BIN_OD


def features_above_floor(
    density: np.ndarray,
    histogram: np.ndarray,
    *,
    cutoffs_od: Triple,
    floor_od: float,
    area_floor_od: float,
) -> dict[str, float]:
    """Features with every cut-off raised to what the negative controls reach, beside the others.

    Where the controls stay below the first cut-off, these equal the features without a floor.

    Parameters
    ----------
    density : numpy.ndarray
        (n,) each cell's mean optical density in the compartment that is scored.
    histogram : numpy.ndarray
        Tissue's pixels by optical density, in bins of `HISTOGRAM_BIN_OD`.
    cutoffs_od : tuple of float
        The study's cut-offs.
    floor_od, area_floor_od : float
        99th percentile of the controls' cells and of their tissue's pixels.

    Returns
    -------
    dict of str to float
        ``h_score_above_floor``, ``positive_cell_fraction_above_floor`` and
        ``positive_area_fraction_above_floor``.
    """
    cuts = [cut if np.isnan(floor_od) else max(cut, floor_od) for cut in cutoffs_od]
    # on a raised cut-off the control's own brown ends: only what is above it counts
    classes = sum(
        ((density > cut) if cut == floor_od else (density >= cut)).astype(np.int64) for cut in cuts
    )
    classes = np.asarray(classes)
    counts = np.asarray(histogram, dtype=np.float64)
    first = cutoffs_od[0] if np.isnan(area_floor_od) else max(cutoffs_od[0], area_floor_od)
    return {
        "h_score_above_floor": h_score(classes),
        "positive_cell_fraction_above_floor": (
            float((classes > 0).mean()) if classes.size else float("nan")
        ),
        "positive_area_fraction_above_floor": _share_from(counts, first),
    }


@dataclass(frozen=True)
class ControlFloor:
    """What the controls without primary antibody say about brown that isn't the marker.

    Attributes
    ----------
    positive_cell_fraction, positive_area_fraction : float
        Share of the controls' cells and tissue at or above the first cut-off.
    floor_od : float
        The 99th percentile of the controls' cells: brown below it means nothing.
    area_floor_od : float
        The same of their tissue's pixels.
    flags : tuple of str
        ``control_above_cutoff`` where either floor reaches the first cut-off.
    """

    positive_cell_fraction: float
    positive_area_fraction: float
    floor_od: float
    area_floor_od: float
    flags: tuple[str, ...] = ()


def control_floor(
    objects: pd.DataFrame,
    profiles: dict[str, np.ndarray],
    *,
    compartment: Compartment,
    cutoffs_od: Triple = CUTOFFS_OD,
) -> ControlFloor:
    """See how much brown the negative controls have, pooled over their images.

    Nothing is subtracted and no cut-off is moved: locked cut-offs stay comparable over a study.

    Parameters
    ----------
    objects : pandas.DataFrame
        Cells of all control images.
    profiles : dict of str to numpy.ndarray
        ``dab_od_histogram`` summed over the control images.
    compartment : {"nucleus", "cytoplasm", "cell"}
        Whose mean is compared.
    cutoffs_od : tuple of float
        The study's cut-offs.

    Returns
    -------
    ControlFloor
        Shares, floor and flags.
    """
    cells = classify_dab(objects, compartment=compartment, cutoffs_od=cutoffs_od)
    density = objects[f"dab_{compartment}_od"].dropna()
    floor = float(np.percentile(density, 99)) if len(density) else float("nan")
    counts = np.asarray(profiles["dab_od_histogram"], dtype=np.float64)
    area_floor = _percentile_from(counts, 99)
    # Pigment between cells, or without cells looked for, is seen in the tissue alone. The tissue's
    # floor is the end of a bin: only above the cut-off do the bin's pixels reach it.
    reached = floor >= cutoffs_od[0] or area_floor > cutoffs_od[0]
    return ControlFloor(
        float(cells["positive"].mean()) if len(cells) else float("nan"),
        _share_from(counts, cutoffs_od[0]),
        floor,
        area_floor,
        ("control_above_cutoff",) if reached else (),
    )
