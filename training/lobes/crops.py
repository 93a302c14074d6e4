"""Crops of rendered photos in other light and colours, with what the network is to say."""

import cv2
import numpy as np

from xenoquant.imgproc.lobe_network import CORE_MM, NETWORK_PX_PER_MM, lobe_planes

from ..draws import Crop
from .photos import KEPT_PX_PER_MM, Photo

SIDE = 128
SEAM_MM = 1.2
"""Pixels as near to two lobes are learned from with more weight."""

SEAM_WEIGHT = 4.0


def cut(photo: Photo, rng: np.random.Generator) -> Crop:
    """A random crop, turned, scaled and recoloured; targets and weights are of lobe and core."""
    scale = NETWORK_PX_PER_MM * float(np.exp(rng.uniform(np.log(0.6), np.log(1.4))))
    zoom = scale / KEPT_PX_PER_MM
    angle = rng.uniform(0, 2 * np.pi) if rng.random() < 0.5 else 0.0
    turn = zoom * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    height, width = photo.lobes.shape
    room = np.maximum(0, np.array([width, height]) * zoom - 0.8 * SIDE) / 2
    middle = np.array([width, height]) / 2 + rng.uniform(-1, 1, 2) * room / zoom
    matrix = np.concatenate([turn, (SIDE / 2 - turn @ middle)[:, None]], axis=1)
    rgb = np.clip(photo.rgb / np.float32(255), 0, 1).astype(np.float32)
    rgb = with_thing(cv2.GaussianBlur(rgb, (0, 0), 0.35 / zoom), photo.lobes > 0, rng)
    rgb = recoloured(rgb, photo.lobes > 0, rng)
    seen = cv2.warpAffine(
        rgb, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    lobes = cv2.warpAffine(photo.lobes, matrix, (SIDE, SIDE), flags=cv2.INTER_NEAREST)
    within = cv2.warpAffine(np.ones_like(photo.lobes), matrix, (SIDE, SIDE)) > 0
    targets, weight = wanted(lobes, within, scale)
    return flipped(noisy(seen, rng), targets, weight, rng)


def with_thing(rgb: np.ndarray, lobes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Now and then a plain rectangle or ellipse of any colour beside or under the lobes."""
    if rng.random() > 0.3:
        return rgb
    height, width = lobes.shape
    middle = (float(rng.uniform(0, width)), float(rng.uniform(0, height)))
    sides = np.exp(rng.uniform(np.log(3), np.log(20), 2)) * KEPT_PX_PER_MM
    box = (middle, (float(sides[0]), float(sides[1])), float(rng.uniform(0, 90)))
    thing = np.zeros(lobes.shape, np.float32)
    if rng.random() < 0.7:
        cv2.fillPoly(thing, [np.round(cv2.boxPoints(box)).astype(np.int32)], 1)
    else:
        cv2.ellipse(thing, box, 1, -1)
    soft = cv2.GaussianBlur(thing * ~lobes, (0, 0), 0.7)[..., None]
    light = np.float32(rng.uniform(0.6, 1.2)) * rgb.max(axis=2, keepdims=True)
    plain = rng.uniform(0, 1, 3).astype(np.float32) ** np.float32(0.5)
    return rgb * (1 - soft) + soft * plain * (0.5 * light + np.float32(0.3))


def recoloured(rgb: np.ndarray, lobes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another light and camera, and now and then lungs or a background of another colour."""
    if rng.random() < 0.3:  # less fixed: redder, paler or darker
        tint = np.array([rng.uniform(0.8, 1.2), rng.uniform(0.5, 1.1), rng.uniform(0.6, 1.6)])
        soft = cv2.GaussianBlur(lobes.astype(np.float32), (0, 0), 0.7)[..., None]
        rgb = rgb * (1 + soft * (tint.astype(np.float32) - 1))
    if rng.random() < 0.3:  # another cloth
        soft = cv2.GaussianBlur(lobes.astype(np.float32), (0, 0), 0.7)[..., None]
        tint = np.exp(rng.normal(0, 0.35, 3)).astype(np.float32)
        rgb = rgb * (soft + (1 - soft) * tint)
    gain = np.exp(rng.normal(0, 0.1, 3) + rng.normal(0, 0.15)).astype(np.float32)
    gamma = np.float32(np.exp(rng.normal(0, 0.15)))
    return np.clip(np.clip(rgb, 0, 1) ** gamma * gain, 0, 1)


def noisy(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blur and noise."""
    if rng.random() < 0.3:
        rgb = cv2.GaussianBlur(rgb, (0, 0), float(rng.uniform(0.4, 1.5)))
    if rng.random() < 0.3:
        rgb = rgb + rng.standard_normal(rgb.shape, np.float32) * np.float32(rng.uniform(0, 0.03))
    return np.clip(rgb, 0, 1)


def wanted(lobes: np.ndarray, within: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Targets and weights; what lies outside the photo weighs nothing."""
    targets = np.zeros((2, *lobes.shape), np.float32)
    targets[0] = lobes > 0
    near = np.zeros(lobes.shape, np.uint8)
    for number in np.unique(lobes[lobes > 0]):
        own = lobes == number
        # the photo's edge is no outline
        depth = cv2.distanceTransform((own | ~within).astype(np.uint8), cv2.DIST_L2, 5)
        targets[1][own & (depth > CORE_MM * scale)] = 1
        beside = cv2.distanceTransform((~own).astype(np.uint8), cv2.DIST_L2, 5)
        near += beside < SEAM_MM * scale
    weight = np.repeat(within[None].astype(np.float32), 2, axis=0)
    weight[:, near > 1] *= SEAM_WEIGHT
    return targets, weight


def flipped(
    rgb: np.ndarray, targets: np.ndarray, weight: np.ndarray, rng: np.random.Generator
) -> Crop:
    """Mirrored and transposed at random."""
    parts = [lobe_planes(rgb), targets, weight]
    up, left, over = rng.random(3) < 0.5
    if up:
        parts = [part[:, ::-1] for part in parts]
    if left:
        parts = [part[:, :, ::-1] for part in parts]
    if over:
        parts = [part.transpose(0, 2, 1) for part in parts]
    return Crop(*(np.ascontiguousarray(part) for part in parts))
