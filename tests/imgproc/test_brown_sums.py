"""Sums of DAB over a slide: equal to the formula, and to themselves."""

import numpy as np
import pytest
from drawn_slides import VECTORS, WHITE, plain_brown

from xenoquant.imgproc.brown_sums import (
    BrownSums,
    BrownTables,
    CoarseRegions,
    add_coarse,
    add_labelled,
    brown_tables,
    histogram,
    summed_od,
)
from xenoquant.imgproc.slide_regions import RegionMap


def add_all(sums: BrownSums, rgb: np.ndarray, tables: BrownTables) -> None:
    """Add a whole image as one region."""
    one = CoarseRegions(np.ones((1, 1), np.int32), rgb.shape[:2])
    add_coarse(sums, rgb, (0, 0, *rgb.shape[:2]), one, tables, 256)


@pytest.mark.parametrize("columns", [128, 100, 7])
def test_tables_agree_with_the_formula(noise: np.ndarray, columns: int) -> None:
    """A pixel at a time, and summed: within 1e-6 OD of numpy, four pixels at a time or not."""
    tables = brown_tables(WHITE, VECTORS)
    rgb = noise[:, :columns]
    plain = plain_brown(rgb)
    for y, x in ((0, 0), (5, 3), (40, columns - 1)):
        sums = BrownSums.empty(1, tables, (1, 1))
        add_all(sums, rgb[y : y + 1, x : x + 1], tables)
        assert summed_od(sums.units[1:], np.array([1]), tables)[0] == pytest.approx(
            plain[y, x], abs=1e-6
        )
    sums = BrownSums.empty(1, tables, (1, 1))
    add_all(sums, rgb, tables)
    total = summed_od(sums.units[1:], np.array([plain.size]), tables)[0]
    assert total / plain.size == pytest.approx(plain.mean(), abs=1e-6)
    found = histogram(sums, tables, 3000)[0]
    expected = np.bincount(np.clip(np.floor(plain * 1000), 0, 2999).astype(int).ravel())
    assert found.sum() == plain.size
    # a pixel on the edge between two bins may be in either
    assert np.abs(np.cumsum(found[: len(expected)]) - np.cumsum(expected)).max() <= 2


def test_coarse_regions_and_labels_count_the_same(noise: np.ndarray) -> None:
    """Regions by a coarse image and by a label image: the very same counts and sums."""
    tables = brown_tables(WHITE, VECTORS)
    coarse = np.array([[0, 1, 2, 2], [1, 1, 0, 2], [2, 0, 1, 1]], np.int32)
    regions = RegionMap(noise.shape[:2], coarse)
    region = (0, 0, *noise.shape[:2])
    plain = regions.plain()
    assert plain is not None
    first, second = (BrownSums.empty(2, tables, (1, 1)) for _ in range(2))
    add_coarse(first, noise, region, plain, tables, 256)
    add_labelled(second, noise, regions.at(region), tables, (0, 0))
    np.testing.assert_array_equal(first.counts, second.counts)
    np.testing.assert_array_equal(first.units, second.units)
    np.testing.assert_array_equal(first.map_pixels, second.map_pixels)
    by_hand = np.kron(coarse, np.ones((32, 32), int))
    np.testing.assert_array_equal(regions.at(region), by_hand)
    np.testing.assert_allclose(
        summed_od(first.units[1:], first.counts[1:].sum(axis=1), tables),
        [plain_brown(noise)[by_hand == k].sum() for k in (1, 2)],
        atol=1e-6 * noise.size,
    )


@pytest.mark.parametrize("beyond", range(8))
def test_any_address_and_any_edges_count_the_same(noise: np.ndarray, beyond: int) -> None:
    """Authority: the plain pass over a label image, for regions that begin within a word."""
    tables = brown_tables(WHITE, VECTORS)
    buffer = np.empty(noise.size + 16, np.uint8)
    start = (beyond - buffer.ctypes.data) % 8
    rgb = buffer[start : start + noise.size].reshape(noise.shape)
    rgb[:] = noise
    regions = RegionMap(noise.shape[:2], np.random.default_rng(0).integers(0, 4, (5, 7), np.int32))
    coarse, squares = regions.plain(), tuple(-(-side // 50) for side in noise.shape[:2])
    assert coarse is not None
    place = (0, 0, *noise.shape[:2])
    found, plain = (BrownSums.empty(3, tables, squares) for _ in range(2))
    add_coarse(found, rgb, place, coarse, tables, 50)
    labels = regions.at(place)
    for y, x in np.ndindex(squares):
        square = np.s_[50 * y : 50 * y + 50, 50 * x : 50 * x + 50]
        add_labelled(plain, noise[square], labels[square], tables, (y, x))
    for name in ("counts", "units", "map_units", "map_pixels"):
        np.testing.assert_array_equal(getattr(found, name), getattr(plain, name))
