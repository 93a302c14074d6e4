"""Sums over labels: equal to the plain numpy and scikit-image forms."""

import numpy as np
import pandas as pd
import pytest
from skimage.measure import regionprops_table

from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.labelled import (
    label_means,
    renumbered,
    sums,
)


@pytest.fixture
def field() -> tuple[np.ndarray, np.ndarray]:
    """Random labels 1 to 40 without number 7, and a random image."""
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 41, (90, 70))
    labels[labels == 7] = 0
    return labels, rng.normal(100, 30, labels.shape)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64])
def test_sums_equal_those_of_regionprops(field: tuple, dtype: type) -> None:
    labels, image = field[0], np.abs(field[1]).astype(dtype)
    names = ["label", "area", "centroid", "mean_intensity"]
    plain = pd.DataFrame(regionprops_table(labels, image, properties=names)).set_index("label")
    found = sums(labels, {"marker": image})
    assert found.index.tolist() == plain.index.tolist()
    np.testing.assert_array_equal(found["area_px"], plain["area"])
    np.testing.assert_allclose(found["y_px"], plain["centroid-0"])
    np.testing.assert_allclose(found["x_px"], plain["centroid-1"])
    np.testing.assert_allclose(found["marker_mean"], plain["mean_intensity"], rtol=1e-6)
    total = [image[labels == label].sum(dtype=np.float64) for label in found.index]
    np.testing.assert_allclose(found["marker_sum"], total, rtol=1e-9)


def test_absent_labels_get_a_row_only_when_rows_are_counted(field: tuple) -> None:
    """By the definition: area 0, sum 0, mean NaN."""
    labels, image = field
    assert 7 not in sums(labels, {"marker": image}).index
    row = sums(labels, {"marker": image}, n_labels=40).loc[7]
    assert row["area_px"] == 0
    assert row["marker_sum"] == 0
    assert np.isnan(row["marker_mean"])


def test_no_label_gives_an_empty_table_with_all_columns() -> None:
    """Zero objects are a measurement of zero."""
    found = sums(np.zeros((5, 5), np.int32), {"marker": np.ones((5, 5))})
    assert len(found) == 0
    assert list(found) == ["area_px", "y_px", "x_px", "marker_sum", "marker_mean"]


@pytest.mark.parametrize(
    ("labels", "image", "said"),
    [
        (np.zeros((4, 4, 2), int), np.zeros((4, 4, 2)), "2-D"),
        (np.zeros((4, 4)), np.zeros((4, 4)), "whole numbers"),
        (np.zeros((4, 4), int), np.zeros((4, 5)), "(4, 5)"),
    ],
)
def test_arrays_that_do_not_fit_are_named(labels: np.ndarray, image: np.ndarray, said: str) -> None:
    """The message carries what was wrong."""
    with pytest.raises(MeasurementError) as caught:
        sums(labels, {"marker": image})
    assert said in str(caught.value)
    assert caught.value.remedy


def test_labels_are_renumbered_in_their_order() -> None:
    """By hand: what is left keeps its order; what has no pixel or isn't kept gets no number."""
    labels = np.array([[5, 0, 2], [2, 9, 9]], np.int32)
    np.testing.assert_array_equal(renumbered(labels), [[2, 0, 1], [1, 3, 3]])
    kept = np.array([k in (5, 9) for k in range(1, 10)])
    np.testing.assert_array_equal(renumbered(labels, kept), [[1, 0, 0], [0, 2, 2]])
    assert renumbered(np.zeros((3, 3), np.int32)).max() == 0


def test_means_of_labels_are_numpys() -> None:
    """Random labels with a gap: numpy's mean of each, NaN for the label without a pixel."""
    rng = np.random.default_rng(0)
    labels = rng.choice([0, 1, 2, 4], (30, 40)).astype(np.int32)
    image = rng.normal(size=labels.shape).astype(np.float32)
    means = label_means(labels, image, 4)
    for k in (1, 2, 4):
        assert means[k - 1] == pytest.approx(image[labels == k].astype(float).mean(), rel=1e-12)
    assert np.isnan(means[2])
