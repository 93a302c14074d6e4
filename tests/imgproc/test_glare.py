"""Glare: found where it was drawn, and filled from what lies around it."""

import cv2
import numpy as np
import pytest

from xenoquant.imgproc.glare import fill, glare_mask, normalised_blur

PX_PER_MM = 20.0


def wet_tissue():
    """Yellow tissue with a broad pale nodule and two narrow sparks, one on the nodule."""
    image = np.zeros((120, 160, 3), np.float32) + np.array([0.72, 0.58, 0.22], np.float32)
    cv2.circle(image, (50, 60), 16, (0.82, 0.78, 0.66), -1)
    sparks = np.zeros(image.shape[:2], np.uint8)
    cv2.circle(sparks, (54, 56), 2, 1, -1)
    cv2.circle(sparks, (120, 40), 2, 1, -1)
    image[sparks > 0] = 1.0
    return image, sparks > 0


def test_sparks_are_glare_and_a_pale_nodule_is_not():
    """Authority: the sparks drawn; at most a soft edge around them may be masked with them."""
    image, sparks = wet_tissue()
    mask = glare_mask(image, px_per_mm=PX_PER_MM)
    assert mask[sparks].all()
    assert not mask[cv2.dilate(sparks.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0].any()


def test_filling_restores_what_glare_hides():
    """Authority: the surface before the sparks were drawn (a plane and a step)."""
    image, sparks = wet_tissue()
    filled = fill(image, ~cv2.dilate(sparks.astype(np.uint8), np.ones((3, 3))).astype(bool),
                  sigma_px=2.0)  # fmt: skip
    np.testing.assert_allclose(filled[40, 120], [0.72, 0.58, 0.22], atol=0.01)
    np.testing.assert_allclose(filled[56, 54], [0.82, 0.78, 0.66], atol=0.03)


def test_filling_nothing_known_leaves_the_image():
    """Authority: the image itself; there is nothing to fill from."""
    image = np.random.default_rng(0).random((9, 9)).astype(np.float32)
    np.testing.assert_array_equal(fill(image, np.zeros((9, 9), bool), sigma_px=1.0), image)


def test_a_normalised_blur_of_a_constant_is_the_constant():
    """Authority: a weighted mean of equal values is that value, whatever the weights."""
    weight = np.random.default_rng(1).random((40, 40)).astype(np.float32)
    blurred = normalised_blur(np.full((40, 40), 3.5, np.float32), weight, 2.0)
    assert blurred == pytest.approx(3.5, rel=1e-4)
