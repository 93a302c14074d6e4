"""Nuclei and cells of the section phantoms: places, outlines, neighbourhoods."""

from dataclasses import dataclass

import cv2
import numba
import numpy as np
from scipy import ndimage

from .phantom_optics import blurred, smooth_noise

TRIES_PER_NUCLEUS = 40
"""Random places tried for a nucleus before it is left out."""

WAVES = 4
"""Orders (2 to 5) of a nucleus's irregular outline."""


@dataclass(frozen=True)
class NucleusStyle:
    """How nuclei look; lengths in micrometres.

    Attributes
    ----------
    diameter_um : float
        Median of the diameter of a circle of the same area.
    diameter_log_sd : float
        Spread of diameters (standard deviation of their logarithm).
    elongation : float
        Mean ratio of long to short axis.
    irregularity : float
        Departure of outlines from an ellipse.
    touching : float
        Share of nuclei placed against a neighbour.
    spacing : float
        Least distance of the other nuclei's centres, relative to the sum of their radii.
    """

    diameter_um: float
    diameter_log_sd: float
    elongation: float
    irregularity: float
    touching: float
    spacing: float = 1.12


@dataclass(frozen=True)
class Nuclei:
    """Nuclei as drawn.

    Attributes
    ----------
    label : numpy.ndarray
        int32, (height, width), 1..n, 0 between nuclei.
    depth : numpy.ndarray
        float32, (height, width), 0 at a nucleus's outline to 1 at its centre.
    y, x : numpy.ndarray
        Centres of mass in pixels, one a nucleus.
    """

    label: np.ndarray
    depth: np.ndarray
    y: np.ndarray
    x: np.ndarray

    @property
    def count(self) -> int:
        """Number of nuclei."""
        return len(self.y)


def draw_nuclei(
    rng: np.random.Generator,
    allowed: np.ndarray,
    wanted: int,
    style: NucleusStyle,
    *,
    um_per_px: float,
    heading: np.ndarray | None = None,
) -> Nuclei:
    """Nuclei at random places, apart or touching, never over each other.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    allowed : numpy.ndarray
        bool, (height, width), where a centre may lie.
    wanted : int
        Number of nuclei; fewer where there is no room.
    style : NucleusStyle
        Sizes and shapes.
    um_per_px : float
        Pixel size.
    heading : numpy.ndarray, optional
        Direction in radians that the long axes follow, (height, width); random without it.

    Returns
    -------
    Nuclei
        Labels without gaps; a nucleus cut by the frame is kept.
    """
    radius = 0.5 * style.diameter_um / um_per_px
    radii = radius * np.exp(style.diameter_log_sd * rng.standard_normal(wanted))
    stretch = np.exp(np.abs(rng.normal(np.log(style.elongation), 0.15, wanted)) * 0.5)
    offers = rng.uniform(0, 1, (wanted, TRIES_PER_NUCLEUS, 3))
    beside = rng.random(wanted) < style.touching
    points = _settled(allowed, np.sort(radii)[::-1].copy(), offers, beside, style.spacing)
    kept = points[:, 2] > 0
    points, stretch = points[kept], stretch[kept]
    turn = rng.uniform(0, np.pi, len(points))
    if heading is not None and len(points):
        row = np.clip(points[:, 0].astype(int), 0, allowed.shape[0] - 1)
        column = np.clip(points[:, 1].astype(int), 0, allowed.shape[1] - 1)
        turn = heading[row, column] + rng.normal(0, 0.25, len(points))
    waves = np.empty((len(points), WAVES, 2))
    order = np.arange(2, 2 + WAVES)
    waves[..., 0] = style.irregularity * rng.standard_normal((len(points), WAVES)) / order
    waves[..., 1] = rng.uniform(0, 2 * np.pi, (len(points), WAVES))
    shapes = np.column_stack([points, stretch, turn])
    label = np.zeros(allowed.shape, np.int32)
    depth = np.zeros(allowed.shape, np.float32)
    _fill(shapes, waves, label, depth)
    return _renumbered(label, depth)


def _renumbered(label: np.ndarray, depth: np.ndarray) -> Nuclei:
    """Labels 1..n in reading order of the first pixel, with centres of mass."""
    numbers, first = np.unique(label, return_index=True)
    present = numbers > 0
    numbers = numbers[present][np.argsort(first[present])]
    table = np.zeros(int(label.max()) + 1, np.int32)
    table[numbers] = np.arange(1, len(numbers) + 1)
    label = table[label]
    count = len(numbers)
    rows, columns = np.nonzero(label)
    which = label[rows, columns]
    area = np.maximum(np.bincount(which, minlength=count + 1), 1)
    y = np.bincount(which, rows, minlength=count + 1) / area
    x = np.bincount(which, columns, minlength=count + 1) / area
    return Nuclei(label, depth, y[1:], x[1:])


def joined(first: Nuclei, second: Nuclei) -> Nuclei:
    """Two sets of nuclei as one; where they meet, the first keeps the pixel."""
    fresh = (first.label == 0) & (second.label > 0)
    label = np.where(fresh, second.label + first.count, first.label)
    return _renumbered(label, np.where(fresh, second.depth, first.depth))


def nucleoli(rng: np.random.Generator, nuclei: Nuclei, um_per_px: float) -> np.ndarray:
    """Spots of 1 to 2 um inside nuclei, float32, 0 to 1 (soft edges)."""
    spots = np.zeros(nuclei.label.shape, np.uint8)
    area = np.bincount(nuclei.label.ravel(), minlength=nuclei.count + 1)[1:]
    for y, x, size in zip(nuclei.y, nuclei.x, np.sqrt(area / np.pi), strict=True):
        for _ in range(int(rng.poisson(1.2))):
            dy, dx = rng.normal(0, 0.3 * size, 2)
            radius = 0.5 * rng.uniform(1.0, 2.0) / um_per_px
            cv2.circle(
                spots, (round(8 * (x + dx)), round(8 * (y + dy))), round(8 * radius), 255, -1, 8, 3
            )
    soft = blurred(spots.astype(np.float32) / 255, 0.25 / um_per_px)
    return soft * (nuclei.label > 0)


@numba.njit(cache=True)
def _settled(
    allowed: np.ndarray,
    radii: np.ndarray,
    offers: np.ndarray,
    beside: np.ndarray,
    spacing: float,
) -> np.ndarray:
    """Places (y, x, radius) for discs that keep clear of each other; radius 0 where none."""
    height, width = allowed.shape
    points = np.zeros((len(radii), 3))
    for index in range(len(radii)):
        for trial in range(offers.shape[1]):
            u, v, w = offers[index, trial]
            y, x = u * height - 0.5, v * width - 0.5
            near = beside[index] and index > 0 and trial < offers.shape[1] // 2
            if near:
                other = int(w * index)
                if points[other, 2] == 0:
                    continue
                reach = 0.98 * (points[other, 2] + radii[index])
                y = points[other, 0] + reach * np.sin(2 * np.pi * u)
                x = points[other, 1] + reach * np.cos(2 * np.pi * u)
            row, column = round(y), round(x)
            if not (0 <= row < height and 0 <= column < width) or not allowed[row, column]:
                continue
            free = True
            for other in range(index):
                if points[other, 2] > 0:
                    gap = (0.96 if near else spacing) * (points[other, 2] + radii[index])
                    if (points[other, 0] - y) ** 2 + (points[other, 1] - x) ** 2 < gap * gap:
                        free = False
                        break
            if free:
                points[index, 0], points[index, 1], points[index, 2] = y, x, radii[index]
                break
    return points


@numba.njit(cache=True)
def _fill(shapes: np.ndarray, waves: np.ndarray, label: np.ndarray, depth: np.ndarray) -> None:
    """Fill irregular ellipses; where two meet, a pixel goes to the one it lies deeper in."""
    height, width = label.shape
    for index in range(shapes.shape[0]):
        cy, cx, radius, stretch, turn = shapes[index]
        reach = radius * stretch * 1.5 + 1
        cosine, sine = np.cos(turn), np.sin(turn)
        for y in range(max(0, int(cy - reach)), min(height, int(cy + reach) + 2)):
            for x in range(max(0, int(cx - reach)), min(width, int(cx + reach) + 2)):
                dy, dx = y - cy, x - cx
                u = (cosine * dx + sine * dy) / (radius * stretch)
                v = (cosine * dy - sine * dx) * stretch / radius
                angle = np.arctan2(v, u)
                edge = 1.0
                for k in range(waves.shape[1]):
                    edge += waves[index, k, 0] * np.cos((k + 2) * angle + waves[index, k, 1])
                inside = 1 - (u * u + v * v) / (edge * edge)
                if inside > 0 and inside > depth[y, x]:
                    depth[y, x] = inside
                    label[y, x] = index + 1


def grow_cells(
    rng: np.random.Generator, nuclei: Nuclei, reach_px: float, *, unevenness: float = 0.2
) -> np.ndarray:
    """Cells about their nuclei: every pixel to the nearest nucleus, up to a reach.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    nuclei : Nuclei
        The nuclei.
    reach_px : float
        Largest distance of a cell's border from its nucleus.
    unevenness : float
        Relative variation of the reach from place to place.

    Returns
    -------
    numpy.ndarray
        int32, (height, width), the nuclei's numbers.
    """
    if nuclei.count == 0:
        return np.zeros_like(nuclei.label)
    distance, (row, column) = ndimage.distance_transform_edt(nuclei.label == 0, return_indices=True)
    limit = reach_px * (1 + unevenness * smooth_noise(rng, nuclei.label.shape, 3 * reach_px + 2))
    cells = np.where(distance <= limit, nuclei.label[row, column], 0)
    return np.where(nuclei.label > 0, nuclei.label, cells).astype(np.int32)


def border_distance(cells: np.ndarray) -> np.ndarray:
    """Distance of each pixel of a cell to the nearest pixel that isn't of its cell, float32.

    Neighbouring cells share no pixels, so a pixel next to another cell has distance 1.
    """
    edge = np.zeros(cells.shape, bool)
    edge[1:] |= cells[1:] != cells[:-1]
    edge[:-1] |= cells[1:] != cells[:-1]
    edge[:, 1:] |= cells[:, 1:] != cells[:, :-1]
    edge[:, :-1] |= cells[:, 1:] != cells[:, :-1]
    if not edge.any():
        return np.full(cells.shape, np.inf, np.float32)
    return (ndimage.distance_transform_edt(~edge) + 1).astype(np.float32)


def outline_pixels(cells: np.ndarray) -> np.ndarray:
    """Pixels of cells with a neighbour (up, down, left, right) outside the cell, bool.

    The picture's frame is no neighbour: a cell cut by it has no outline there.
    """
    return (border_distance(cells) == 1) & (cells > 0)


def means(labels: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Mean of `values` over each label 1..count; NaN for a label without pixels."""
    flat = labels.ravel()
    area = np.bincount(flat, minlength=count + 1)[1 : count + 1]
    total = np.bincount(flat, values.ravel(), minlength=count + 1)[1 : count + 1]
    return np.divide(total, area, out=np.full(count, np.nan), where=area > 0)


def positives(rng: np.random.Generator, count: int, fraction: float) -> np.ndarray:
    """Which of `count` cells are positive: exactly the nearest whole number to the fraction."""
    chosen = np.zeros(count, bool)
    chosen[rng.permutation(count)[: round(fraction * count)]] = True
    return chosen


def even_texture(labels: np.ndarray, texture: np.ndarray, count: int) -> np.ndarray:
    """A positive texture scaled to mean 1 over every label, 0 outside, float32."""
    average = np.concatenate([[1.0], np.nan_to_num(means(labels, texture, count), nan=1.0)])
    average[average == 0] = 1.0
    return np.where(labels > 0, texture / average[labels], 0).astype(np.float32)
