"""Thin straight strokes on a photo: what the ticks of a ruler are made of."""

from dataclasses import dataclass

import cv2
import numpy as np

_WIDEST_STROKE = 1 / 36  # of the photo's longer side; wider marks are no ticks
_LEAST_CONTRAST = 16  # of 255, between stroke and ground; JPEG's ringing stays below
_LEAST_AREA_PX = 5
_LEAST_LENGTH_PX = 4.5
_LEAST_ELONGATION = 1.4  # short ticks of a small ruler, blurred, are hardly longer than wide
_STEEPEST = np.deg2rad(48)  # strokes nearer to the other axis are found on the turned photo
_FILL = (0.7, 1.25)  # of the rectangle that has the stroke's second moments


@dataclass(frozen=True)
class Strokes:
    """Strokes that stand roughly upright; every array has one value a stroke.

    Attributes
    ----------
    y, x : numpy.ndarray
        Centres, in pixels.
    lean : numpy.ndarray
        Angle to the vertical in radians, positive where the upper end leans to the right.
    length, width : numpy.ndarray
        In pixels.
    contrast : numpy.ndarray
        Against the ground at both sides, 0 to 255.
    """

    y: np.ndarray
    x: np.ndarray
    lean: np.ndarray
    length: np.ndarray
    width: np.ndarray
    contrast: np.ndarray

    def __len__(self) -> int:
        return len(self.y)

    def take(self, chosen: np.ndarray) -> "Strokes":
        """Only the chosen strokes (indices or a mask)."""
        return Strokes(
            self.y[chosen],
            self.x[chosen],
            self.lean[chosen],
            self.length[chosen],
            self.width[chosen],
            self.contrast[chosen],
        )

    def ends(self, upper: bool) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the upper or lower ends."""
        sign = -0.5 if upper else 0.5
        down, across = np.cos(self.lean), -np.sin(self.lean)
        return self.y + sign * self.length * down, self.x + sign * self.length * across


def stroke_response(rgb: np.ndarray, *, dark: bool, widest_px: int) -> np.ndarray:
    """How much darker (or lighter) than its ground at both sides each pixel is.

    Parameters
    ----------
    rgb : numpy.ndarray, shape (H, W, C), uint8
        The photo.
    dark : bool
        Whether dark strokes on a light ground are sought, or light ones on a dark ground.
    widest_px : int
        Marks that reach further to left and right give no response.

    Returns
    -------
    numpy.ndarray, shape (H, W), uint8
        In the channel that shows it best, so ink and ground may have any colours.
    """
    kernel = np.ones((1, widest_px), np.uint8)
    kind = cv2.MORPH_BLACKHAT if dark else cv2.MORPH_TOPHAT
    channels = cv2.split(cv2.morphologyEx(rgb, kind, kernel))
    best = channels[0]
    for channel in channels[1:]:
        best = cv2.max(best, channel)
    return best


def find_strokes(rgb: np.ndarray, *, dark: bool) -> Strokes:
    """Strokes within 48° of upright.

    Parameters
    ----------
    rgb : numpy.ndarray, shape (H, W, 3), uint8
        The photo.
    dark : bool
        Dark strokes on a light ground, or light ones on a dark ground.

    Returns
    -------
    Strokes
        In reading order of their first pixels.
    """
    widest = max(9, round(max(rgb.shape[:2]) * _WIDEST_STROKE)) | 1
    response = stroke_response(rgb, dark=dark, widest_px=widest)
    # each stroke is cut at half its own height, whatever light falls on it
    strongest = cv2.dilate(response, np.ones((widest, widest), np.uint8))
    mask = (response >= _LEAST_CONTRAST) & (response >= (strongest >> 1))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), ltype=cv2.CV_32S
    )
    tall = np.zeros(count, bool)
    tall[1:] = (stats[1:, cv2.CC_STAT_AREA] >= _LEAST_AREA_PX) & (
        stats[1:, cv2.CC_STAT_HEIGHT] >= 0.6 * _LEAST_LENGTH_PX
    )
    return _measured(response, labels, tall)


def _measured(response: np.ndarray, labels: np.ndarray, kept: np.ndarray) -> Strokes:
    """Strokes among the labelled pieces, from their first and second moments."""
    rows, columns = np.nonzero(kept[labels])
    number = (np.cumsum(kept) - 1)[labels[rows, columns]]
    total = int(kept.sum())

    def sums(values: np.ndarray | None = None) -> np.ndarray:
        return np.bincount(number, values, minlength=total)

    area = np.maximum(sums(), 1)
    y, x = sums(rows) / area, sums(columns) / area
    dy, dx = rows - y[number], columns - x[number]
    # a pixel is a square, not a point: it has a variance of 1/12 of its own
    yy, xx, xy = sums(dy**2) / area + 1 / 12, sums(dx**2) / area + 1 / 12, sums(dy * dx) / area
    middle, half = (yy + xx) / 2, np.hypot((yy - xx) / 2, xy)
    length, width = np.sqrt(12 * (middle + half)), np.sqrt(12 * np.maximum(middle - half, 1e-6))
    lean = 0.5 * np.arctan2(-2 * xy, yy - xx)
    fill = area / (length * width)
    strokes = Strokes(y, x, lean, length, width, sums(response[rows, columns]) / area)
    return strokes.take(
        (length >= _LEAST_LENGTH_PX)
        & (length >= _LEAST_ELONGATION * width)
        & (np.abs(lean) <= _STEEPEST)
        & (fill > _FILL[0])
        & (fill < _FILL[1])
    )
