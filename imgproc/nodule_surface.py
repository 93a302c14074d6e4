"""A lobe's surface: how pale it is against its own tissue, with glare and rim filled."""

from dataclasses import dataclass

import cv2
import numpy as np

from .glare import fill, glare_mask
from .lobe_patch import LobePatch
from .lung_tissue import Appearance, chroma

_PLAIN_PERCENTILE = 60  # of a lobe's saturation: plain tissue, even where half is nodules
_RIM_MM = 0.12  # the background's colour bleeds this far into a lobe (blur, JPEG chroma)


@dataclass(frozen=True)
class Surface:
    """A lobe's surface with glare and rim filled from around them.

    Attributes
    ----------
    pale : numpy.ndarray of float32, shape (h, w)
        Share of the lobe's own yellow that is missing: 0 plain tissue, 1 white.
    glare : numpy.ndarray of bool, shape (h, w)
        Reflections.
    mask : numpy.ndarray of bool, shape (h, w)
        The lobe.
    px_per_mm : float
        Scale.
    """

    pale: np.ndarray
    glare: np.ndarray
    mask: np.ndarray
    px_per_mm: float


def inner(mask: np.ndarray, distance_px: float) -> np.ndarray:
    """Pixels farther than a distance from a mask's edge."""
    return rim_distance(mask) > distance_px


def rim_distance(mask: np.ndarray) -> np.ndarray:
    """Distance in pixels from the nearest pixel outside a mask."""
    padded = np.pad(mask, 1).astype(np.uint8)
    return cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]


def surface(patch: LobePatch, appearance: Appearance = "bouin") -> Surface:
    """Prepare a lobe: glare found and filled, paleness relative to the lobe's own tissue.

    Parameters
    ----------
    patch : LobePatch
    appearance : {"bouin", "dark-lung"}

    Returns
    -------
    Surface
    """
    scale = patch.px_per_mm
    glare = glare_mask(patch.rgb, px_per_mm=scale) & patch.mask
    known = inner(patch.mask, _RIM_MM * scale) & ~glare
    if not known.any():
        known = patch.mask
    smooth = cv2.GaussianBlur(patch.rgb, (0, 0), 0.7)
    if appearance == "bouin":
        yellow = chroma(smooth)
        level = max(float(np.percentile(yellow[known], _PLAIN_PERCENTILE)), 0.05)
        pale = (level - yellow) / level
    else:
        bright = smooth.mean(axis=2)
        pale = bright - float(np.percentile(bright[known], 100 - _PLAIN_PERCENTILE))
    pale = fill(pale.astype(np.float32), known, sigma_px=0.12 * scale)
    return Surface(pale=pale, glare=glare, mask=patch.mask, px_per_mm=scale)
