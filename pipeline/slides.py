"""Whole slides: which images are, and how they are opened without decoding all of them."""

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..imgproc.polygons import Polygon
from ..imgproc.slide_tissue import OVERVIEW_UM_PER_PX
from ..imgproc.tiles import BadTile, TileSource, tile_buffer, tile_grid, tile_region
from ..imgproc.white import ASSUMED_UM_PER_PX
from .errors import InputError
from .image_files import MAX_MEGAPIXELS
from .readers import Image, ImageInfo, inspect_image, read_image, refuse_size
from .slide_files import ArrayTiles, SlideLevels, open_slide

LARGEST_FIELD_PX = 24_000_000
"""A larger image is a slide whether or not it has a pyramid; cameras have fewer pixels."""

REDUCED_BY = 16
LEAST_REDUCED = 4
"""An overview comes from the level nearest to 8 µm a pixel that is reduced at least four times;
without one, from all of the slide."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SlideImage(Image):
    """A slide that is read by tiles; its `pixels` are its overview.

    Parameters
    ----------
    tiles : TileSource
        The full image.
    areas : tuple of Polygon
        Regions of interest, in pixels of the full image.
    """

    tiles: TileSource
    areas: tuple[Polygon, ...] = ()

    @property
    def reduced_by(self) -> float:
        """How many pixels of the slide a pixel of the overview is high."""
        return self.tiles.shape[0] / self.pixels.shape[0]


def is_whole_slide(info: ImageInfo) -> bool:
    """Tell a whole slide from a field: it has a pyramid, or more pixels than cameras have."""
    if info.kind != "rgb":
        return False
    return len(info.levels) > 1 or info.height * info.width > LARGEST_FIELD_PX


def open_whole_slide(
    reference: Path,
    areas: tuple[Polygon, ...] = (),
    info: ImageInfo | None = None,
    *,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> SlideImage:
    """Open a slide and read its overview.

    Parameters
    ----------
    reference : pathlib.Path
        The file, or one image of it.
    areas : tuple of Polygon
        Regions of interest.
    info : ImageInfo, optional
        What `inspect_image` says about it, if that is known already.
    max_megapixels : float
        A larger image that isn't stored in tiles, and so has to be read whole, is refused.

    Returns
    -------
    SlideImage
        Flags: ``no_pyramid`` where the overview had to be made from all of the slide,
        ``read_whole`` where the file isn't stored in tiles, and what was done to its colours
        (``cmyk_converted``, ``palette_converted``, ``alpha_dropped``).

    Raises
    ------
    InputError
        If it isn't 8-bit RGB, or can neither be read by tiles nor whole.
    """
    info = info or inspect_image(reference)
    flags = info.colour_flags
    levels = _levels(reference, info)
    if levels is None:
        image = read_image(reference, max_megapixels=max_megapixels)
        tiles = ArrayTiles(image.pixels)
        levels = SlideLevels(tiles, (tiles.shape,), lambda number: image.pixels)
        flags = (*image.flags, "read_whole")
    overview, reduced_flags = _overview(levels, info.um_per_px or ASSUMED_UM_PER_PX)
    return SlideImage(
        pixels=overview,
        kind="rgb",
        channel_names=info.channel_names,
        um_per_px=info.um_per_px,
        bit_depth=8,
        notes=dict(info.notes),
        flags=tuple(dict.fromkeys(flags + reduced_flags)),
        tiles=levels.full,
        areas=areas,
    )


def refuse_slide(reference: Path, info: ImageInfo, *, max_megapixels: float) -> None:
    """Refuse what `open_whole_slide` would, as far as headers tell; parameters as there.

    Raises
    ------
    InputError
        If it isn't 8-bit RGB, or is neither stored in tiles nor small enough to be read whole.
    """
    if _levels(reference, info) is None:
        refuse_size(reference, info, max_megapixels)


def _levels(reference: Path, info: ImageInfo) -> SlideLevels | None:
    """Open a slide for reading by tiles; None where it isn't stored in them.

    Raises
    ------
    InputError
        If it isn't 8-bit RGB.
    """
    if info.dtype != "uint8":
        raise InputError(
            str(reference),
            f"a whole slide of 8-bit RGB was expected; this one is {info.dtype}",
            "convert it to 8-bit RGB, or export the fields of interest as single images",
        )
    try:
        return open_slide(reference, info.series)
    except InputError:
        return None


def _overview(levels: SlideLevels, um_per_px: float) -> tuple[np.ndarray, tuple[str, ...]]:
    """Read the level nearest to 8 µm a pixel, or reduce the full image."""
    full = levels.shapes[0][0]
    reduced = {
        number: shape[0]
        for number, shape in enumerate(levels.shapes)
        if full >= LEAST_REDUCED * shape[0]
    }
    if not reduced:
        return reduce_slide(levels.full), ("no_pyramid",)
    wanted = full * um_per_px / OVERVIEW_UM_PER_PX
    best = min(reduced, key=lambda number: abs(math.log(reduced[number] / max(1.0, wanted))))
    return levels.read_level(best), ()


def reduce_slide(tiles: TileSource, by: int = REDUCED_BY) -> np.ndarray:
    """Average a slide over squares of pixels, tile by tile.

    Parameters
    ----------
    tiles : TileSource
        The slide; TIFF's tiles have sides that are multiples of 16.
    by : int
        Side of a square.

    Returns
    -------
    numpy.ndarray
        uint8, shape (height / by, width / by, 3), rounded up; white where a tile can't be decoded.
    """
    rows, columns = tile_grid(tiles)
    height, width = (-(-length // by) for length in tiles.shape)
    out = np.full((height, width, 3), 255, np.uint8)
    for number, pixels in tiles.decode(range(rows * columns), tile_buffer(tiles)):
        if isinstance(pixels, BadTile):
            continue
        top, left, high, wide = tile_region(tiles, number)
        size = (-(-wide // by), -(-high // by))
        small = cv2.resize(pixels[:high, :wide], size, interpolation=cv2.INTER_AREA)
        y, x = top // by, left // by
        out[y : y + size[1], x : x + size[0]] = small
    return out
