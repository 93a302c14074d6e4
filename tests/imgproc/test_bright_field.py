"""Bright-field images: their scale, and what is refused."""

import numpy as np
import pytest

from xenoquant.imgproc.bright_field import as_rgb, check_bright_field, full_scale, is_grey
from xenoquant.imgproc.errors import MeasurementError


@pytest.fixture
def counts() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)


def test_full_scale_by_bit_depth() -> None:
    """12 bits in a 16-bit file hold 4095, as the largest count tells; 8-bit files always 255."""
    for largest, expected in [
        (255, 255),
        (256, 1023),
        (4000, 4095),
        (16000, 16383),
        (17000, 65535),
    ]:
        assert full_scale(np.full((1, 1, 3), largest, dtype=np.uint16)) == expected
    assert full_scale(np.zeros((1, 1, 3), dtype=np.uint8)) == 255


def test_grey_and_fluorescence_are_refused_and_blank_fields_are_not() -> None:
    """By construction: a grey ramp, a dark field with bright nuclei, an empty bright field."""
    ramp = np.repeat(np.arange(100, 250, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert is_grey(ramp)
    with pytest.raises(MeasurementError, match="grey"):
        check_bright_field(ramp)
    dark = np.zeros((64, 64, 3), dtype=np.uint8)
    dark[20:30, 20:30, 2] = 250
    with pytest.raises(MeasurementError, match="fluorescence"):
        check_bright_field(dark)
    check_bright_field(np.full((8, 8, 3), 245, dtype=np.uint8))


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.zeros((5, 5), np.uint8), "colour image"),
        (np.zeros((5, 5, 2), np.uint8), "colour image"),
        (np.zeros((0, 5, 3), np.uint8), "colour image"),
        (np.zeros((5, 5, 3), np.float32), "float32"),
    ],
)
def test_what_is_not_a_colour_image_is_refused(image: np.ndarray, reason: str) -> None:
    """Shape and type are named."""
    with pytest.raises(MeasurementError, match=reason):
        as_rgb(image)


def test_alpha_channel_is_dropped(counts: np.ndarray) -> None:
    """The colours of an RGBA image are those of its first three channels."""
    rgba = np.dstack([counts, np.full(counts.shape[:2], 255, np.uint8)])
    np.testing.assert_array_equal(as_rgb(rgba), counts)
