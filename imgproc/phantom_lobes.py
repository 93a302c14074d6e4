"""Shapes of lung lobes for the phantoms: outlines, places in the frame, domed surfaces."""

from dataclasses import dataclass

import cv2
import numba
import numpy as np

from .phantom_optics import unit_normals

DOME_CELLS = 104
"""Cells along a lobe's longer side when its dome is computed; the dome is smooth, so enough."""

DOME_SWEEPS = 220
"""Relaxation sweeps; the change after them is below a hundredth of a dome's height."""

OUTLINE_POINTS = 240
"""Corners of a lobe's polygon."""


@dataclass(frozen=True)
class LobeShape:
    """One lobe as placed in the frame.

    Attributes
    ----------
    outline : numpy.ndarray
        (n, 2) corners as x, y in pixels of the frame.
    hilum : numpy.ndarray
        (2,) x, y of the hilum on the outline.
    inward : numpy.ndarray
        (2,) unit vector from the hilum into the lobe.
    """

    outline: np.ndarray
    hilum: np.ndarray
    inward: np.ndarray

    def moved(self, shift: np.ndarray) -> "LobeShape":
        """The same lobe, displaced by x, y pixels."""
        return LobeShape(self.outline + shift, self.hilum + shift, self.inward)


@dataclass(frozen=True)
class Dome:
    """A lobe's surface over a window of the frame, heights and normals in pixels.

    Attributes
    ----------
    mask : numpy.ndarray
        bool, where the lobe is.
    height : numpy.ndarray
        float32, 0 outside.
    normal : numpy.ndarray
        float32, (height, width, 3), unit vectors x, y, z with z towards the camera.
    """

    mask: np.ndarray
    height: np.ndarray
    normal: np.ndarray


def lobe_outline(rng: np.random.Generator, length_px: float) -> tuple[np.ndarray, int]:
    """Outline of one lobe about the origin, long axis along x.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    length_px : float
        Length along x.

    Returns
    -------
    outline : numpy.ndarray
        (n, 2) corners as x, y.
    hilum : int
        Index of the corner at the hilum, on the concave side.
    """
    angle = np.linspace(0, 2 * np.pi, OUTLINE_POINTS, endpoint=False)
    roundness = 2 / rng.uniform(1.8, 2.7)
    half_width = rng.uniform(0.46, 0.78)
    x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** roundness
    y = half_width * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** roundness
    y = y * (1 + rng.uniform(-0.42, 0.42) * x)
    y = y - rng.uniform(0, 0.38) * half_width * (x**2 - 0.4)
    wave = np.ones_like(angle)
    for order in range(2, 7):
        wave += rng.normal(0, 0.055 / order) * np.cos(order * angle + rng.uniform(0, 2 * np.pi))
    x, y = x * wave, y * wave
    at = rng.uniform(1.25, 1.75) * np.pi  # y points down: negative sine is the upper side
    dent = rng.uniform(0, 0.16) * np.exp(-0.5 * (np.sin((angle - at) / 2) / 0.13) ** 2)
    x, y = x * (1 - dent), y * (1 - dent)
    outline = np.stack([x, y], axis=1)
    outline *= length_px / (outline[:, 0].max() - outline[:, 0].min())
    return _smoothed(outline), round(at / (2 * np.pi) * OUTLINE_POINTS) % OUTLINE_POINTS


def _smoothed(outline: np.ndarray) -> np.ndarray:
    """A closed outline with its sharp corners rounded."""
    kernel = np.hanning(11)
    kernel /= kernel.sum()
    wrapped = np.concatenate([outline[-5:], outline, outline[:5]])
    return np.stack([np.convolve(wrapped[:, k], kernel, "valid") for k in (0, 1)], axis=1)


def place_lobe(
    rng: np.random.Generator, length_px: float, box: tuple[float, float, float, float]
) -> LobeShape:
    """One lobe turned, flipped and shrunk where needed to stand inside a box of the frame.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    length_px : float
        Wanted length.
    box : tuple of float
        Top, left, bottom, right in pixels.

    Returns
    -------
    LobeShape
        The lobe in the frame.
    """
    top, left, bottom, right = box
    outline, hilum = lobe_outline(rng, length_px)
    outline = outline * np.where(rng.random(2) < 0.5, -1.0, 1.0)
    upright = (bottom - top) > 1.25 * (right - left)
    turn = rng.uniform(-0.6, 0.6) + (np.pi / 2 if upright else 0)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    outline = outline @ rotation
    extent = np.ptp(outline, axis=0)
    outline *= min(1.0, (right - left) / extent[0], (bottom - top) / extent[1])
    extent = np.ptp(outline, axis=0)
    slack = np.array([right - left, bottom - top]) - extent
    corner = np.array([left, top]) + slack * rng.uniform(0.25, 0.75, 2)
    outline = outline - outline.min(axis=0) + corner
    inward = outline.mean(axis=0) - outline[hilum]
    return LobeShape(outline, outline[hilum], inward / np.linalg.norm(inward))


def lobe_rows(lobes: int, aspect: float) -> list[int]:
    """How many lobes stand in each row of a frame whose width is `aspect` times its height."""
    if lobes <= 3:
        return [lobes] if aspect >= 0.9 or lobes == 1 else [1] * lobes
    rows = max(2, round(np.sqrt(lobes / max(aspect, 0.5) * 1.2)))
    rows = min(rows, lobes)
    return [lobes // rows + (1 if row < lobes % rows else 0) for row in range(rows)]


def layout(
    rng: np.random.Generator,
    lengths_px: np.ndarray,
    frame: tuple[float, float, float, float],
    *,
    touching: bool,
) -> list[LobeShape]:
    """All lobes of a photograph, in rows, apart or touching within a row.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    lengths_px : numpy.ndarray
        Wanted length of each lobe.
    frame : tuple of float
        Free part of the frame: top, left, bottom, right.
    touching : bool
        Neighbours in a row are pushed together until they overlap a little.

    Returns
    -------
    list of LobeShape
        In the order in which they were placed; a later one lies over an earlier one.
    """
    top, left, bottom, right = frame
    rows = lobe_rows(len(lengths_px), (right - left) / (bottom - top))
    row_height = (bottom - top) / len(rows)
    shapes: list[LobeShape] = []
    for row, columns in enumerate(rows):
        width = (right - left) / columns
        members: list[LobeShape] = []
        for column in range(columns):
            margin = 0.045 * min(width, row_height)
            box = (
                top + row * row_height + margin,
                left + column * width + margin,
                top + (row + 1) * row_height - margin,
                left + (column + 1) * width - margin,
            )
            members.append(place_lobe(rng, lengths_px[len(shapes) + column], box))
        shapes += _pushed_together(rng, members) if touching else members
    return shapes


def _pushed_together(rng: np.random.Generator, row: list[LobeShape]) -> list[LobeShape]:
    """Lobes of a row moved along x until each overlaps the one before it slightly."""
    middle = np.mean([shape.outline[:, 1].mean() for shape in row])
    level = [
        shape.moved(np.array([0.0, 0.7 * (middle - shape.outline[:, 1].mean())])) for shape in row
    ]
    placed = [level[0]]
    for shape in level[1:]:
        overlap = rng.uniform(0.004, 0.09) * np.ptp(shape.outline[:, 0])
        placed.append(shape.moved(np.array([-_gap(placed[-1], shape) - overlap, 0.0])))
    whole_before = np.concatenate([shape.outline for shape in row])[:, 0]
    whole_after = np.concatenate([shape.outline for shape in placed])[:, 0]
    centre = (whole_before.min() + whole_before.max() - whole_after.min() - whole_after.max()) / 2
    return [shape.moved(np.array([centre, 0.0])) for shape in placed]


def _gap(first: LobeShape, second: LobeShape) -> float:
    """Least horizontal distance from one lobe to the next one to its right."""
    low = int(max(first.outline[:, 1].min(), second.outline[:, 1].min()))
    high = int(min(first.outline[:, 1].max(), second.outline[:, 1].max()))
    heights = np.linspace(low + 1, max(high - 1, low + 2), 40)
    right_edge = _crossings(first.outline, heights).max(axis=0)
    left_edge = -_crossings(second.outline * [-1, 1], heights).max(axis=0)
    return float(np.min(left_edge - right_edge))


def _crossings(outline: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Where a closed outline's sides cross given heights; minus infinity where they don't."""
    x0, y0 = outline[:, 0, None], outline[:, 1, None]
    x1, y1 = np.roll(outline, -1, axis=0)[:, 0, None], np.roll(outline, -1, axis=0)[:, 1, None]
    crosses = (y0 <= heights) != (y1 <= heights)
    share = np.divide(heights - y0, y1 - y0, out=np.zeros(crosses.shape), where=crosses)
    return np.where(crosses, x0 + share * (x1 - x0), -np.inf)


def polygon_mask(outline: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Pixels inside a polygon of x, y corners, bool, to a sixteenth of a pixel."""
    canvas = np.zeros(shape, np.uint8)
    cv2.fillPoly(canvas, [np.rint(outline * 16).astype(np.int32)], 1, shift=4)
    return canvas > 0


@numba.njit(cache=True)
def _relaxed(mask: np.ndarray, sweeps: int, weight: float) -> np.ndarray:
    """Solution of laplacian(u) = -1 with u = 0 outside the mask, by over-relaxation."""
    height, width = mask.shape
    u = np.zeros((height, width), np.float32)
    for _ in range(sweeps):
        for y in range(1, height - 1):
            for x in range(1, width - 1):
                if mask[y, x]:
                    around = u[y - 1, x] + u[y + 1, x] + u[y, x - 1] + u[y, x + 1]
                    u[y, x] += weight * (0.25 * (around + 1.0) - u[y, x])
    return u


def dome(mask: np.ndarray, thickness_px: float, flatness: float) -> Dome:
    """Domed surface over a lobe.

    A membrane under even pressure (Poisson's equation) raised to a power: over an ellipse and
    with the power 0.5 this is exactly half an ellipsoid.

    Parameters
    ----------
    mask : numpy.ndarray
        bool, (height, width), clear of the window's border.
    thickness_px : float
        Height of the summit.
    flatness : float
        The power: 0.5 is round, less is flatter on top and steeper at the edge.

    Returns
    -------
    Dome
        Mask, heights and normals.
    """
    height, width = mask.shape
    factor = DOME_CELLS / max(height, width)
    size = (max(8, round(width * factor)), max(8, round(height * factor)))
    coarse = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.05
    padded = np.pad(coarse, 2)
    u = blurred_inside(_relaxed(padded, DOME_SWEEPS, 1.92))[2:-2, 2:-2]
    u /= max(float(u.max()), 1e-6)
    slope_y, slope_x = np.gradient(u)
    full = [
        cv2.resize(np.ascontiguousarray(part), (width, height), interpolation=cv2.INTER_CUBIC)
        for part in (u, slope_x * (size[0] / width), slope_y * (size[1] / height))
    ]
    level = np.maximum(full[0], 0.012)  # keeps the slope finite at the edge
    steep = thickness_px * flatness * level ** np.float32(flatness - 1)
    normal = np.stack([-steep * full[1], -steep * full[2], np.ones_like(level)], axis=2)
    surface = np.where(mask, thickness_px * level ** np.float32(flatness), 0)
    return Dome(mask, surface.astype(np.float32), unit_normals(normal))


def blurred_inside(u: np.ndarray) -> np.ndarray:
    """The membrane with its staircase at the coarse edge smoothed."""
    return cv2.GaussianBlur(u, (0, 0), 0.8)


def reading_order(centres: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Order of objects as a page is read: rows from the top, each from the left.

    Parameters
    ----------
    centres : numpy.ndarray
        (n, 2) y, x.
    heights : numpy.ndarray
        (n,) extents along y; objects whose centres differ by less than half the median
        extent from the row's first one stand in its row.

    Returns
    -------
    numpy.ndarray
        Indices in reading order.
    """
    if len(centres) == 0:
        return np.zeros(0, np.intp)
    limit = 0.5 * float(np.median(heights))
    order = np.argsort(centres[:, 0], kind="stable")
    row, start = np.zeros(len(order), np.intp), centres[order[0], 0]
    for place, index in enumerate(order):
        if centres[index, 0] - start > limit:
            start = centres[index, 0]
            row[place:] += 1
    return order[np.lexsort((centres[order, 1], row))]
