"""Nuclei from a nuclear stain: bright, roundish objects on a darker ground."""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numba import njit

from .basins import merge, object_sums, trim
from .erosion import eroded
from .errors import MeasurementError
from .flooding import flood, renumber
from .runs import Runs, runs_of

SMALLEST_DIAMETER_PX = 4.0
DIAMETER_RANGE_UM = (3.0, 30.0)  # a lymphocyte's nucleus to a large tumour cell's

# Everything below is a share: of the nucleus's diameter, or of its brightness. The shares were
# chosen on every second of 467 fluorescence images (BBBC038) and checked on the others.
_DARK_FROM = 2**17  # pixels of a large image that its darkest level is taken from
_EXPONENT = 0.82  # intensities are raised to it: noise grows, and nuclei differ, with brightness
_SMOOTHING = 0.05
_BACKGROUND_REACH = 1.8  # how far the darkest surroundings are looked for
_BRIGHT_REACH = 0.51  # and the brightest
_CERTAIN = 0.51  # above this share of the local contrast a pixel is nucleus: seeds are looked for
_POSSIBLE = 0.31  # below this share it isn't
_OUTLINE = 0.58  # share of a nucleus's own mean where its outline runs
_CONTRAST_OF_TYPICAL = 0.23  # contrast below this share of the image's typical one counts as that
# and below this many standard deviations of its noise, as it is and as smoothed: the largest of
# many smoothed noise pixels stands some 7 above the smallest, which must stay under _POSSIBLE
_CONTRAST_OF_NOISE = 6.5
_CONTRAST_OF_SMOOTHED_NOISE = 24.0
# Debris and haze: objects dimmer or smaller than these shares of the image's typical nucleus, or
# whose outline is less steep than this share of the typical brightness over a diameter.
_DIMMEST = 0.20
_SMALLEST_AREA = 0.07
_LEAST_INTEGRATED = 0.06
_LEAST_STEEP = 1.05
_OPENING = 0.05
_INTENSITY_WEIGHT = 0.2  # of brightness against distance from the outline, in finding centres
_PEAK_SMOOTHING = 0.03
_PEAK_DEPTH = 0.04
_PASS_WEIGHT, _PASS_DEPTH = 0.5, 0.09
_FRAGMENT_AREA, _LARGE_AREA = 0.18, 1.8


class Segmenter(Protocol):
    """What finds nuclei: an image and its pixel size in, labels out.

    The one place where another segmenter (a network) can stand in: anything callable like this can
    be given to the methods that need nuclei.
    """

    def __call__(self, image: np.ndarray, um_per_px: float | None) -> np.ndarray:
        """Find the nuclei.

        Parameters
        ----------
        image : numpy.ndarray
            Shape (H, W), any real dtype, nuclei brighter than their surroundings.
        um_per_px : float or None
            Pixel size in micrometres, if known.

        Returns
        -------
        numpy.ndarray
            int32 labels of shape (H, W): 0 is background, nuclei are 1 to n without gaps.
        """
        ...


@dataclass(frozen=True)
class ClassicalSegmenter:
    """`segment_nuclei` behind the `Segmenter` protocol.

    Attributes
    ----------
    diameter_um : float or None
        Typical diameter of a nucleus; estimated from each image if None.
    """

    diameter_um: float | None = None

    def __call__(self, image: np.ndarray, um_per_px: float | None) -> np.ndarray:
        """Find the nuclei; see `segment_nuclei`."""
        return segment_nuclei(image, um_per_px, diameter_um=self.diameter_um)


def classical_segmenter(diameter_um: float | None = None) -> Segmenter:
    """Give the classical segmenter, for nuclei of a stated or an estimated diameter."""
    return ClassicalSegmenter(diameter_um)


def check_diameter(diameter_um: float | None, um_per_px: float | None) -> None:
    """Refuse a diameter that isn't above 0, or that comes without a pixel size.

    Parameters
    ----------
    diameter_um : float or None
        Micrometres.
    um_per_px : float or None
        Side of a pixel in micrometres.

    Raises
    ------
    MeasurementError
        If it is one of these.
    """
    if diameter_um is not None and (um_per_px is None or not diameter_um > 0):
        raise MeasurementError(
            f"nuclei of {diameter_um} µm can't be looked for at {um_per_px} µm a pixel",
            "give a diameter above 0 and um_per_px, or leave the diameter to be estimated",
        )


def _plane(image: np.ndarray) -> np.ndarray:
    """Give the image as finite float32 from 0 upwards, evened by the exponent."""
    image = np.asarray(image)
    if image.ndim != 2 or np.iscomplexobj(image):
        raise MeasurementError(
            f"nuclei are found in one 2-D plane of real numbers; the image has shape "
            f"{image.shape} and type {image.dtype}",
            "choose one channel, and project a z-stack",
        )
    if image.dtype in (np.uint8, np.uint16) and image.size > 2**16:
        return _looked_up(np.ascontiguousarray(image))
    plane = image.astype(np.float32)
    if not np.issubdtype(image.dtype, np.integer):
        finite = np.isfinite(plane)
        if not finite.all():
            plane = np.where(finite, plane, plane[finite].min() if finite.any() else 0)
    return _evened(plane, _dark_level(plane)) if plane.size else plane


def _dark_level(plane: np.ndarray) -> np.float32:
    """Give the level of the darkest pixels, from some of them where there are many."""
    thin = max(4, int(np.sqrt(plane.size / _DARK_FROM)))
    return np.percentile(plane[::thin, ::thin].astype(np.float32), 0.5)


def _evened(values: np.ndarray, dark: np.float32) -> np.ndarray:
    """Take a level off, in place, and raise what is above it to the exponent."""
    values -= dark
    np.maximum(values, 0, out=values)
    return cv2.pow(values, _EXPONENT, dst=values)


@njit(cache=True, nogil=True)
def _take(table: np.ndarray, image: np.ndarray, out: np.ndarray) -> None:
    for p in range(image.size):
        out[p] = table[image[p]]


def _looked_up(image: np.ndarray) -> np.ndarray:
    """Even an image of 8 or 16 bits by a table of all its levels."""
    levels = np.arange(np.iinfo(image.dtype).max + 1, dtype=np.float32)[np.newaxis]
    table = _evened(levels, _dark_level(image))
    plane = np.empty(image.shape, np.float32)
    _take(table.ravel(), image.ravel(), plane.ravel())
    return plane


def _disc(radius: float) -> np.ndarray:
    r = max(1, round(radius))
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * r + 1, 2 * r + 1))


def _blurred(plane: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(plane, (0, 0), sigma)


def _noise(plane: np.ndarray) -> float:
    """Estimate the noise's standard deviation from a difference that cancels edges.

    References
    ----------
    Immerkær, Fast noise variance estimation. Comput Vis Image Underst 1996; 64: 300–302.
    """
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    rows = plane[: min(512, plane.shape[0])]
    return float(np.sqrt(np.pi / 2) / 6 * np.abs(cv2.filter2D(rows, cv2.CV_32F, mask)).mean())


_SCALE_RATIO = 2**0.4  # between the scales looked at, and between the two widths of a filter
_LARGE, _LOOKED_AT = 2**20 - 1, 2**18  # pixels; of a large image, parts of that many in all
_FIRST_PEAK = 0.04  # share of the strongest response (mean fourth power) that counts as a peak


def _windows(plane: np.ndarray) -> list[np.ndarray]:
    """Give a plane, or where it is large four parts of it, spread over it."""
    if plane.size <= _LARGE:
        return [plane]
    share = np.sqrt(_LOOKED_AT / plane.size) / 2  # of the plane's sides
    height, width = (int(share * length) for length in plane.shape)
    middles = [(q * plane.shape[0] // 4, r * plane.shape[1] // 4) for q in (1, 3) for r in (1, 3)]
    return [
        plane[y - height // 2 :, x - width // 2 :][:height, :width]  # about these places
        for y, x in middles
    ]


def _halved(plane: np.ndarray) -> np.ndarray:
    size = (plane.shape[1] // 2, plane.shape[0] // 2)
    return cv2.resize(plane, size, interpolation=cv2.INTER_AREA)


def _scale_responses(plane: np.ndarray, low: float, high: float) -> list[tuple[float, float]]:
    """Give (diameter in px, strength of blobs of that diameter) for a ladder of scales."""
    # a disc answers most to a filter whose widths' geometric mean is its radius over √2
    sigma = SMALLEST_DIAMETER_PX / 2**1.5
    per_sigma = np.sqrt(_SCALE_RATIO) * 2**1.5
    responses: list[tuple[float, float]] = []
    reduced, factor = plane, 1
    narrow: list[np.ndarray] = []
    while min(reduced.shape) * factor >= 4 * sigma and sigma * per_sigma <= high:
        while sigma / factor > 2.5 and min(reduced.shape) >= 16:
            whole = len(narrow) == 1  # else the parts are others now
            reduced, factor = _halved(reduced), 2 * factor
            narrow = [_halved(part) for part in narrow] if whole else []
        if min(reduced.shape) < 8:
            break
        parts = _windows(reduced)
        narrow = narrow or [_blurred(part, sigma / factor) for part in parts]
        wide = [_blurred(part, _SCALE_RATIO * sigma / factor) for part in parts]
        energy = 0.0
        for one, other in zip(narrow, wide, strict=True):
            blob = cv2.subtract(one, other, dst=one)
            cv2.threshold(blob, 0, 0, cv2.THRESH_TOZERO, dst=blob)
            energy += cv2.norm(cv2.multiply(blob, blob, dst=blob), cv2.NORM_L2SQR)
        if sigma * per_sigma >= low:
            responses.append((sigma * per_sigma, energy / sum(part.size for part in parts)))
        narrow, sigma = wide, sigma * _SCALE_RATIO
    return responses


def typical_diameter_px(image: np.ndarray, um_per_px: float | None = None) -> float:
    """Estimate the diameter of the nuclei from the image.

    The diameter whose blobs (difference of Gaussians, scale-normalised) respond most strongly; the
    smallest one, where several scales do (nuclei in an embryo, which is itself a blob).

    Parameters
    ----------
    image : numpy.ndarray
        Shape (H, W), any real dtype, bright nuclei.
    um_per_px : float, optional
        Pixel size; keeps the answer within 3 to 30 µm.

    Returns
    -------
    float
        Diameter in pixels, at least 4.
    """
    return _diameter(_plane(image), um_per_px)


def _diameter(plane: np.ndarray, um_per_px: float | None) -> float:
    low, high = SMALLEST_DIAMETER_PX, np.inf
    if um_per_px:
        low = max(low, DIAMETER_RANGE_UM[0] / um_per_px)
        high = max(low, DIAMETER_RANGE_UM[1] / um_per_px)
    responses = _scale_responses(plane, low, high)
    if not responses:
        return low
    strength = np.array([r[1] for r in responses])
    padded = np.concatenate([[0.0], strength, [0.0]])
    peaks = (strength >= padded[:-2]) & (strength >= padded[2:])
    best = int(np.argmax(peaks & (strength >= _FIRST_PEAK * strength.max())))
    shift = 0.0  # of the peak between two scales, by a parabola
    if 0 < best < len(strength) - 1 and strength[best] > 0:
        left, top, right = np.log(np.maximum(strength[best - 1 : best + 2], 1e-30))
        curvature = left - 2 * top + right
        shift = 0.5 * (left - right) / curvature if curvature < 0 else 0.0
    return float(np.clip(responses[best][0] * _SCALE_RATIO**shift, low, high))


def _contrast(smooth: np.ndarray, diameter: float) -> tuple[np.ndarray, np.ndarray]:
    """Give the local background, and the local contrast to measure the signal over it by."""
    step = max(1, int(diameter / 5))  # the levels are smooth: 5 pixels a nucleus are enough
    height, width = smooth.shape
    size = (max(1, width // step), max(1, height // step))
    reduced = cv2.resize(smooth, size, interpolation=cv2.INTER_AREA) if step > 1 else smooth
    near, far = (reach * diameter / step for reach in (_BRIGHT_REACH, _BACKGROUND_REACH))
    lowest = eroded(reduced, max(1, round(far)))
    highest = cv2.dilate(reduced, _disc(near), borderType=cv2.BORDER_REFLECT_101)
    background, bright = (
        cv2.resize(_blurred(level, max(0.5, 0.45 * radius)), (width, height))
        for level, radius in ((lowest, far), (highest, near))
    )
    contrast = cv2.subtract(bright, background, dst=bright)
    cv2.threshold(contrast, 0, 0, cv2.THRESH_TOZERO, dst=contrast)
    return background, contrast


def segment_nuclei(
    image: np.ndarray, um_per_px: float | None = None, *, diameter_um: float | None = None
) -> np.ndarray:
    """Label bright nuclei on a darker ground.

    A threshold between the local bright level and the local background, basins of distance from
    the outline plus brightness, merged where two make a better ellipse than each alone, and each
    outlined at a share of its own brightness. All lengths follow the nuclei's diameter, all levels
    the image's own contrast and noise, so that offset, gain and bit depth don't matter.

    Parameters
    ----------
    image : numpy.ndarray
        Shape (H, W), any real dtype; a DAPI channel, or the optical density of hematoxylin.
    um_per_px : float, optional
        Pixel size in micrometres.
    diameter_um : float, optional
        Typical diameter of a nucleus; needs `um_per_px`. Estimated from the image without it.

    Returns
    -------
    numpy.ndarray
        int32 labels of shape (H, W), 1 to n; all 0 where there is no nucleus.

    Raises
    ------
    MeasurementError
        If the image isn't a plane of real numbers, or a diameter comes without a pixel size.
    """
    plane = _plane(image)
    check_diameter(diameter_um, um_per_px)
    if plane.size == 0 or plane.max() == 0:
        return np.zeros(plane.shape, np.int32)
    if diameter_um is not None and um_per_px is not None:
        return _segmented(plane, max(diameter_um / um_per_px, SMALLEST_DIAMETER_PX))
    diameter = _diameter(plane, um_per_px)
    labels = _segmented(plane, diameter)
    found = _median_diameter(labels)
    if SMALLEST_DIAMETER_PX <= found < OVERESTIMATED * diameter:
        labels = _segmented(plane, found)
    return labels


OVERESTIMATED = 0.8  # nuclei found smaller than this share of the estimate are looked for again
_COUNTABLE = 5  # nuclei that make a median


def _median_diameter(labels: np.ndarray) -> float:
    """Give the median diameter of the labelled objects, 0 if they are too few."""
    areas = np.bincount(labels.ravel())[1:]
    return float(2 * np.sqrt(np.median(areas) / np.pi)) if areas.size >= _COUNTABLE else 0.0


def _segmented(plane: np.ndarray, diameter: float) -> np.ndarray:
    """Label the nuclei of an evened plane, given their diameter in pixels."""
    signal, share = _share_of_contrast(plane, diameter)
    height, possible = _height(share, diameter)
    del share  # a large image's planes are most of the memory
    runs = runs_of(possible)
    labels, n = flood(height, possible, _PEAK_DEPTH, runs)
    trim(labels, signal, n, _OUTLINE, 3, runs)
    small, large = (part * np.pi / 4 * diameter**2 for part in (_FRAGMENT_AREA, _LARGE_AREA))
    objects = merge(labels, height, n, _PASS_WEIGHT, _PASS_DEPTH, small, large, runs)
    return _without_debris(labels, signal, objects, diameter, runs)


def _share_of_contrast(plane: np.ndarray, diameter: float) -> tuple[np.ndarray, np.ndarray]:
    """Give the signal over the local background, and its share of the local contrast."""
    sigma = max(0.7, _SMOOTHING * diameter)
    smooth = _blurred(plane, sigma)
    background, contrast = _contrast(smooth, diameter)
    total = cv2.sumElems(contrast)[0]
    typical = cv2.norm(contrast, cv2.NORM_L2SQR) / total if total > 0 else 1.0
    # a Gaussian of width σ leaves 1 / (2 √π σ) of white noise
    noises = max(_CONTRAST_OF_NOISE, _CONTRAST_OF_SMOOTHED_NOISE / (2 * np.sqrt(np.pi) * sigma))
    floor = max(_CONTRAST_OF_TYPICAL * typical, noises * _noise(plane))
    signal = cv2.subtract(smooth, background, dst=smooth)
    return signal, cv2.divide(signal, cv2.max(contrast, floor, dst=contrast), dst=background)


@njit(cache=True, nogil=True)
def _outside(
    height: np.ndarray, share: np.ndarray, certain: np.ndarray, possible: np.ndarray
) -> None:
    """Fill in, where nothing is certain, heights below all that is, and where to flood."""
    for y in range(height.shape[0]):
        for x in range(height.shape[1]):
            outer = _INTENSITY_WEIGHT * share[y, x] - 1
            height[y, x] = height[y, x] if certain[y, x] else outer
            possible[y, x] = (certain[y, x] > 0) | (share[y, x] > _POSSIBLE)


def _height(share: np.ndarray, diameter: float) -> tuple[np.ndarray, np.ndarray]:
    """Give the height image whose peaks are the nuclei's centres, and where to flood it."""
    certain = cv2.compare(share, _CERTAIN, cv2.CMP_GT)
    certain = cv2.morphologyEx(certain, cv2.MORPH_OPEN, _disc(_OPENING * diameter))
    distance = cv2.distanceTransform(certain, cv2.DIST_L2, 5)
    brightness = _blurred(share, max(0.7, _SMOOTHING * diameter))
    height = cv2.addWeighted(distance, 2 / diameter, brightness, _INTENSITY_WEIGHT, 0, dst=distance)
    height = _blurred(height, max(0.7, _PEAK_SMOOTHING * diameter))
    possible = np.empty(share.shape, np.uint8)
    _outside(height, share, certain, possible)
    return height, possible


def _without_debris(
    basins: np.ndarray, signal: np.ndarray, objects: np.ndarray, diameter: float, runs: Runs
) -> np.ndarray:
    """Number the objects that basins make, without what is too small, dim or blurred for nuclei."""
    n = int(objects.max(initial=0))
    area, integrated, slope = object_sums(basins, signal, objects, n)
    mean = integrated / np.maximum(area, 1)
    total = float(integrated.sum())
    if total <= 0:
        return np.zeros(basins.shape, np.int32)
    # averages weighted by the signal itself, which much faint clutter hardly moves
    brightness = float((mean * integrated).sum()) / total
    kept = (
        (area >= _SMALLEST_AREA * np.pi / 4 * diameter**2)
        & (mean > _DIMMEST * brightness)
        & (integrated > _LEAST_INTEGRATED * float((integrated**2).sum()) / total)
        & (slope * diameter > _LEAST_STEEP * brightness)
    )
    kept[0] = False
    renumber(basins, np.where(kept, np.cumsum(kept), 0).astype(np.int32)[objects], runs)
    return basins
