"""How far an image can be trusted: saturation, focus, evenness of light, and its background."""

import cv2
import numpy as np
from numba import njit

from .basins import steepness
from .errors import MeasurementError

CAMERA_BITS = (8, 10, 12, 14, 16)  # depths at which cameras and converters reach their limit
SATURATED_SHARE = 1e-3  # above it, saturation shifts the means of bright cells
BLURRED_EDGE = 0.5  # an outline half a nucleus wide: the light of neighbours mixes
UNEVEN_LIGHT = 2.0  # brightest over dimmest place, above it one threshold can't serve the field
LEAST_BACKGROUND_SHARE = 0.002  # of the image's pixels, to estimate its background from
_CLEAR_OF_BACKGROUND = 5.0  # standard deviations (from the median) beyond which a pixel isn't it
_NORMAL_MAD = 1.4826  # standard deviation of a normal distribution over its median deviation
_SAMPLED = 30_000  # pixels that give a median
_PRIOR_WEIGHT = 0.02  # of the whole image's background, where a place has hardly any of its own


def saturated_fraction(image: np.ndarray, *, full_scale: float | None = None) -> float:
    """Share of pixels at the upper limit of the scale.

    Parameters
    ----------
    image : numpy.ndarray
        Any shape, any real dtype.
    full_scale : float, optional
        The largest value that the camera gives. By default, for whole numbers, the limit of an 8-,
        10-, 12-, 14- or 16-bit converter that the image reaches exactly; for floats, the largest
        value if it is piled up (more than a hundred pixels have it).

    Returns
    -------
    float
        0 to 1; 0 if no limit is reached.

    Examples
    --------
    >>> import numpy as np
    >>> saturated_fraction(np.array([[10, 4095], [4095, 7]], np.uint16))
    0.5
    """
    if image.size == 0:
        return 0.0
    whole = np.issubdtype(image.dtype, np.integer)
    highest = float(image.max() if whole else np.nanmax(image))
    if full_scale is not None:
        return float(np.mean(image >= full_scale))
    if whole and highest not in {2.0**bits - 1 for bits in CAMERA_BITS}:
        return 0.0
    share = float(np.mean(image == highest))
    return share if whole or share * image.size > 100 else 0.0


@njit(cache=True, nogil=True)
def _block_sums(
    image: np.ndarray, away: np.ndarray, limit: float, middle: float, blocks: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Give each block's mean excess over a level and share of pixels, of those that count."""
    rows, columns = image.shape
    excess, weight = np.zeros(blocks, np.float32), np.zeros(blocks, np.float32)
    over, counted = np.empty(columns, np.float32), np.empty(columns, np.int32)
    for i in range(blocks[0]):
        top, below = i * rows // blocks[0], (i + 1) * rows // blocks[0]
        over[:], counted[:] = 0, 0
        for y in range(top, below):
            for x in range(columns):  # without a branch, several pixels at once
                counts = away[y, x] & (image[y, x] <= limit)
                over[x] += np.float32(image[y, x] - middle) * counts
                counted[x] += counts
        for j in range(blocks[1]):
            left, right = j * columns // blocks[1], (j + 1) * columns // blocks[1]
            pixels = (below - top) * (right - left)
            excess[i, j] = over[left:right].sum() / pixels
            weight[i, j] = counted[left:right].sum() / pixels
    return excess, weight


def background_surface(
    image: np.ndarray, away: np.ndarray, *, reach_px: float
) -> tuple[np.ndarray, float]:
    """Estimate the background everywhere from the pixels away from cells.

    A Gaussian-weighted mean of those pixels (bright outliers left out), drawn towards their median
    over the whole image where a place has few of them.

    Parameters
    ----------
    image : numpy.ndarray
        Shape (H, W), any real dtype.
    away : numpy.ndarray
        bool, shape (H, W): pixels that belong to no cell.
    reach_px : float
        Standard deviation of the weights in pixels: how far the background may be taken from.

    Returns
    -------
    surface : numpy.ndarray
        float32, shape (H, W).
    share : float
        Share of the image's pixels that it rests on. Below `LEAST_BACKGROUND_SHARE` there are too
        few; the surface is then flat, at the first percentile of the image.

    Raises
    ------
    MeasurementError
        If the shapes differ.
    """
    if image.shape != away.shape or image.ndim != 2:
        raise MeasurementError(
            f"the image has shape {image.shape}, the mask of its background {away.shape}",
            "give a 2-D image and a mask of the same height and width",
        )
    counted = np.count_nonzero(away)
    share = counted / max(away.size, 1)
    if share < LEAST_BACKGROUND_SHARE:
        flat = float(np.percentile(image, 1)) if image.size else 0.0
        return np.full(image.shape, flat, np.float32), share
    thin = max(1, int(np.sqrt(counted / _SAMPLED)))
    values = image[::thin, ::thin][away[::thin, ::thin]].astype(np.float32)
    middle = float(np.median(values)) if values.size else float(np.median(image[away]))
    spread = _NORMAL_MAD * float(np.median(np.abs(values - middle))) if values.size else 0.0
    step = max(1, int(reach_px / 8))  # the surface is smooth: eight steps a reach are enough
    blocks = (max(1, image.shape[0] // step), max(1, image.shape[1] // step))
    limit = middle + _CLEAR_OF_BACKGROUND * spread
    excess, weight = _block_sums(np.ascontiguousarray(image), away, limit, middle, blocks)
    sigma = reach_px / step
    excess, weight = (cv2.GaussianBlur(part, (0, 0), sigma) for part in (excess, weight))
    surface = middle + excess / (weight + _PRIOR_WEIGHT)
    full = (image.shape[1], image.shape[0])
    return cv2.resize(surface, full, interpolation=cv2.INTER_LINEAR), share


def edge_width_px(labels: np.ndarray, image: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Width of each object's outline: its mean over background by the slope on its outline.

    A step blurred by a Gaussian of standard deviation σ has width 2.5 σ.

    Parameters
    ----------
    labels : numpy.ndarray
        Label image, shape (H, W), 1 to n.
    image : numpy.ndarray
        Shape (H, W), any real dtype.
    level : numpy.ndarray
        Shape (n,): the objects' means over background.

    Returns
    -------
    numpy.ndarray
        float64, shape (n,), in pixels; NaN for objects without slope.
    """
    n = len(level)
    slope = steepness(np.ascontiguousarray(labels, np.int32), np.ascontiguousarray(image), n)[1:]
    return np.divide(level, slope, out=np.full(n, np.nan), where=slope > 0)


def illumination_ratio(
    y_px: np.ndarray, x_px: np.ndarray, level: np.ndarray, *, least: int = 50
) -> float:
    """Brightest over dimmest place of a field, from the levels of objects spread over it.

    A paraboloid is fitted to the logarithms of the levels (least squares); the ratio is taken
    between its highest and lowest value at the objects.

    Parameters
    ----------
    y_px, x_px : numpy.ndarray
        Places of the objects, shape (n,).
    level : numpy.ndarray
        Their levels over background, shape (n,); those not above 0 are left out.
    least : int
        Objects needed for an answer.

    Returns
    -------
    float
        1 for even light; NaN with fewer than `least` objects.
    """
    used = np.isfinite(level) & (level > 0)
    if np.count_nonzero(used) < least:
        return float("nan")
    y, x = (v[used] - v[used].mean() for v in (np.asarray(y_px), np.asarray(x_px)))
    y, x = y / max(np.abs(y).max(), 1), x / max(np.abs(x).max(), 1)
    terms = np.stack([np.ones_like(y), y, x, y * y, x * x, x * y], axis=1)
    log_level = np.log(level[used])
    squared = terms.T @ terms, terms.T @ log_level  # six equations, however many objects
    fitted = terms @ np.linalg.lstsq(*squared, rcond=None)[0]
    return float(np.exp(fitted.max() - fitted.min()))
