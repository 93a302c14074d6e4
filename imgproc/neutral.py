"""White balance of a photo, from a neutral background or from a grey card or paper in it."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from scipy import ndimage

from .lungs import Lobes
from .photo import full_scale, reduced

NeutralSource = Literal["background", "card", "none"]

_MOST_COLOUR = 14.0  # CIE Lab chroma: what is more coloured isn't a grey thing in coloured light
_LEAST_LIGHT = 35.0  # CIE L*: darker than this the colour is noise and stray light
_CLIPPED = 0.97  # of full scale: its colour is lost
_MARGIN_MM = 1.0  # shadows and reflections reach this far from a lobe
_MOST_GAIN = 1.35
_LEAST_CARD_MM2 = 10.0
_FLAT = 4.0  # CIE L*: local contrast on a plain card
_RECTANGULAR = 0.8  # share of the smallest rectangle around it


@dataclass(frozen=True)
class Neutral:
    """Factors that make a neutral thing in the photo grey.

    Attributes
    ----------
    gains : tuple of float
        For red, green and blue; their geometric mean is 1.
    source : {"background", "card", "none"}
        What they were read from; "none" leaves the photo as it is.
    """

    gains: tuple[float, float, float]
    source: NeutralSource


UNCHANGED = Neutral((1.0, 1.0, 1.0), "none")


def read_neutral(rgb: np.ndarray, lobes: Lobes, source: NeutralSource) -> Neutral:
    """Read the colour of the light from a neutral thing beside the lobes.

    Parameters
    ----------
    rgb : numpy.ndarray, shape (H, W, 3), uint8 or uint16
        The photo.
    lobes : Lobes
        Found on it.
    source : {"background", "card", "none"}
        "background" takes most of what lies around the lobes, where that is nearly grey and
        bright enough: white, grey, paper. "card" takes the largest plain rectangle that is nearly
        grey: a grey card, a paper label.

    Returns
    -------
    Neutral
        `UNCHANGED` where nothing neutral is found: black, blue and green say nothing.
    """
    if source == "none":
        return UNCHANGED
    small = reduced(rgb, lobes.reduction, full_scale(rgb))
    small = small[: lobes.labels.shape[0], : lobes.labels.shape[1]]
    scale = lobes.px_per_mm * lobes.reduction
    around = ndimage.distance_transform_edt(lobes.labels == 0) > _MARGIN_MM * scale
    usable = around & _greyish(small)
    chosen = usable if source == "background" else _card(small, usable, scale)
    if source == "background" and usable.sum() < 0.5 * around.sum():
        return UNCHANGED
    if not chosen.any():
        return UNCHANGED
    colour = np.median(small[chosen], axis=0).astype(float)
    gains = np.exp(np.log(colour).mean()) / colour
    if gains.max() > _MOST_GAIN or gains.min() < 1 / _MOST_GAIN:
        return UNCHANGED
    red, green, blue = gains.tolist()
    return Neutral((red, green, blue), source)


def _greyish(small: np.ndarray) -> np.ndarray:
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    colour = np.hypot(lab[..., 1], lab[..., 2])
    return (colour < _MOST_COLOUR) & (lab[..., 0] > _LEAST_LIGHT) & (small.max(axis=2) < _CLIPPED)


def _card(small: np.ndarray, usable: np.ndarray, scale: float) -> np.ndarray:
    """The largest plain rectangle among usable pixels."""
    light = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)[..., 0]
    contrast = np.abs(light - cv2.GaussianBlur(light, (0, 0), 0.4 * scale))
    pieces, count = ndimage.label(usable & (contrast < _FLAT))
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    sizes[0] = 0
    for piece in np.argsort(sizes)[::-1]:
        if sizes[piece] < _LEAST_CARD_MM2 * scale**2:
            break
        points = np.argwhere(ndimage.binary_fill_holes(pieces == piece)).astype(np.float32)
        sides = np.array(cv2.minAreaRect(points)[1]) + 1
        whole = len(points) > 0.9 * usable.size  # the background itself is no card
        if len(points) > _RECTANGULAR * sides[0] * sides[1] and not whole:
            return pieces == piece
    return np.zeros(usable.shape, bool)


def balanced(rgb: np.ndarray, neutral: Neutral) -> np.ndarray:
    """A photo (float32, 0 to 1) in neutral light; what is clipped to white stays white.

    Parameters
    ----------
    rgb : numpy.ndarray
        (H, W, 3) float32, 0 to 1.
    neutral : Neutral
        What is grey in it.

    Returns
    -------
    numpy.ndarray
        (H, W, 3) float32, 0 to 1; the photo itself where nothing grey is known.
    """
    if neutral.source == "none":
        return rgb
    clipped = (rgb >= _CLIPPED).all(axis=2)
    changed = np.clip(rgb * np.array(neutral.gains, np.float32), 0, 1)
    changed[clipped] = rgb[clipped]
    return changed
