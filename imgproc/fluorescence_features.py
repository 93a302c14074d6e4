"""The features of a field of immunofluorescence, from its classified cells."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from .positivity import Threshold


def summarise_fluorescence(
    objects: pd.DataFrame, *, compartment: str, threshold: Threshold | None = None
) -> dict[str, float]:
    """Give the features of an image from its classified cells.

    Parameters
    ----------
    objects : pandas.DataFrame
        Cells after `classify_fluorescence` (or straight from `measure_fluorescence`).
    compartment : {"nucleus", "cytoplasm", "membrane", "cell"}
        Where the marker is scored.
    threshold : Threshold, optional
        Adds the mean intensity over that of the controls; without a limit (NaN) the positive
        fraction is NaN, not zero.

    Returns
    -------
    dict of str to float
        ``positive_fraction``, ``mean_intensity`` (compartment's mean over background, grey values),
        ``cells``, ``membrane_completeness`` (mean over positive cells),
        ``nuclear_cytoplasmic_ratio``; then ``positive_fraction_raw`` and ``mean_intensity_raw``
        (without background subtraction), ``integrated_density_per_nucleus`` (of the marker's
        compartment, over background; ``_raw``: without subtraction) and ``ctcf``, means over cells.
        Without a marker ``cells``, and the nuclei's mean area and the integrated density of their
        stain. NaN where there is no cell to average.
    """

    columns = {name: objects[name].to_numpy() for name in summarised_columns(objects, compartment)}
    return features_of_cells(columns, len(objects), compartment=compartment, threshold=threshold)


def summarised_columns(objects: pd.DataFrame, compartment: str) -> list[str]:
    """Give those columns of the cells that their features are made of.

    Parameters
    ----------
    objects : pandas.DataFrame
        The cells.
    compartment : str
        The compartment that is scored.

    Returns
    -------
    list of str
        Names of columns that are there.
    """
    level = f"marker_{compartment}"
    names = (
        *("area_um2", "nuclei_nucleus_integrated_net", "positive", "positive_raw", f"{level}_net"),
        *(f"{level}_mean", f"{level}_integrated_net", f"{level}_integrated", "ctcf"),
        *("membrane_completeness", "nuclear_cytoplasmic_ratio"),
    )
    return [name for name in names if name in objects]


def features_of_cells(
    columns: Mapping[str, np.ndarray],
    cells: int,
    *,
    compartment: str,
    threshold: Threshold | None = None,
) -> dict[str, float]:
    """As `summarise_fluorescence`, from the columns that it needs.

    Parameters
    ----------
    columns : mapping of str to numpy.ndarray
        (cells,) each, those of `summarised_columns`.
    cells : int
        How many cells there are.
    compartment, threshold
        As for `summarise_fluorescence`.

    Returns
    -------
    dict of str to float
        By feature; NaN where no cell has what it is made of.
    """

    def mean(column: str, which: slice | np.ndarray = slice(None)) -> float:
        values = columns[column][which].astype(float) if column in columns else np.array([])
        values = values[np.isfinite(values)]
        return float(values.mean()) if values.size else float("nan")

    if f"marker_{compartment}_net" not in columns:
        return {
            "cells": float(cells),
            "nucleus_area_um2": mean("area_um2"),
            "integrated_density_per_nucleus": mean("nuclei_nucleus_integrated_net"),
        }

    undecided = threshold is not None and not np.isfinite(threshold.value)
    positive = columns["positive"] if "positive" in columns else slice(None)
    features = {
        "positive_fraction": float("nan") if undecided else mean("positive"),
        "mean_intensity": mean(f"marker_{compartment}_net"),
        "cells": float(cells),
        "membrane_completeness": mean("membrane_completeness", positive),
        "nuclear_cytoplasmic_ratio": mean("nuclear_cytoplasmic_ratio"),
        "positive_fraction_raw": mean("positive_raw"),
        "mean_intensity_raw": mean(f"marker_{compartment}_mean"),
        "integrated_density_per_nucleus": mean(f"marker_{compartment}_integrated_net"),
        "integrated_density_per_nucleus_raw": mean(f"marker_{compartment}_integrated"),
        "ctcf": mean("ctcf"),
    }
    if threshold is not None:
        features["mean_intensity_over_control"] = (
            features["mean_intensity"] - threshold.control_mean
        )
    return features
