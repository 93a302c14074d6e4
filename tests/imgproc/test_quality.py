"""Quality numbers: against hand-made images whose answer is known."""

import cv2
import numpy as np
import pytest

from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.quality import (
    background_surface,
    edge_width_px,
    illumination_ratio,
    saturated_fraction,
)


@pytest.mark.parametrize(
    ("image", "share"),
    [
        (np.array([[1, 255], [255, 3]], np.uint8), 0.5),
        (np.array([[1, 4095], [7, 3]], np.uint16), 0.25),  # a 12-bit camera in a 16-bit file
        (np.array([[1, 4000], [7, 3]], np.uint16), 0.0),
        (np.full((20, 20), 65535, np.uint16), 1.0),
        (np.full((20, 20), 7.5), 1.0),
        (np.linspace(0, 1, 400).reshape(20, 20), 0.0),
        (np.zeros((0, 0)), 0.0),
    ],
)
def test_saturated_share_by_count(image: np.ndarray, share: float) -> None:
    assert saturated_fraction(image) == share


def test_stated_full_scale_wins() -> None:
    assert saturated_fraction(np.array([[90, 100], [120, 3]], np.uint16), full_scale=100) == 0.5


def test_background_under_cells_is_that_around_them() -> None:
    """A slope of light, and a bright square in it that belongs to a cell: the slope comes back."""
    x = np.indices((200, 200))[1]
    light = 100 + 0.2 * x
    rng = np.random.default_rng(0)
    image = light + rng.normal(0, 2, light.shape)
    away = np.ones(light.shape, bool)
    away[80:120, 80:120] = False
    image[80:120, 80:120] += 500
    surface, share = background_surface(image, away, reach_px=20)
    assert share == pytest.approx(0.96)
    np.testing.assert_allclose(surface[80:120, 80:120], light[80:120, 80:120], atol=2)


def test_bright_specks_do_not_raise_the_background() -> None:
    """One pixel in a hundred at 5000 in a level of 100 would raise a mean by 49."""
    rng = np.random.default_rng(0)
    image = rng.normal(100, 5, (200, 200))
    image[rng.random(image.shape) < 0.01] = 5000
    surface, _ = background_surface(image, np.ones(image.shape, bool), reach_px=20)
    assert np.abs(surface - 100).max() < 2


def test_no_background_is_said() -> None:
    """No pixel away from cells: the flat first percentile, resting on a share of 0."""
    image = np.arange(10_000, dtype=float).reshape(100, 100)
    surface, share = background_surface(image, np.zeros(image.shape, bool), reach_px=10)
    assert share == 0
    np.testing.assert_allclose(surface, np.percentile(image, 1))
    with pytest.raises(MeasurementError):
        background_surface(image, np.zeros((3, 3), bool), reach_px=10)


@pytest.mark.parametrize("sigma", [2.5, 4.0, 6.0])
def test_edge_width_of_a_blurred_disc(sigma: float) -> None:
    """The steepest slope of a step blurred by σ is step / (√(2 π) σ)."""
    y, x = np.indices((160, 160))
    disc = (y - 80) ** 2 + (x - 80) ** 2 <= 50**2
    image = 200.0 * cv2.GaussianBlur(disc.astype(np.float64), (0, 0), sigma)
    mean = image[disc].mean()
    width = edge_width_px(disc.astype(np.int32), image, np.array([mean]))[0]
    assert width == pytest.approx(mean / 200 * np.sqrt(2 * np.pi) * sigma, rel=0.1)


def test_illumination_ratio_of_a_vignette() -> None:
    """Levels three times higher in the middle than at the corner, with a cell-to-cell spread."""
    rng = np.random.default_rng(0)
    y, x = rng.uniform(-1, 1, (2, 500))
    shade = np.exp(-np.log(3) * (y**2 + x**2) / 2)
    level = 50 * shade * np.exp(rng.normal(0, 0.3, 500))
    assert illumination_ratio(y, x, level) == pytest.approx(3, rel=0.25)
    assert illumination_ratio(y, x, level / shade) < 1.4
    assert np.isnan(illumination_ratio(y[:20], x[:20], level[:20]))
