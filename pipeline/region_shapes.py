"""Where the regions of whole slides lie: as sampled, as drawn, or as the overview shows tissue."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .errors import InputError
from .object_outlines import geometry
from .regions_file import drawn_geometries
from .store import Store, hash_file

PLACE = ["y_px", "x_px", "height_px", "width_px"]


def region_geometries(
    results: Path, study: Path, described: Mapping[str, Any], regions: pd.DataFrame
) -> dict[int, dict[str, Any]]:
    """Give the outlines of regions that have no label image.

    Parameters
    ----------
    results : pathlib.Path
        The results folder, with its store.
    study : pathlib.Path
        The folder that files beside the images are named from.
    described : mapping
        The image's entry of run.json.
    regions : pandas.DataFrame
        Its rows of the table of regions.

    Returns
    -------
    dict of int to dict
        GeoJSON geometries in pixels of the full image, by region: sampled fields as rectangles,
        drawn areas as they were drawn, pieces of tissue along the pixels of the overview. Empty
        where they aren't at hand: the drawn file is gone or another one, the store is.
    """
    if regions.empty:
        return {}
    if set(PLACE) <= set(regions) and regions[PLACE].notna().all(axis=None):
        return {int(row["region"]): _rectangle(row) for row in regions.to_dict("records")}
    for beside in described.get("beside", ()):
        return _drawn(study / beside["file"], beside["sha256"])
    return _pieces(results, str(described.get("fingerprint", "")))


def _rectangle(row: Mapping[str, Any]) -> dict[str, Any]:
    top, left, height, width = (int(row[name]) for name in PLACE)
    right, bottom = left + width, top + height
    ring = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
    return {"type": "Polygon", "coordinates": [ring]}


def _drawn(file: Path, content: str) -> dict[int, dict[str, Any]]:
    try:
        if hash_file(file) != content:
            return {}
        return dict(enumerate(drawn_geometries(file), start=1))
    except (OSError, InputError):
        return {}


def _pieces(results: Path, key: str) -> dict[int, dict[str, Any]]:
    """Trace the pieces of tissue on a slide's overview."""
    from ..imgproc.outlines import trace

    with suppress(OSError, ValueError, KeyError):
        held = Store(results / "store").load(key)
        overview, slide = held.profiles["overview_regions"], held.notes["slide"]
        by = np.array([slide["width_px"], slide["height_px"]]) / overview.shape[::-1]
        return {
            int(number): geometry([ring * by for ring in trace(overview == number)])
            for number in np.unique(overview[overview > 0])
        }
    return {}
