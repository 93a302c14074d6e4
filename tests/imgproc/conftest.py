"""A drawn slide for all tests of slides."""

import cv2
import numpy as np
import pytest
from drawn_slides import tissue_on_glass

from xenoquant.imgproc.slide_regions import RegionMap


@pytest.fixture(scope="session")
def noise() -> np.ndarray:
    """Every count in every channel, also brighter than the white."""
    return np.random.default_rng(0).integers(0, 256, (96, 128, 3)).astype(np.uint8)


@pytest.fixture(scope="session")
def slide() -> np.ndarray:
    return tissue_on_glass()


@pytest.fixture(scope="session")
def regions(slide: np.ndarray) -> RegionMap:
    pieces = np.zeros((40, 56), np.int32)
    cv2.ellipse(pieces, (13, 20), (9, 15), 0, 0, 360, 1, -1)
    cv2.ellipse(pieces, (42, 19), (9, 14), 0, 0, 360, 2, -1)
    return RegionMap(slide.shape[:2], pieces)
