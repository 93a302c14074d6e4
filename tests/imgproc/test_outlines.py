"""Outlines along pixel edges: areas are pixel counts, rings are closed, parts are parts."""

import numpy as np
import pytest
import shapely
from skimage import measure

from xenoquant.imgproc.outlines import ring_area, trace


@pytest.mark.parametrize("seed", range(40))
def test_random_masks(seed: int) -> None:
    """Area inside is the number of pixels; outer rings are scikit-image's 4-connected parts, and
    the rings have no corner that isn't one.
    """
    chance = np.random.default_rng(seed)
    mask = chance.random(chance.integers(1, 12, 2)) < chance.uniform(0.1, 0.95)
    rings = trace(mask)
    assert sum(ring_area(ring) for ring in rings) == mask.sum()
    outer = [ring for ring in rings if ring_area(ring) > 0]
    assert len(outer) == measure.label(mask, connectivity=1).max()
    for ring in rings:
        np.testing.assert_array_equal(ring[0], ring[-1])
        steps = np.sign(np.diff(ring, axis=0))
        assert (np.abs(steps).sum(axis=1) == 1).all()
        assert not (steps == np.roll(steps, -1, axis=0)).all(axis=1).any()
        assert shapely.Polygon(ring).is_valid


def test_pixels_inside_are_the_masks() -> None:
    """Shapely finds the centres of exactly the mask's pixels inside, a hole and an island too."""
    mask = np.zeros((30, 40), bool)
    mask[4:25, 5:33] = True
    mask[8:20, 10:22] = False
    mask[12:15, 13:16] = True
    inside = np.zeros(mask.shape, bool)
    y, x = np.mgrid[:30, :40] + 0.5
    for ring in trace(mask):
        inside ^= shapely.contains_xy(shapely.Polygon(ring), x, y)
    np.testing.assert_array_equal(inside, mask)


def test_nothing_has_no_outline() -> None:
    """An empty mask has no ring; a full one has the image's own rectangle."""
    assert trace(np.zeros((5, 4), bool)) == []
    (ring,) = trace(np.ones((5, 4), bool))
    assert ring.tolist() == [[0, 0], [4, 0], [4, 5], [0, 5], [0, 0]]
