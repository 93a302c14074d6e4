"""Stain vectors of hematoxylin and DAB, and unmixing with a residual.

What a pixel holds is c = OD · M⁻¹, where the rows of M are the unit vectors of hematoxylin, DAB
and the residual, which is perpendicular to both: it catches what is neither stain. c is in units
of optical density (log10) along the vector, as in QuPath.

How scikit-image's ``rgb2hed`` differs on the same pixels:

- it takes the white as 1 (255), whatever the lamp; here I0 comes from the blank or the slide;
- it returns ln(v) / ln(1e-6), so its numbers are OD / 6 before unmixing: 0.2 OD is 0.033 there;
- it unmixes against hematoxylin, eosin and DAB at once. Eosin isn't on an H-DAB slide, lies
  between the other two, and takes up part of both; here the third vector is the residual;
- it sets negative amounts to zero, which hides pixels that no mixture explains; here they are kept
  until they are averaged.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numba
import numpy as np

from .errors import MeasurementError
from .optics import log_counts

HEMATOXYLIN = (0.651, 0.701, 0.290)
DAB = (0.269, 0.568, 0.778)
"""Default H-DAB vectors of Ruifrok and Johnston, as QuPath gives them."""

BROWN_OD = 0.2
"""From this much DAB on a pixel is called brown where nuclei and pigment are looked for, whatever
the study's cut-offs: those are applied to stored measurements and must not change them."""

SMALLEST_STAIN_ANGLE_DEG = 5.0
"""Two stains closer than this can't be told apart: noise would be multiplied more than tenfold."""

DENSEST_PERCENTILE = 95.0
"""Of a blue nucleus's pixels; the few beyond are saturated brown ones, where unmixing is noise."""


@dataclass(frozen=True)
class StainVectors:
    """The colours of two stains in optical density.

    Attributes
    ----------
    hematoxylin, dab : tuple of float
        Optical density in red, green and blue, of any length above zero.
    """

    hematoxylin: tuple[float, float, float] = HEMATOXYLIN
    dab: tuple[float, float, float] = DAB

    def matrix(self) -> np.ndarray:
        """Return the unit vectors as rows (hematoxylin, DAB, residual), shape (3, 3), float64.

        It can't be written to: the same array is given again.

        Raises
        ------
        MeasurementError
            If a vector has no length or the two point the same way.
        """
        return _matrix(tuple(self.hematoxylin), tuple(self.dab))


@lru_cache(maxsize=64)
def _matrix(hematoxylin: tuple[float, ...], dab: tuple[float, ...]) -> np.ndarray:
    first, second = unit_vector(hematoxylin), unit_vector(dab)
    residual = np.cross(first, second)
    if np.linalg.norm(residual) < np.sin(np.deg2rad(SMALLEST_STAIN_ANGLE_DEG)):
        raise MeasurementError(
            f"The stain vectors {hematoxylin} and {dab} point the same way, within "
            f"{SMALLEST_STAIN_ANGLE_DEG:g} degrees: the stains can't be told apart.",
            "Give two different vectors, or leave them out to use the defaults.",
        )
    matrix = np.vstack([first, second, residual / np.linalg.norm(residual)])
    matrix.flags.writeable = False
    return matrix


def unit_vector(vector: "tuple[float, ...] | np.ndarray") -> np.ndarray:
    """Scale a vector of optical densities to length 1.

    Raises
    ------
    MeasurementError
        If it has no length.
    """
    array = np.asarray(vector, dtype=np.float64)
    length = float(np.linalg.norm(array))
    if not np.isfinite(length) or length == 0:
        raise MeasurementError(
            f"A stain vector needs three finite optical densities, not all zero; got {vector}.",
            "Give the optical density of the stain in red, green and blue.",
        )
    return array / length


def unmix(density: np.ndarray, vectors: StainVectors) -> np.ndarray:
    """Amounts of hematoxylin, DAB and residual in optical densities: the plain numpy form.

    Parameters
    ----------
    density : numpy.ndarray
        Optical density, shape (..., 3).
    vectors : StainVectors
        The stains' colours.

    Returns
    -------
    numpy.ndarray
        Shape (..., 3), float64: hematoxylin, DAB, residual. Amounts can be negative.

    References
    ----------
    Ruifrok AC, Johnston DA (2001). Quantification of histochemical staining by color
    deconvolution. Anal Quant Cytol Histol 23:291-299.
    """
    return np.asarray(density, dtype=np.float64) @ np.linalg.inv(vectors.matrix())


def separate(rgb: np.ndarray, white: np.ndarray, vectors: StainVectors) -> np.ndarray:
    """Counts to amounts of hematoxylin, DAB and residual in one pass.

    Equal to ``unmix(optical_density(rgb, white), vectors)`` to 1e-6, without the images between.

    Parameters
    ----------
    rgb : numpy.ndarray
        Shape (height, width, 3), uint8 or uint16.
    white : numpy.ndarray
        I0 in counts, shape (3,) or (height, width, 3).
    vectors : StainVectors
        The stains' colours.

    Returns
    -------
    numpy.ndarray
        Shape (3, height, width), float32: hematoxylin, DAB, residual.
    """
    inverse = np.linalg.inv(vectors.matrix())
    logs = np.log10(np.asarray(white, dtype=np.float64))
    if logs.ndim == 1:
        return _separate_by_table(rgb, unmixing_tables(rgb.dtype, white, vectors))
    return _separate_by_field(rgb, log_counts(rgb.dtype), logs, inverse)


def unmixing_tables(dtype: np.dtype, white: np.ndarray, vectors: StainVectors) -> np.ndarray:
    """What each count of each channel adds to each stain, where the white is one for all pixels.

    Parameters
    ----------
    dtype : numpy.dtype
        uint8 or uint16: the type of the image's counts.
    white : numpy.ndarray
        I0 in counts, shape (3,).
    vectors : StainVectors
        The stains' colours.

    Returns
    -------
    numpy.ndarray
        Shape (3 channels, number of counts, 3 stains), float64. A pixel's amounts are the sum of
        the three rows that its counts select.
    """
    logs = np.log10(np.asarray(white, dtype=np.float64))
    density = np.maximum(0.0, logs[:, None] - log_counts(dtype))
    return density[:, :, None] * np.linalg.inv(vectors.matrix())[:, None, :]


@numba.njit(cache=True, nogil=True)
def _separate_by_table(rgb: np.ndarray, tables: np.ndarray) -> np.ndarray:
    height, width, _ = rgb.shape
    amounts = np.empty((3, height, width), np.float32)
    red, green, blue = tables[0], tables[1], tables[2]
    for y in range(height):
        for x in range(width):
            r, g, b = rgb[y, x, 0], rgb[y, x, 1], rgb[y, x, 2]
            for s in range(3):
                amounts[s, y, x] = red[r, s] + green[g, s] + blue[b, s]
    return amounts


@numba.njit(cache=True, nogil=True)
def _separate_by_field(
    rgb: np.ndarray, table: np.ndarray, log_white: np.ndarray, inverse: np.ndarray
) -> np.ndarray:
    height, width, _ = rgb.shape
    amounts = np.empty((3, height, width), np.float32)
    for y in range(height):
        for x in range(width):
            red = max(0.0, log_white[y, x, 0] - table[rgb[y, x, 0]])
            green = max(0.0, log_white[y, x, 1] - table[rgb[y, x, 1]])
            blue = max(0.0, log_white[y, x, 2] - table[rgb[y, x, 2]])
            for s in range(3):
                amounts[s, y, x] = (
                    red * inverse[0, s] + green * inverse[1, s] + blue * inverse[2, s]
                )
    return amounts


def off_colour_deg(amounts: np.ndarray, vectors: StainVectors) -> np.ndarray:
    """Angle between each pixel's colour and the nearest mixture of hematoxylin and DAB.

    0 is any mixture of the two; ink, eosin and yellow pigments lie off it.

    Parameters
    ----------
    amounts : numpy.ndarray
        Hematoxylin, DAB and residual, shape (3, height, width); smoothed, since noise turns the
        colour of pale pixels every way.
    vectors : StainVectors
        The vectors they were unmixed with.

    Returns
    -------
    numpy.ndarray
        Degrees, shape (height, width), float32; 0 where there is no stain.
    """
    first, second, _ = vectors.matrix()
    cosine = float(first @ second)
    blue, brown, residual = amounts
    beyond_brown = np.minimum(blue, 0) * np.sqrt(1 - cosine**2)  # yellower than DAB
    beyond_blue = np.minimum(brown, 0) * np.sqrt(1 - cosine**2)  # bluer than hematoxylin
    off = np.hypot(np.hypot(beyond_brown, beyond_blue), residual)
    length = np.sqrt(blue**2 + brown**2 + 2 * cosine * blue * brown + residual**2)
    share = np.divide(off, length, out=np.zeros_like(off), where=length > 0)
    return np.degrees(np.arcsin(np.minimum(share, 1)))


def off_mixtures(
    amounts: np.ndarray,
    vectors: StainVectors,
    degrees: float,
    within: np.ndarray | None = None,
) -> np.ndarray:
    """Mark pixels whose colour is off every mixture: `off_colour_deg` above an angle, in one pass.

    Parameters
    ----------
    amounts : numpy.ndarray
        Hematoxylin, DAB and residual, shape (3, height, width).
    vectors : StainVectors
        The vectors they were unmixed with.
    degrees : float
        The angle, below 90.
    within : numpy.ndarray, optional
        bool, shape (height, width): other pixels are not looked at, and not marked.

    Returns
    -------
    numpy.ndarray
        bool, shape (height, width).
    """
    first, second, _ = vectors.matrix()
    sine = np.sin(np.deg2rad(degrees))
    found = np.ones(amounts.shape[1:], np.bool_) if within is None else within.copy()
    _off_mixtures(amounts, np.float32(first @ second), np.float32(sine * sine), found)
    return found


@numba.njit(cache=True, nogil=True)
def _off_mixtures(
    amounts: np.ndarray, cosine: np.float32, share: np.float32, found: np.ndarray
) -> None:
    """Clear, in a mask, the pixels that a mixture explains."""
    for y in range(found.shape[0]):
        for x in range(found.shape[1]):
            if not found[y, x]:
                continue
            blue, brown, residual = amounts[0, y, x], amounts[1, y, x], amounts[2, y, x]
            found[y, x] = is_off_mixtures(blue, brown, residual, cosine, share)


@numba.njit(cache=True, nogil=True, inline="always")
def is_off_mixtures(
    blue: np.float32, brown: np.float32, residual: np.float32, cosine: np.float32, share: np.float32
) -> bool:
    """Compare squares, which spares root and arc sine.

    Parameters
    ----------
    blue, brown, residual : numpy.float32
        What a pixel holds.
    cosine : numpy.float32
        Of the angle between the two stains.
    share : numpy.float32
        Square of the sine of the angle.

    Returns
    -------
    bool
        Whether the pixel's colour is farther off every mixture than the angle.
    """
    zero = np.float32(0)
    under_blue, under_brown = min(blue, zero), min(brown, zero)
    rest = residual * residual
    steep = np.float32(1) - cosine * cosine
    off = (under_blue * under_blue + under_brown * under_brown) * steep + rest
    length = blue * blue + brown * brown + np.float32(2) * cosine * blue * brown + rest
    return bool(off > share * length)


def nuclear_signal(
    hematoxylin: np.ndarray, dab: np.ndarray, *, densest: float | None = None
) -> np.ndarray:
    """Combine the stains so that a brown nucleus shows as much as a blue one.

    A strongly brown nucleus hides its hematoxylin and is many times denser than a blue one: a
    threshold over the sum would find the brown nuclei only. The sum is therefore cut off where the
    image's blue nuclei are densest.

    Parameters
    ----------
    hematoxylin, dab : numpy.ndarray
        Amounts, shape (height, width), float32.
    densest : float, optional
        Where to cut off; this image's own `densest_blue` if not given, 0 for no cut.

    Returns
    -------
    numpy.ndarray
        Shape (height, width), float32, at least 0.
    """
    total = np.maximum(hematoxylin, 0) + np.maximum(dab, 0)
    if densest is None:
        densest = densest_blue(hematoxylin)
    return np.minimum(total, np.float32(densest)) if densest > 0 else total


def densest_blue(hematoxylin: np.ndarray) -> float:
    """Density of the densest blue nuclei: 95th percentile above Otsu's threshold.

    Parameters
    ----------
    hematoxylin : numpy.ndarray
        Amounts, shape (height, width), float32.

    Returns
    -------
    float
        Optical density; 0 where there is no hematoxylin.
    """
    blue = np.maximum(hematoxylin, 0)
    top = float(blue.max(initial=0))
    if top <= 0:
        return 0.0
    levels = (blue * (65535 / top)).astype(np.uint16)
    cut, _ = cv2.threshold(levels, 0, 65535, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return float(np.percentile(blue[levels > cut], DENSEST_PERCENTILE))
