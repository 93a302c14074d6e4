"""The colour picture of channels in compiled code, against plain NumPy."""

import numpy as np
import pytest
from PIL import ImageColor

from xenoquant.pipeline.channel_composite import CHANNEL_COLOURS, composite, contrast


def plainly(channels, limits):
    """Stretch, colour and add whole arrays."""
    total = np.zeros((*next(iter(channels.values())).shape, 3), np.float32)
    for name, channel in channels.items():
        pixels = channel.astype(np.float32)
        low, high = limits.get(name) or np.nanpercentile(pixels, (1.0, 99.8))
        if high > low:
            shares = np.nan_to_num((pixels - float(low)) / (float(high) - float(low)))
            ink = np.array(ImageColor.getrgb(CHANNEL_COLOURS[name])[:3], np.float32)
            total += np.clip(shares, 0, 1)[..., None] * ink
    return np.minimum(total + 0.5, 255).astype(np.uint8)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("limits", [{}, {"marker": (20.0, 90.5)}, {"nuclei": (30.0, 30.0)}])
def test_composite_is_that_of_numpy(kind, limits):
    chance = np.random.default_rng(2)
    channels = {
        name: chance.gamma(3, scale, (60, 83)).astype(kind)
        for name, scale in (("marker", 20), ("nuclei", 9))
    }
    if kind is np.float32:
        channels["marker"][:2, :3] = np.nan, np.inf, -np.inf
    np.testing.assert_array_equal(composite(channels, limits), plainly(channels, limits))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("pixels", [1, 2, 11, 5000])
def test_contrast_is_numpys_percentiles(kind, pixels):
    """Also of one pixel, and where the places lie between two pixels of far values."""
    held = np.random.default_rng(pixels).choice([0, 3, 4, 100, 255], (1, pixels)).astype(kind)
    np.testing.assert_allclose(contrast(held), np.percentile(held, (1.0, 99.8)), rtol=1e-12)


def test_a_channel_that_is_strided_is_read_in_place():
    pixels = np.random.default_rng(3).integers(0, 4000, (2, 40, 50)).astype(np.uint16)
    strided = np.moveaxis(np.ascontiguousarray(np.moveaxis(pixels, 0, -1)), -1, 0)
    np.testing.assert_array_equal(
        composite({"nuclei": strided[1]}, {}), composite({"nuclei": pixels[1]}, {})
    )
