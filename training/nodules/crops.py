"""Crops of rendered lobes with what the network is to say of every pixel."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from xenoquant.imgproc.nodule_network import (
    RADIUS_UNIT_PX,
    network_planes,
    patch_place,
    tissue_level,
)

from ..draws import Crop
from .lobes import Lobe

SIDE = 128
SMALL_MM = 0.6
"""Pixels of nodules of less than this diameter are learned from with more weight."""

MOST_WEIGHT = 4.0
AT_RIM_PX = 6.0
BESIDE_WEIGHT = 0.3
"""Of pixels that aren't on the lobe."""


@dataclass(frozen=True)
class Sample:
    """A lobe, ready to be cut."""

    lobe: Lobe

    @cached_property
    def level(self) -> np.ndarray:
        """Colour of its plain tissue."""
        return tissue_level(self.lobe.patch)

    @cached_property
    def place(self) -> tuple[np.ndarray, np.ndarray]:
        """Place and distance to the outline."""
        return patch_place(self.lobe.patch)

    @cached_property
    def on_lobe(self) -> np.ndarray:
        """Flat indices of the lobe's pixels."""
        return np.flatnonzero(self.lobe.mask)

    @cached_property
    def at_rim(self) -> np.ndarray:
        """Flat indices of the pixels near its outline."""
        return np.flatnonzero(np.abs(self.place[1]) < AT_RIM_PX)


def where(sample: Sample, rng: np.random.Generator) -> tuple[float, float]:
    """Middle of a crop: half anywhere on the lobe, a quarter each on a nodule and at the rim."""
    lobe, kind = sample.lobe, rng.random()
    if kind < 0.25 and len(lobe.centre):
        y, x = lobe.centre[rng.integers(len(lobe.centre))]
    else:
        pool = sample.at_rim if kind < 0.5 and len(sample.at_rim) else sample.on_lobe
        y, x = np.unravel_index(pool[rng.integers(len(pool))], lobe.mask.shape)
    shift = rng.uniform(-0.25, 0.25, 2) * SIDE
    return float(y + shift[0]), float(x + shift[1])


def cut(sample: Sample, rng: np.random.Generator) -> Crop:
    """A random crop, turned, scaled and recoloured.

    The targets are inside, cone, log radius, way in y and in x.
    """
    lobe = sample.lobe
    zoom = float(np.exp(rng.uniform(-0.25, 0.25))) if rng.random() < 0.6 else 1.0
    angle = rng.uniform(0, 2 * np.pi) if zoom != 1.0 else 0.0
    middle = where(sample, rng)
    turn = zoom * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if zoom == 1.0:
        middle = (round(middle[0]), round(middle[1]))
    shift = np.full(2, SIDE / 2) - turn @ np.array(middle[::-1])
    matrix = np.concatenate([turn, shift[:, None]], axis=1)

    def moved(image: np.ndarray, how: int, border: int, value: float = 0) -> np.ndarray:
        return cv2.warpAffine(
            image, matrix, (SIDE, SIDE), flags=how, borderMode=border, borderValue=value
        )

    rgb = moved(lobe.rgb, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
    place = moved(sample.place[0], cv2.INTER_NEAREST, cv2.BORDER_REPLICATE)
    rim = moved(sample.place[1], cv2.INTER_LINEAR, cv2.BORDER_REPLICATE) * np.float32(zoom)
    nodules = moved(lobe.nodules.astype(np.float32), cv2.INTER_NEAREST, cv2.BORDER_CONSTANT)
    rgb, level = recoloured(rgb, sample.level, rng)
    centre = lobe.centre[:, ::-1] @ turn.T + shift  # x, y
    targets, weight = wanted(
        nodules.astype(np.int32),
        centre[:, ::-1],
        lobe.radius * zoom,
        lobe.countable,
        place,
        lobe.px_per_mm,
    )
    crop = [network_planes(rgb, place, rim, level), targets, weight[None]]
    return Crop(*flipped(crop, rng))


def recoloured(
    rgb: np.ndarray, level: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Another light and camera: gains, gamma, blur, noise; the tissue's level follows."""
    gain = np.exp(rng.normal(0, 0.08, 3) + rng.normal(0, 0.1)).astype(np.float32)
    gamma = np.exp(rng.normal(0, 0.12))
    rgb = np.clip(np.maximum(rgb, 0) ** np.float32(gamma) * gain, 0, 1)
    level = np.clip(level ** np.float32(gamma) * gain, 0, 1)
    if rng.random() < 0.3:
        rgb = cv2.GaussianBlur(rgb, (0, 0), float(rng.uniform(0.3, 1.0)))
    if rng.random() < 0.3:
        grain = rng.standard_normal(rgb.shape, np.float32) * np.float32(rng.uniform(0, 0.03))
        rgb = np.clip(rgb + grain, 0, 1)
    return rgb.astype(np.float32), level.astype(np.float32)


def wanted(
    nodules: np.ndarray,
    centre: np.ndarray,
    radius: np.ndarray,
    countable: np.ndarray,
    place: np.ndarray,
    px_per_mm: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Targets and weight of every pixel; nodules that no reader could count weigh nothing."""
    targets = np.zeros((5, *nodules.shape), np.float32)
    weight = np.where(place <= 0, np.float32(BESIDE_WEIGHT), np.float32(1))
    y, x = np.nonzero(nodules)
    which = nodules[y, x] - 1
    way = (centre[which] - np.stack([y, x], axis=1)) / radius[which][:, None]
    targets[0, y, x] = 1
    targets[1, y, x] = np.clip(1 - np.hypot(*way.T), 0, 1)
    targets[2, y, x] = np.log(radius[which] / RADIUS_UNIT_PX)
    targets[3:, y, x] = np.clip(way, -2, 2).T
    small = 0.5 * SMALL_MM * px_per_mm / radius[which]
    weight[y, x] = np.clip(small, 1, MOST_WEIGHT) * countable[which]
    return targets, weight


def flipped(parts: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Mirrored and transposed at random; the way's components turn along."""
    up, left, over = rng.random(3) < 0.5
    planes, targets, weight = (part.copy() for part in parts)
    if up:
        planes, targets, weight = (part[:, ::-1] for part in (planes, targets, weight))
        targets = targets * SIGNS_UP
    if left:
        planes, targets, weight = (part[:, :, ::-1] for part in (planes, targets, weight))
        targets = targets * SIGNS_LEFT
    if over:
        planes, targets, weight = (part.transpose(0, 2, 1) for part in (planes, targets, weight))
        targets = targets[[0, 1, 2, 4, 3]]
    return [np.ascontiguousarray(part) for part in (planes, targets, weight[0])]


SIGNS_UP = np.array([1, 1, 1, -1, 1], np.float32)[:, None, None]
SIGNS_LEFT = np.array([1, 1, 1, 1, -1], np.float32)[:, None, None]
