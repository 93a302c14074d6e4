"""The phantoms' optics: noise, blur and colour, against physics and plain forms."""

import numpy as np
import pytest

from xenoquant.imgproc import phantom_optics


def test_srgb_round_trip_of_every_value():
    """Authority: IEC 61966-2-1 maps the 256 codes one to one."""
    codes = np.arange(256)
    assert np.array_equal(phantom_optics.to_srgb(phantom_optics.to_linear(codes)), codes)


def test_detector_variance_is_gain_squared_times_mean_plus_read_noise():
    """Authority: Poisson's variance is its mean; 1/12 comes from rounding."""
    photons = np.full((500, 500), 40.0)
    rng = np.random.default_rng(1)
    grey = phantom_optics.detected(
        photons, rng, gain=3.0, offset=100.0, read_noise=5.0, bit_depth=12
    ).astype(float)
    assert grey.mean() == pytest.approx(100 + 3 * 40, rel=0.002)
    assert grey.var() == pytest.approx(9 * 40 + 25 + 1 / 12, rel=0.02)


def test_photograph_noise_is_the_inverse_of_the_full_well():
    """Authority: variance of light x with N electrons at 1 is x / N."""
    light = np.full((500, 500), 0.3, np.float32)
    noisy = phantom_optics.shot_noise(light, np.random.default_rng(2), 2000.0)
    assert noisy.var() == pytest.approx(0.3 / 2000, rel=0.02)


@pytest.mark.parametrize("scale", [1.0, 5.0, 40.0])
def test_smooth_noise_is_standardised(scale):
    """Authority: its own promise of mean about 0 and variance about 1, over many fields."""
    rng = np.random.default_rng(3)
    fields = np.array([phantom_optics.smooth_noise(rng, (200, 240), scale) for _ in range(60)])
    assert fields.mean() == pytest.approx(0, abs=0.12)
    assert fields.var() == pytest.approx(1, abs=0.25)


def test_wide_blur_equals_the_plain_one_closely():
    """Authority: the closed form, a Gaussian spot of variance s0² + s²."""
    y, x = np.mgrid[-200:201, -200:201]
    spot = np.exp(-(x**2 + y**2) / (2 * 20.0**2)).astype(np.float32)
    wide = phantom_optics.blurred(spot, 30.0)
    variance = 20.0**2 + 30.0**2
    expected = 20.0**2 / variance * np.exp(-(x**2 + y**2) / (2 * variance))
    assert np.abs(wide - expected).max() < 0.01
