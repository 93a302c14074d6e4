"""Pictures of a whole slide: the classes of its cells, and a heat map of its DAB."""

from collections.abc import Iterable, Mapping, Sequence

import cv2
import numpy as np
import pandas as pd
from PIL import Image as Pillow
from PIL import ImageColor, ImageDraw, ImageFont

from ..imgproc.slide_area import MAP_PX
from .overlays import CLASS_COLOURS
from .slides import SlideImage

PANEL_PX = 1150
"""Longest side of each of the two panels, which stand side by side."""

HOTTEST_OD = 0.8
"""The heat map's scale is the same for all slides of all studies, so that they can be compared."""

SQUARE_PX = 3
CELL_PX = 10
"""Side of a square of the class map, in picture pixels and, where that is more, in pixels of the
slide: it shows the most frequent class in it."""

_HEADER, _GAP, _BAR = 34, 16, 26
_INK = (32, 32, 32)


def draw_slide(
    slide: SlideImage,
    objects: pd.DataFrame,
    maps: Mapping[str, np.ndarray],
    *,
    cutoffs_od: Sequence[float],
    fields: Sequence[Sequence[int]] = (),
) -> np.ndarray:
    """Draw a slide's class map and heat map side by side.

    Parameters
    ----------
    slide : SlideImage
        The slide with its overview.
    objects : pandas.DataFrame
        Cells with ``y_px``, ``x_px`` and ``class``; where there are none, the class map shows the
        class of each square's mean DAB.
    maps : mapping of str to numpy.ndarray
        ``heat_od``, mean DAB by squares of 256 pixels, NaN where nothing was measured;
        ``overview_regions``, above 0 where there is tissue, and ``bad_tiles``, rectangles (top,
        left, height, width) that couldn't be decoded, where there are any.
    cutoffs_od : sequence of float
        Optical densities of 1+, 2+ and 3+.
    fields : sequence of (top, left, height, width)
        Fields that stand for the slide, outlined.

    Returns
    -------
    numpy.ndarray
        uint8, shape (height, width, 3).
    """
    height, width = slide.tiles.shape
    factor = PANEL_PX / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    ground = cv2.resize(slide.pixels, size, interpolation=cv2.INTER_AREA)
    heat = np.asarray(maps["heat_od"])
    if len(objects):
        side = max(SQUARE_PX, round(CELL_PX * factor))
        classes, title = _cell_classes(objects, (height, width), ground.shape[:2], side), "cells"
    else:
        classes = np.where(np.isnan(heat), -1, np.searchsorted(cutoffs_od, heat, side="right"))
        classes, title = _stretched(classes, (height, width), ground.shape[:2]), "area"
    shown = _in_fields(ground.shape[:2], fields, factor)
    bad = [tuple(tile) for tile in np.asarray(maps.get("bad_tiles", ())).tolist()]
    if bad:
        shown &= ~_in_fields(ground.shape[:2], bad, factor)
    left = _painted(ground, np.where(shown, classes, -1))
    right = _heated(ground, heat, (height, width), shown & _tissue(maps, size))
    for panel in (left, right):
        _outline(panel, slide, fields, factor)
        _cross_out(panel, bad, factor)
    return _composed(left, right, title, cutoffs_od)


def _cell_classes(
    objects: pd.DataFrame, full: tuple[int, int], shown: tuple[int, int], side: int
) -> np.ndarray:
    """Give the most frequent class in each square of the picture, -1 where there is no cell."""
    rows, columns = (-(-length // side) for length in shown)
    y = (objects["y_px"].to_numpy() / full[0] * shown[0] / side).astype(int)
    x = (objects["x_px"].to_numpy() / full[1] * shown[1] / side).astype(int)
    counts = np.zeros((rows, columns, 4), np.int32)
    np.add.at(counts, (y.clip(0, rows - 1), x.clip(0, columns - 1), objects["class"]), 1)
    found = np.where(counts.sum(axis=2) > 0, counts.argmax(axis=2), -1)
    large = np.repeat(np.repeat(found, side, axis=0), side, axis=1)
    return large[: shown[0], : shown[1]]


def _stretched(squares: np.ndarray, full: tuple[int, int], shown: tuple[int, int]) -> np.ndarray:
    """Bring squares of 256 pixels of the slide to the picture's pixels."""
    rows, columns = (
        np.arange(length) * whole // length // MAP_PX
        for length, whole in zip(shown, full, strict=True)
    )
    return squares[np.ix_(rows, columns)]


def _painted(ground: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Paint classes over a pale copy of the slide."""
    grey = cv2.cvtColor(cv2.cvtColor(ground, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    out: np.ndarray = (128 + grey // 2).astype(np.uint8)
    for number, colour in enumerate(CLASS_COLOURS):
        out[classes == number] = ImageColor.getrgb(colour)[:3]
    return out


def _in_fields(
    shape: tuple[int, ...], fields: Sequence[Sequence[int]], factor: float
) -> np.ndarray:
    """Tell which of the picture's pixels lie in a field; all of them where there are none."""
    found = np.full(shape, len(fields) == 0)
    for field in fields:
        top, left, bottom, right = (
            round(value * factor)
            for value in (field[0], field[1], field[0] + field[2], field[1] + field[3])
        )
        found[top:bottom, left:right] = True
    return found


def _heated(
    ground: np.ndarray, heat: np.ndarray, full: tuple[int, int], visible: np.ndarray
) -> np.ndarray:
    """Colour the measured squares by their mean DAB."""
    scaled = np.clip(np.nan_to_num(heat) / HOTTEST_OD, 0, 1)
    colours = _colours((scaled * 255).astype(np.uint8))
    shown = ground.shape[:2]
    measured = _stretched(~np.isnan(heat), full, shown) & visible
    out = _painted(ground, np.full(shown, -1))
    rows, columns = (
        np.arange(length) * whole // length // MAP_PX
        for length, whole in zip(shown, full, strict=True)
    )
    out[measured] = colours[np.ix_(rows, columns)][measured]
    return out


def _tissue(maps: Mapping[str, np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Tell which of the picture's pixels are tissue: a heat square may lie half on glass."""
    if "overview_regions" not in maps:
        return np.ones(size[::-1], bool)
    tissue = (np.asarray(maps["overview_regions"]) > 0).astype(np.uint8)
    return cv2.resize(tissue, size, interpolation=cv2.INTER_NEAREST) > 0


def _cross_out(panel: np.ndarray, tiles: Iterable[Sequence[int]], factor: float) -> None:
    """Cross out tiles that couldn't be decoded: nothing was measured there."""
    for top, left, height, width in tiles:
        x0, y0 = round(left * factor), round(top * factor)
        x1, y1 = round((left + width) * factor), round((top + height) * factor)
        cv2.rectangle(panel, (x0, y0), (x1, y1), _INK, 1)
        cv2.line(panel, (x0, y0), (x1, y1), _INK, 1, cv2.LINE_AA)
        cv2.line(panel, (x0, y1), (x1, y0), _INK, 1, cv2.LINE_AA)


def _colours(levels: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)


def _outline(
    panel: np.ndarray, slide: SlideImage, fields: Sequence[Sequence[int]], factor: float
) -> None:
    """Outline fields and regions of interest."""
    for top, left, height, width in fields:
        corner = (round(left * factor), round(top * factor))
        end = (round((left + width) * factor), round((top + height) * factor))
        cv2.rectangle(panel, corner, end, (0, 160, 220), 1)
    for area in slide.areas:
        colour = (120, 120, 120) if area.excluded else (0, 160, 220)
        rings = [np.rint(ring * factor).astype(np.int32) for ring in area.rings]
        cv2.polylines(panel, rings, True, colour, 1, cv2.LINE_AA)


def _composed(
    left: np.ndarray, right: np.ndarray, title: str, cutoffs_od: Sequence[float]
) -> np.ndarray:
    """Set the panels side by side under their legends."""
    height, width = left.shape[:2]
    wide = max(width, 430)
    picture = Pillow.new("RGB", (2 * wide + _GAP, height + _HEADER), "white")
    picture.paste(Pillow.fromarray(left), (0, _HEADER))
    picture.paste(Pillow.fromarray(right), (wide + _GAP, _HEADER))
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=17)
    x = 4
    names = ("0", *(f"{k}+ from {cut:g} OD" for k, cut in enumerate(cutoffs_od, start=1)))
    draw.text((x, 6), f"{title}:", fill=_INK, font=font)
    x += 58
    for name, colour in zip(names, CLASS_COLOURS, strict=True):
        draw.rectangle((x, 9, x + 14, 23), fill=colour, outline=_INK)
        draw.text((x + 19, 6), name, fill=_INK, font=font)
        x += 27 + round(draw.textlength(name, font=font))
    x = wide + _GAP + 4
    draw.text((x, 6), "mean DAB: 0", fill=_INK, font=font)
    x += 106
    bar = _colours(np.tile(np.linspace(0, 255, 200).astype(np.uint8), (16, 1)))
    picture.paste(Pillow.fromarray(bar), (x, 9))
    draw.text((x + 206, 6), f"{HOTTEST_OD:g} OD and more", fill=_INK, font=font)
    return np.asarray(picture)
