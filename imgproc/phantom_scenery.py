"""What stands around the lungs in a photograph: background, ruler, label, pins, shadows."""

import cv2
import numba
import numpy as np

from .phantom_optics import blurred, fractal_noise, smooth_noise, to_linear

BACKGROUND_SRGB: dict[str, tuple[tuple[float, float, float], ...]] = {
    "black": ((16, 16, 18), (30, 28, 30), (8, 9, 10), (38, 36, 34)),
    "white": ((232, 232, 230), (215, 216, 214), (242, 240, 236)),
    "blue": ((58, 98, 155), (40, 80, 130), (95, 140, 190), (25, 55, 110)),
    "green": ((60, 130, 90), (30, 95, 70), (110, 160, 120), (45, 110, 105)),
    "cloth": ((90, 130, 160), (110, 150, 130), (200, 200, 196), (60, 90, 130), (130, 130, 132)),
    "paper": ((235, 232, 222), (222, 220, 214), (228, 220, 200)),
}
"""Colours seen behind excised organs: velvet, foam, trays, drapes, filter paper."""

LABEL_TEXTS = ("M", "mouse ", "L", "#", "A-", "ID ", "lung ", "No. ")
"""Beginnings of what is written on a label."""

FONTS = (
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_COMPLEX_SMALL,
)
"""OpenCV's stroke fonts, two of which look written by hand."""

PIN_SRGB = ((200, 30, 40), (240, 240, 238), (30, 60, 170), (235, 200, 40), (25, 25, 25))
"""Colours of the heads of glass-headed pins."""


def background_light(
    rng: np.random.Generator, kind: str, shape: tuple[int, int], px_per_mm: float
) -> np.ndarray:
    """Reflectance of a background.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    kind : str
        black, white, blue, green, cloth or paper.
    shape : tuple of int
        Height and width.
    px_per_mm : float
        Scale, so that a weave has its size.

    Returns
    -------
    numpy.ndarray
        float32, (height, width, 3), linear light.
    """
    colours = BACKGROUND_SRGB[kind]
    colour = to_linear(colours[int(rng.integers(len(colours)))])
    tint = 0.03 if kind in ("white", "paper") else 0.12
    colour = colour * np.exp(rng.normal(0, tint, 3)).astype(np.float32)
    mottle = 1 + 0.07 * fractal_noise(rng, shape, rng.uniform(2, 8) * px_per_mm, octaves=2)
    grain = 1 + rng.uniform(0.0, 0.02) * smooth_noise(rng, shape, max(1.0, 0.06 * px_per_mm))
    field = mottle * grain
    if kind == "cloth":
        field = field * _weave(rng, shape, px_per_mm)
    elif kind == "paper":
        field = field * (1 + 0.03 * fractal_noise(rng, shape, 0.4 * px_per_mm, octaves=2))
        if rng.random() < 0.3:
            field = field * _grid_lines(rng, shape, px_per_mm)
    elif kind == "black":
        field = field * (1 + 0.25 * fractal_noise(rng, shape, 5 * px_per_mm, octaves=2))
    image = np.maximum(field, 0.02)[..., None] * colour
    if kind in ("black", "blue", "green") and rng.random() < 0.6:
        _speckle_dust(rng, image, px_per_mm)
    return np.clip(image, 0, 1.2).astype(np.float32)


def _weave(rng: np.random.Generator, shape: tuple[int, int], px_per_mm: float) -> np.ndarray:
    """A plain weave: threads over and under, with uneven threads and soft folds."""
    period = max(3.0, rng.uniform(0.25, 0.9) * px_per_mm)
    wobble = smooth_noise(rng, shape, 6 * period)
    depth = rng.uniform(0.1, 0.4)
    cloth = _threads(wobble, rng.uniform(-0.5, 0.5), np.pi / period, depth)
    return cloth + 0.12 * fractal_noise(rng, shape, rng.uniform(5, 14) * px_per_mm, octaves=2)


@numba.njit(cache=True)
def _threads(wobble: np.ndarray, turn: float, rate: float, depth: float) -> np.ndarray:
    """Brightness of crossing threads, turned and wobbling (rate: radians per pixel)."""
    height, width = wobble.shape
    cosine, sine = np.cos(turn), np.sin(turn)
    cloth = np.empty((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            shift = 0.47 * wobble[y, x]
            u = rate * (cosine * x + sine * y) + shift
            v = rate * (cosine * y - sine * x) + shift
            threads = 0.5 * (abs(np.sin(u)) + abs(np.sin(v))) + 0.25 * np.cos(u) * np.cos(v)
            cloth[y, x] = 1 + depth * (threads - 0.6)
    return cloth


def _grid_lines(rng: np.random.Generator, shape: tuple[int, int], px_per_mm: float) -> np.ndarray:
    """Squared paper: faint lines every 5 mm."""
    lines = np.ones(shape, np.float32)
    thickness = max(1, round(0.15 * px_per_mm))
    for axis, length in enumerate(shape):
        for at in np.arange(rng.uniform(0, 5) * px_per_mm, length, 5 * px_per_mm).astype(int):
            index = [slice(None), slice(None)]
            index[axis] = slice(at, at + thickness)
            lines[tuple(index)] = 0.72
    return lines


def _speckle_dust(rng: np.random.Generator, image: np.ndarray, px_per_mm: float) -> None:
    """Small pale fibres and drops on a dark background, drawn in place."""
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(4, 30))):
        y, x = rng.uniform(0, height), rng.uniform(0, width)
        angle, length = rng.uniform(0, np.pi), rng.uniform(0.05, 0.6) * px_per_mm
        stop = (round(x + length * np.cos(angle)), round(y + length * np.sin(angle)))
        value = float(rng.uniform(0.05, 0.35))
        cv2.line(image, (round(x), round(y)), stop, (value,) * 3, 1, cv2.LINE_AA)


def draw_label(
    rng: np.random.Generator, image: np.ndarray, corner: tuple[int, int], size: tuple[int, int]
) -> None:
    """A paper label with handwriting, drawn in place (corner y, x; size height, width)."""
    height, width = size
    paper = to_linear(((238, 236, 228), (240, 228, 150), (222, 226, 230))[int(rng.integers(3))])
    ink = to_linear(((30, 30, 110), (20, 20, 20), (150, 30, 30))[int(rng.integers(3))])
    ground = 1 + 0.03 * fractal_noise(rng, size, max(4.0, height / 4))
    text = LABEL_TEXTS[int(rng.integers(len(LABEL_TEXTS)))] + str(int(rng.integers(1, 400)))
    font = FONTS[int(rng.integers(len(FONTS)))]
    stroke = max(1, height // 22)
    (text_width, text_height), _ = cv2.getTextSize(text, font, 1.0, stroke)
    scale = min(0.8 * width / text_width, 0.55 * height / text_height)
    at = (int(0.1 * width), int(0.5 * (height + scale * text_height)))
    writing = _written(size, text, at, (font, scale, stroke))
    writing = _wavy(rng, writing, 0.04 * height)
    tag = paper * ground[..., None] * (1 - writing[..., None]) + ink * writing[..., None]
    _paste_turned(image, tag.astype(np.float32), corner, rng.uniform(-6, 6))


def _written(
    size: tuple[int, int], text: str, at: tuple[int, int], pen: tuple[int, float, int]
) -> np.ndarray:
    """Coverage 0..1 of a written text (at x, y; pen: font, scale, stroke width)."""
    font, scale, stroke = pen
    page = np.zeros(size, np.uint8)
    cv2.putText(page, text, at, font, scale, 255, stroke, cv2.LINE_AA)
    return page.astype(np.float32) / 255


def _wavy(rng: np.random.Generator, image: np.ndarray, amplitude: float) -> np.ndarray:
    """Strokes displaced as by an unsteady hand."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    scale = max(6.0, image.shape[0] / 3)
    shift = [np.float32(amplitude) * smooth_noise(rng, image.shape, scale) for _ in range(2)]
    return cv2.remap(image, x + shift[0], y + shift[1], cv2.INTER_LINEAR)


def _paste_turned(
    image: np.ndarray, patch: np.ndarray, corner: tuple[int, int], degrees: float
) -> None:
    """Lay a patch on the image, turned about its centre, in place."""
    height, width = patch.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    turn[:, 2] += corner[1], corner[0]
    frame = (image.shape[1], image.shape[0])
    laid = cv2.warpAffine(patch, turn, frame)
    alpha = cv2.warpAffine(np.ones((height, width), np.float32), turn, frame)[..., None]
    image *= 1 - 0.35 * blurred(np.roll(alpha[..., 0], 3, axis=0), 3)[..., None]
    image[...] = image * (1 - alpha) + laid * alpha


def draw_pin(
    rng: np.random.Generator,
    image: np.ndarray,
    head: tuple[float, float],
    *,
    angle: float,
    px_per_mm: float,
) -> np.ndarray:
    """A glass-headed pin seen from above, drawn in place.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    image : numpy.ndarray
        Linear light, (height, width, 3), changed.
    head : tuple of float
        y and x of the head.
    angle : float
        Direction of the shaft in radians, from x towards y.
    px_per_mm : float
        Scale.

    Returns
    -------
    numpy.ndarray
        bool, (height, width), the pixels that the pin covers.
    """
    height, width = image.shape[:2]
    radius = rng.uniform(0.35, 1.1) * px_per_mm
    length = rng.uniform(3, 9) * px_per_mm
    tip = (head[1] + length * np.cos(angle), head[0] + length * np.sin(angle))
    steel = np.zeros((height, width), np.uint8)
    ends = [(round(x * 8), round(y * 8)) for x, y in ((head[1], head[0]), tip)]
    cv2.line(steel, ends[0], ends[1], 255, max(1, round(0.22 * px_per_mm)), cv2.LINE_AA, 3)
    covered = steel > 127
    image[covered] = 0.45
    reach = int(radius) + 3
    rows = slice(max(0, int(head[0]) - reach), max(0, int(head[0]) + reach))
    columns = slice(max(0, int(head[1]) - reach), max(0, int(head[1]) + reach))
    centre = (head[0] - rows.start, head[1] - columns.start)
    covered[rows, columns] |= _glass_head(rng, image[rows, columns], centre, radius)
    return covered


def _glass_head(
    rng: np.random.Generator, image: np.ndarray, head: tuple[float, float], radius: float
) -> np.ndarray:
    """A round glossy head in its part of the image, in place; the pixels that it covers."""
    y, x = np.ogrid[: image.shape[0], : image.shape[1]]
    distance = np.hypot(y - head[0], x - head[1]) / radius
    ball = np.clip((1 - distance) * radius + 0.5, 0, 1)[..., None]
    colour = to_linear(PIN_SRGB[int(rng.integers(len(PIN_SRGB)))])
    shade = 0.45 + 0.55 * np.sqrt(np.clip(1 - distance**2, 0, 1))
    away = (y - head[0] + 0.35 * radius) ** 2 + (x - head[1] + 0.3 * radius) ** 2
    spot = 0.9 * np.exp(-away / (0.18 * radius) ** 2)
    image[...] = image * (1 - ball) + (colour * shade[..., None] + spot[..., None]) * ball
    return ball[..., 0] > 0.5


def cast_shadow(
    image: np.ndarray, alpha: np.ndarray, light_xy: np.ndarray, *, depth_px: float, strength: float
) -> None:
    """Shadow of the lobes on the background, away from the light, in place."""
    if strength <= 0:
        return
    shift = np.array([[1, 0, -light_xy[0] * depth_px], [0, 1, -light_xy[1] * depth_px]])
    moved = cv2.warpAffine(alpha, shift, (alpha.shape[1], alpha.shape[0]))
    soft = 0.65 * blurred(moved, 0.35 * depth_px) + 0.35 * blurred(alpha, 0.8 * depth_px)
    image *= 1 - np.float32(strength) * soft[..., None]


def mirror(
    image: np.ndarray, lobes: np.ndarray, alpha: np.ndarray, *, depth_px: float, strength: float
) -> None:
    """Blurred image of the lobes (light already times alpha) in a wet background, in place."""
    if strength <= 0:
        return
    shift = np.array([[1, 0, 0], [0, 1, depth_px]])
    size = (alpha.shape[1], alpha.shape[0])
    ghost = blurred(cv2.warpAffine(lobes, shift, size), 0.2 * depth_px)
    cover = blurred(cv2.warpAffine(alpha, shift, size), 0.2 * depth_px)[..., None]
    image[...] = image * (1 - strength * cover) + np.float32(strength) * ghost
