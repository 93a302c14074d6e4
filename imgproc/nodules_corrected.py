"""Nodules and lobes measured again from label images that a person corrected."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pandas as pd

from .corrected import NOT_ASSESSABLE, checked_labels, without_unassessable
from .glare import glare_mask
from .labelled import sums
from .lobe_patch import WORK_PX_PER_MM, LobePatch
from .lobe_summary import REGION_TYPES, cut_share, lobe_focus, nodule_flags, quartiles, tissue
from .measurement import Measurement
from .nodules import OBJECT_TYPES, circularity
from .photo import check_rgb, full_scale, reduced
from .views import lobe_frames

AT_RIM_MM = 0.1
"""An outline nearer to the lobe's rim than this is at it: two pixels of the detector's own
resolution."""

_OF_LOBES = ("no_lobe", "confluent", "heavy_glare", "cut_off", "no_scale")
_SURFACE = ("glare_fraction", "focus", "tissue_hue_deg", "tissue_chroma")

ASSUMED_PX_PER_MM = 50.0
"""Where a photo has no scale; only the smoothing of glare and the rim's width depend on it."""


def measure_corrected_nodules(
    rgb: np.ndarray,
    labels: Mapping[str, np.ndarray],
    *,
    px_per_mm: float | None,
    program: Measurement,
) -> Measurement:
    """Measure the nodules and lobes of corrected label images.

    What nobody touched keeps the program's row. A nodule that was drawn or redrawn gets its size,
    place, shape and lobe from its outline; its contrast and confidence are the detector's and so
    missing. A lobe's count is the reader's: its range closes on it.

    Parameters
    ----------
    rgb : numpy.ndarray, shape (H, W, 3), uint8 or uint16
        The photo.
    labels : mapping of str to numpy.ndarray
        ``nodules`` and ``lobes``, maybe ``not_assessable``; whole numbers, shape (H, W).
    px_per_mm : float or None
        Its scale, as the program used it.
    program : Measurement
        What the program found, with its label images.

    Returns
    -------
    Measurement
        As `measure_nodules`; the numbers are those of the corrected label images.

    Raises
    ------
    MeasurementError
        If a label image is missing or has another shape than the photo.
    """
    rgb = check_rgb(rgb)
    given = checked_labels(labels, ("nodules", "lobes"), rgb.shape[:2])
    kept, left_out = without_unassessable(given, "nodules")
    nodules, lobes = kept["nodules"], kept["lobes"]
    mm = float("nan") if px_per_mm is None else 1 / px_per_mm
    objects = _objects(nodules, lobes, mm, program)
    regions = _regions(rgb, lobes, objects, mm, program)
    untouched = program.flags if program.flags else ()
    raised = nodule_flags(regions, px_per_mm)
    flags = [f for f in untouched if f not in _OF_LOBES]
    if given.get(NOT_ASSESSABLE, np.zeros(1)).any():
        flags.append("partly_not_assessable")
    return replace(
        program,
        objects=objects,
        regions=regions,
        labels={"nodules": nodules, "lobes": lobes},
        flags=(*raised, *flags),
        notes=program.notes | {"objects_not_assessable": left_out},
    )


def _objects(
    nodules: np.ndarray, lobes: np.ndarray, mm: float, program: Measurement
) -> pd.DataFrame:
    """A row a nodule, in the order of their numbers."""
    known = program.objects.set_index("object", drop=False)
    before = program.labels["nodules"]
    changed = _touched(before, nodules)
    moved = _touched(program.labels["lobes"], lobes)
    shapes = sums(nodules, {})
    homes = _homes(nodules, lobes, shapes)
    rim = _rim_distance(lobes) if len(shapes) else np.zeros((1, 1))
    near = AT_RIM_MM / mm if np.isfinite(mm) else AT_RIM_MM * ASSUMED_PX_PER_MM
    rows = []
    for number, shape in shapes.iterrows():
        if number in known.index and number not in changed:
            row = dict(known.loc[number])
            if homes[number] in moved or row["lobe"] != str(homes[number]):
                row["lobe"] = _lobe_name(homes[number])
        else:
            row = _drawn(nodules, int(str(number)), shape, mm, rim, near)
            row["lobe"] = _lobe_name(homes[number])
        rows.append(row)
    return pd.DataFrame(rows, columns=list(OBJECT_TYPES)).astype(OBJECT_TYPES)


def _touched(before: np.ndarray, after: np.ndarray) -> set[int]:
    """Numbers whose pixels aren't the same in both."""
    differs = before != after
    return set(np.unique(before[differs]).tolist()) | set(np.unique(after[differs]).tolist())


def _lobe_name(number: int) -> str:
    return str(number) if number else ""


def _homes(nodules: np.ndarray, lobes: np.ndarray, shapes: pd.DataFrame) -> dict[Any, int]:
    """The lobe that holds most of each nodule; one beside all lobes belongs to the nearest."""
    if not lobes.any():
        return dict.fromkeys(shapes.index, 0)
    width = int(lobes.max()) + 1
    inside = (nodules > 0) & (lobes > 0)
    keys, counts = np.unique(
        nodules[inside].astype(np.int64) * width + lobes[inside], return_counts=True
    )
    order = np.argsort(counts, kind="stable")
    homes = {int(key // width): int(key % width) for key in keys[order]}
    astray = [number for number in shapes.index if number not in homes]
    if astray:
        rows, columns = np.nonzero(lobes)
        for number in astray:
            y, x = shapes.at[number, "y_px"], shapes.at[number, "x_px"]
            nearest = int(np.argmin((rows - y) ** 2 + (columns - x) ** 2))
            homes[number] = int(lobes[rows[nearest], columns[nearest]])
    return homes


def _rim_distance(lobes: np.ndarray) -> np.ndarray:
    inside = np.pad(lobes > 0, 1).astype(np.uint8)
    return cv2.distanceTransform(inside, cv2.DIST_L2, 5)[1:-1, 1:-1]


def _drawn(
    nodules: np.ndarray, number: int, shape: pd.Series, mm: float, rim: np.ndarray, near: float
) -> dict[str, Any]:
    """The row of a nodule from its outline alone."""
    rows, columns = np.nonzero(nodules == number)
    window = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    mask = nodules[window] == number
    area = int(shape["area_px"])
    diameter = 2 * float(np.sqrt(area / np.pi))
    return {
        "object": number,
        "y_px": float(shape["y_px"]),
        "x_px": float(shape["x_px"]),
        "diameter_mm": diameter * mm,
        "area_mm2": area * mm**2,
        "circularity": circularity(mask),
        "contrast": float("nan"),
        "confidence": float("nan"),
        "at_rim": bool(rim[window][mask].min() < near),
        "diameter_px": diameter,
        "area_px": area,
    }


def _regions(
    rgb: np.ndarray, lobes: np.ndarray, objects: pd.DataFrame, mm: float, program: Measurement
) -> pd.DataFrame:
    """A row a lobe, in the order of their numbers."""
    known = program.regions.set_index("region", drop=False)
    moved = _touched(program.labels["lobes"], lobes)
    areas = np.bincount(lobes.ravel())
    rows = []
    for number in np.flatnonzero(areas[1:]) + 1:
        area, held = int(areas[number]), objects[objects["lobe"] == str(number)]
        count, pale = len(held), int(held["area_px"].sum())
        if number in known.index and number not in moved:
            surface = {name: float(known.at[number, name]) for name in _SURFACE}
        else:
            surface = _surface(rgb, lobes, int(number), mm)
        rows.append(
            {
                "region": int(number),
                "lobe": str(number),
                "area_mm2": area * mm**2,
                "nodules": count,
                "count_low": count,
                "count_high": count,
                "burden": min(1.0, pale / max(area, 1)),
                **surface,
                **quartiles(held["diameter_mm"].dropna().tolist()),
                "cut_share": cut_share(lobes == number),
                "area_px": area,
            }
        )
    table = pd.DataFrame(rows, columns=list(REGION_TYPES)).astype(REGION_TYPES)
    frames = lobe_frames(lobes, int(lobes.max(initial=0))).drop(columns="area_px")
    own = frames.iloc[table["region"].to_numpy(int) - 1].reset_index(drop=True)
    return pd.concat([table, own], axis=1)


def _surface(rgb: np.ndarray, lobes: np.ndarray, number: int, mm: float) -> dict[str, float]:
    """Glare and focus of a lobe whose outline was moved."""
    rows, columns = np.nonzero(lobes == number)
    top, left = int(rows.min()), int(columns.min())
    height, width = int(rows.max()) + 1 - top, int(columns.max()) + 1 - left
    scale = 1 / mm if np.isfinite(mm) else ASSUMED_PX_PER_MM
    factor = min(1.0, WORK_PX_PER_MM / scale)
    small = reduced(rgb[top : top + height, left : left + width], factor, full_scale(rgb))
    mask = (lobes[top : top + height, left : left + width] == number).astype(np.uint8)
    size = (small.shape[1], small.shape[0])
    inside = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST) > 0
    patch = LobePatch(
        small, inside, np.zeros_like(inside), scale * factor, top, left, height, width
    )
    shiny = glare_mask(small, px_per_mm=patch.px_per_mm)
    share = float(shiny[inside].mean()) if inside.any() else 0.0
    return {"glare_fraction": share, "focus": lobe_focus(patch), **tissue(patch)}
