"""Lung tissue on a photograph, told from its background by colour."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from scipy import ndimage

from .paper import paper_pieces

Appearance = Literal["bouin", "dark-lung"]

OPENING_MM = 0.5
"""Threads, pins and bronchi are thinner than twice this."""

_PAPER_MM2 = 8.0  # a ruler's or a label's piece of this colour is at least so large
_MIN_LIGHTER = 9.0  # CIE L* above the background
_MIN_OTHER_COLOUR = 7.0  # CIE a*b* distance from the background
_BACKGROUND_SPREAD = 25.0  # CIE Lab: uneven light and cloth stay within it, paper on cloth does not
_RIM_MM = 0.4  # the tissue's soft edge and its shadow's darkest part
_MIRROR_SHARE = 0.6  # a reflection is dimmer than this share of the tissue's own brightness
_FAINT_SHARE = 0.6  # tissue is at least this saturated against the typical tissue of its photo
_CHROMA_FLOOR = 0.15  # keeps the ratio of near-black pixels from being noise
_MIN_CHROMA = 0.10  # yellow tissue in full shade still shows this much (R - B) / (R + B + floor)
_MAX_CHROMA = 0.60  # unfixed lung is red: higher thresholds than this are an odd photo's
_MIN_CONTRAST = 0.07  # between lobe and background, so that an even frame has no lobe


def chroma(rgb: np.ndarray) -> np.ndarray:
    """Yellow-to-red saturation (R - B) / (R + B + floor) of an RGB image between 0 and 1."""
    red, blue = rgb[..., 0], rgb[..., 2]
    return (red - blue) / (red + blue + _CHROMA_FLOOR)


def _otsu(values: np.ndarray) -> float:
    """Otsu's threshold of values within -1 .. 1, those below 0 taken as 0.

    A blue or green background is as little yellow as a white one: how blue it is says nothing.
    """
    levels = np.clip((np.maximum(values, 0) + 1) * 127.5, 0, 255).astype(np.uint8).reshape(-1, 1)
    level, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return level / 127.5 - 1


def disc(radius_px: float) -> np.ndarray:
    """A disc of at least one pixel's radius, as a kernel for cv2's morphology."""
    side = 2 * max(1, round(radius_px)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


def tissue_signal(small: np.ndarray, appearance: Appearance) -> np.ndarray:
    """Bright where there is tissue: saturation of yellow, or darkness for an inked lung."""
    if appearance == "bouin":
        return chroma(small)
    return 1.0 - small.max(axis=2)


@dataclass(frozen=True)
class LungTissue:
    """Where a photo shows fixed lung.

    Attributes
    ----------
    mask : numpy.ndarray of bool, shape (h, w)
        Yellow (or inked) tissue, without the pale nodules on it.
    threshold : float
        Of the tissue's signal; infinite where there is no tissue.
    paper : numpy.ndarray of bool, shape (h, w)
        Rulers and labels as yellow as lung.
    """

    mask: np.ndarray
    threshold: float
    paper: np.ndarray


def find_tissue(small: np.ndarray, scale: float, appearance: Appearance) -> LungTissue:
    """Find the pixels that show fixed lung on a reduced photo (float32, 0 to 1)."""
    signal = tissue_signal(small, appearance)
    paper = np.zeros(signal.shape, bool)
    tissue, threshold = _above(signal, ~paper, scale, appearance)
    if appearance != "bouin":
        return LungTissue(_piecewise(tissue, signal), threshold, paper)
    for mask in (tissue, _opened(tissue, OPENING_MM * scale)):  # a lobe may touch a ruler
        paper |= paper_pieces(mask, least_area_px=_PAPER_MM2 * scale**2)
    if paper.any():
        # a yellow ruler is no tissue, and tells nothing about how yellow tissue is
        paper = cv2.dilate(paper.astype(np.uint8), disc(_RIM_MM * scale)) > 0
        tissue, threshold = _above(signal, ~paper, scale, appearance)
    mask = _drop_mirrored(_piecewise(tissue, signal), small, scale)
    return LungTissue(mask, threshold, paper)


def _above(
    signal: np.ndarray, where: np.ndarray, scale: float, appearance: Appearance
) -> tuple[np.ndarray, float]:
    """Pixels of a part of the photo above that part's own threshold."""
    nothing = np.zeros(signal.shape, bool), float("inf")
    if not where.any():
        return nothing
    values = signal[where]
    threshold = _otsu(values)
    above = values > threshold
    if not above.any() or above.all():
        return nothing
    if float(np.median(values[above]) - np.median(values[~above])) < _MIN_CONTRAST:
        return nothing
    if appearance == "bouin":
        threshold = float(np.clip(threshold, _MIN_CHROMA, _MAX_CHROMA))
    return _opened((signal > threshold) & where, 0.25 * OPENING_MM * scale), threshold


def _opened(mask: np.ndarray, radius_px: float) -> np.ndarray:
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc(radius_px)) > 0


def _piecewise(tissue: np.ndarray, signal: np.ndarray) -> np.ndarray:
    """Tissue without its faint pieces."""
    pieces, _ = ndimage.label(tissue)
    return drop_faint(pieces, signal) > 0


def foreground_mask(small: np.ndarray, tissue: np.ndarray, scale: float) -> np.ndarray:
    """Pixels lighter than the background around them or of another colour.

    A shadow is darker and of nearly the same colour, so it stays background.

    Parameters
    ----------
    small : numpy.ndarray
        (H, W, 3) float32, 0 to 1: a reduced photo.
    tissue : numpy.ndarray
        (H, W) bool: what was found to be lung.
    scale : float
        Pixels a millimetre of the reduced photo.

    Returns
    -------
    numpy.ndarray
        (H, W) bool.
    """
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    far = cv2.dilate(tissue.astype(np.uint8), disc(1.5 * scale)) == 0
    if not far.any():
        return np.ones(tissue.shape, bool)
    # a ruler may fill what is far from a lobe: the level is that of all that isn't tissue
    beside = cv2.dilate(tissue.astype(np.uint8), disc(_RIM_MM * scale)) == 0
    level = np.median(lab[beside], axis=0)
    # rulers and paper lie about too: only what is like most of the background tells its level
    like = np.sqrt(((lab - level) ** 2).sum(axis=2)) < _BACKGROUND_SPREAD
    like &= far if (far & like).any() else beside
    weight = like.astype(np.float32)
    sigma = 4.0 * scale
    total = cv2.GaussianBlur(weight, (0, 0), sigma)
    blurred = cv2.GaussianBlur(lab * weight[..., None], (0, 0), sigma)
    # a little of the whole photo's level, where no background is near
    background = (blurred + 1e-3 * level) / (total + 1e-3)[..., None]
    difference = lab - background
    colour = np.hypot(difference[..., 1], difference[..., 2])
    return (difference[..., 0] > _MIN_LIGHTER) | (colour > _MIN_OTHER_COLOUR)


def _saturated(pieces: np.ndarray, signal: np.ndarray, typical: float) -> np.ndarray:
    """Which labelled pieces show tissue as saturated as typical, if only between nodules."""
    kept = np.zeros(int(pieces.max(initial=0)) + 1, bool)
    for piece, box in enumerate(ndimage.find_objects(pieces), start=1):
        if box is not None:
            level = np.percentile(signal[box][pieces[box] == piece], 90)
            kept[piece] = level > _FAINT_SHARE * typical
    return kept


def drop_faint(labels: np.ndarray, signal: np.ndarray) -> np.ndarray:
    """Remove pieces much less saturated than the rest: yellowed paper, stains.

    Parameters
    ----------
    labels : numpy.ndarray
        (H, W) int: pieces of tissue.
    signal : numpy.ndarray
        (H, W) float32, as of `tissue_signal`.

    Returns
    -------
    numpy.ndarray
        (H, W) int: the pieces that are left, with their numbers.
    """
    if labels.max(initial=0) < 2:
        return labels
    typical = float(np.median(signal[labels > 0]))
    return np.where(_saturated(labels, signal, typical)[labels], labels, 0).astype(np.int32)


def _drop_mirrored(tissue: np.ndarray, small: np.ndarray, scale: float) -> np.ndarray:
    """Remove wide dim margins: a lobe's reflection in a wet or glossy background.

    What is removed by mistake from within a lobe (a brown patch) is filled in again later.
    """
    if not tissue.any():
        return tissue
    bright = small.max(axis=2)
    dim = tissue & (bright < _MIRROR_SHARE * np.median(bright[tissue]))
    wide = _opened(dim, OPENING_MM * scale)
    return _opened(tissue & ~wide, 0.5 * OPENING_MM * scale)
