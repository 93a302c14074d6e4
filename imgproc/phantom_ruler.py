"""A millimetre ruler for the lung phantoms, true to their scale."""

from dataclasses import dataclass

import cv2
import numpy as np

from .phantom_optics import blurred, smooth_noise, to_linear

PLATE_AND_INK_SRGB = (
    ((236, 233, 228), (35, 35, 40)),
    ((168, 170, 172), (30, 30, 32)),
    ((240, 238, 232), (150, 25, 30)),
    ((228, 196, 60), (25, 22, 20)),
    ((32, 32, 34), (225, 225, 222)),
)
"""White plastic, steel, white with red ink, yellow, black with white ink."""

TURN = {"bottom": 0.0, "top": np.pi, "left": np.pi / 2, "right": -np.pi / 2}
"""Direction in which the numbers run, in radians, when the ticks point into the frame."""


@dataclass(frozen=True)
class Ruler:
    """Where a ruler lies.

    Attributes
    ----------
    side : str
        bottom, top, left or right.
    depth_px : float
        Its breadth.
    gap_px : float
        Distance from the frame's side.
    tilt : float
        Turn against the side, in radians.
    length_px : float
        Its length.
    reserved_px : float
        What it takes of the frame.
    """

    side: str
    depth_px: float
    gap_px: float
    tilt: float
    length_px: float
    reserved_px: float


def lay_ruler(rng: np.random.Generator, shape: tuple[int, int], px_per_mm: float) -> Ruler:
    """A place for a ruler along a random side.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : tuple of int
        Height and width of the frame.
    px_per_mm : float
        Scale.

    Returns
    -------
    Ruler
        Flush with the frame and beyond its ends, or wholly inside.
    """
    side = ("bottom", "bottom", "top", "left", "right")[int(rng.integers(5))]
    height, width = shape
    across, along = (height, width) if side in ("bottom", "top") else (width, height)
    depth = float(np.clip(rng.uniform(2.5, 6.0) * px_per_mm, 12, 0.17 * across))
    tilt = rng.normal(0, 0.02) if rng.random() < 0.5 else 0.0
    sway = abs(np.sin(tilt)) * along / 2
    if rng.random() < 0.35:
        gap = rng.uniform(0.01, 0.03) * across + sway
        return Ruler(side, depth, gap, tilt, rng.uniform(0.6, 0.92) * along, gap + depth + sway)
    return Ruler(side, depth + 2 * sway, -sway, tilt, 1.3 * along, depth + 2 * sway)


def draw_ruler(rng: np.random.Generator, image: np.ndarray, ruler: Ruler, px_per_mm: float) -> None:
    """Lay the ruler on linear light (height, width, 3), in place."""
    face = _face(rng, int(ruler.length_px), max(8, int(ruler.depth_px)), px_per_mm)
    height, width = image.shape[:2]
    edge = ruler.gap_px + ruler.depth_px
    middle = {
        "bottom": (width / 2, height - edge),
        "top": (width / 2, edge),
        "left": (edge, height / 2),
        "right": (width - edge, height / 2),
    }[ruler.side]
    angle = TURN[ruler.side] + ruler.tilt
    cosine, sine = np.cos(angle), np.sin(angle)
    half = face.shape[1] / 2
    place = np.array(
        [[cosine, -sine, middle[0] - half * cosine], [sine, cosine, middle[1] - half * sine]]
    )
    laid = cv2.warpAffine(face, place, (width, height), flags=cv2.INTER_LINEAR)
    solid = np.ones(face.shape[:2], np.float32)
    alpha = cv2.warpAffine(solid, place, (width, height))[..., None]
    image *= 1 - 0.3 * blurred(alpha[..., 0], 0.12 * px_per_mm + 1)[..., None]
    image[...] = image * (1 - alpha) + laid  # the warp has faded the face's border already


def _face(rng: np.random.Generator, length: int, depth: int, px_per_mm: float) -> np.ndarray:
    """The ruler seen from the front, linear light, its scale along the upper edge."""
    plate, ink = (
        to_linear(colour)
        for colour in PLATE_AND_INK_SRGB[int(rng.integers(len(PLATE_AND_INK_SRGB)))]
    )
    plate = plate * np.float32(rng.uniform(0.75, 1.0))
    face = plate * (1 + 0.03 * smooth_noise(rng, (depth, length), 40))[..., None]
    coverage = np.zeros((depth, length), np.float32)
    start = rng.uniform(0.5, 6) * px_per_mm
    half = max(0.6, rng.uniform(0.04, 0.09) * px_per_mm)
    unit = 2 if rng.random() < 0.2 and px_per_mm >= 40 else 1
    long_share = rng.uniform(0.4, 0.65)
    column = np.arange(length, dtype=np.float32)
    for tick in range(unit * int(length / px_per_mm) + 1):
        at = start + tick * px_per_mm / unit
        order = 1.0 if tick % (10 * unit) == 0 else 0.75 if tick % (5 * unit) == 0 else 0.5
        order = order if tick % unit == 0 else 0.3
        rows = slice(0, int(long_share * order * depth))
        line = np.clip(half + 0.5 - np.abs(column - at), 0, 1)
        coverage[rows] = np.maximum(coverage[rows], line)
    _number(rng, coverage, start, px_per_mm)
    return (face * (1 - coverage[..., None]) + ink * coverage[..., None]).astype(np.float32)


def _number(rng: np.random.Generator, coverage: np.ndarray, start: float, px_per_mm: float) -> None:
    """Write centimetres, or millimetres by tens, below their ticks, in place."""
    depth, length = coverage.shape
    size = depth / 90
    stroke = max(1, round(1.6 * size))
    unit = 10 if rng.random() < 0.3 else 1
    page = np.zeros(coverage.shape, np.uint8)
    for number in range(int((length - start) / (10 * px_per_mm)) + 1):
        place = (round(start + 10 * number * px_per_mm + 3 * size), round(0.9 * depth))
        text = str(unit * number)
        cv2.putText(page, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, 255, stroke, cv2.LINE_AA)
    np.maximum(coverage, page.astype(np.float32) / 255, out=coverage)
