"""Cells of a slide, block by block: each is counted once, whichever blocks it is seen from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import cv2
import numpy as np
import pandas as pd
from numba import njit

from .artefacts import find_pigment
from .dab_cells import objects_table
from .dab_options import DabOptions
from .dab_search import CellGuide, find_cells
from .labelled import renumbered
from .nuclei import Segmenter
from .optics import transmission_density
from .packing import pack, unpack
from .slide_regions import RegionMap
from .stains import StainVectors, separate
from .tiles import (
    HERE,
    BadTile,
    Block,
    Region,
    Spread,
    TileSource,
    blocks,
    clear_bad,
    read_region,
)
from .tissue import SMOOTHING_UM, without_specks

BLOCK_PX = 1536
HALO_UM = 32.0
"""Wider than the widest nucleus and what its threshold looks at around it."""

SHARED_PX = 2
"""Two blocks may place a nucleus on either side of the line between them: each also takes what
lies so far beyond it, and what both have taken is counted once."""

SAME_NUCLEUS = 0.5
"""A nucleus is one that another block has found if half of it lies on nuclei found there."""


class LabelSheet(Protocol):
    """A label image that may be larger than the memory, written and read by rectangles."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height and width in pixels."""
        ...

    def __getitem__(self, place: Any) -> np.ndarray:
        """Read a rectangle."""
        ...

    def __setitem__(self, place: Any, labels: np.ndarray) -> None:
        """Write a rectangle."""
        ...


@dataclass(frozen=True)
class CellSearch:
    """Everything that a block's cells depend on but its pixels.

    Attributes
    ----------
    source : TileSource
        The slide.
    regions : RegionMap
        What is measured.
    white : numpy.ndarray
        I0 in counts, shape (3,).
    vectors : StainVectors
        The stains' colours.
    scale : float
        Micrometres a pixel, known or assumed.
    known_scale : bool
        Whether areas in µm² can be given.
    options : DabOptions
        The choices.
    guide : CellGuide
        What the slide's nuclei look like.
    segmenter : Segmenter or None
        What finds them.
    bad : sequence of BadTile
        Tiles that can't be decoded: no cell is looked for in them.
    threshold_od : float
        From which optical density a pixel is tissue; 0 where no glass is in view.
    """

    source: TileSource
    regions: RegionMap
    white: np.ndarray
    vectors: StainVectors
    scale: float
    known_scale: bool
    options: DabOptions
    guide: CellGuide
    segmenter: Segmenter | None = None
    bad: Sequence[BadTile] = ()
    threshold_od: float = 0.0


@dataclass(frozen=True)
class BlockCells:
    """Cells of one block: a table in the slide's coordinates, and labels of a rectangle."""

    objects: pd.DataFrame
    place: Region
    nuclei: np.ndarray
    cells: np.ndarray

    def __getstate__(self) -> dict[str, Any]:
        """Pack the labels, which are nearly empty, for the way between processes."""
        return self.__dict__ | {"nuclei": pack(self.nuclei), "cells": pack(self.cells)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpack them."""
        labels = {name: unpack(state[name]) for name in ("nuclei", "cells")}
        self.__dict__.update(state | labels)


def measure_cells(
    search: CellSearch, nuclei: LabelSheet, cells: LabelSheet, *, spread: Spread = HERE
) -> pd.DataFrame:
    """Measure the cells of a slide and draw them into label images.

    The blocks are a lattice of the method's own, and are taken in their order: neither the file's
    tiles nor the number of workers change a cell.

    Parameters
    ----------
    search : CellSearch
        What to search, and how.
    nuclei, cells : LabelSheet
        int32 label images of the slide's shape, all 0; filled with the objects' numbers.
    spread : Spread
        What carries the blocks out.

    Returns
    -------
    pandas.DataFrame
        As `dab_cells.objects_table`, with ``region``, the number of the region that the nucleus's
        centre lies in.
    """
    halo = int(np.ceil(HALO_UM / search.scale))
    wanted = _blocks_with_tissue(search, halo)
    tables, count = [], 0
    for found in spread(partial(_measure_block, search), wanted):
        table = _take(found, nuclei, cells, count)
        count += len(table)
        tables.append(table)
    if not tables:
        nothing = np.zeros((1, 1), np.int32)
        empty = objects_table(nothing, nothing, np.zeros((3, 1, 1), np.float32), None, 1.0)
        return empty.assign(region=empty["object"])
    return pd.concat(tables, ignore_index=True)


def _blocks_with_tissue(search: CellSearch, halo: int) -> list[Block]:
    lattice = blocks(search.source.shape, side=BLOCK_PX, halo=halo)
    held = set(search.regions.held([block.core for block in lattice]))
    return [block for block in lattice if block.core in held]


def _measure_block(search: CellSearch, block: Block) -> BlockCells:
    """Find and measure the cells whose nucleus has its centre in the block's core."""
    top, left = block.whole[:2]
    rgb = read_region(search.source, block.whole)
    regions = search.regions.at(block.whole)
    clear_bad(regions, (top, left), search.bad)
    amounts = separate(rgb, search.white, search.vectors)
    tissue = _tissue(search, rgb, regions)
    if search.options.exclude_pigment:
        tissue &= ~find_pigment(amounts, search.vectors, um_per_px=search.scale)
    nuclei, cells, _ = find_cells(
        amounts, tissue, search.scale, search.options, search.segmenter, search.guide
    )
    um_per_px = search.scale if search.known_scale else None
    objects = objects_table(nuclei, cells, amounts, um_per_px, search.scale)
    y, x = objects["y_px"].to_numpy(), objects["x_px"].to_numpy()
    objects["region"] = regions[np.rint(y).astype(int), np.rint(x).astype(int)].astype(np.int64)
    objects = objects.assign(y_px=y + top, x_px=x + left)
    own = _within(objects["y_px"], objects["x_px"], block.core, SHARED_PX)
    own = own & (objects["region"].to_numpy() > 0)
    reach = int(np.ceil(HALO_UM / search.scale / 2))
    place = _widened(block.core, reach, block.whole)
    window = np.s_[
        place[0] - top : place[0] - top + place[2], place[1] - left : place[1] - left + place[3]
    ]
    table = objects[own].reset_index(drop=True).assign(object=np.arange(1, own.sum() + 1))
    return BlockCells(table, place, renumbered(nuclei[window], own), renumbered(cells[window], own))


def _tissue(search: CellSearch, rgb: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Mark where cells may lie: tissue by its own pixels, as in a field, and near the regions.

    The overview's pixels are as large as a nucleus: their outline would cut through cells. A cell
    belongs to the region that its nucleus's centre lies in.
    """
    by = 2 * search.regions.reduced_by() + 1
    near: np.ndarray = cv2.dilate((regions > 0).astype(np.uint8), np.ones((by, by), np.uint8)) > 0
    if search.threshold_od > 0:
        density = transmission_density(rgb, search.white)
        density = cv2.GaussianBlur(density, (0, 0), SMOOTHING_UM / search.scale)
        near &= without_specks(density > search.threshold_od, search.scale)[0]
    return near


def _within(y: pd.Series, x: pd.Series, core: Region, margin: int) -> np.ndarray:
    top, left, height, width = core
    found: np.ndarray = (
        (y >= top - margin - 0.5)
        & (y < top + height + margin - 0.5)
        & (x >= left - margin - 0.5)
        & (x < left + width + margin - 0.5)
    ).to_numpy()
    return found


def _widened(core: Region, by: int, limit: Region) -> Region:
    top, left = max(core[0] - by, limit[0]), max(core[1] - by, limit[1])
    bottom = min(core[0] + core[2] + by, limit[0] + limit[2])
    right = min(core[1] + core[3] + by, limit[1] + limit[3])
    return top, left, bottom - top, right - left


def _take(found: BlockCells, nuclei: LabelSheet, cells: LabelSheet, count: int) -> pd.DataFrame:
    """Number a block's cells after those before it, and draw them where nothing is drawn yet."""
    if len(found.objects) == 0:
        return found.objects
    top, left, height, width = found.place
    window = np.s_[top : top + height, left : left + width]
    drawn_nuclei, drawn_cells = np.array(nuclei[window]), np.array(cells[window])
    area, covered = _coverage(found.nuclei, drawn_nuclei, len(found.objects))
    fresh = covered <= SAME_NUCLEUS * area
    table = found.objects[fresh].reset_index(drop=True)
    new = np.where(fresh, count + np.cumsum(fresh), 0)
    _draw(found.nuclei, drawn_nuclei, new)
    # a cell may lose pixels to one of an earlier block: its area is what is drawn of it
    pixels = _draw(found.cells, drawn_cells, new)[fresh]
    nuclei[window], cells[window] = drawn_nuclei, drawn_cells
    table["area_um2"] *= pixels / table["area_px"]
    table["area_px"] = pixels
    table["object"] = count + np.arange(1, len(table) + 1)
    return table


@njit(cache=True, nogil=True)
def _coverage(labels: np.ndarray, drawn: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of each label, and how many of them are drawn on."""
    area, covered = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            label = labels[y, x]
            area[label] += 1
            covered[label] += drawn[y, x] > 0
    return area[1:], covered[1:]


@njit(cache=True, nogil=True)
def _draw(labels: np.ndarray, drawn: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Draw labels under their new numbers where nothing is drawn, and count each one's pixels."""
    pixels = np.zeros(numbers.size, np.int64)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            label = labels[y, x]
            if label > 0 and drawn[y, x] == 0 and numbers[label - 1] > 0:
                drawn[y, x] = numbers[label - 1]
                pixels[label - 1] += 1
    return pixels
