"""What is neither tissue nor marker: pigment, ink and folds."""

from dataclasses import dataclass

import cv2
import numpy as np

from .stains import BROWN_OD, StainVectors, off_mixtures
from .tissue import INK_OFF_COLOUR_DEG, find_folds, find_ink
from .white import ASSUMED_UM_PER_PX

COLOUR_SCALE_UM = 1.0
"""Colours are judged over a micrometre: a pixel's own is mostly noise and JPEG."""

FOREIGN_COLOUR_DEG = 6.0
"""Mixtures of a slide's own hematoxylin and DAB stay within this angle in 99 of 100 pixels, on
real slides too. Hemosiderin lies 8 to 14 degrees off DAB (less where hematoxylin lies under it),
eosin 15 to 20."""

BLUR_REACH = 4.0
"""OpenCV cuts a Gaussian of floating-point numbers off at so many standard deviations."""

ARTEFACT_SHARE = 0.005
"""Less of the tissue is edges, specks and noise, and not worth a flag."""

MOST_INK = 0.5
"""A field that is mostly ink isn't one: it is a stain of that colour."""

OTHER_STAIN_SHARE = 0.3
"""With more of the stained tissue off every mixture, the slide isn't H-DAB (eosin is pink)."""


@dataclass(frozen=True)
class Artefacts:
    """What is neither tissue nor the marker.

    Attributes
    ----------
    pigment, ink, folds : numpy.ndarray
        bool, shape (height, width), within the tissue.
    other_stain : bool
        Much of what is stained isn't a mixture of hematoxylin and DAB.
    tissue : numpy.ndarray
        bool, shape (height, width): all of the tissue.
    """

    pigment: np.ndarray
    ink: np.ndarray
    folds: np.ndarray
    other_stain: bool
    tissue: np.ndarray

    def share(self, mask: np.ndarray) -> float:
        """Return what a mask covers as a share of the tissue; 0 without tissue."""
        tissue = int(np.count_nonzero(self.tissue))
        return float(np.count_nonzero(mask & self.tissue) / max(1, tissue))


def find_artefacts(
    rgb: np.ndarray,
    white: np.ndarray,
    amounts: np.ndarray,
    tissue: np.ndarray,
    vectors: StainVectors,
    *,
    um_per_px: float | None = None,
) -> Artefacts:
    """Mark pigment, ink and folds.

    Pigment is brown (more DAB than hematoxylin, and at least 0.2) whose colour, at
    the scale of a micrometre, is more than 6 degrees off every mixture of hematoxylin and DAB.
    That is a lower bound: it catches hemosiderin where it is yellow and dense. Over hematoxylin,
    or browner, hemosiderin has the colour of DAB, and melanin and formalin pigment that of dense
    DAB on hematoxylin: only a control without primary antibody tells how much there is.

    Parameters
    ----------
    rgb : numpy.ndarray
        Shape (height, width, 3), counts.
    white : numpy.ndarray
        I0 in counts, shape (3,) or (height, width, 3).
    amounts : numpy.ndarray
        From `stains.separate`, shape (3, height, width).
    tissue : numpy.ndarray
        bool, shape (height, width).
    vectors : StainVectors
        The vectors of `amounts`.
    um_per_px : float, optional
        Pixel size; 0.5 µm is assumed where it isn't known.

    Returns
    -------
    Artefacts
        Masks within the tissue.
    """
    smooth = _smoothed(amounts, um_per_px)
    off = off_mixtures(smooth, vectors, FOREIGN_COLOUR_DEG)
    inky = off_mixtures(smooth, vectors, INK_OFF_COLOUR_DEG, off)
    ink = find_ink(rgb, white, inky, um_per_px=um_per_px) & tissue
    stained = tissue & ~ink & (smooth[0] + smooth[1] >= BROWN_OD)
    foreign = stained & off
    pixels = np.count_nonzero
    other_stain = bool(
        pixels(foreign) > OTHER_STAIN_SHARE * pixels(stained)
        or pixels(ink) > MOST_INK * pixels(tissue)
    )
    if other_stain:  # its patches look like ink
        ink = np.zeros(tissue.shape, dtype=bool)
    pigment = tissue & ~ink & _brown(smooth) & off
    folds = find_folds(amounts[0], tissue & ~ink, um_per_px=um_per_px)
    return Artefacts(pigment, ink, folds, other_stain, tissue)


def find_pigment(
    amounts: np.ndarray, vectors: StainVectors, *, um_per_px: float | None = None
) -> np.ndarray:
    """Mark pigment alone, as `find_artefacts` does, wherever it lies.

    Parameters
    ----------
    amounts : numpy.ndarray
        From `stains.separate`, shape (3, height, width).
    vectors : StainVectors
        The vectors of `amounts`.
    um_per_px : float, optional
        Pixel size; 0.5 µm is assumed where it isn't known.

    Returns
    -------
    numpy.ndarray
        bool, shape (height, width). A pixel depends on those within `pigment_reach_px` of it.
    """
    smooth = _smoothed(amounts, um_per_px)
    found: np.ndarray = _brown(smooth) & off_mixtures(smooth, vectors, FOREIGN_COLOUR_DEG)
    return found


def pigment_reach_px(um_per_px: float) -> int:
    """Give how many pixels around it decide whether a pixel is pigment."""
    return int(np.ceil(BLUR_REACH * COLOUR_SCALE_UM / um_per_px)) + 1


def _smoothed(amounts: np.ndarray, um_per_px: float | None) -> np.ndarray:
    sigma = COLOUR_SCALE_UM / (um_per_px or ASSUMED_UM_PER_PX)
    smooth = np.empty_like(amounts)
    for plane, out in zip(amounts, smooth, strict=True):
        cv2.GaussianBlur(plane, (0, 0), sigma, dst=out)
    return smooth


def _brown(smooth: np.ndarray) -> np.ndarray:
    found: np.ndarray = (smooth[1] >= BROWN_OD) & (smooth[1] > smooth[0])
    return found
