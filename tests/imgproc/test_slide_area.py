"""Areas of whole slides: equal to the formula, however they are cut and shared out."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from drawn_slides import VECTORS, WHITE, plain_brown

from xenoquant.imgproc.brown_sums import brown_tables
from xenoquant.imgproc.dab import DabOptions
from xenoquant.imgproc.polygons import Polygon
from xenoquant.imgproc.slide_area import SlideArea, measure_area
from xenoquant.imgproc.slide_dab import measure_slide
from xenoquant.imgproc.slide_regions import RegionMap
from xenoquant.imgproc.tiles import BadTile, Threads
from xenoquant.pipeline.slide_files import ArrayTiles
from xenoquant.pipeline.slides import reduce_slide


def same_area(first: SlideArea, second: SlideArea) -> None:
    np.testing.assert_array_equal(first.histograms, second.histograms)
    np.testing.assert_array_equal(first.integrated_od, second.integrated_od)
    np.testing.assert_array_equal(first.heat_od, second.heat_od)


@pytest.mark.parametrize("tile", [(16, 16), (80, 112), (240, 240), (256, 256), (640, 896)])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("outlined", [False, True])
def test_areas_are_the_same_however_cut(
    slide: np.ndarray, regions: RegionMap, tile: tuple[int, int], threads: int, outlined: bool
) -> None:
    """Any tile size and number of threads: exactly the numbers of the image as one tile, and
    those are the plain formula's.
    """
    if outlined:
        ring = np.array([[50.5, 100.0], [700.0, 120.0], [650.0, 500.0], [90.0, 420.0]])
        hole = Polygon(
            "fold", (np.array([[150.0, 200], [250, 200], [250, 300], [150, 300]]),), True
        )
        regions = RegionMap(regions.shape, regions.coarse, (Polygon("tumour", (ring,)), hole))
    tables = brown_tables(WHITE, VECTORS)
    whole = measure_area(ArrayTiles(slide, slide.shape[:2]), regions, tables, bins=3000)
    cut = measure_area(ArrayTiles(slide, tile), regions, tables, bins=3000, spread=Threads(threads))
    same_area(cut, whole)
    labels = regions.at((0, 0, *regions.shape))
    brown = plain_brown(slide)
    for number in range(1, len(regions.names) + 1):
        chosen = brown[labels == number]
        assert whole.histograms[number - 1].sum() == chosen.size
        assert whole.integrated_od[number - 1] / chosen.size == pytest.approx(
            chosen.mean(), abs=1e-6
        )


class Counting:
    """Tiles that remember which of them were decoded, and of which some can't be."""

    def __init__(self, pixels: np.ndarray, broken: Sequence[int] = ()) -> None:
        self.inner = ArrayTiles(pixels, (64, 64))
        self.shape, self.tile_shape = self.inner.shape, self.inner.tile_shape
        self.broken, self.decoded = set(broken), set[int]()

    def decode(
        self, numbers: Sequence[int], buffer: np.ndarray
    ) -> Iterator[tuple[int, np.ndarray | BadTile]]:
        for number, pixels in self.inner.decode(numbers, buffer):
            self.decoded.add(number)
            row, column = divmod(number, 14)
            place = (row * 64, column * 64, 64, 64)
            yield number, BadTile(place, "broken") if number in self.broken else pixels


def test_glass_is_never_decoded(slide: np.ndarray, regions: RegionMap) -> None:
    """The tiles decoded are those under a tissue pixel of the overview, worked out by hand."""
    source = Counting(slide)
    found = measure_area(source, regions, brown_tables(WHITE, VECTORS), bins=3000)
    rows, columns = np.nonzero(regions.coarse)
    assert source.decoded == {r // 4 * 14 + c // 4 for r, c in zip(rows, columns, strict=True)}
    assert found.decoded == len(source.decoded) < found.tiles == 140


def test_a_bad_tile_is_named_and_the_rest_is_measured(slide: np.ndarray) -> None:
    """With a tile broken: its place is reported, its pixels are in no count, no cell lies in it,
    and everything else is what it was.
    """
    options = DabOptions(white=(241, 239, 236), stains="default")
    broken = 5 * 14 + 3
    small = reduce_slide(ArrayTiles(slide, (64, 64)))
    first = measure_slide(Counting(slide), small, um_per_px=0.5, options=options)
    second = measure_slide(Counting(slide, [broken]), small, um_per_px=0.5, options=options)
    assert second.notes["bad_tiles"] == [{"region": [320, 192, 64, 64], "reason": "broken"}]
    assert "bad_tiles" in second.flags
    lost = first.regions["area_px"].sum() - second.regions["area_px"].sum()
    assert 0 < lost <= 64 * 64
    y, x = second.objects["y_px"], second.objects["x_px"]
    assert not ((y > 320) & (y < 384) & (x > 192) & (x < 256)).any()
    far = [each.objects[each.objects["x_px"] > 448] for each in (first, second)]
    assert len(far[1]) == pytest.approx(len(far[0]), abs=2)
    np.testing.assert_array_equal(
        first.profiles["heat_od"][:, 2:], second.profiles["heat_od"][:, 2:]
    )
