"""Pictures inside the report: thumbnails and large views of overlays, each up to a budget."""

import base64
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import numpy as np
from PIL import Image

from .thumbnails import SIDE_PX, held_thumbnail, small_size, thumbnail

VIEW_SIDE_PX = 1600
"""Longest side of an embedded large view: a full screen."""

VIEW_BUDGET_BYTES = 30_000_000
"""Large views embedded in one report, as base64; beyond it they are links to the overlays."""

THUMBNAIL_BUDGET_BYTES = 30_000_000
"""Thumbnails embedded in one report, as data URIs; beyond it the page shows the overlays' files."""

_VIEW_QUALITY = 80
_THREADS = 2  # decoding and encoding release the interpreter's lock
_BATCH = 16  # pictures made before it is asked whether the budget is spent


@dataclass(frozen=True)
class Picture:
    """One overlay, ready for the page.

    Attributes
    ----------
    thumbnail : str
        Data URI; empty beyond the budget.
    width, height : int
        Of the thumbnail, so that the page keeps its place before it is shown.
    link : str
        The overlay beside the report, relative, escaped for a URL.
    view : str
        The large view as base64 of a JPEG; empty beyond the budget.
    """

    thumbnail: str
    width: int
    height: int
    link: str
    view: str


def pictures(
    results: Path,
    overlays: Sequence[str],
    *,
    budget_bytes: int = VIEW_BUDGET_BYTES,
    thumbnail_budget_bytes: int = THUMBNAIL_BUDGET_BYTES,
) -> dict[str, Picture]:
    """Make the pictures of a report.

    Parameters
    ----------
    results : pathlib.Path
        The results folder.
    overlays : sequence of str
        Files relative to it, those to be embedded first in front.
    budget_bytes : int
        Most bytes of large views.
    thumbnail_budget_bytes : int
        Most bytes of thumbnails.

    Returns
    -------
    dict of str to Picture
        By file; a file that is missing or can't be read is left out.
    """
    made: dict[str, Picture] = {}
    left, left_small = budget_bytes, thumbnail_budget_bytes
    with ThreadPoolExecutor(_THREADS) as pool:
        for first in range(0, len(overlays), _BATCH):
            batch = overlays[first : first + _BATCH]
            make = partial(_picture, results, with_view=left > 0, with_small=left_small > 0)
            for name, picture in zip(batch, pool.map(make, batch), strict=True):
                if picture is None:
                    continue
                if len(picture.view) > left:  # and none of those behind it, be they smaller
                    picture, left = replace(picture, view=""), 0
                if len(picture.thumbnail) > left_small:
                    picture, left_small = replace(picture, thumbnail=""), 0
                left -= len(picture.view)
                left_small -= len(picture.thumbnail)
                made[name] = picture
    return made


def _picture(results: Path, name: str, *, with_view: bool, with_small: bool) -> Picture | None:
    try:
        with Image.open(results / name) as file:
            width, height = small_size(file.size)
            view = _base64(_jpeg(_read(file, VIEW_SIDE_PX), _VIEW_QUALITY)) if with_view else ""
            uri = f"data:image/jpeg;base64,{_base64(_small(file))}" if with_small else ""
    except OSError:  # the gallery says that this overlay is missing
        return None
    return Picture(uri, width, height, quote(name), view)


def _small(file: Image.Image) -> bytes:
    """Give the thumbnail that is in the overlay's file, or make one."""
    return held_thumbnail(file) or thumbnail(np.asarray(_read(file, SIDE_PX)))


def _read(file: Image.Image, long_side_px: int) -> Image.Image:
    """Read a picture, reduced to the wanted size if it is larger."""
    file.draft("RGB", (long_side_px, long_side_px))  # decodes a JPEG at a fraction
    small = file.convert("RGB")
    small.thumbnail((long_side_px, long_side_px), Image.Resampling.LANCZOS)
    return small


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, format="JPEG", quality=quality)
    return buffer.getvalue()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
