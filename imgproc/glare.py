"""Glare on wet tissue: found, and filled from around it before anything is filtered."""

import cv2
import numpy as np

_SATURATED = 0.97  # of full scale, in the two brightest channels
_SPARK_MM = 0.25  # reflections are narrower than this; nodules are wider
_SPARK_RISE = 0.10  # of full scale, above the surface around it
_SPARK_BLUE_RISE = 0.06  # reflected light is white, so blue rises too
_MARGIN_MM = 0.06  # the soft edge of a reflection


def _opened(image: np.ndarray, radius_px: float) -> np.ndarray:
    side = 2 * max(1, round(radius_px)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return cv2.morphologyEx(image, cv2.MORPH_OPEN, kernel)


def glare_mask(rgb: np.ndarray, *, px_per_mm: float) -> np.ndarray:
    """Find specular reflections.

    A reflection is clipped, or it is a spark: narrower than the smallest nodule's surroundings,
    brighter than the surface around it by the white of the lamp, so in blue too.

    Parameters
    ----------
    rgb : numpy.ndarray of float32, shape (H, W, 3)
        Photo between 0 and 1.
    px_per_mm : float
        Its scale.

    Returns
    -------
    numpy.ndarray of bool, shape (H, W)
    """
    ordered = np.sort(rgb, axis=2)
    clipped = (ordered[..., 1] >= _SATURATED) & (ordered[..., 0] > 0.5)
    radius = 0.5 * _SPARK_MM * px_per_mm
    light = cv2.GaussianBlur(ordered[..., 1], (0, 0), 0.8)
    blue = cv2.GaussianBlur(rgb[..., 2], (0, 0), 0.8)
    spark = (light - _opened(light, radius) > _SPARK_RISE) & (
        blue - _opened(blue, radius) > _SPARK_BLUE_RISE
    )
    glare = (clipped | (spark & (light > 0.6))).astype(np.uint8)
    side = 2 * round(_MARGIN_MM * px_per_mm) + 1
    return cv2.dilate(glare, np.ones((side, side), np.uint8)).astype(bool)


def normalised_blur(image: np.ndarray, weight: np.ndarray, sigma_px: float) -> np.ndarray:
    """Gaussian blur that gives pixels of no weight no say (normalised convolution).

    Parameters
    ----------
    image : numpy.ndarray of float32, shape (H, W) or (H, W, C)
    weight : numpy.ndarray of float32, shape (H, W)
        Between 0 (unknown) and 1 (known).
    sigma_px : float
        Standard deviation of the Gaussian.

    Returns
    -------
    numpy.ndarray of float32, shape of `image`
        0 where no known pixel is within reach.

    References
    ----------
    Knutsson H, Westin C-F (1993), Normalized and differential convolution, CVPR, 515-523.
    """
    spread = weight if image.ndim == 2 else weight[..., None]
    total = cv2.GaussianBlur(weight, (0, 0), sigma_px)
    blurred = cv2.GaussianBlur(image * spread, (0, 0), sigma_px)
    total = total if image.ndim == 2 else total[..., None]
    return np.where(total > 1e-4, blurred / np.maximum(total, 1e-4), 0).astype(np.float32)


def fill(image: np.ndarray, known: np.ndarray, *, sigma_px: float) -> np.ndarray:
    """Replace unknown pixels by the mean of the known ones around them.

    The window grows until every unknown pixel is filled.

    Parameters
    ----------
    image : numpy.ndarray of float32, shape (H, W) or (H, W, C)
    known : numpy.ndarray of bool, shape (H, W)
    sigma_px : float
        The first window's standard deviation.

    Returns
    -------
    numpy.ndarray of float32, shape of `image`
    """
    filled = image.astype(np.float32, copy=True)
    if not known.any():
        return filled
    missing = ~known
    weight = known.astype(np.float32)
    sigma = sigma_px
    while missing.any():
        reached = missing & (cv2.GaussianBlur(weight, (0, 0), sigma) > 0.02)
        filled[reached] = normalised_blur(image, weight, sigma)[reached]
        missing &= ~reached
        sigma *= 2
    return filled
