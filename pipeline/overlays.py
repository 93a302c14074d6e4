"""Draws what was measured over the image it was measured on, small enough to share.

Every function takes the pixels, the label images and the tables of one image and gives an RGB
picture: nothing here opens a study. Outlines come from comparing each pixel of a label image
with its neighbours, so a field of ten thousand cells costs no more than one of ten.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from .channel_composite import CHANNEL_COLOURS, composite
from .overlay_canvas import LONG_SIDE_PX, Canvas
from .thumbnails import as_exif, encode_jpeg, thumbnail, with_exif

__all__ = [
    "LONG_SIDE_PX",
    "LegendEntry",
    "draw_cells_dab",
    "draw_cells_fluorescence",
    "draw_nodules",
    "legend",
    "write_picture",
]

JPEG_QUALITY = 85
"""Compression at which outlines two pixels wide show no ringing to the eye."""

CONFIDENT = 0.8
"""Confidence from which a nodule is drawn as confident."""

DOUBTFUL = 0.5
"""Confidence below which a nodule is drawn as doubtful."""

_NUMBERED_AT_MOST = 600  # beyond this the numbers would hide the picture; the table has them all
_CELL_OPACITY = 0.6  # cells' outlines stand back behind those of their nuclei

# The colours keep apart in the common forms of colour blindness and from what lies under them:
# yellow tissue, blue and green fluorescence, brown and violet stain.
_NODULE_COLOURS = ("#1f6bff", "#c800c8", "#e00000")  # confident, between, doubtful
_POSITIVE, _NEGATIVE = "#ffb000", "#c3cddd"
CLASS_COLOURS = ("#1f5fff", "#f7c400", "#f06a00", "#d0002a")  # 0, 1+, 2+, 3+
_UNCLASSED = "#00c8c8"
_LOBE_EDGE, _TISSUE_EDGE = "#ffffff", "#3a3a3a"


@dataclass(frozen=True)
class LegendEntry:
    """What one colour of an overlay means.

    Attributes
    ----------
    colour : str
        ``#rrggbb``.
    label : str
        The meaning, in words.
    """

    colour: str
    label: str


def legend(method: str) -> tuple[LegendEntry, ...]:
    """Give the meaning of the colours that a method's overlays use.

    Parameters
    ----------
    method : str
        ``nodules``, ``fluorescence``, ``dab`` or ``blot``.

    Returns
    -------
    tuple of LegendEntry
        Empty for a method without overlays.
    """
    entries = {
        "nodules": (
            (_NODULE_COLOURS[0], f"nodule, confidence {CONFIDENT} or more"),
            (_NODULE_COLOURS[1], f"nodule, confidence {DOUBTFUL} to {CONFIDENT}"),
            (_NODULE_COLOURS[2], f"nodule, confidence below {DOUBTFUL}"),
            (_LOBE_EDGE, "edge of a lobe"),
        ),
        "fluorescence": (
            (_POSITIVE, "positive cell and its nucleus"),
            (_NEGATIVE, "negative cell and its nucleus"),
            (_UNCLASSED, "cell not classed"),
            (CHANNEL_COLOURS["nuclei"], "nuclear stain"),
            (CHANNEL_COLOURS["marker"], "marker"),
        ),
        "dab": (
            (CLASS_COLOURS[0], "negative (0)"),
            (CLASS_COLOURS[1], "weak (1+)"),
            (CLASS_COLOURS[2], "moderate (2+)"),
            (CLASS_COLOURS[3], "strong (3+)"),
            (_UNCLASSED, "cell not classed"),
            (_TISSUE_EDGE, "edge of the tissue"),
        ),
        "blot": (
            ("#ffb000", "band"),
            ("#e00000", "saturated band"),
            ("#3070ff", "lane"),
            ("#00c8c8", "profile of a lane"),
        ),
    }
    return tuple(LegendEntry(colour, label) for colour, label in entries.get(method, ()))


def draw_nodules(
    rgb: np.ndarray,
    labels: Mapping[str, np.ndarray],
    objects: pd.DataFrame,
    regions: pd.DataFrame,
    *,
    px_per_mm: float | None = None,
) -> np.ndarray:
    """Outline lobes and numbered nodules on a photo, nodules coloured by their confidence.

    Parameters
    ----------
    rgb : numpy.ndarray
        (H, W, 3) uint8 or uint16.
    labels : mapping of str to numpy.ndarray
        ``nodules`` and ``lobes``, (H, W) integer label images; either may be missing.
    objects : pandas.DataFrame
        A row a nodule: ``object``, ``y_px``, ``x_px`` and, if known, ``confidence``. A label
        without a row (removed in review) is not drawn.
    regions : pandas.DataFrame
        A row a lobe: ``region`` and ``lobe``, the name written in the lobe.
    px_per_mm : float, optional
        Scale of `rgb`; with it a scale bar is drawn.

    Returns
    -------
    numpy.ndarray
        (h, w, 3) uint8 with a long side of at most `LONG_SIDE_PX`.
    """
    canvas = Canvas.of(_rgb8(rgb))
    if "lobes" in labels:
        canvas.outline(labels["lobes"], _every_label(labels["lobes"]), (_LOBE_EDGE,), cased=True)
        _name_lobes(canvas, labels["lobes"], regions)
    if "nodules" in labels:
        colour_of = _colours(labels["nodules"], objects, _confidence_bands(objects))
        palette = (*_NODULE_COLOURS, _UNCLASSED)
        canvas.outline(labels["nodules"], colour_of, palette, cased=True)
        _number_nodules(canvas, labels["nodules"], objects)
    canvas.scale_bar(px_per_mm, "mm")
    return canvas.rgb


def draw_cells_fluorescence(
    channels: Mapping[str, np.ndarray],
    labels: Mapping[str, np.ndarray],
    objects: pd.DataFrame,
    *,
    um_per_px: float | None = None,
    limits: Mapping[str, tuple[float, float]] | None = None,
) -> np.ndarray:
    """Outline nuclei and cells on a colour composite of the channels, coloured by positivity.

    Parameters
    ----------
    channels : mapping of str to numpy.ndarray
        2-D arrays of one shape. ``nuclei`` is shown blue, ``marker`` green, others in colours of
        their own.
    labels : mapping of str to numpy.ndarray
        ``nuclei`` and ``cells``, (H, W) integer label images; either may be missing.
    objects : pandas.DataFrame
        A row a cell: ``object`` and, if known, ``positive``.
    um_per_px : float, optional
        Pixel size; with it a scale bar is drawn.
    limits : mapping of str to (float, float), optional
        Values of a channel shown black and fully bright. Give the same limits to images that
        are to be compared by eye; by default each channel of each image is stretched by itself
        (1st to 99.8th percentile).

    Returns
    -------
    numpy.ndarray
        (h, w, 3) uint8 with a long side of at most `LONG_SIDE_PX`.

    Raises
    ------
    ValueError
        If there is no channel, or the channels differ in shape.
    """
    canvas = Canvas.of(composite(channels, limits or {}))
    _outline_cells(canvas, labels, objects, "positive", (_NEGATIVE, _POSITIVE))
    canvas.scale_bar(None if um_per_px is None else 1.0 / um_per_px, "µm")
    return canvas.rgb


def draw_cells_dab(
    rgb: np.ndarray,
    labels: Mapping[str, np.ndarray],
    objects: pd.DataFrame,
    *,
    um_per_px: float | None = None,
) -> np.ndarray:
    """Outline nuclei and cells on a bright-field image, coloured by intensity class 0 to 3+.

    Parameters
    ----------
    rgb : numpy.ndarray
        (H, W, 3) uint8 or uint16.
    labels : mapping of str to numpy.ndarray
        ``nuclei``, ``cells`` and ``tissue``, (H, W) integer label images; each may be missing.
    objects : pandas.DataFrame
        A row a cell: ``object`` and, if known, ``class`` (0 to 3).
    um_per_px : float, optional
        Pixel size; with it a scale bar is drawn.

    Returns
    -------
    numpy.ndarray
        (h, w, 3) uint8 with a long side of at most `LONG_SIDE_PX`.
    """
    canvas = Canvas.of(_rgb8(rgb))
    if "tissue" in labels:
        tissue = labels["tissue"]
        canvas.outline(tissue, _every_label(tissue), (_TISSUE_EDGE,))
    _outline_cells(canvas, labels, objects, "class", CLASS_COLOURS)
    canvas.scale_bar(None if um_per_px is None else 1.0 / um_per_px, "µm")
    return canvas.rgb


def write_picture(rgb: np.ndarray, path: Path, *, small: bool = False) -> None:
    """Write an RGB picture as JPEG or PNG, by the ending of `path`; folders are made.

    Parameters
    ----------
    rgb : numpy.ndarray
        (H, W, 3) uint8.
    path : pathlib.Path
        Ends in ``.jpg``, ``.jpeg`` or ``.png``.
    small : bool
        Put a thumbnail into a JPEG's header.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".png":
        Image.fromarray(rgb).save(path, format="PNG")
    else:
        exif = as_exif(thumbnail(rgb)) if small else b""
        path.write_bytes(with_exif(encode_jpeg(rgb, JPEG_QUALITY, subsampling="444"), exif))


def _rgb8(image: np.ndarray) -> np.ndarray:
    """Give an image as (H, W, 3) uint8; deeper ones lose their lowest bits."""
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    image = image[..., :3]
    if image.dtype == np.uint8:
        return np.ascontiguousarray(image)
    if image.dtype != np.uint16:
        raise ValueError(
            f"An overlay is drawn on a uint8 or uint16 image; this one is {image.dtype}. "
            "Convert it to one of the two first."
        )
    bits = max(8, int(image.max()).bit_length())
    return (image >> (bits - 8)).astype(np.uint8)


def _outline_cells(
    canvas: Canvas,
    labels: Mapping[str, np.ndarray],
    objects: pd.DataFrame,
    column: str,
    palette: tuple[str, ...],
) -> None:
    """Outline cells, then nuclei over them, in the colours of a column of whole numbers."""
    classes = np.full(len(objects), len(palette) + 1, np.uint8)
    if column in objects:
        values = pd.to_numeric(objects[column], errors="coerce").to_numpy(float, na_value=np.nan)
        fits = (values >= 0) & (values < len(palette))
        classes[fits] = values[fits].astype(np.uint8) + 1
    for what in ("cells", "nuclei"):
        if what in labels:
            colour_of = _colours(labels[what], objects, classes)
            opacity = _CELL_OPACITY if what == "cells" else 1.0
            canvas.outline(labels[what], colour_of, (*palette, _UNCLASSED), opacity=opacity)


def _every_label(labels: np.ndarray) -> np.ndarray:
    """Give the first colour to every label and none to the background."""
    colour_of = np.ones(int(labels.max(initial=0)) + 1, np.uint8)
    colour_of[0] = 0
    return colour_of


def _colours(labels: np.ndarray, objects: pd.DataFrame, classes: np.ndarray) -> np.ndarray:
    """Colour of each label; a label without a row in the table gets none."""
    colour_of = np.zeros(int(labels.max(initial=0)) + 1, np.uint8)
    numbers = objects["object"].to_numpy(np.int64)
    inside = (numbers > 0) & (numbers < len(colour_of))
    colour_of[numbers[inside]] = classes[inside]
    return colour_of


def _confidence_bands(objects: pd.DataFrame) -> np.ndarray:
    """Colour of each nodule: 1 confident, 2 between, 3 doubtful, 4 where nothing is known."""
    if "confidence" not in objects:
        return np.full(len(objects), 4, np.uint8)
    confidence = objects["confidence"].to_numpy(float, na_value=np.nan)
    bands = np.select(
        [confidence >= CONFIDENT, confidence >= DOUBTFUL, confidence < DOUBTFUL], [1, 2, 3], 4
    )
    return bands.astype(np.uint8)


def _number_nodules(canvas: Canvas, labels: np.ndarray, objects: pd.DataFrame) -> None:
    """Write each nodule's number at its upper right, clear of the nodule."""
    if not 0 < len(objects) <= _NUMBERED_AT_MOST:
        return
    radii = np.sqrt(np.bincount(np.maximum(labels, 0).ravel(), minlength=1) / np.pi)
    size_px = max(14, round(canvas.text_px * 0.75))
    texts = []
    for number, y_px, x_px in zip(objects["object"], objects["y_px"], objects["x_px"], strict=True):
        x, y = canvas.position(float(y_px), float(x_px))
        radius = float(radii[number]) * canvas.scale if number < len(radii) else 0.0
        away = radius * 0.75 + size_px * 0.6
        texts.append((x + away, y - away, str(number)))
    canvas.write(texts, size_px=size_px, colour="#ffffff")


def _name_lobes(canvas: Canvas, lobes: np.ndarray, regions: pd.DataFrame) -> None:
    """Write each lobe's name over its top."""
    small = canvas.resample(lobes)
    texts = []
    for number, name in zip(regions["region"], regions["lobe"], strict=True):
        rows, columns = np.nonzero(small == number)
        if rows.size:
            top = max(float(rows.min()) - 1.2 * canvas.text_px, 0.7 * canvas.text_px)
            near_top = columns[rows < rows.min() + canvas.text_px]
            texts.append((float(np.median(near_top)), top, f"lobe {name}"))
    canvas.write(texts, size_px=canvas.text_px, colour=_LOBE_EDGE)
