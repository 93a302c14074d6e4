"""Polygons drawn on a slide: the pixels inside them."""

import numpy as np
import pytest
import shapely

from xenoquant.imgproc.polygons import Polygon, inside


@pytest.mark.parametrize("seed", range(4))
def test_polygons_as_shapely_sees_them(seed: int) -> None:
    """Random rings with a hole: the pixels whose centres shapely finds inside."""
    chance = np.random.default_rng(seed)
    turns = np.sort(chance.random(9)) * 2 * np.pi
    radius = chance.uniform(12, 30, 9)
    ring = np.stack([33.3 + radius * np.cos(turns), 30.7 + radius * np.sin(turns)], axis=1)
    hole = np.array([[30.2, 28.3], [37.6, 28.3], [37.6, 33.7], [30.2, 33.7]])
    area = Polygon("a", (ring, hole))
    y, x = np.mgrid[:60, :70] + 0.5
    shape = shapely.Polygon(ring).symmetric_difference(shapely.Polygon(hole))
    expected = shapely.contains_xy(shape, x, y)
    found = inside(area, (0, 0, 60, 70))
    np.testing.assert_array_equal(found, expected)
    for top, left in ((0, 0), (17, 5), (31, 40)):
        part = inside(area, (top, left, 20, 25))
        np.testing.assert_array_equal(part, found[top : top + 20, left : left + 25])
