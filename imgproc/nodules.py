"""Nodules on photographs of lungs: counted, measured, and summed per lobe."""

from dataclasses import replace
from typing import Any, Literal

import cv2
import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from .lobe_patch import LobePatch, lobe_patch
from .lobe_summary import (
    REGION_TYPES,
    colour_flags,
    count_range,
    cut_share,
    lobe_focus,
    nodule_flags,
    quartiles,
    tissue,
)
from .lung_tissue import Appearance
from .lungs import LobeFinder, Lobes, find_lobes
from .measurement import Measurement
from .neutral import Neutral, NeutralSource, balanced, read_neutral
from .nodule_detector import Detections, detect_classical
from .nodule_model import detect_learned, shipped_model
from .photo import check_rgb, full_scale
from .views import lobe_frames


class NoduleOptions(BaseModel):
    """What counts as a nodule on a photo of lungs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    appearance: Appearance = Field(
        "bouin",
        description="How the lung was fixed: 'bouin' for pale nodules on yellow lung, 'dark-lung' "
        "for white nodules on lung blackened with India ink.",
    )
    min_diameter_mm: float = Field(
        0.2, gt=0, le=5, description="Smallest nodule counted, as diameter in mm."
    )
    max_diameter_mm: float = Field(
        3.0,
        gt=0,
        le=20,
        description="Largest nodule the classical detector looks for, as diameter in mm.",
    )
    min_confidence: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Least confidence (0 to 1) a nodule needs to be counted; raise it to count "
        "only clear nodules, lower it to miss fewer.",
    )
    detector: Literal["learned", "classical"] = Field(
        "learned",
        description="'learned' uses the trained model (Bouin-fixed lung only); 'classical' looks "
        "for pale blobs, and is what inked lungs are always measured with.",
    )
    lobe_finder: LobeFinder = Field(
        "learned",
        description="'learned' finds the lobes by a trained network (Bouin-fixed lung only); "
        "'classical' by colour and shape, as inked lungs are always found.",
    )
    white_balance: NeutralSource = Field(
        "none",
        description="What in the photo is grey: 'background' where that is white, grey or paper "
        "(others change nothing), 'card' for a grey card or paper label, 'none' to leave the "
        "colours as they are: they are judged against each lobe's own tissue in any case.",
    )
    min_lobe_area_mm2: float = Field(
        8.0, gt=0, description="Smaller pieces of tissue are not taken for a lobe (mm²)."
    )


_STRIP_PX = 256

OBJECT_TYPES: dict[str, str] = {
    "object": "int64",
    "y_px": "float64",
    "x_px": "float64",
    "lobe": "object",
    "diameter_mm": "float64",
    "area_mm2": "float64",
    "circularity": "float64",
    "contrast": "float64",
    "confidence": "float64",
    "at_rim": "bool",
    "diameter_px": "float64",
    "area_px": "int64",
}


def _table(rows: list[dict[str, Any]], types: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(types)).astype(types)


def circularity(mask: np.ndarray) -> float:
    """4 π area / perimeter², from the outline's polygon; 1 for a disc, at most 1."""
    outlines, _ = cv2.findContours(
        np.pad(mask.astype(np.uint8), 1), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    longest = max(outlines, key=len)
    perimeter = cv2.arcLength(longest, True)
    # the polygon runs through pixel centres: half a pixel of rim is added to its area
    area = cv2.contourArea(longest) + 0.5 * perimeter + 1
    rim = perimeter + np.pi
    return float(min(1.0, 4 * np.pi * area / rim**2))


def _areas(labels: np.ndarray, count: int, where: np.ndarray | None = None) -> np.ndarray:
    """Pixels of every label 0..count, in strips, since counting copies to 64 bits."""
    areas = np.zeros(count + 1, np.int64)
    for top in range(0, len(labels), _STRIP_PX):
        rows = slice(top, top + _STRIP_PX)
        part = labels[rows].ravel() if where is None else labels[rows][where[rows]]
        areas += np.bincount(part, minlength=count + 1)
    return areas


def _paint(
    labels: np.ndarray, found: Detections, patch: LobePatch, kept: np.ndarray
) -> dict[int, int]:
    """Draw the kept nodules at the photo's resolution; return row -> object number."""
    window = labels[patch.window]
    coarse = found.labels.astype(np.uint16)  # a lobe has no 65,536 nodules, and photos are large
    drawn = cv2.resize(coarse, (patch.width, patch.height), interpolation=cv2.INTER_NEAREST_EXACT)
    first = int(labels.max(initial=0)) + 1
    free = window == 0
    sizes = _areas(drawn, len(found.y), free)
    whole = _areas(drawn, len(found.y))
    # what mostly lies on a nodule of the neighbouring lobe is that nodule
    present = [row for row in kept.tolist() if sizes[row + 1] > 0.5 * whole[row + 1]]
    numbers = {row: first + k for k, row in enumerate(present)}
    table = np.zeros(len(found.y) + 1, np.int32)
    for row, number in numbers.items():
        table[row + 1] = number
    for top in range(0, len(window), _STRIP_PX):
        rows = slice(top, top + _STRIP_PX)
        new = table[drawn[rows]]
        np.copyto(window[rows], new, where=(new > 0) & free[rows])
    return numbers


def _object_rows(
    found: Detections,
    patch: LobePatch,
    numbers: dict[int, int],
    labels: np.ndarray,
    lobe: str,
    px_per_mm: float | None,
) -> list[dict[str, Any]]:
    window = labels[patch.window]
    sizes = _areas(window, max(int(window.max(initial=0)), max(numbers.values(), default=0)))
    y, x = patch.to_photo(found.y, found.x)
    to_rim = cv2.distanceTransform(np.pad(patch.mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[
        1:-1, 1:-1
    ]
    rows = []
    for row, number in numbers.items():
        area = int(sizes[number])
        diameter = 2 * float(np.sqrt(area / np.pi))
        shape = found.labels == row + 1
        mm = float("nan") if px_per_mm is None else 1 / px_per_mm
        rows.append(
            {
                "object": number,
                "y_px": float(y[row]),
                "x_px": float(x[row]),
                "lobe": lobe,
                "diameter_mm": diameter * mm,
                "area_mm2": area * mm**2,
                "circularity": circularity(shape),
                "contrast": float(found.contrast[row]),
                "confidence": float(found.confidence[row]),
                "at_rim": bool(to_rim[shape].min() < 2.0),
                "diameter_px": diameter,
                "area_px": area,
            }
        )
    return rows


def _reading(found: Detections, kept: np.ndarray) -> np.ndarray:
    return kept[np.lexsort((found.x[kept], found.y[kept]))]


def _detect(patch: LobePatch, options: NoduleOptions) -> Detections:
    if options.detector == "learned" and options.appearance == "bouin":
        return detect_learned(patch, shipped_model())
    return detect_classical(
        patch,
        appearance=options.appearance,
        min_diameter_mm=options.min_diameter_mm,
        max_diameter_mm=options.max_diameter_mm,
    )


def _measure_lobe(
    rgb: np.ndarray,
    lobes: Lobes,
    number: int,
    neutral: Neutral,
    options: NoduleOptions,
    px_per_mm: float | None,
    labels: dict[str, np.ndarray],
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Measure one lobe: paint it into the label images, return its nodules and its row."""
    patch = lobe_patch(rgb, lobes, number)
    patch = replace(patch, rgb=balanced(patch.rgb, neutral))
    found = _detect(patch, options)
    large = 2 * found.radius >= options.min_diameter_mm * patch.px_per_mm
    # below any cut, so that what is too small is never counted, not even as doubtful
    found = replace(found, confidence=np.where(large, found.confidence, -1.0))
    kept = _reading(found, np.flatnonzero(found.confidence >= options.min_confidence))
    drawn = labels["lobes"][patch.window]
    np.copyto(drawn, number, where=patch.photo_mask() & (drawn == 0))
    numbers = _paint(labels["nodules"], found, patch, kept)
    # nodules at the rim stand out over the lobe as found, and are part of it
    np.copyto(drawn, number, where=(labels["nodules"][patch.window] > 0) & (drawn == 0))
    area = int((drawn == number).sum())
    rows = _object_rows(found, patch, numbers, labels["nodules"], str(number), px_per_mm)
    pale = sum(row["area_px"] for row in rows)
    low, high = count_range(found.confidence, len(rows), options.min_confidence)
    region = {
        "region": number,
        "lobe": str(number),
        "area_mm2": float("nan") if px_per_mm is None else area * (1 / px_per_mm) ** 2,
        "nodules": len(rows),
        "count_low": low,
        "count_high": high,
        "burden": min(1.0, pale / max(area, 1)),
        "glare_fraction": float(found.glare[patch.mask].mean()) if patch.mask.any() else 0.0,
        "focus": lobe_focus(patch),
        **quartiles([row["diameter_mm"] for row in rows]),
        **tissue(patch),
        "cut_share": cut_share(lobes.labels == number),
        "area_px": area,
    }
    return rows, region


def measure_nodules(
    rgb: np.ndarray, *, px_per_mm: float | None, options: NoduleOptions | None = None
) -> Measurement:
    """Count and measure the nodules on a photo of lung lobes, lobe by lobe.

    Parameters
    ----------
    rgb : numpy.ndarray, shape (H, W, 3), uint8 or uint16
        The photo, without alpha.
    px_per_mm : float or None
        Its scale. Without one, sizes are given in pixels only (the columns in mm are NaN), the
        scale for detection is guessed from the lobes' length, and the flag ``no_scale`` is set.
    options : NoduleOptions
        What counts as a nodule.

    Returns
    -------
    Measurement
        Objects are nodules, regions are lobes; label images ``nodules`` and ``lobes``. A photo
        without a lobe gives empty tables and the flag ``no_lobe``.

    Raises
    ------
    MeasurementError
        If `rgb` isn't a colour photo of 8 or 16 bits.
    """
    options = options or NoduleOptions()
    rgb = check_rgb(rgb)
    lobes = find_lobes(
        rgb,
        px_per_mm=px_per_mm,
        appearance=options.appearance,
        min_lobe_area_mm2=options.min_lobe_area_mm2,
        finder=options.lobe_finder,
    )
    neutral = read_neutral(rgb, lobes, options.white_balance)
    labels = {name: np.zeros(rgb.shape[:2], np.int32) for name in ("nodules", "lobes")}
    objects: list[dict[str, Any]] = []
    regions: list[dict[str, Any]] = []
    for number in range(1, lobes.count + 1):
        rows, region = _measure_lobe(rgb, lobes, number, neutral, options, px_per_mm, labels)
        objects.extend(rows)
        regions.append(region)
    table = _table(regions, REGION_TYPES)
    frames = lobe_frames(labels["lobes"], len(table)).drop(columns="area_px")
    table = pd.concat([table, frames], axis=1)
    return Measurement(
        objects=_table(objects, OBJECT_TYPES),
        regions=table,
        labels=labels,
        flags=(
            *nodule_flags(table, px_per_mm),
            *(("lobes_doubtful",) if lobes.doubtful else ()),
            *(("sixteen_bits",) if rgb.dtype == np.uint16 else ()),
            *(colour_flags(table) if options.appearance == "bouin" else ()),
        ),
        notes={
            **lobes.notes,
            "white_level": full_scale(rgb),
            "white_balance": neutral.source,
            "white_balance_gains": [round(gain, 4) for gain in neutral.gains],
        },
    )


def summarise_nodules(objects: pd.DataFrame, regions: pd.DataFrame) -> dict[str, float]:
    """Sum a photo's nodules and lobes up to the features of an image.

    Everything is worked out from the tables, so it holds after a person's corrections too.

    Parameters
    ----------
    objects : pandas.DataFrame
        A row a nodule, with ``area_px`` and ``diameter_mm``.
    regions : pandas.DataFrame
        A row a lobe, with ``area_px`` and ``area_mm2``.

    Returns
    -------
    dict of str to float
        ``nodules_per_lobe`` (NaN without a lobe), ``nodules``, ``burden`` (area of nodules over
        area of lobes), ``lobe_area_mm2`` (of all lobes) and ``median_diameter_mm`` (NaN without a
        nodule or a scale).
    """
    count, lobes = len(objects), len(regions)
    tissue = float(regions["area_px"].sum())
    diameters = objects["diameter_mm"].dropna()
    return {
        "nodules_per_lobe": count / lobes if lobes else float("nan"),
        "nodules": float(count),
        "burden": float(objects["area_px"].sum()) / tissue if tissue else float("nan"),
        "lobe_area_mm2": float(regions["area_mm2"].sum(skipna=False)) if lobes else float("nan"),
        "median_diameter_mm": float(diameters.median()) if len(diameters) else float("nan"),
    }
