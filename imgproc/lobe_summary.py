"""What is said of one lobe: its count's range, its sizes, its colour, its sharpness, its flags."""

import cv2
import numpy as np
import pandas as pd

from .lobe_patch import LobePatch
from .lung_tissue import chroma
from .nodule_surface import inner

_SURE = 0.8  # a nodule of this confidence is counted even in the low count
_DOUBTFUL = 0.1  # and one of this confidence is counted only in the high count
_CONFLUENT_BURDEN = 0.4  # above this share of pale tissue the count is a guess
_HEAVY_GLARE = 0.10  # share of a lobe under reflections that a reader should know of
_BOUIN_HUES_DEG = (55.0, 110.0)  # ochre to yellow-green; unfixed lung is redder, stained pinker
_LEAST_COLOUR = 33.0  # CIE Lab chroma; picric acid stains strongly
_RIM_MM = 0.12  # the background's colour bleeds this far into a lobe
_CUT_SHARE = 0.03  # of a lobe's outline that may run along the photo's edge

REGION_TYPES: dict[str, str] = {
    "region": "int64",
    "lobe": "object",
    "area_mm2": "float64",
    "nodules": "int64",
    "count_low": "int64",
    "count_high": "int64",
    "burden": "float64",
    "glare_fraction": "float64",
    "focus": "float64",
    "diameter_q1_mm": "float64",
    "diameter_median_mm": "float64",
    "diameter_q3_mm": "float64",
    "tissue_hue_deg": "float64",
    "tissue_chroma": "float64",
    "cut_share": "float64",
    "area_px": "int64",
}


def tissue_colour(rgb: np.ndarray, mask: np.ndarray, px_per_mm: float) -> np.ndarray:
    """Colour of a lobe's plain tissue: the median of its more saturated half.

    Parameters
    ----------
    rgb : numpy.ndarray of float32, shape (h, w, 3)
        Between 0 and 1.
    mask : numpy.ndarray of bool, shape (h, w)
        The lobe.
    px_per_mm : float
        Scale.

    Returns
    -------
    numpy.ndarray of float32, shape (3,)
    """
    known = inner(mask, _RIM_MM * px_per_mm)
    pixels = rgb[known] if known.any() else rgb[mask]
    if len(pixels) == 0:
        return np.full(3, 0.5, np.float32)
    yellow = chroma(pixels)
    return np.median(pixels[yellow >= np.median(yellow)], axis=0).astype(np.float32)


def lobe_focus(patch: LobePatch) -> float:
    """Sharpness of the lobe's surface: variance of the Laplacian over squared mean brightness."""
    grey = patch.rgb.mean(axis=2)
    inside = cv2.erode(patch.mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if not inside.any():
        return float("nan")
    edges = cv2.Laplacian(grey, cv2.CV_32F)[inside]
    return float(edges.var() / max(float(grey[inside].mean()) ** 2, 1e-6))


def tissue(patch: LobePatch) -> dict[str, float]:
    """CIE Lab hue and chroma of the lobe's plain tissue."""
    colour = tissue_colour(patch.rgb, patch.mask, patch.px_per_mm).reshape(1, 1, 3)
    _, a, b = cv2.cvtColor(colour, cv2.COLOR_RGB2LAB)[0, 0]
    return {
        "tissue_hue_deg": float(np.rad2deg(np.arctan2(b, a))),
        "tissue_chroma": float(np.hypot(a, b)),
    }


def cut_share(lobe: np.ndarray) -> float:
    """Share of a lobe's outline that runs along the photo's edge, where the lobe is cut off."""
    edge = lobe[0].sum() + lobe[-1].sum() + lobe[:, 0].sum() + lobe[:, -1].sum()
    outlines, _ = cv2.findContours(lobe.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return float(edge / max(sum(cv2.arcLength(line, True) for line in outlines), 1.0))


def quartiles(diameters_mm: list[float]) -> dict[str, float]:
    """The distribution of a lobe's nodules by size; NaN without a nodule or a scale."""
    names = ("diameter_q1_mm", "diameter_median_mm", "diameter_q3_mm")
    if not diameters_mm:
        return dict.fromkeys(names, float("nan"))
    return dict(zip(names, np.quantile(diameters_mm, [0.25, 0.5, 0.75]).tolist(), strict=True))


def count_range(confidence: np.ndarray, counted: int, cut: float) -> tuple[int, int]:
    """Count with only the sure nodules, and with the doubtful ones.

    Parameters
    ----------
    confidence : numpy.ndarray
        (n,) float, 0 to 1, of every candidate.
    counted : int
        How many of them count.
    cut : float
        The confidence from which one counts.

    Returns
    -------
    low, high : int
        With `counted` between them.
    """
    low = int((confidence >= max(_SURE, cut)).sum())
    high = int((confidence >= min(_DOUBTFUL, cut)).sum())
    return min(low, counted), max(high, counted)


def nodule_flags(regions: pd.DataFrame, px_per_mm: float | None) -> tuple[str, ...]:
    """What a reader of the photo's numbers should know, from its lobes."""
    found = []
    if px_per_mm is None:
        found.append("no_scale")
    if regions.empty:
        found.append("no_lobe")
    if (regions["burden"] > _CONFLUENT_BURDEN).any():
        found.append("confluent")
    if (regions["glare_fraction"] > _HEAVY_GLARE).any():
        found.append("heavy_glare")
    if (regions["cut_share"] > _CUT_SHARE).any():
        found.append("cut_off")
    return tuple(found)


def colour_flags(regions: pd.DataFrame) -> tuple[str, ...]:
    """Whether lobes have the colour that Bouin's fluid gives."""
    usual = regions["tissue_hue_deg"].between(*_BOUIN_HUES_DEG)
    usual &= regions["tissue_chroma"] >= _LEAST_COLOUR
    return () if usual.all() else ("unusual_colour",)
