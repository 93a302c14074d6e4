"""Pixels grouped by label: sums and percentiles equal to the plain numpy forms."""

import numpy as np
import pytest

from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.grouped import GroupedPixels


@pytest.fixture
def field() -> tuple[np.ndarray, np.ndarray]:
    """Random labels 1 to 40 without number 7, and a random image."""
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 41, (90, 70))
    labels[labels == 7] = 0
    return labels, rng.normal(100, 30, labels.shape)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_areas_and_sums_equal_those_of_numpy(field: tuple, dtype: type) -> None:
    labels, image = field[0], np.abs(field[1]).astype(dtype)
    pixels = GroupedPixels(labels, 42)
    assert pixels.area_px.tolist() == [np.count_nonzero(labels == k) for k in range(1, 43)]
    plain = [image[labels == k].sum(dtype=np.float64) for k in range(1, 43)]
    np.testing.assert_allclose(pixels.sums(image), plain, rtol=1e-9)
    ground = np.sqrt(image).astype(np.float32)
    summary = pixels.summary(image, (50,), ground=ground)
    np.testing.assert_allclose(summary.sums, plain, rtol=1e-9)
    under = [ground[labels == k].sum(dtype=np.float64) for k in range(1, 43)]
    np.testing.assert_allclose(summary.ground_sums, under, rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_percentiles_equal_those_of_numpy(field: tuple, dtype: type) -> None:
    labels, image = field[0], np.abs(field[1]).astype(dtype)
    found = GroupedPixels(labels, 42).summary(image, (5, 50, 95)).each
    assert found.shape == (42, 3)
    for label in range(1, 43):
        values = image[labels == label].astype(np.float64)
        plain = np.percentile(values, (5, 50, 95)) if values.size else np.full(3, np.nan)
        np.testing.assert_allclose(found[label - 1], plain, rtol=1e-6)


def test_percentiles_of_few_values_far_apart_equal_those_of_numpy() -> None:
    """Three values over the whole range of 16 bits, and negative ones."""
    labels = np.array([[1, 1, 1, 2, 2, 2, 2]])
    for values in ([0, 65535, 7, 5, 5, 9, 5], [-32768, 32767, -3, -5, -5, 2, -5]):
        image = np.array([values], np.uint16 if min(values) >= 0 else np.int16)
        found = GroupedPixels(labels, 2).summary(image, (0, 5, 50, 95, 100)).each
        for label in (1, 2):
            plain = np.percentile(image[labels == label].astype(float), (0, 5, 50, 95, 100))
            np.testing.assert_allclose(found[label - 1], plain)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_percentiles_of_labels_together_equal_those_of_their_union(
    field: tuple, dtype: type
) -> None:
    """numpy on the pixels of every three labels; asked twice, the answer is the same."""
    labels, image = field[0], np.abs(field[1]).astype(dtype)
    pixels = GroupedPixels(labels, 42)
    alone = pixels.summary(image, (5, 50, 95)).each
    found = pixels.summary(image, (0, 5, 50, 95, 100), joined=3).together
    assert found.shape == (14, 5)
    for group in range(13):
        inside = (labels > 3 * group) & (labels <= 3 * group + 3)
        plain = np.percentile(image[inside].astype(np.float64), (0, 5, 50, 95, 100))
        np.testing.assert_allclose(found[group], plain, rtol=1e-6)
    np.testing.assert_array_equal(pixels.summary(image, (5, 50, 95), joined=3).each, alone)


def test_labels_that_are_no_plane_of_whole_numbers_are_named() -> None:
    """Said, with what came."""
    with pytest.raises(MeasurementError, match="2-D and of whole numbers"):
        GroupedPixels(np.zeros((2, 3, 4), np.int32), 1)
