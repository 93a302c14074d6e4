"""Slides as sources of tiles: TIFF of every kind by its tile offsets, the rest by OpenSlide."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import openslide
import tifffile

from ..imgproc.tiles import BadTile, TileSource, tile_grid, tile_region
from .errors import DECODER_ERRORS, InputError, detail_of
from .image_files import split_reference

JPEG = 7
SPARE_TILES = 256
"""Encoded tiles that lie within so many bytes of each other are read in one go."""

MOST_BYTES_AT_ONCE = 8_000_000
OPENSLIDE_TILE_PX = 512
LARGEST_TILE_PX = 4096
"""A larger "tile" is a whole image in one piece: it can't be read in bounded memory."""

_RGB, _YCBCR = 2, 6
WHITE = 255


@dataclass(frozen=True)
class SlideLevels:
    """A slide's pyramid, opened for reading tiles.

    Attributes
    ----------
    full : TileSource
        The full image.
    shapes : tuple of (int, int)
        Height and width of every level, the full image first.
    read_level : callable
        Reads a whole level, uint8 (height, width, 3).
    """

    full: TileSource
    shapes: tuple[tuple[int, int], ...]
    read_level: Callable[[int], np.ndarray]


def open_slide(reference: Path | str, series: int = 0) -> SlideLevels:
    """Open a slide for reading tiles from several threads.

    Parameters
    ----------
    reference : path or str
        The file.
    series : int
        Number of the image in the file.

    Returns
    -------
    SlideLevels
        Tiles of the full image, and its reduced copies.

    Raises
    ------
    InputError
        If neither tifffile nor OpenSlide can read it by tiles.
    """
    path = split_reference(reference)[0]
    try:
        found = _tiff_levels(path, series)
    except (*DECODER_ERRORS, tifffile.TiffFileError):
        found = None  # not a TIFF, or of a kind that only OpenSlide knows
    if found is not None:
        return found
    try:
        return _openslide_levels(path)
    except openslide.OpenSlideError as error:
        raise InputError(
            str(reference),
            f"it can't be read by tiles: {detail_of(error)}",
            "convert it to a tiled, pyramidal OME-TIFF of 8-bit RGB",
        ) from error


def _tiff_levels(path: Path, series: int) -> SlideLevels | None:
    with tifffile.TiffFile(path) as tiff:
        pages = [level.keyframe for level in tiff.series[series].levels]
        levels = [TiffTiles.of(path, page, (series, k)) for k, page in enumerate(pages)]
    kept = [level for level in levels if level is not None]
    if not kept or levels[0] is None:
        return None
    for level in kept:
        _check_tiles(level)

    def read_level(number: int) -> np.ndarray:
        return read_whole(kept[number])

    return SlideLevels(kept[0], tuple(level.shape for level in kept), read_level)


def _tiff_level(path: Path, series: int, level: int) -> "TiffTiles":
    """Open one level of a TIFF again.

    Raises
    ------
    InputError
        If it isn't the file that it was.
    """
    try:
        with tifffile.TiffFile(path) as tiff:
            page = tiff.series[series].levels[level].keyframe
            found = TiffTiles.of(path, page, (series, level))
    except (*DECODER_ERRORS, tifffile.TiffFileError) as error:
        raise _changed(path) from error
    if found is None:
        raise _changed(path)
    return found


def _changed(path: Path) -> InputError:
    reason = "the file changed or vanished while it was being measured"
    return InputError(str(path), reason, "run again when nothing writes to it")


def _check_tiles(level: "TiffTiles") -> None:
    """Refuse a level whose header states more pixels than it has tiles for."""
    rows, columns = tile_grid(level)
    held = min(len(level.offsets), len(level.counts))
    if held != rows * columns:
        raise InputError(
            str(level.path),
            f"its header is damaged: {level.shape[0]} × {level.shape[1]} pixels would be "
            f"{rows * columns} tiles, and it lists {held}",
            "copy or scan the slide anew",
        )


def read_whole(source: TileSource) -> np.ndarray:
    """Read all of a source into memory."""
    from ..imgproc.tiles import read_region

    return read_region(source, (0, 0, *source.shape))


@dataclass
class TiffTiles:
    """Tiles of one level of a TIFF, found by their offsets and decoded by imagecodecs.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    shape, tile_shape : tuple of int
        Height and width of the level and of a tile.
    offsets, counts : tuple of int
        Where each tile's bytes are, and how many.
    size : int
        Bytes of the file.
    decode_bytes : callable
        From a tile's bytes, its number and a buffer to its pixels.
    place : tuple of (int, int)
        The image of the file, and the level of its pyramid.
    """

    path: Path
    shape: tuple[int, int]
    tile_shape: tuple[int, int]
    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    size: int
    decode_bytes: Callable[[Any, int, np.ndarray], np.ndarray]
    place: tuple[int, int]

    @classmethod
    def of(cls, path: Path, page: Any, place: tuple[int, int] = (0, 0)) -> "TiffTiles | None":
        """Take a page of a TIFF, None where it isn't 8-bit RGB in tiles of a sensible size."""
        usable = (
            page.is_tiled
            and page.dtype == np.uint8
            and page.samplesperpixel == 3
            and page.planarconfig == 1
            and page.imagedepth == 1
            and int(page.photometric) in (_RGB, _YCBCR)
            and max(page.tilelength, page.tilewidth) <= LARGEST_TILE_PX
        )
        if not usable:
            return None
        return cls(
            path,
            (int(page.imagelength), int(page.imagewidth)),
            (int(page.tilelength), int(page.tilewidth)),
            tuple(page.dataoffsets),
            tuple(page.databytecounts),
            path.stat().st_size,
            _decoder(page),
            place,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as a path: another process opens the file itself."""
        return _tiff_level, (self.path, *self.place)

    def decode(
        self, numbers: Sequence[int], buffer: np.ndarray
    ) -> Iterator[tuple[int, np.ndarray | BadTile]]:
        """Read and decode tiles; see `TileSource.decode`."""
        out = buffer.reshape(*self.tile_shape, 3)
        with self.path.open("rb", buffering=0) as file:
            for group in self._neighbours(numbers):
                start = self.offsets[group[0]]
                data = self._bytes(file, group, start)
                for number in group:
                    begin = self.offsets[number] - start
                    encoded = data[begin : begin + self.counts[number]]
                    yield number, self._decoded(number, encoded, out)

    def _decoded(self, number: int, encoded: memoryview, out: np.ndarray) -> np.ndarray | BadTile:
        if self.counts[number] == 0:  # never scanned: as empty as glass
            out.fill(WHITE)
            return out
        if len(encoded) < self.counts[number]:
            return BadTile(tile_region(self, number), "the file ends before the tile does")
        try:
            return self.decode_bytes(encoded, number, out)
        except DECODER_ERRORS as error:
            return BadTile(tile_region(self, number), detail_of(error))

    def _neighbours(self, numbers: Sequence[int]) -> Iterator[list[int]]:
        """Group tiles that lie one after another in the file."""
        group: list[int] = []
        end = begin = 0
        for number in numbers:
            offset, count = self.offsets[number], self.counts[number]
            near = end <= offset <= end + SPARE_TILES
            if group and (not near or offset + count - begin > MOST_BYTES_AT_ONCE):
                yield group
                group = []
            if not group:
                begin = offset
            group.append(number)
            end = offset + count
        if group:
            yield group

    def _bytes(self, file: FileIO, group: Sequence[int], start: int) -> memoryview:
        stop = min(self.offsets[group[-1]] + self.counts[group[-1]], self.size)
        file.seek(start)
        return memoryview(file.read(max(0, stop - start)))


JPEG_END = b"\xff\xd9"
JPEG_RESTARTS = frozenset(bytes([0xFF, 0xD0 + number]) for number in range(8))


def _is_whole(data: memoryview) -> bool:
    """Tell whether JPEG data ends; a decoder would fill in what is missing, and say nothing.

    Zeros behind the end are padding. A tile of NDPI is a restart interval and ends with its marker.
    """
    if data[-2:] == JPEG_END:
        return True
    end = bytes(data).rstrip(b"\0")[-2:]
    return end == JPEG_END or end in JPEG_RESTARTS


def _decoder(page: Any) -> Callable[[Any, int, np.ndarray], np.ndarray]:
    """Give the decoder of a page's tiles: JPEG straight into the buffer, the rest by tifffile."""
    if int(page.compression) == JPEG and page.jpegheader is None:
        colorspace, outcolorspace = tifffile.tifffile.jpeg_decode_colorspace(
            int(page.photometric), int(page.planarconfig), page.extrasamples, page.is_jfif
        )
        tables = page.jpegtables

        def decode_jpeg(data: Any, number: int, out: np.ndarray) -> np.ndarray:
            if not _is_whole(data):
                raise ValueError("its JPEG data is cut short: the end marker is missing")
            pixels: np.ndarray = imagecodecs.jpeg8_decode(
                data, tables=tables, colorspace=colorspace, outcolorspace=outcolorspace, out=out
            )
            return pixels

        return decode_jpeg
    decode, tables, header = page.decode, page.jpegtables, page.jpegheader
    jpeg = {"jpegtables": tables, "jpegheader": header} if int(page.compression) == JPEG else {}

    def decode_other(data: Any, number: int, out: np.ndarray) -> np.ndarray:
        if jpeg and not _is_whole(data):
            raise ValueError("its JPEG data is cut short: the end marker is missing")
        pixels = decode(bytes(data), number, **jpeg)[0]
        part = pixels.reshape(pixels.shape[-3:])
        out[: part.shape[0], : part.shape[1]] = part
        return out

    return decode_other


@dataclass
class OpenSlideTiles:
    """Tiles of a slide that only OpenSlide reads; each thread has a handle of its own."""

    path: Path
    shape: tuple[int, int]
    tile_shape: tuple[int, int] = (OPENSLIDE_TILE_PX, OPENSLIDE_TILE_PX)
    _handles: threading.local = field(default_factory=threading.local, repr=False)

    def decode(
        self, numbers: Sequence[int], buffer: np.ndarray
    ) -> Iterator[tuple[int, np.ndarray | BadTile]]:
        """Read tiles; see `TileSource.decode`."""
        out = buffer.reshape(*self.tile_shape, 3)
        for number in numbers:
            top, left, height, width = region = tile_region(self, number)
            try:
                strip = self._slide().read_region((left, top), 0, (width, height))
            except openslide.OpenSlideError as error:
                self._handles.slide = None  # a handle that has failed once fails ever after
                yield number, BadTile(region, detail_of(error))
                continue
            out[:height, :width] = on_white(np.asarray(strip))
            yield number, out

    def _slide(self) -> openslide.OpenSlide:
        handle = getattr(self._handles, "slide", None)
        if handle is None:
            handle = self._handles.slide = openslide.OpenSlide(self.path)
        return handle

    def __getstate__(self) -> dict[str, Any]:
        """Leave the handles behind: they belong to a thread of one process."""
        return {key: value for key, value in self.__dict__.items() if key != "_handles"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Begin without handles."""
        self.__dict__.update(state, _handles=threading.local())


def on_white(rgba: np.ndarray) -> np.ndarray:
    """Lay what OpenSlide gives on white: what was never scanned is as empty as glass."""
    alpha = rgba[..., 3:]
    if alpha.min() == WHITE:
        return rgba[..., :3]
    weight = alpha.astype(np.uint16)
    mixed = (rgba[..., :3] * weight + WHITE * (WHITE - weight)) // WHITE
    return mixed.astype(np.uint8)


def _openslide_levels(path: Path) -> SlideLevels:
    with openslide.OpenSlide(path) as slide:
        shapes = tuple((height, width) for width, height in slide.level_dimensions)

    def read_level(number: int) -> np.ndarray:
        with openslide.OpenSlide(path) as slide:
            size = slide.level_dimensions[number]
            return on_white(np.asarray(slide.read_region((0, 0), number, size)))

    return SlideLevels(OpenSlideTiles(path, shapes[0]), shapes, read_level)


@dataclass
class ArrayTiles:
    """Tiles of an image that is in memory, for files that can't be read in parts.

    Attributes
    ----------
    pixels : numpy.ndarray
        uint8, shape (height, width, 3).
    tile_shape : tuple of int
        Height and width of a tile.
    """

    pixels: np.ndarray
    tile_shape: tuple[int, int] = (OPENSLIDE_TILE_PX, OPENSLIDE_TILE_PX)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def decode(
        self, numbers: Sequence[int], buffer: np.ndarray
    ) -> Iterator[tuple[int, np.ndarray | BadTile]]:
        """Copy tiles out; see `TileSource.decode`."""
        out = buffer.reshape(*self.tile_shape, 3)
        for number in numbers:
            top, left, height, width = tile_region(self, number)
            out[:height, :width] = self.pixels[top : top + height, left : left + width]
            yield number, out
