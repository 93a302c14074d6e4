"""Connected parts by runs: those of scipy's labelling."""

import cv2
import numpy as np
import pytest
from scipy import ndimage

from xenoquant.imgproc.parts import enclosed_parts, large_parts


@pytest.mark.parametrize("sigma", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("level", [-0.3, 0.0, 0.2])
def test_parts_are_scipys(sigma: float, level: float) -> None:
    """Random masks from salt to blobs: scipy's four-connected parts, by size and by the edge."""
    noise = np.random.default_rng(5).normal(size=(83, 119)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), sigma) if sigma else noise
    mask = noise > level * noise.std()
    labels, n = ndimage.label(mask)
    size = np.bincount(labels.ravel())
    size[0] = 0
    np.testing.assert_array_equal(large_parts(mask, 12), (size >= 12)[labels])
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    inside = ~np.isin(np.arange(n + 1), edge) & (size > 0)
    small, large = enclosed_parts(mask, 12)
    np.testing.assert_array_equal(small, (inside & (size < 12))[labels])
    np.testing.assert_array_equal(large, (inside & (size >= 12))[labels])


def test_all_and_nothing() -> None:
    """A full mask is one part that touches the edge; an empty one has none."""
    full = np.ones((4, 6), bool)
    assert large_parts(full, 24).all()
    assert not large_parts(full, 25).any()
    assert not enclosed_parts(full, 1)[1].any()
    assert not large_parts(~full, 1).any()
