"""The nearest label, by both ways, against scipy's distance transform."""

import numpy as np
import pytest
from scipy import ndimage

from xenoquant.imgproc.nearest import _by_envelope, _by_window, nearest_labels


@pytest.fixture(params=[0.004, 0.05, 0.4])
def labels(request: pytest.FixtureRequest) -> np.ndarray:
    """Scattered pixels, each with a label of its own."""
    seeds = np.random.default_rng(1).random((90, 110)) < request.param
    return (seeds * np.cumsum(seeds).reshape(seeds.shape)).astype(np.int32)


@pytest.mark.parametrize(("inner", "outer"), [(-1, 0), (-1, 7.3), (0, 20), (2.3, 6.1), (-1, 60)])
def test_both_ways_give_the_same(labels: np.ndarray, inner: float, outer: float) -> None:
    """The lower envelope is the plain one; which of equally near labels is taken agrees, too."""
    plain = _by_envelope(labels, float(inner), float(outer))
    np.testing.assert_array_equal(_by_window(labels, float(inner), float(outer)), plain)


@pytest.mark.parametrize("outer", [5.0, 80.0])
def test_what_is_in_reach_is_what_scipy_measures(labels: np.ndarray, outer: float) -> None:
    """Euclidean distances; the label found is as near as the nearest."""
    distance, place = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    found = nearest_labels(labels, 1.0, outer)
    np.testing.assert_array_equal(found > 0, (distance > 1.0) & (distance <= outer))
    same = found == labels[tuple(place)]
    for y, x in np.argwhere((found > 0) & ~same):
        own = np.argwhere(labels == found[y, x])[0]
        assert np.hypot(y - own[0], x - own[1]) == pytest.approx(distance[y, x])
