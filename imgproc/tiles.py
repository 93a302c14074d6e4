"""Sweeping over the tiles of a slide with threads, and the lattice of blocks that cells are in."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

Region = tuple[int, int, int, int]
"""Top, left, height, width in pixels of the full image."""

ResultT = TypeVar("ResultT")
ItemT = TypeVar("ItemT")

RUN_TILES = 32
"""Tiles a thread takes at a time: a few milliseconds of work, against microseconds to hand over."""

AHEAD = 2
"""Pieces of work waiting for each thread; more would only hold memory."""


@dataclass(frozen=True)
class BadTile:
    """A tile that can't be decoded, and where it lies.

    Attributes
    ----------
    region : tuple of int
        Top, left, height, width in pixels of the full image.
    reason : str
        What the decoder said.
    """

    region: Region
    reason: str


class TileSource(Protocol):
    """An 8-bit colour image that is read in parts, from any number of threads at once."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        ...

    @property
    def tile_shape(self) -> tuple[int, int]:
        """Height and width of a tile."""
        ...

    def decode(
        self, numbers: Sequence[int], buffer: np.ndarray
    ) -> Iterator[tuple[int, np.ndarray | BadTile]]:
        """Decode tiles one after another.

        Parameters
        ----------
        numbers : sequence of int
            Tiles, counted along rows from the top left.
        buffer : numpy.ndarray
            uint8, as long as a tile; the array given for a tile holds until the next one.

        Yields
        ------
        number : int
            The tile.
        pixels : numpy.ndarray or BadTile
            uint8, shape (*tile_shape, 3); a tile at the edge is as large, its rest is padding.
        """
        ...


def tile_grid(source: TileSource) -> tuple[int, int]:
    """Rows and columns of tiles."""
    return (
        -(-source.shape[0] // source.tile_shape[0]),
        -(-source.shape[1] // source.tile_shape[1]),
    )


def tile_region(source: TileSource, number: int) -> Region:
    """Where a tile lies: top, left, height and width within the image."""
    (height, width), (high, wide) = source.shape, source.tile_shape
    row, column = divmod(number, -(-width // wide))
    top, left = row * high, column * wide
    return top, left, min(high, height - top), min(wide, width - left)


def tile_regions(source: TileSource) -> list[Region]:
    """Where every tile lies, in their order: top, left, height and width within the image."""
    (height, width), (high, wide) = source.shape, source.tile_shape
    return [
        (top, left, min(high, height - top), min(wide, width - left))
        for top in range(0, height, high)
        for left in range(0, width, wide)
    ]


def tile_buffer(source: TileSource) -> np.ndarray:
    """Room for one tile. Decoders are 1.2 times slower into an address that is a multiple of 32.

    Returns
    -------
    numpy.ndarray
        uint8, flat, its address 8 beyond a multiple of 64.
    """
    size = source.tile_shape[0] * source.tile_shape[1] * 3
    whole = np.empty(size + 72, np.uint8)
    start = (8 - whole.ctypes.data) % 64
    return whole[start : start + size]


def read_region(
    source: TileSource, region: Region, *, fill: int = 255, bad: list[BadTile] | None = None
) -> np.ndarray:
    """Read a rectangle, from as many tiles as it touches.

    Parameters
    ----------
    source : TileSource
        The image.
    region : tuple of int
        Top, left, height, width; within the image.
    fill : int
        What a tile that can't be decoded is filled with.
    bad : list of BadTile, optional
        Such tiles are added to it.

    Returns
    -------
    numpy.ndarray
        uint8, shape (height, width, 3).
    """
    top, left, height, width = region
    high, wide = source.tile_shape
    columns = tile_grid(source)[1]
    numbers = [
        row * columns + column
        for row in range(top // high, (top + height - 1) // high + 1)
        for column in range(left // wide, (left + width - 1) // wide + 1)
    ]
    out = np.full((height, width, 3), fill, np.uint8)
    for number, pixels in source.decode(numbers, tile_buffer(source)):
        if isinstance(pixels, BadTile):
            if bad is not None:
                bad.append(pixels)
            continue
        row, column = divmod(number, columns)
        y, x = row * high - top, column * wide - left
        y0, x0, y1, x1 = max(y, 0), max(x, 0), min(y + high, height), min(x + wide, width)
        out[y0:y1, x0:x1] = pixels[y0 - y : y1 - y, x0 - x : x1 - x]
    return out


def clear_bad(labels: np.ndarray, corner: tuple[int, int], bad: Iterable[BadTile]) -> None:
    """Set to 0, in place, what of a label image lies in tiles that can't be decoded.

    Parameters
    ----------
    labels : numpy.ndarray
        Shape (height, width).
    corner : tuple of int
        Row and column of its first pixel in the slide.
    bad : iterable of BadTile
        The tiles.
    """
    for tile in bad:
        top, left, height, width = tile.region
        y, x = top - corner[0], left - corner[1]
        labels[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)] = 0


def runs(numbers: Sequence[int], length: int = RUN_TILES) -> list[Sequence[int]]:
    """Cut a list of tiles into pieces of work."""
    return [numbers[start : start + length] for start in range(0, len(numbers), length)]


def in_order(
    function: Callable[[ItemT], ResultT], items: Iterable[ItemT], *, threads: int
) -> Iterator[ResultT]:
    """Run a function over items with threads and give the results in the items' order.

    No more than a few results are held at a time, however slow the one who takes them.

    Parameters
    ----------
    function : callable
        Lets other threads run while it works.
    items : iterable
        Its arguments.
    threads : int
        Threads at a time; 1 works in the caller's own.

    Yields
    ------
    object
        One result an item.
    """
    if threads <= 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[ResultT]] = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= threads * AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class Spread(Protocol):
    """Carries pieces of work out wherever it likes; results come in the order of the pieces."""

    @property
    def workers(self) -> int:
        """How many pieces are worked on at a time."""
        ...

    def __call__(
        self, function: Callable[[ItemT], ResultT], items: Iterable[ItemT]
    ) -> Iterator[ResultT]:
        """Give the function's result for each item; both can be pickled."""
        ...


@dataclass(frozen=True)
class Threads:
    """Carries pieces of work out with threads of this process; see `in_order`."""

    workers: int = 1

    def __call__(
        self, function: Callable[[ItemT], ResultT], items: Iterable[ItemT]
    ) -> Iterator[ResultT]:
        """Give the function's result for each item."""
        return in_order(function, items, threads=self.workers)


HERE = Threads()
"""Carries pieces of work out one after the other, where it is called."""


@dataclass(frozen=True)
class Block:
    """A square of the lattice that cells are looked for in.

    Attributes
    ----------
    core : tuple of int
        Top, left, height, width of what is its own; the cores cover the image once.
    whole : tuple of int
        The same with the halo around it, cut off at the image's edge.
    """

    core: Region
    whole: Region


def blocks(shape: tuple[int, int], *, side: int, halo: int) -> list[Block]:
    """Lay the lattice over an image, row by row.

    The lattice belongs to the method, not to the file: neither the file's tiles nor the number of
    threads change which pixels a cell is found in.

    Parameters
    ----------
    shape : tuple of int
        Height and width.
    side, halo : int
        Pixels.

    Returns
    -------
    list of Block
        At least one for an image with pixels.
    """
    found = []
    for top in range(0, shape[0], side):
        for left in range(0, shape[1], side):
            bottom, right = min(top + side, shape[0]), min(left + side, shape[1])
            y0, x0 = max(top - halo, 0), max(left - halo, 0)
            y1, x1 = min(bottom + halo, shape[0]), min(right + halo, shape[1])
            found.append(Block((top, left, bottom - top, right - left), (y0, x0, y1 - y0, x1 - x0)))
    return found
