"""Crops to learn from: a piece of an image, turned, scaled and lit anew, with what to predict."""

import cv2
import numpy as np
from skimage.measure import label

from xenoquant.imgproc.nucleus_network import DIAMETER_PX

from ..draws import Crop
from .pictures import Picture

SIDE_PX = 128
MARGIN_PX = 32  # around the crop, so that nuclei cut by it keep their true centre
MOST_WEIGHT = 2.5
RADIUS_PX = DIAMETER_PX / 2


def drawn_scale(rng: np.random.Generator) -> float:
    """Draw how far off the assumed diameter is: mostly near, at times threefold."""
    if rng.random() < 0.3:
        return float(np.exp(rng.uniform(np.log(0.33), np.log(2.5))))
    return float(np.exp(rng.normal(0, 0.2)))


def cut(picture: Picture, rng: np.random.Generator, *, plain: bool = False) -> Crop:
    """Cut a piece of a picture.

    Parameters
    ----------
    picture : Picture
        The image.
    rng : numpy.random.Generator
        Draws place, turn, scale and light.
    plain : bool
        Leave scale and light as they are, for validation.

    Returns
    -------
    Crop
        The plane is the intensity. The targets are foreground, touching edge, distance from the
        outline as a share of the nucleus's largest, and the way to its centre in y and x, in
        radii of a canonical nucleus. Small nuclei weigh more.
    """
    scale = DIAMETER_PX / picture.diameter_px * (1.0 if plain else drawn_scale(rng))
    centre = _place(picture, rng, scale)
    back = _to_picture(centre, scale, rng, plain)
    side = SIDE_PX + 2 * MARGIN_PX
    level = int(np.clip(np.floor(np.log2(1 / scale) + 0.25), 0, len(picture.planes) - 1))
    shrink = 2.0**-level
    to_level = back.copy()
    to_level *= shrink
    to_level[:, 2] += 0.5 * shrink - 0.5  # centres of pixels, not their corners
    flags = cv2.WARP_INVERSE_MAP
    intensity = cv2.warpAffine(
        picture.planes[level], to_level, (side, side),
        flags=flags | cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101,
    )  # fmt: skip
    numbers = cv2.warpAffine(
        picture.labels.astype(np.float32), back, (side, side),
        flags=flags | cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101,
    )  # fmt: skip
    labels = label(numbers.astype(np.int32), background=0, connectivity=1)
    if not plain:
        intensity = relit(intensity, labels, rng)
    targets, weight = predicted(labels)
    inner = slice(MARGIN_PX, MARGIN_PX + SIDE_PX)
    return Crop(intensity[None, inner, inner], targets[:, inner, inner], weight[inner, inner])


def _place(picture: Picture, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Choose a centre: near a nucleus, or anywhere once in six times."""
    size = np.array(picture.labels.shape)
    if rng.random() < 1 / 6 or not len(picture.centres):
        return rng.uniform(0, 1, 2) * size
    at = picture.centres[rng.integers(len(picture.centres))]
    return np.clip(at + rng.uniform(-0.4, 0.4, 2) * SIDE_PX / scale, 0, size - 1)


def _to_picture(
    centre: np.ndarray, scale: float, rng: np.random.Generator, plain: bool
) -> np.ndarray:
    """Give the affine map from the crop's (x, y) to the picture's."""
    angle = 0.0 if plain else rng.uniform(0, 2 * np.pi)
    stretch = 0.0 if plain else rng.normal(0, 0.06)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn = turn @ np.diag([np.exp(stretch), np.exp(-stretch)]) / scale
    if not plain and rng.random() < 0.5:
        turn[:, 0] *= -1
    middle = np.full(2, (SIDE_PX + 2 * MARGIN_PX - 1) / 2)
    return np.column_stack([turn, centre[::-1] - turn @ middle])


def _cloud(rng: np.random.Generator, side: int, cells: int) -> np.ndarray:
    """Smooth noise of about `cells` bumps a side, mean 0 and SD about 1."""
    return cv2.resize(
        rng.normal(0, 1, (cells, cells)).astype(np.float32), (side, side),
        interpolation=cv2.INTER_CUBIC,
    )  # fmt: skip


def relit(intensity: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change light, contrast, focus and noise, and how bright each nucleus is."""
    side = intensity.shape[0]
    image = np.maximum(intensity, 0)
    if rng.random() < 0.5:  # nuclei differ in brightness
        gains = np.exp(rng.normal(0, rng.uniform(0.1, 0.7), int(labels.max()) + 1))
        gains[0] = 1
        image = image * cv2.GaussianBlur(gains[labels].astype(np.float32), (0, 0), 1.0)
    if rng.random() < 0.4:
        image = image ** rng.uniform(0.6, 1.6)
    if rng.random() < 0.2:  # chromatin and tissue, as hematoxylin shows them
        grain = _cloud(rng, side, int(rng.integers(24, 64)))
        image = image * np.exp(rng.uniform(0.1, 0.45) * grain)
        stroma = np.abs(_cloud(rng, side, int(rng.integers(6, 40))))
        image = image + rng.uniform(0.03, 0.3) * stroma * (0.3 + (labels == 0))
    if rng.random() < 0.35:  # haze
        image = image + rng.uniform(0, 0.35) * np.abs(_cloud(rng, side, int(rng.integers(2, 6))))
    if rng.random() < 0.35:
        image = cv2.GaussianBlur(image.astype(np.float32), (0, 0), rng.uniform(0.4, 2.0))
    image = image * np.exp(rng.uniform(np.log(0.25), np.log(1.4))) + rng.uniform(-0.03, 0.08)
    if rng.random() < 0.5:
        shot, read = np.exp(rng.uniform(np.log(1e-4), np.log(0.02), 2)) * (1, 2)
        spread = np.sqrt(shot * np.maximum(image, 0) + read**2)
        noise = rng.normal(0, 1, image.shape)
        if rng.random() < 0.3:  # a camera's or a codec's neighbouring pixels share their noise
            noise = 2 * cv2.GaussianBlur(noise, (0, 0), 0.7)
        image = image + spread * noise
    return np.ascontiguousarray(image, np.float32)


def predicted(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give what the network is to say of a label image, and each pixel's weight.

    Parameters
    ----------
    labels : numpy.ndarray
        int, shape (H, W).

    Returns
    -------
    tuple of numpy.ndarray
        Float32 (5, H, W) as `cut` has them, and float32 (H, W).
    """
    inside = labels > 0
    touching, own = np.zeros(labels.shape, bool), np.ones(labels.shape, bool)
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        other = np.roll(labels, step, axis)
        other[(slice(None),) * axis + (0 if step == 1 else -1,)] = 0
        touching |= inside & (other > 0) & (other != labels)
        own &= other == labels
    # half a pixel from the outline to the centre of a nucleus's first pixel
    distance = cv2.distanceTransform((inside & own).astype(np.uint8), cv2.DIST_L2, 5) + 0.5
    n = int(labels.max())
    deepest = np.zeros(n + 1, np.float32)
    np.maximum.at(deepest, labels.ravel().astype(np.intp), distance.ravel())
    area = np.bincount(labels.ravel(), minlength=n + 1)
    rows, columns = np.indices(labels.shape)
    ways = []
    for place in (rows, columns):
        centre = np.bincount(labels.ravel(), place.ravel(), n + 1) / np.maximum(area, 1)
        ways.append(np.where(inside, centre[labels] - place, 0) / RADIUS_PX)
    share = np.where(inside, distance / np.maximum(deepest[labels], 0.5), 0)
    edge = cv2.dilate(touching.astype(np.uint8), np.ones((3, 3), np.uint8))
    targets = np.stack([inside, edge, share, *ways]).astype(np.float32)
    small = np.sqrt(np.pi * RADIUS_PX**2 / np.maximum(area, 1))
    small[0] = 1
    weight = np.clip(small, 1, MOST_WEIGHT)[labels] + edge
    return targets, weight.astype(np.float32)
