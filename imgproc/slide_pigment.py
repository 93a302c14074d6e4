"""Area measures of a slide without its pigment, block by block.

Whether a pixel is pigment depends on a few micrometres around it, which tiles cut through: the
slide is read in blocks of a lattice of the method's own, each with as much around it.
"""

import dataclasses
from dataclasses import dataclass
from functools import partial

import numpy as np

from .artefacts import find_pigment, pigment_reach_px
from .brown_sums import BrownSums, BrownTables
from .slide_area import SlideArea, add_by_squares, empty_sums, summed_up, tiles_held
from .slide_regions import RegionMap
from .stains import StainVectors, separate
from .tiles import HERE, BadTile, Block, Spread, TileSource, blocks, clear_bad, read_region

BLOCK_PX = 1024


@dataclass(frozen=True)
class PigmentColour:
    """What tells pigment from stain.

    Attributes
    ----------
    white : numpy.ndarray
        I0 in counts, shape (3,).
    vectors : StainVectors
        The stains' colours.
    um_per_px : float
        Pixel size, known or assumed.
    """

    white: np.ndarray
    vectors: StainVectors
    um_per_px: float

    def marked(self, rgb: np.ndarray) -> np.ndarray:
        """Mark the pigment of some pixels, bool, shape (height, width)."""
        amounts = separate(rgb, self.white, self.vectors)
        return find_pigment(amounts, self.vectors, um_per_px=self.um_per_px)


def measure_area_without_pigment(
    source: TileSource,
    regions: RegionMap,
    tables: BrownTables,
    colour: PigmentColour,
    *,
    bins: int,
    spread: Spread = HERE,
) -> SlideArea:
    """Measure the DAB of every pixel in a region that isn't pigment, and count those that are.

    Parameters
    ----------
    source : TileSource
        The slide.
    regions : RegionMap
        What is measured.
    tables : BrownTables
        From `brown_sums.brown_tables`.
    colour : PigmentColour
        What tells pigment.
    bins : int
        Bins of the histograms.
    spread : Spread
        What carries the blocks out. Neither it nor the tiles' size change a number.

    Returns
    -------
    SlideArea
        Counts and sums, with `pigment_px`.
    """
    halo = pigment_reach_px(colour.um_per_px)
    lattice = blocks(source.shape, side=BLOCK_PX, halo=halo)
    held = set(regions.held([block.core for block in lattice]))
    wanted = [block for block in lattice if block.core in held]
    total = empty_sums(source, regions, tables)
    pigment = np.zeros(len(regions.names), np.int64)
    bad: dict[BadTile, None] = {}  # several blocks see the same one
    measure = partial(_measure_block, source, regions, tables, colour)
    for sums, left_out, failed in spread(measure, wanted):
        total.add(sums)
        pigment += left_out
        bad |= dict.fromkeys(failed)
    in_order_of_place = sorted(bad, key=lambda tile: tile.region)
    decoded = len(tiles_held(source, regions))
    area = summed_up(source, total, tables, bins, in_order_of_place, decoded)
    return dataclasses.replace(area, pigment_px=pigment)


def _measure_block(
    source: TileSource,
    regions: RegionMap,
    tables: BrownTables,
    colour: PigmentColour,
    block: Block,
) -> tuple[BrownSums, np.ndarray, list[BadTile]]:
    bad: list[BadTile] = []
    rgb = read_region(source, block.whole, bad=bad)
    top, left, height, width = block.core
    y, x = top - block.whole[0], left - block.whole[1]
    own = np.s_[y : y + height, x : x + width]
    labels = regions.at(block.core)
    clear_bad(labels, (top, left), bad)
    pigment = colour.marked(rgb)[own]
    left_out = np.bincount(labels[pigment], minlength=len(regions.names) + 1)[1:]
    labels[pigment] = 0
    sums = empty_sums(source, regions, tables)
    add_by_squares(sums, rgb[own], labels, (top, left), tables)
    return sums, left_out, bad
