"""Candidates for nodules: peaks of a cone map, the basin of each, and what it looks like."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

from .glare import normalised_blur
from .nodule_features import Surface, rim_distance

MIN_PEAK = 0.15
"""Least height of a cone map's peak; the classifier decides about what is above."""

EDGE_HEIGHT = 0.12
"""Height of the cone map at a nodule's outline (it jumps there from 0 to 0.25)."""

_PEAK_BLUR_PX = 0.9
_PEAK_REACH_PX = 2  # peaks nearer than this are one: a nodule of 0.2 mm is 4 pixels wide


@dataclass(frozen=True)
class Candidates:
    """Peaks of a cone map with their basins.

    Attributes
    ----------
    y, x : numpy.ndarray of float, shape (n,)
        Peaks, in pixels of the patch.
    labels : numpy.ndarray of int32, shape (h, w)
        Basins above `EDGE_HEIGHT`, 1..n as the rows above.
    features : numpy.ndarray of float32, shape (n, n_features)
        What each looks like (`FEATURES`).
    contrast : numpy.ndarray of float, shape (n,)
        Paleness inside minus around.
    radius : numpy.ndarray of float, shape (n,)
        Of a disc of the basin's area, in pixels.
    """

    y: np.ndarray
    x: np.ndarray
    labels: np.ndarray
    features: np.ndarray
    contrast: np.ndarray
    radius: np.ndarray


FEATURES = (
    "peak", "mean_cone", "prominence", "relative_prominence", "radius_mm", "elongation",
    "solidity", "fill", "stronger_distance", "stronger_relative", "stronger_ratio",
    "pale_inside", "pale_around", "contrast", "pale_spread", "tint_inside", "tint_contrast",
    "light_contrast", "glare_inside", "glare_around", "rim_mm", "rim_relative", "rim_share",
    "stump_near", "cone_around", "lobe_pale", "neighbours", "saddle_share", "offset_relative",
    "peak_sharpness",
)  # fmt: skip


def _sub_pixel(cone: np.ndarray, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Peaks moved to the top of the parabola through their neighbours."""
    padded = np.pad(cone, 1, mode="edge")

    def shift(before: np.ndarray, at: np.ndarray, after: np.ndarray) -> np.ndarray:
        bend = before - 2 * at + after
        move = np.where(bend < -1e-6, 0.5 * (before - after) / np.minimum(bend, -1e-6), 0)
        return np.clip(move, -0.5, 0.5)

    at = padded[y + 1, x + 1]
    dy = shift(padded[y, x + 1], at, padded[y + 2, x + 1])
    dx = shift(padded[y + 1, x], at, padded[y + 1, x + 2])
    return y + dy, x + dx


def _peaks(cone: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    side = 2 * _PEAK_REACH_PX + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    top = (cone >= cv2.dilate(cone, kernel)) & (cone > MIN_PEAK) & mask
    y, x = np.nonzero(top)
    order = np.lexsort((x, y, -cone[y, x]))
    return y[order], x[order]


def _saddles(cone: np.ndarray, labels: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Height of the highest pass out of every basin, and the share of its border that touches."""
    saddle = np.zeros(count + 1, np.float32)
    touching, border = np.zeros(count + 1), np.zeros(count + 1)
    for a, b, ca, cb in (
        (labels[:, :-1], labels[:, 1:], cone[:, :-1], cone[:, 1:]),
        (labels[:-1], labels[1:], cone[:-1], cone[1:]),
    ):
        edge = a != b
        one, two, height = a[edge], b[edge], np.minimum(ca[edge], cb[edge])
        both = (one > 0) & (two > 0)
        for side in (one, two):
            np.maximum.at(saddle, side[both], height[both])
            touching += np.bincount(side[both], minlength=count + 1)
            border += np.bincount(side, minlength=count + 1)
    return saddle[1:], (touching / np.maximum(border, 1))[1:]


def _shape_of(mask: np.ndarray) -> tuple[float, float]:
    """Elongation (ratio of the ellipse's axes) and solidity of a small mask."""
    y, x = np.nonzero(mask)
    if len(y) < 3:
        return 1.0, 1.0
    # 1/12 is the variance of a pixel's own width
    spread = np.cov(np.stack([y, x])) + np.eye(2) / 12
    axes = np.sqrt(np.maximum(np.linalg.eigvalsh(spread), 1e-6))
    hull = cv2.convexHull(np.stack([x, y], axis=1).astype(np.int32))
    perimeter = cv2.arcLength(hull, True)
    area = cv2.contourArea(hull) + 0.5 * perimeter + 1
    return float(axes[1] / axes[0]), float(min(1.0, len(y) / area))


def _stronger(y: np.ndarray, x: np.ndarray, peak: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Distance to the nearest stronger peak, that over its radius, and the ratio of heights."""
    result = np.tile(np.array([40.0, 10.0, 0.0], np.float32), (len(y), 1))
    for row in range(1, len(y)):  # rows come strongest first
        distance = np.hypot(y[:row] - y[row], x[:row] - x[row])
        relative = distance / np.maximum(radius[:row], 1)
        nearest = int(np.argmin(relative))
        result[row] = (
            min(distance[nearest], 40.0),
            min(relative[nearest], 10.0),
            peak[row] / peak[nearest],
        )
    return result


def _around(
    labels: np.ndarray, number: int, box: tuple[slice, slice], reach: int
) -> tuple[tuple[slice, slice], np.ndarray, np.ndarray]:
    """A window around a basin, the basin in it, and a ring that belongs to no basin."""
    rows, columns = box
    window = (
        slice(max(0, rows.start - reach - 1), rows.stop + reach + 1),
        slice(max(0, columns.start - reach - 1), columns.stop + reach + 1),
    )
    here = labels[window] == number
    side = 2 * reach + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    ring = (cv2.dilate(here.astype(np.uint8), kernel) > 0) & ~here
    return window, here, ring


def _mean(values: np.ndarray, where: np.ndarray, otherwise: float) -> float:
    return float(values[where].mean()) if where.any() else otherwise


def _appearance(
    lobe: Surface,
    cone: np.ndarray,
    rim: np.ndarray,
    labels: np.ndarray,
    number: int,
    box: tuple[slice, slice],
    y: float,
    x: float,
) -> dict[str, float]:
    """Colour, glare and place of one basin against a ring around it."""
    reach = max(2, round(0.15 * lobe.px_per_mm))
    window, here, ring = _around(labels, number, box, reach)
    on_lobe = ring & lobe.mask[window]
    plain = on_lobe & (labels[window] == 0)
    around = plain if plain.sum() > 4 else on_lobe
    pale, tint, light = lobe.pale[window], lobe.tint[window], lobe.light[window]
    inside = _mean(pale, here, 0.0)
    area = int(here.sum())
    radius = float(np.sqrt(area / np.pi))
    elongation, solid = _shape_of(here)
    cy, cx = (float(c.mean()) for c in np.nonzero(here))
    offset = np.hypot(cy + window[0].start - y, cx + window[1].start - x)
    return {
        "mean_cone": _mean(cone[window], here, 0.0),
        "radius_mm": radius / lobe.px_per_mm,
        "elongation": elongation,
        "solidity": solid,
        "fill": area / max(here.any(axis=1).sum() * here.any(axis=0).sum(), 1),
        "pale_inside": inside,
        "pale_around": _mean(pale, around, inside),
        "contrast": inside - _mean(pale, around, inside),
        "pale_spread": float(pale[here].std()),
        "tint_inside": _mean(tint, here, 0.0),
        "tint_contrast": _mean(tint, here, 0.0) - _mean(tint, around, _mean(tint, here, 0.0)),
        "light_contrast": _mean(light, here, 0.0) - _mean(light, around, _mean(light, here, 0.0)),
        "glare_inside": _mean(lobe.glare[window], here, 0.0),
        "glare_around": _mean(lobe.glare[window], ring, 0.0),
        "rim_mm": float(rim[window][here].min()) / lobe.px_per_mm,
        "rim_relative": float(rim[round(y), round(x)]) / max(radius, 1.0),
        "rim_share": _mean(~lobe.mask[window], ring, 0.0),
        "stump_near": _mean(lobe.stump[window], ring, 0.0),
        "cone_around": _mean(cone[window], ring, 0.0),
        "offset_relative": float(offset) / max(radius, 1.0),
    }


def find_candidates(cone: np.ndarray, lobe: Surface) -> Candidates:
    """Peaks of a cone map, their basins, and the features of each.

    Parameters
    ----------
    cone : numpy.ndarray of float32, shape (h, w)
        1 at a nodule's centre, 0.25 at its edge, 0 outside.
    lobe : Surface
        The lobe it was predicted for.

    Returns
    -------
    Candidates
        Strongest first.
    """
    smooth = cv2.GaussianBlur(cone, (0, 0), _PEAK_BLUR_PX)
    y, x = _peaks(smooth, lobe.mask)
    count = len(y)
    if count == 0:
        return Candidates(
            np.zeros(0),
            np.zeros(0),
            np.zeros(cone.shape, np.int32),
            np.zeros((0, len(FEATURES)), np.float32),
            np.zeros(0),
            np.zeros(0),
        )
    markers = np.zeros(cone.shape, np.int32)
    markers[y, x] = np.arange(1, count + 1)
    labels = watershed(-smooth, markers, mask=(smooth > EDGE_HEIGHT) & lobe.mask).astype(np.int32)
    peak = smooth[y, x]
    saddle, share = _saddles(smooth, labels, count)
    boxes = _boxes(labels, count)
    rim = rim_distance(lobe.mask)
    wide = normalised_blur(smooth, lobe.mask.astype(np.float32), 0.8 * lobe.px_per_mm)
    high = float(np.percentile(lobe.pale[lobe.mask], 95))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    radius = np.sqrt(sizes / np.pi)
    near = _stronger(y, x, peak, radius)
    curvature = -cv2.Laplacian(smooth, cv2.CV_32F)[y, x]
    rows = []
    for row in range(count):
        looks = _appearance(
            lobe, smooth, rim, labels, row + 1, boxes[row], float(y[row]), float(x[row])
        )
        looks |= {
            "peak": float(peak[row]),
            "prominence": float(peak[row] - saddle[row]),
            "relative_prominence": float((peak[row] - saddle[row]) / peak[row]),
            "stronger_distance": near[row, 0] / lobe.px_per_mm,
            "stronger_relative": near[row, 1],
            "stronger_ratio": near[row, 2],
            "lobe_pale": high,
            "neighbours": float(wide[y[row], x[row]]),
            "saddle_share": float(share[row]),
            "peak_sharpness": float(curvature[row]),
        }
        rows.append([looks[name] for name in FEATURES])
    features = np.array(rows, np.float32)
    sub_y, sub_x = _sub_pixel(smooth, y, x)
    return Candidates(
        sub_y,
        sub_x,
        labels,
        features,
        features[:, FEATURES.index("contrast")].astype(float),
        radius,
    )


def _boxes(labels: np.ndarray, count: int) -> list[tuple[slice, slice]]:
    boxes = ndimage.find_objects(labels, max_label=count)
    return [box or (slice(0, 0), slice(0, 0)) for box in boxes]
