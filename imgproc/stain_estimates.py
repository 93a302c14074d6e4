"""Estimates of stain vectors: from single stains, by Macenko's method, from the purest pixels."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .errors import MeasurementError
from .stains import DAB, HEMATOXYLIN, StainVectors, unit_vector, unmix

StainName = Literal["hematoxylin", "DAB"]

STAINED_OD = 0.15
"""Paler pixels have no colour to speak of; as Macenko's method has it."""

FEWEST_PIXELS = 100
"""A direction is averaged over at least so many pixels: noise falls to a tenth."""

SMALLEST_SHARE = 0.005
"""A stain on less of the tissue than this isn't estimated: specks and edges would be."""

WELL_STAINED_OD = 0.4
"""From here on, noise of 0.02 OD turns a pixel's colour by less than 3 degrees."""

SATURATING_OD = 2.0
"""Beyond, a channel is close to black and the colour is no longer the stain's."""

BLUE_ANGLES_DEG = (-60.0, 35.0)
BROWN_ANGLES_DEG = (55.0, 150.0)
"""Blue and brown pixels by the angle atan2(DAB, hematoxylin) under the default vectors."""

PUREST_SHARE = 0.1
"""Mixing draws a class towards the other stain and noise spreads it both ways; on rendered fields
with vectors turned by up to 12 degrees, the outermost tenth errs least."""

GRAIN_PX = 0.7
"""Blur that takes grain and JPEG's colour noise off the pixels that vectors are estimated from,
and mixes no neighbouring cells."""

HEMATOXYLIN_SPREAD_DEG = 18.0
DAB_SPREAD_DEG = 8.0
"""Hematoxylin's colour varies with mordant, bluing and camera: published vectors lie up to 9
degrees from the default (Macenko's 0.563 0.720 0.406 does), and twice that is another dye. DAB is
one polymer: an estimate farther away is another pigment (hemosiderin: 10 to 14) or a mixture."""


def single_stain_vector(density: np.ndarray, stain: StainName) -> tuple[float, float, float]:
    """Give the vector of a stain from pixels that hold it alone.

    The direction of the mean optical density: pale pixels, whose colour is uncertain, weigh little.
    Pixels too pale or too dark to have a colour of their own are left out.

    Parameters
    ----------
    density : numpy.ndarray
        Optical densities of tissue pixels, shape (n, 3).
    stain : str
        ``hematoxylin`` or ``DAB``.

    Returns
    -------
    tuple of float
        The unit vector.

    Raises
    ------
    MeasurementError
        If fewer than 100 pixels are stained, or the colour is nearer to the other stain's.

    References
    ----------
    Ruifrok AC, Johnston DA (2001). Quantification of histochemical staining by color
    deconvolution. Anal Quant Cytol Histol 23:291-299.
    """
    density = np.asarray(density, dtype=np.float64).reshape(-1, 3)
    length = np.linalg.norm(density, axis=1)
    stained = density[(length > STAINED_OD) & (length < SATURATING_OD)]
    if len(stained) < FEWEST_PIXELS:
        raise MeasurementError(
            f"Only {len(stained)} pixels are stained: too few for a vector of {stain}.",
            f"Give an image of a section with {stain} alone, in which the stain is well seen.",
        )
    vector = unit_vector(stained.mean(axis=0))
    own, other = (HEMATOXYLIN, DAB) if stain == "hematoxylin" else (DAB, HEMATOXYLIN)
    if vector @ unit_vector(other) > vector @ unit_vector(own):
        name = "DAB" if stain == "hematoxylin" else "hematoxylin"
        raise MeasurementError(
            f"The image said to hold {stain} alone has the colour of {name}: optical densities "
            f"{vector[0]:.2f}, {vector[1]:.2f}, {vector[2]:.2f} in red, green and blue.",
            "Exchange the two images if they are swapped; the section must hold one stain alone.",
        )
    return _triple(vector)


def macenko(
    density: np.ndarray, *, threshold_od: float = STAINED_OD, percentile: float = 1.0
) -> StainVectors:
    """Stain vectors at the two ends of the fan that the pixels make in their plane.

    It needs both stains alone somewhere in the image, in more pixels than `percentile`: DAB on
    nuclei only, or on few cells, gives a vector that is a mixture.

    Parameters
    ----------
    density : numpy.ndarray
        Optical densities of tissue pixels, shape (n, 3).
    threshold_od : float
        Pixels with a shorter optical density vector are left out.
    percentile : float
        Share of pixels, in percent, beyond each end.

    Returns
    -------
    StainVectors
        The end with more red is hematoxylin (blue dyes absorb red), the other DAB.

    Raises
    ------
    MeasurementError
        If fewer than 100 pixels are stained.

    References
    ----------
    Macenko M et al. (2009). A method for normalizing histology slides for quantitative analysis.
    IEEE ISBI, 1107-1110.
    """
    density = np.asarray(density, dtype=np.float64).reshape(-1, 3)
    stained = density[np.linalg.norm(density, axis=1) > threshold_od]
    if len(stained) < FEWEST_PIXELS:
        raise MeasurementError(
            f"Only {len(stained)} pixels are stained: too few to estimate stain vectors.",
            "Use the default vectors, or give them.",
        )
    plane = np.linalg.eigh(np.cov(stained.T))[1][:, 1:]
    plane *= np.where(plane.sum(axis=0) < 0, -1, 1)
    angles = np.arctan2(*(stained @ plane).T)
    ends = np.percentile(angles, [percentile, 100 - percentile])
    first, second = (unit_vector(plane @ [np.sin(end), np.cos(end)]) for end in ends)
    if first[0] - first[2] < second[0] - second[2]:
        first, second = second, first
    return StainVectors(_triple(first), _triple(second))


@dataclass(frozen=True)
class StainEstimate:
    """Stain vectors, and which of them come from the image.

    Attributes
    ----------
    vectors : StainVectors
        Estimated where there was enough to go by, the default elsewhere.
    hematoxylin_estimated, dab_estimated : bool
        False where the default stands.
    """

    vectors: StainVectors
    hematoxylin_estimated: bool
    dab_estimated: bool


def macenko_estimate(density: np.ndarray) -> StainEstimate:
    """Give Macenko's vectors, or the defaults where too little is stained or only one stain shows.

    Parameters
    ----------
    density : numpy.ndarray
        Optical densities of tissue pixels, shape (n, 3).

    Returns
    -------
    StainEstimate
        The vectors and where they come from.
    """
    try:
        vectors = macenko(density)
        vectors.matrix()
    except MeasurementError:
        return StainEstimate(StainVectors(), False, False)
    return StainEstimate(vectors, True, True)


def estimate_stains(density: np.ndarray, *, dab: bool = True) -> StainEstimate:
    """Estimate the stain vectors from an image's purest blue and purest brown pixels.

    The default vectors sort the pixels into blue and brown ones; the mean of the tenth of each
    that lie farthest from the other stain is the estimate. Unlike Macenko's ends it doesn't
    depend on how much of the tissue is brown. A stain shown by too few pixels, or whose estimate
    lies farther from the default than slides of different laboratories do, keeps its default.

    Parameters
    ----------
    density : numpy.ndarray
        Optical densities of tissue pixels, shape (n, 3).
    dab : bool
        False for a nuclear marker: where all DAB lies on hematoxylin, no pixel shows it alone and
        the estimate would be a mixture; the default vector is kept.

    Returns
    -------
    StainEstimate
        The vectors and where they come from.
    """
    density = np.asarray(density, dtype=np.float64).reshape(-1, 3)
    length = np.sqrt(sum(channel * channel for channel in density.T))
    clear_colour = (length > WELL_STAINED_OD) & (length < SATURATING_OD)
    stained = density[clear_colour]
    amounts = unmix(stained, StainVectors())
    angle = np.degrees(np.arctan2(amounts[:, 1], amounts[:, 0]))
    fewest = max(FEWEST_PIXELS, SMALLEST_SHARE * len(density))
    blue = (angle > BLUE_ANGLES_DEG[0]) & (angle < BLUE_ANGLES_DEG[1])
    brown = (angle > BROWN_ANGLES_DEG[0]) & (angle < BROWN_ANGLES_DEG[1])
    first = _purest(stained[blue], -angle[blue], fewest, HEMATOXYLIN, HEMATOXYLIN_SPREAD_DEG)
    second = None
    if dab:
        second = _purest(stained[brown], angle[brown], fewest, DAB, DAB_SPREAD_DEG)
    return StainEstimate(
        StainVectors(first or HEMATOXYLIN, second or DAB), first is not None, second is not None
    )


def _purest(
    density: np.ndarray,
    purity: np.ndarray,
    fewest: float,
    usual: tuple[float, float, float],
    spread_deg: float,
) -> tuple[float, float, float] | None:
    """Mean direction of the purest pixels, None where they are few or far from the usual one."""
    if len(density) < fewest:
        return None
    pure = density[purity >= np.quantile(purity, 1 - PUREST_SHARE)]
    vector = unit_vector(pure.mean(axis=0))
    turned = np.degrees(np.arccos(np.clip(vector @ unit_vector(usual), -1, 1)))
    return _triple(vector) if turned <= spread_deg else None


def _triple(vector: np.ndarray) -> tuple[float, float, float]:
    """Return a vector as plain numbers."""
    return float(vector[0]), float(vector[1]), float(vector[2])
