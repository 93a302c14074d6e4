"""Photographs as they come: checked, and reduced to a working resolution."""

import cv2
import numpy as np

from .errors import MeasurementError


def check_rgb(rgb: np.ndarray) -> np.ndarray:
    """Return `rgb` if it is a colour photo that can be measured.

    Raises
    ------
    MeasurementError
        If the array isn't (H, W, 3) of uint8 or uint16, or holds no pixel.
    """
    rgb = np.asarray(rgb)
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
        raise MeasurementError(
            f"A lung photo has to be a colour image of shape (height, width, 3); got {rgb.shape}.",
            "Give the photo in RGB, without an alpha channel; grey images can't be measured.",
        )
    if rgb.dtype not in (np.uint8, np.uint16):
        raise MeasurementError(
            f"A lung photo has to have 8 or 16 bits a channel (uint8, uint16); got {rgb.dtype}.",
            "Save the photo as an 8- or 16-bit JPEG, PNG or TIFF.",
        )
    return rgb


def full_scale(rgb: np.ndarray) -> float:
    """Value of a saturated pixel: 255, or for 16-bit files the least of 10, 12, 14 or 16 bits."""
    if rgb.dtype == np.uint8:
        return 255.0
    top = int(rgb.max())
    return float(next(2**bits - 1 for bits in (10, 12, 14, 16) if top < 2**bits))


def reduced(rgb: np.ndarray, factor: float, white: float) -> np.ndarray:
    """Resample a photo by `factor` (area average when smaller) to float32 between 0 and 1.

    Parameters
    ----------
    rgb : numpy.ndarray
        (H, W, 3) uint8 or uint16.
    factor : float
        Of both sides.
    white : float
        The count that becomes 1.

    Returns
    -------
    numpy.ndarray
        (H, W, 3) float32.
    """
    height, width = rgb.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    if factor <= 1:
        small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    else:
        small = cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC)
    return small.astype(np.float32) / np.float32(white)
