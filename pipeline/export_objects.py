"""Objects for other programs: QuPath's GeoJSON, ImageJ's RoiSet."""

import json
import math
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .object_outlines import geometry, object_outlines, open_labels, polygons
from .results_folder import OBJECT_LABELS, REGION_LABELS, ImageResult
from .writers import atomic_path

# QuPath's own names and colours of these classes
CLASSES = ("Negative", "1+", "2+", "3+")
COLOURS = {
    "Negative": (112, 112, 225),
    "1+": (255, 215, 0),
    "2+": (225, 150, 50),
    "3+": (200, 50, 50),
    "Positive": (250, 62, 62),
    "Nodule": (255, 176, 0),
    "Region": (150, 150, 150),
}
PLAIN = (0, 200, 200)
Outline = Callable[[int], dict[str, Any] | None]
"""Gives a region's GeoJSON geometry by its number."""

IDENTITY = frozenset({"assay", "image", "animal", "group"})


def objects_label(result: ImageResult) -> str | None:
    """Name the label image that shows an image's objects, None where there is none."""
    return next((name for name in OBJECT_LABELS if name in result.labels), None)


def class_of(row: Mapping[str, Any]) -> str:
    """Name an object's class: intensity, positivity, protein, or what it is."""
    if "class" in row:
        return CLASSES[int(row["class"])]
    if "positive" in row and not _missing(row["positive"]):
        return "Positive" if row["positive"] else "Negative"
    if row.get("protein"):
        return str(row["protein"])
    return "Nodule" if "diameter_mm" in row else "Object"


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def measurements(row: Mapping[str, Any]) -> dict[str, float | str]:
    """Give an object's numbers by column; QuPath wants NaN as text.

    Examples
    --------
    >>> measurements({"image": "a.png", "area_um2": float("nan"), "positive": True, "lobe": "L"})
    {'area_um2': 'NaN', 'positive': 1.0}
    """
    found: dict[str, float | str] = {}
    for name, value in row.items():
        if name in IDENTITY or not isinstance(value, bool | int | float | np.number | np.bool_):
            continue
        number = float(value)
        found[name] = number if math.isfinite(number) else str(number).replace("nan", "NaN")
    return found


def write_geojson(path: Path, result: ImageResult) -> int:
    """Write an image's objects and regions as QuPath reads them.

    Coordinates are pixels of the full image, the origin its top left corner, rings closed.
    Objects with nuclei are cells with a nucleus, the others detections; regions are annotations.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    result : ImageResult
        The image.

    Returns
    -------
    int
        How many objects and regions were written.
    """
    count = 0
    with atomic_path(path) as partial, partial.open("w", encoding="utf-8") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for feature in _features(result):
            file.write(("" if count == 0 else ",") + "\n")
            file.write(json.dumps(feature, ensure_ascii=False, allow_nan=False))
            count += 1
        file.write("\n]}\n")
    return count


def _features(result: ImageResult) -> Iterator[dict[str, Any]]:
    yield from _regions(result)
    name = objects_label(result)
    if name is None:
        return
    rows = {int(row["object"]): row for row in result.objects.to_dict("records")}
    nuclei: Iterator[tuple[int, list[np.ndarray]]] = iter(())
    paired = name == "cells" and "nuclei" in result.labels
    if paired:
        nuclei = object_outlines(result.labels["nuclei"], result.objects)
    nucleus = next(nuclei, None)
    for number, rings in object_outlines(result.labels[name], result.objects):
        row = rows[number]
        shape = geometry(rings)
        feature = _feature(result, f"object {number}", shape, class_of(row), measurements(row))
        feature["properties"]["objectType"] = "detection"
        if nucleus is not None and nucleus[0] == number:  # both go through the objects alike
            feature["properties"]["objectType"] = "cell"
            feature["nucleusGeometry"] = geometry(nucleus[1])
            nucleus = next(nuclei, None)
        yield feature


def _regions(result: ImageResult) -> Iterator[dict[str, Any]]:
    if result.regions.empty:
        return
    name = next((name for name in REGION_LABELS if name in result.labels), None)
    outline = _known(result) if name is None else _traced(result.labels[name])
    for row in result.regions.to_dict("records"):
        shape = outline(int(row["region"]))
        if shape is not None:
            feature = _feature(
                result, f"region {row['region']}", shape, "Region", measurements(row)
            )
            label = row.get("name") or row.get("lobe") or f"{name or 'region'} {row['region']}"
            feature["properties"] |= {"objectType": "annotation", "name": str(label)}
            yield feature


def _known(result: ImageResult) -> Outline:
    return dict(result.shapes()).get


def _traced(file: Path) -> Outline:
    """Outline regions on their label image."""
    from ..imgproc.outlines import trace

    with open_labels(file) as held:
        labels = np.asarray(held[...])

    def outline(number: int) -> dict[str, Any] | None:
        rings = trace(labels == number)
        return geometry(rings) if rings else None

    return outline


def _feature(
    result: ImageResult,
    what: str,
    shape: Mapping[str, Any],
    label: str,
    values: Mapping[str, float | str],
) -> dict[str, Any]:
    identity = uuid.uuid5(uuid.NAMESPACE_OID, f"{result.assay} {result.image} {what}")
    return {
        "type": "Feature",
        "id": str(identity),
        "geometry": dict(shape),
        "properties": {
            "classification": {"name": label, "color": list(COLOURS.get(label, PLAIN))},
            "measurements": dict(values),
        },
    }


def write_roi_set(path: Path, result: ImageResult) -> int:
    """Write an image's objects as a RoiSet.zip, which ImageJ's ROI Manager opens.

    Parameters
    ----------
    path : pathlib.Path
        The file; it is written anew, never added to.
    result : ImageResult
        The image.

    Returns
    -------
    int
        How many were written. Of an object in several parts each is a ROI; holes are left out,
        which ROIs of ImageJ don't have.
    """
    from roifile import ROI_TYPE, ImagejRoi

    name = objects_label(result)
    count = 0
    rows = {int(row["object"]): row for row in result.objects.to_dict("records")}
    with atomic_path(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as file:
        if name is None:
            return 0
        for number, rings in object_outlines(result.labels[name], result.objects):
            label = class_of(rows[number])
            for part, polygon in enumerate(polygons(rings)):
                suffix = f"-{part + 1}" if part else ""
                roi = ImagejRoi.frompoints(polygon[0][:-1], name=f"{number:06d}{suffix} {label}")
                roi.roitype = ROI_TYPE.POLYGON
                roi.stroke_color = bytes([255, *COLOURS.get(label, PLAIN)])
                entry = zipfile.ZipInfo(f"{number:06d}{suffix}.roi")  # no time: same bytes
                file.writestr(entry, roi.tobytes())
                count += 1
    return count
