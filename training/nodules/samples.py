"""Rendered lobes turned into rows to learn from: pixels with a cone, candidates with a verdict."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from xenoquant.imgproc.lobe_patch import LobePatch, lobe_patch
from xenoquant.imgproc.lungs import find_lobes
from xenoquant.imgproc.nodule_features import Surface, surface

EDGE = 0.25
"""The cone's height at a nodule's outline; 0 outside, so that the outline is a step."""

PIXELS_PER_LOBE = 3000
SMALL_MM = 0.6
"""Nodules of less than this diameter are learned from with more weight."""

MOST_WEIGHT = 3.0
MIN_VISIBLE = 0.5
"""A nodule less than half visible counts neither way."""


@dataclass(frozen=True)
class Photo:
    """A rendered photo and its truth."""

    rgb: np.ndarray
    nodules: np.ndarray
    table: pd.DataFrame
    px_per_mm: float


@dataclass(frozen=True)
class LobeSample:
    """One found lobe of a photo with the truth that lies on it."""

    patch: LobePatch
    surface: Surface
    cone: np.ndarray
    footprint: np.ndarray
    y: np.ndarray
    x: np.ndarray
    radius: np.ndarray
    visible: np.ndarray

    @property
    def small(self) -> np.ndarray:
        """Pixels of small nodules."""
        area = np.pi / 4 * SMALL_MM**2 * self.patch.px_per_mm**2
        return (self.footprint > 0) & (self.footprint < area)


def cone_of(nodules: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The cone map of a label image and each nodule's visible area, at another resolution.

    Parameters
    ----------
    nodules : numpy.ndarray of int, shape (H, W)
        Visible footprints.
    shape : tuple of int
        Height and width of the result.
    """
    numbers, inverse = np.unique(nodules, return_inverse=True)
    inverse = inverse.reshape(nodules.shape)
    size = np.bincount(inverse.ravel()).astype(float)
    rows, columns = np.indices(nodules.shape)
    y = np.bincount(inverse.ravel(), rows.ravel()) / size
    x = np.bincount(inverse.ravel(), columns.ravel()) / size
    distance = np.hypot(rows - y[inverse], columns - x[inverse])
    radius = np.sqrt(size / np.pi)[inverse]
    height = EDGE + (1 - EDGE) * np.clip(1 - distance / radius, 0, 1)
    if numbers[0] == 0:
        height[inverse == 0] = 0
    area = np.where(inverse == 0, 0, size[inverse]) if numbers[0] == 0 else size[inverse]
    area = area * (shape[0] * shape[1] / nodules.size)
    cone = cv2.resize(height.astype(np.float32), shape[::-1], interpolation=cv2.INTER_AREA)
    nearest = cv2.resize(area.astype(np.float32), shape[::-1], interpolation=cv2.INTER_NEAREST)
    return cone, np.where(cone > 0, nearest, 0)


def lobe_samples(photo: Photo) -> Iterator[LobeSample]:
    """Every lobe that is found on a photo, with its truth in pixels of the patch."""
    lobes = find_lobes(photo.rgb, px_per_mm=photo.px_per_mm)
    for number in range(1, lobes.count + 1):
        patch = lobe_patch(photo.rgb, lobes, number)
        cone, footprint = cone_of(photo.nodules[patch.window], patch.mask.shape)
        factor = patch.px_per_mm / photo.px_per_mm
        y = (photo.table["y_px"].to_numpy() - patch.top + 0.5) * factor - 0.5
        x = (photo.table["x_px"].to_numpy() - patch.left + 0.5) * factor - 0.5
        height, width = patch.mask.shape
        row, column = np.rint(y).astype(int), np.rint(x).astype(int)
        here = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        near = cv2.dilate(patch.mask.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
        here[here] = near[row[here], column[here]]
        yield LobeSample(
            patch,
            surface(patch),
            cone,
            footprint,
            y[here],
            x[here],
            photo.table["radius_px"].to_numpy()[here] * factor,
            photo.table["visible_fraction"].to_numpy()[here],
        )


def pixel_choice(sample: LobeSample, rng: np.random.Generator) -> np.ndarray:
    """A mask of pixels to learn from.

    A third lie anywhere on the lobe, a third on and next to nodules, a third on and next to the
    small ones, which have few pixels and would be lost otherwise.
    """
    mask = sample.patch.mask
    ring = np.ones((9, 9), np.uint8)
    near = cv2.dilate((sample.cone > 0).astype(np.uint8), ring) > 0
    small = cv2.dilate((sample.small & (sample.cone > 0)).astype(np.uint8), ring) > 0
    chosen = np.zeros(mask.shape, bool)
    for where in (mask & ~near, mask & near, mask & small):
        places = np.flatnonzero(where)
        if len(places):
            take = min(len(places), PIXELS_PER_LOBE // 3)
            chosen.ravel()[rng.choice(places, take, replace=False)] = True
    return chosen


def pixel_weight(sample: LobeSample) -> np.ndarray:
    """Weight of every pixel: on small nodules up to `MOST_WEIGHT`, 1 elsewhere."""
    reference = np.pi / 4 * SMALL_MM**2 * sample.patch.px_per_mm**2
    weight = np.sqrt(reference / np.maximum(sample.footprint, 1))
    return np.where(sample.cone > 0, np.clip(weight, 1, MOST_WEIGHT), 1).astype(np.float32)


def matches(
    y: np.ndarray, x: np.ndarray, sample: LobeSample, *, least_mm: float = 0.25
) -> tuple[np.ndarray, np.ndarray]:
    """One-to-one pairs of candidates and true nodules, nearest overall.

    A pair's centres lie within the larger of the true radius and `least_mm`.

    Returns
    -------
    tuple of numpy.ndarray of int
        Rows of candidates and rows of nodules.
    """
    if len(y) == 0 or len(sample.y) == 0:
        return np.zeros(0, int), np.zeros(0, int)
    distance = np.hypot(y[:, None] - sample.y, x[:, None] - sample.x)
    reach = np.maximum(sample.radius, least_mm * sample.patch.px_per_mm)
    cost = np.where(distance <= reach, distance / 1e5 - 1, 0.0)
    rows, columns = linear_sum_assignment(cost)
    paired = cost[rows, columns] < 0
    return rows[paired], columns[paired]
