"""Outlines of the objects in a label image on disk, however large it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import ndimage

from ..imgproc.outlines import ring_area, trace

WINDOW_PX = 4096
MARGIN_PX = 512
"""Objects are cut out of windows that overlap by more than a cell or a nodule is wide."""


def object_outlines(file: Path, objects: pd.DataFrame) -> Iterator[tuple[int, list[np.ndarray]]]:
    """Trace objects, window by window.

    Parameters
    ----------
    file : pathlib.Path
        The label image.
    objects : pandas.DataFrame
        With ``object``, ``y_px`` and ``x_px``; only these are traced.

    Yields
    ------
    number : int
        The object.
    rings : list of numpy.ndarray
        Its rings along the edges of its pixels, in pixels of the image, origin at the top left
        corner; see `imgproc.outlines.trace`.
    """
    with open_labels(file) as labels:
        yield from _by_window(labels, objects)


def _by_window(labels: Any, objects: pd.DataFrame) -> Iterator[tuple[int, list[np.ndarray]]]:
    height, width = labels.shape
    rows = objects["y_px"].to_numpy().clip(0, height - 1) // WINDOW_PX
    columns = objects["x_px"].to_numpy().clip(0, width - 1) // WINDOW_PX
    for (row, column), held in objects.groupby([rows, columns], sort=True):
        top = max(0, int(row) * WINDOW_PX - MARGIN_PX)
        left = max(0, int(column) * WINDOW_PX - MARGIN_PX)
        bottom = (int(row) + 1) * WINDOW_PX + MARGIN_PX
        right = (int(column) + 1) * WINDOW_PX + MARGIN_PX
        window = np.asarray(labels[top:bottom, left:right]).astype(np.int64)
        yield from _traced(window, held["object"].to_numpy(), (left, top))


def _traced(
    window: np.ndarray, numbers: np.ndarray, corner: tuple[int, int]
) -> Iterator[tuple[int, list[np.ndarray]]]:
    present, compact = np.unique(window, return_inverse=True)
    places = ndimage.find_objects(compact.reshape(window.shape))
    for number in numbers:
        at = int(np.searchsorted(present, number))
        if at >= len(present) or present[at] != number:
            continue  # a cell that is hidden by its neighbours has no pixel of its own
        place = places[at - 1] if present[0] == 0 else places[at - 1] if at else None
        if place is None:
            continue
        offset = (corner[0] + place[1].start, corner[1] + place[0].start)
        yield int(number), [ring + offset for ring in trace(window[place] == number)]


@contextmanager
def open_labels(file: Path) -> Iterator[Any]:
    """Open a label image for reading by rectangles; one that isn't tiled is read whole.

    Of a pyramid it is the full image.
    """
    import tifffile
    import zarr

    with tifffile.TiffFile(file) as tiff:
        if not tiff.pages.first.is_tiled:
            yield tiff.asarray()
            return
        with tiff.aszarr(level=0) as store:
            yield zarr.open(store, mode="r")


def polygons(rings: list[np.ndarray]) -> list[list[np.ndarray]]:
    """Sort rings into polygons: each outer ring with the holes that lie in it.

    Parameters
    ----------
    rings : list of numpy.ndarray
        From `imgproc.outlines.trace`.

    Returns
    -------
    list of list of numpy.ndarray
        The largest polygon first.
    """
    outer = sorted((r for r in rings if ring_area(r) > 0), key=ring_area, reverse=True)
    found = [[ring] for ring in outer]
    holes = [ring for ring in rings if ring_area(ring) < 0]
    if holes:
        import shapely

        shapes = [shapely.Polygon(ring) for ring in outer]
        for hole in holes:
            inner = shapely.Polygon(hole).representative_point()
            # the smallest that holds it: an island may have a lake of its own
            around = [k for k, shape in enumerate(shapes) if shape.contains(inner)]
            found[around[-1]].append(hole)
    return found


def geometry(rings: list[np.ndarray]) -> dict[str, Any]:
    """Give rings as a GeoJSON polygon, or several, in whole pixels."""
    parts = [[_whole(ring) for ring in polygon] for polygon in polygons(rings)]
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": parts}


def _whole(ring: np.ndarray) -> list[list[int]]:
    whole: list[list[int]] = np.rint(ring).astype(np.int64).tolist()
    return whole
