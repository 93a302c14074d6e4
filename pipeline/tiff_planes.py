"""Decoding TIFF planes: of a region only the tiles or strips that it touches."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from .reader_common import Region, Request, check_size
from .tiff_series import axis_sizes

COLOURS = (
    4  # samples that still count as one channel of an image's megapixels: CMYK, or RGB + alpha
)
JPEG_COMPRESSIONS = frozenset({6, 7, 34892, 33007})


@dataclass
class Stack:
    """The planes of one image at one level, each page decoded once in a row.

    Parameters
    ----------
    request : Request
        For the errors and the limit of size.
    series : tifffile.TiffPageSeries
        The level of the image.
    z_axis : str
        tifffile's code of the axis that is z, empty when there is none.
    fixed : dict
        Index of the axes that are neither channel, z, time nor picture.
    region : (y, x, height, width)
        Part to decode, in the level's stored pixels.
    """

    request: Request
    series: Any
    z_axis: str
    fixed: dict[str, int]
    region: Region
    flags: tuple[str, ...] = ()
    _last: tuple[int, np.ndarray | None] = field(default=(-1, None))

    def along_z(self, at: dict[str, int]) -> Callable[[int], np.ndarray]:
        """Give the function from a z plane's index to its pixels."""
        return lambda z: self.plane({**at, self.z_axis: z})

    def plane(self, at: dict[str, int]) -> np.ndarray:
        """Decode one (h, w) or (h, w, samples) plane."""
        series = self.series
        sizes = axis_sizes(series)
        axes, shape = "".join(sizes), tuple(sizes.values())
        split = _leading_axes(shape, series.keyframe)
        place = {**dict.fromkeys(axes, 0), **at, **self.fixed}
        leading = [(axis, size) for axis, size in zip(axes[:split], shape[:split], strict=True)]
        number = 0
        for axis, size in leading:
            number = number * size + place[axis]
        page_axes = axes[split:]
        pixels = self._page(series, number, shape[split:], page_axes)
        keeps_samples = "S" not in at
        index = tuple(
            slice(None) if axis in "YX" or (axis == "S" and keeps_samples) else place[axis]
            for axis in page_axes
        )
        left = [axis for axis, key in zip(page_axes, index, strict=True) if isinstance(key, slice)]
        order = [left.index(axis) for axis in ("Y", "X", "S") if axis in left]
        return np.asarray(pixels[index].transpose(order))

    def _page(self, series: Any, number: int, shape: tuple[int, ...], axes: str) -> np.ndarray:
        if self._last[0] == number and self._last[1] is not None:
            return self._last[1]
        height, width = self.region[2:]
        separate, depth, _, _, contiguous = series.keyframe.shaped
        check_size(self.request, height, width, max(1, separate * depth * contiguous // COLOURS))
        pixels = self._decode(series, number)
        sizes = [
            height if axis == "Y" else width if axis == "X" else size
            for axis, size in zip(axes, shape, strict=True)
        ]
        pixels = pixels.reshape(sizes)
        self._last = (number, pixels)
        return pixels

    def _decode(self, series: Any, number: int) -> np.ndarray:
        """Decode the region of a page to (samples, depth, h, w, contiguous samples)."""
        keyframe = series.keyframe
        if series.dataoffset is not None:
            return self._contiguous(series, number)
        page = series[number] if number < len(series) else None
        if page is None:
            raise self.request.error(f"plane {number} is missing from the TIFF")
        y, x, height, width = self.region
        separate, depth, _, _, contiguous = keyframe.shaped
        # the system hands out zeros only when they are touched: a false size costs nothing
        out = np.zeros((separate, depth, height, width, contiguous), series.dtype)
        for data, index in self._segments(page, keyframe):
            segment, position, shape = keyframe.decode(
                data, index, **_jpeg_arguments(page, keyframe), _fullsize=False
            )
            if segment is None:
                self.flags = ("missing_tiles",)
                segment = np.broadcast_to(series.dtype.type(keyframe.nodata), shape)
            _paste(out, segment, position, (y, x))
        return out

    def _contiguous(self, series: Any, number: int) -> np.ndarray:
        """Read the rows of a plane that is stored as one uncompressed block."""
        keyframe = series.keyframe
        separate, depth, rows, columns, contiguous = keyframe.shaped
        y, x, height, width = self.region
        dtype = np.dtype(keyframe.parent.byteorder + keyframe.dtype.char)
        whole = separate * depth * rows * columns * contiguous
        start = series.dataoffset + number * whole * dtype.itemsize
        handle = keyframe.parent.filehandle
        if start + whole * dtype.itemsize > handle.size:
            raise self.request.error("the TIFF is truncated: pixels are missing at its end")
        out = np.empty((separate, depth, height, width, contiguous), series.dtype)
        row_items = columns * contiguous
        for sample, layer in product(range(separate), range(depth)):
            first = ((sample * depth + layer) * rows + y) * row_items
            handle.seek(start + first * dtype.itemsize)
            block = handle.read_array(dtype, height * row_items)
            out[sample, layer] = block.reshape(height, columns, contiguous)[:, x : x + width]
        return out

    def _segments(self, page: Any, keyframe: Any) -> Iterator[tuple[bytes | None, int]]:
        """Read the encoded tiles or strips that the region touches, all inside the file."""
        indices = _touched(self.request, keyframe, self.region)
        handle = page.parent.filehandle
        counts, offsets = page.databytecounts, page.dataoffsets
        for index in indices:
            if index >= len(offsets) or index >= len(counts):
                raise self.request.error("the TIFF's list of strips or tiles is incomplete")
            if offsets[index] + counts[index] > handle.size:
                raise self.request.error("the TIFF is truncated: pixels are missing at its end")
            if counts[index] == 0 or offsets[index] == 0:
                yield None, index
                continue
            handle.seek(offsets[index])
            yield handle.read(counts[index]), index


def _leading_axes(shape: tuple[int, ...], keyframe: Any) -> int:
    """Count the axes that run over pages; the others lie inside one page."""
    inside = math.prod(keyframe.shaped)
    split, size = len(shape), 1
    while split > 0 and size < inside:
        split -= 1
        size *= shape[split]
    while split > 0 and shape[split - 1] == 1:
        split -= 1
    return split


def _jpeg_arguments(page: Any, keyframe: Any) -> dict[str, Any]:
    """Give the tables that JPEG tiles share."""
    if int(keyframe.compression) not in JPEG_COMPRESSIONS:
        return {}
    return {"jpegtables": page.jpegtables, "jpegheader": keyframe.jpegheader}


def _touched(request: Request, keyframe: Any, region: Region) -> Iterator[int]:
    """Number the tiles or strips that a region touches, in stored order."""
    y, x, height, width = region
    separate, depth, rows, columns, _ = keyframe.shaped
    tiled = keyframe.is_tiled
    high = keyframe.tilelength if tiled else min(keyframe.rowsperstrip, rows)
    wide = keyframe.tilewidth if tiled else columns
    deep = keyframe.tiledepth if tiled else 1
    if min(high, wide, deep) < 1:
        raise request.error("the TIFF's tiles or strips have no size")
    check_size(request, high * deep, wide)
    down, across, layers = (
        math.ceil(rows / high),
        math.ceil(columns / wide),
        math.ceil(depth / deep),
    )
    for sample, layer in product(range(separate), range(layers)):
        for row in range(y // high, (y + height - 1) // high + 1):
            for column in range(x // wide, (x + width - 1) // wide + 1):
                yield ((sample * layers + layer) * down + row) * across + column


def _paste(
    out: np.ndarray, segment: np.ndarray, position: tuple[int, ...], corner: tuple[int, int]
) -> None:
    """Copy the part of a decoded tile or strip that lies in the region."""
    sample, depth, top, left = position[:4]
    top, left = top - corner[0], left - corner[1]
    layers = min(segment.shape[0], out.shape[1] - depth)
    y0, x0 = max(top, 0), max(left, 0)
    y1 = min(top + segment.shape[1], out.shape[2])
    x1 = min(left + segment.shape[2], out.shape[3])
    out[sample, depth : depth + layers, y0:y1, x0:x1] = segment[
        :layers, y0 - top : y1 - top, x0 - left : x1 - left
    ]
