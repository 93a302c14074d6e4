"""How far an image can be trusted: saturation, focus, evenness of light, and its background."""

import cv2
import numpy as np

from .basins import steepness
from .errors import MeasurementError
from .labelled import sums

CAMERA_BITS = (8, 10, 12, 14, 16)  # depths at which cameras and converters reach their limit
SATURATED_SHARE = 1e-3  # above it, saturation shifts the means of bright cells
BLURRED_EDGE = 0.5  # an outline half a nucleus wide: the light of neighbours mixes
UNEVEN_LIGHT = 2.0  # brightest over dimmest place, above it one threshold can't serve the field
LEAST_BACKGROUND_SHARE = 0.002  # of the image's pixels, to estimate its background from
_CLEAR_OF_BACKGROUND = 5.0  # standard deviations (from the median) beyond which a pixel isn't it
_NORMAL_MAD = 1.4826  # standard deviation of a normal distribution over its median deviation
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
    highest = float(np.nanmax(image))
    if full_scale is not None:
        return float(np.mean(image >= full_scale))
    share = float(np.mean(image == highest))
    if np.issubdtype(image.dtype, np.integer):
        return share if highest in {2.0**bits - 1 for bits in CAMERA_BITS} else 0.0
    return share if share * image.size > 100 else 0.0


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
    plane = np.asarray(image, np.float32)
    share = float(np.count_nonzero(away)) / max(away.size, 1)
    if share < LEAST_BACKGROUND_SHARE:
        flat = float(np.percentile(plane, 1)) if plane.size else 0.0
        return np.full(plane.shape, flat, np.float32), share
    values = plane[away]
    middle = float(np.median(values[:: max(1, values.size // 100_000)]))
    spread = _NORMAL_MAD * float(
        np.median(np.abs(values[:: max(1, values.size // 100_000)] - middle))
    )
    step = max(1, int(reach_px / 8))  # the surface is smooth: eight steps a reach are enough
    size = (max(1, image.shape[1] // step), max(1, image.shape[0] // step))
    counted = (away & (plane <= middle + _CLEAR_OF_BACKGROUND * spread)).astype(np.float32)
    excess = cv2.resize((plane - middle) * counted, size, interpolation=cv2.INTER_AREA)
    weight = cv2.resize(counted, size, interpolation=cv2.INTER_AREA)
    sigma = reach_px / step
    excess, weight = (cv2.GaussianBlur(part, (0, 0), sigma) for part in (excess, weight))
    surface = middle + excess / (weight + _PRIOR_WEIGHT)
    full = (image.shape[1], image.shape[0])
    return cv2.resize(surface, full, interpolation=cv2.INTER_LINEAR), share


def edge_width_px(labels: np.ndarray, image: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Width of each object's outline: its mean over background by the slope on its outline.

    A step blurred by a Gaussian of standard deviation σ has width 2.5 σ.

    Parameters
    ----------
    labels : numpy.ndarray
        Label image, shape (H, W), 1 to n.
    image, background : numpy.ndarray
        Shape (H, W), any real dtype.

    Returns
    -------
    numpy.ndarray
        float64, shape (n,), in pixels; NaN for objects without slope.
    """
    n = int(labels.max(initial=0))
    signal = np.asarray(image, np.float32) - background
    slope = steepness(np.ascontiguousarray(labels, np.int32), signal, n)[1:]
    mean = sums(labels, {"signal": signal}, n_labels=n)["signal_mean"].to_numpy()
    return np.divide(mean, slope, out=np.full(n, np.nan), where=slope > 0)


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
    fitted = terms @ np.linalg.lstsq(terms, log_level, rcond=None)[0]
    return float(np.exp(fitted.max() - fitted.min()))
