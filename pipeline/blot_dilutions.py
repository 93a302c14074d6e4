"""Dilution lanes of blots: the range of volumes in which a protein's band is proportional."""

import math

import numpy as np
import pandas as pd

from .blot_rows import TARGET, choose_band

RANGE_COLUMNS = (
    "image",
    "protein",
    "levels",
    "r_squared",
    "low_amount",
    "high_amount",
    "low_volume",
    "high_volume",
    "note",
)


def dilution_ranges(objects: pd.DataFrame, dilutions: pd.DataFrame) -> pd.DataFrame:
    """Find the linear range of each protein on each image that has a dilution series.

    Parameters
    ----------
    objects : pandas.DataFrame
        Bands of all images: image, lane, object, y_px, volume, saturated.
    dilutions : pandas.DataFrame
        As `LaneSheet.dilutions`.

    Returns
    -------
    pandas.DataFrame
        Columns `RANGE_COLUMNS`; NaN where there is no range.
    """
    from ..stats.linear_range import linear_range

    rows = []
    for (image, protein), held in dilutions.groupby(["image", "protein"], sort=False):
        volumes = []
        for entry in held.to_dict("records"):
            lane = objects[(objects["image"] == image) & (objects["lane"] == entry["lane"])]
            # A lane without a band is a volume of 0: the end of what can be seen.
            volumes.append(choose_band(lane, entry | {"role": TARGET})["volume"])
        found = linear_range(held["amount"].to_numpy(dtype=float), np.array(volumes, dtype=float))
        amounts, volumes_there = (found.low_amount, found.high_amount), (found.low, found.high)
        fit = (found.levels, found.r_squared)
        rows.append((image, protein, *fit, *amounts, *volumes_there, found.note))
    return pd.DataFrame(rows, columns=list(RANGE_COLUMNS))


def note_ranges(bands: pd.DataFrame, ranges: pd.DataFrame) -> pd.DataFrame:
    """Note at each used band that its volume lies outside the range that dilutions show.

    Parameters
    ----------
    bands : pandas.DataFrame
        As `RelativeVolumes.bands`.
    ranges : pandas.DataFrame
        As `dilution_ranges` gives them.

    Returns
    -------
    pandas.DataFrame
        A copy with the notes completed.
    """
    held = {(row["image"], row["protein"]): row for row in ranges.to_dict("records")}
    notes = []
    for band in bands.to_dict("records"):
        own = held.get((band["image"], band["protein"]))
        found = "" if own is None or band["reason"] else _outside(float(band["volume"]), own)
        notes.append("; ".join(text for text in (band["note"], found) if text))
    return bands.assign(note=notes)


def _outside(volume: float, own: dict[str, object]) -> str:
    low, high = float(own["low_volume"]), float(own["high_volume"])  # type: ignore[arg-type]
    if math.isnan(low):
        return "the dilutions show no linear range"
    if low <= volume <= high:
        return ""
    side = "below" if volume < low else "above"
    return f"{side} the linear range that the dilutions show ({low:.4g} to {high:.4g})"
