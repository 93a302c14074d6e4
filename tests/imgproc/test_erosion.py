"""Erosion by discs, against cv2's."""

import cv2
import numpy as np
import pytest

from xenoquant.imgproc.erosion import eroded


@pytest.mark.parametrize("radius", [1, 4, 5, 9, 18, 40])
@pytest.mark.parametrize("shape", [(120, 131), (40, 90), (3, 5), (1, 7)])
def test_erosion_equals_that_of_cv2(radius: int, shape: tuple[int, int]) -> None:
    """The plain way: every pixel of the element, also on images smaller than it."""
    plane = np.random.default_rng(radius).random(shape, np.float32)
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    plain = cv2.erode(plane, element, borderType=cv2.BORDER_REFLECT_101)
    np.testing.assert_array_equal(eroded(plane, radius), plain)
