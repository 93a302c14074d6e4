"""Whole slides of the scanners' own formats, by level and region, through OpenSlide."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import openslide

from .errors import detail_of
from .reader_common import (
    RGB_NAMES,
    Image,
    ImageInfo,
    Region,
    Request,
    check_level,
    check_region,
    check_size,
    choose_series,
    choose_timepoint,
    finite_number,
    scale_region,
    square_um_per_px,
)

STRIP_PIXELS = 16_000_000  # read in strips of this size: OpenSlide's own buffer has 4 bytes a pixel
WHITE = 255


def list_slides(request: Request) -> list[ImageInfo]:
    """Describe the one slide of a file; labels and thumbnails aren't listed."""
    with _open(request) as slide:
        return [_info(slide)]


def read_slide(request: Request) -> Image:
    """Read a level of a slide, or a region of it."""
    choose_series(request, [""])
    choose_timepoint(request, 1)
    with _open(request) as slide:
        info = _info(slide)
        level = check_level(request, len(info.levels))
        region = check_region(request, *info.levels[0])
        placed = scale_region(region, info.levels[0], info.levels[level])
        check_size(request, placed[2], placed[3])
        downsample = float(slide.level_downsamples[level])
        pixels, flags = _read(slide, level, downsample, placed)
    notes = dict(info.notes)
    if level:
        notes["level"] = level
    if request.region is not None:
        notes["region"] = list(region)
    return Image(
        pixels=pixels,
        kind="rgb",
        channel_names=RGB_NAMES,
        um_per_px=None if info.um_per_px is None else info.um_per_px * downsample,
        bit_depth=8,
        notes=notes,
        flags=flags,
    )


@contextmanager
def _open(request: Request) -> Iterator[openslide.OpenSlide]:
    try:
        slide = openslide.OpenSlide(request.path)
    except openslide.OpenSlideUnsupportedFormatError as error:
        raise request.error(
            "no slide format is recognised in it, though its name is that of a slide",
            "export it again from the scanner, or convert it to a pyramidal OME-TIFF",
        ) from error
    except openslide.OpenSlideError as error:
        raise request.error(f"the slide is damaged: {detail_of(error)}") from error
    try:
        yield slide
    except openslide.OpenSlideError as error:
        raise request.error(f"the slide is damaged: {detail_of(error)}") from error
    finally:
        slide.close()


def _info(slide: openslide.OpenSlide) -> ImageInfo:
    properties = slide.properties
    levels = tuple((height, width) for width, height in slide.level_dimensions)
    notes: dict[str, Any] = {
        "format": "slide",
        "vendor": properties.get(openslide.PROPERTY_NAME_VENDOR, ""),
    }
    power = _positive(properties.get(openslide.PROPERTY_NAME_OBJECTIVE_POWER))
    if power is not None:
        notes["acquisition"] = {"objective_power": power}
    return ImageInfo(
        series=0,
        name="",
        kind="rgb",
        shape=(*levels[0], 3),
        channel_names=RGB_NAMES,
        um_per_px=square_um_per_px(
            _positive(properties.get(openslide.PROPERTY_NAME_MPP_Y)),
            _positive(properties.get(openslide.PROPERTY_NAME_MPP_X)),
        ),
        bit_depth=8,
        dtype="uint8",
        levels=levels,
        notes=notes,
    )


def _positive(text: str | None) -> float | None:
    value = finite_number(text)
    return value if value is not None and value > 0 else None


def _read(
    slide: openslide.OpenSlide, level: int, downsample: float, region: Region
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Read a region of a level in strips; what was never scanned becomes white, as glass is."""
    y, x, rows, columns = region
    pixels = np.empty((rows, columns, 3), np.uint8)
    step = max(1, STRIP_PIXELS // columns)
    unscanned = False
    for top in range(0, rows, step):
        height = min(step, rows - top)
        origin = (round(x * downsample), round((y + top) * downsample))
        strip = np.asarray(slide.read_region(origin, level, (columns, height)))
        alpha = strip[..., 3:]
        if alpha.min() < WHITE:
            unscanned = True
            weight = alpha.astype(np.uint16)
            mixed = (strip[..., :3] * weight + WHITE * (WHITE - weight)) // WHITE
            pixels[top : top + height] = mixed.astype(np.uint8)
        else:
            pixels[top : top + height] = strip[..., :3]
    return pixels, ("unscanned_as_white",) if unscanned else ()
