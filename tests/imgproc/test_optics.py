"""Optical density against its formula and hand computation."""

import numpy as np
import pytest

from xenoquant.imgproc.optics import optical_density, optical_density_fast, transmission_density


@pytest.fixture
def counts() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)


def test_density_by_hand() -> None:
    """A tenth of 240 is OD 1, the white itself 0, brighter than white 0, black log10(240)."""
    rgb = np.array([[[24, 240, 255], [0, 1, 120]]], dtype=np.uint8)
    expected = [[[1, 0, 0], [np.log10(240), np.log10(240), np.log10(2)]]]
    np.testing.assert_allclose(optical_density(rgb, np.full(3, 240.0)), expected, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("per_pixel", [False, True])
def test_fast_density_equals_the_formula(counts: np.ndarray, dtype: type, per_pixel: bool) -> None:
    """The table look-up against plain numpy, to 1e-6, for one white and a white per pixel."""
    rgb = (counts.astype(dtype) * (1 if dtype is np.uint8 else 200)).astype(dtype)
    white = np.array([240.0, 235.0, 228.0]) * (1 if dtype is np.uint8 else 200)
    if per_pixel:
        white = white * np.linspace(0.8, 1, 30)[None, :, None] * np.ones((40, 1, 1))
    np.testing.assert_allclose(
        optical_density_fast(rgb, white), optical_density(rgb, white), rtol=0, atol=1e-6
    )


def test_transmission_density_by_hand() -> None:
    """Half the light in all channels is log10(2); brighter than white is negative."""
    rgb = np.array([[[120, 120, 120], [252, 252, 252]]], dtype=np.uint8)
    density = transmission_density(rgb, np.full(3, 240.0))
    np.testing.assert_allclose(density, [[np.log10(2), -np.log10(1.05)]], atol=1e-6)
