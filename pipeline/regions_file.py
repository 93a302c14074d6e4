"""Regions of interest as QuPath writes them: GeoJSON in pixels of the full image."""

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..imgproc.polygons import Polygon
from .errors import InputError

SUFFIXES = (".geojson", ".geojson.gz", ".json")
EXCLUDED_CLASSES = frozenset({"ignore", "ignore*", "exclude", "excluded"})
"""What lies in annotations of these classes is left out; QuPath ignores its own Ignore* too."""

OBJECTS = frozenset({"detection", "cell", "tile", "tma_core"})  # found by QuPath, not drawn
Area = tuple[Polygon, Mapping[str, Any]]
"""An area, and the geometry that the file has of it."""

REMEDY = "export the annotations from QuPath: File, Export objects as GeoJSON"


def find_regions(folder: Path, image: Path) -> Path | None:
    """Find the regions of an image: the file itself, or the one in a folder that has its name.

    Parameters
    ----------
    folder : pathlib.Path
        A GeoJSON file, or a folder of them.
    image : pathlib.Path
        The image; ``slide.svs`` has ``slide.geojson`` or ``slide.svs.geojson``.

    Returns
    -------
    pathlib.Path or None
        None where there is none.
    """
    if folder.is_file():
        return folder
    for name in (image.stem, image.name, image.name.split(".")[0]):
        for suffix in SUFFIXES:
            if (folder / f"{name}{suffix}").is_file():
                return folder / f"{name}{suffix}"
    return None


def read_regions(path: Path, shape: tuple[int, int] | None = None) -> tuple[Polygon, ...]:
    """Read the areas of a GeoJSON file.

    Parameters
    ----------
    path : pathlib.Path
        A feature collection, a list of features, a feature or a geometry; may be gzipped.
    shape : (int, int), optional
        Height and width of the image that they are of.

    Returns
    -------
    tuple of Polygon
        Annotations in their order; detections, points and lines are passed over.

    Raises
    ------
    InputError
        If the file isn't GeoJSON or holds no area, or an area lies outside the image.
    """
    found = tuple(area for area, _ in _read(path))
    if shape is not None:
        _refuse_outside(path, found, shape)
    return found


def _read(path: Path) -> list[Area]:
    try:
        raw = path.read_bytes()
        text = gzip.decompress(raw) if path.suffix == ".gz" else raw
        found = list(_areas(json.loads(text)))
    except (
        OSError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
    ) as error:
        raise InputError(
            str(path), f"{path.name} can't be read as GeoJSON: {error}", REMEDY
        ) from error
    if not found:
        reason = f"{path.name} holds no area: no polygon that is an annotation"
        raise InputError(str(path), reason, REMEDY)
    return found


def _refuse_outside(path: Path, areas: Iterable[Polygon], shape: tuple[int, int]) -> None:
    """Refuse areas that aren't on the image: they are another one's, or not in its pixels."""
    height, width = shape
    for area in areas:
        left, top, right, bottom = area.bounds()
        if right <= 0 or bottom <= 0 or left >= width or top >= height:
            raise InputError(
                str(path),
                f"{area.name!r} in {path.name} lies outside the image of {width} × {height} "
                f"pixels: at x {left:g} to {right:g}, y {top:g} to {bottom:g}",
                "give the annotations of this very image, in pixels of the full image",
            )


def drawn_geometries(path: Path) -> list[dict[str, Any]]:
    """Give the areas that were measured as the file's own geometries.

    Parameters
    ----------
    path : pathlib.Path
        As for `read_regions`.

    Returns
    -------
    list of dict
        GeoJSON geometries in the order of the regions' numbers: those that aren't left out.

    Raises
    ------
    InputError
        As `read_regions`.
    """
    return [dict(shape) for area, shape in _read(path) if not area.excluded]


def _areas(content: Any) -> Iterator[Area]:
    """Give the areas of a GeoJSON object, each with its own geometry."""
    for number, feature in enumerate(_features(content), start=1):
        properties = feature.get("properties") or {}
        if str(properties.get("objectType", "")).lower() in OBJECTS:
            continue
        name, excluded = _named(properties, number)
        shape = feature.get("geometry") or {}
        rings = tuple(_rings(shape))
        if rings:
            yield Polygon(name, rings, excluded), shape


def _features(content: Any) -> list[Mapping[str, Any]]:
    if isinstance(content, list):
        return content
    kind = content["type"]
    if kind == "FeatureCollection":
        return list(content["features"])
    return [content] if kind == "Feature" else [{"geometry": content}]


def _named(properties: Mapping[str, Any], number: int) -> tuple[str, bool]:
    """Give an annotation's name, and whether its class says that it is to be left out."""
    classification = properties.get("classification") or {}
    held = classification if isinstance(classification, Mapping) else {"name": classification}
    label = str(held.get("name") or " ".join(map(str, held.get("names") or ())))
    name = str(properties.get("name") or label or f"region {number}")
    return name, label.lower() in EXCLUDED_CLASSES


def _rings(geometry: Mapping[str, Any]) -> Iterator[np.ndarray]:
    kind = geometry.get("type")
    if kind == "GeometryCollection":
        for part in geometry["geometries"]:
            yield from _rings(part)
    elif kind in ("Polygon", "MultiPolygon"):
        coordinates = geometry["coordinates"]
        for polygon in [coordinates] if kind == "Polygon" else coordinates:
            for ring in polygon:
                points = np.asarray(ring, dtype=np.float64)[:, :2]
                if len(points) < 3 or not np.isfinite(points).all():
                    raise ValueError("a ring needs three points with finite coordinates")
                yield points
