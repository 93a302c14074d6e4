"""Photographs of excised, fixed lung lobes with nodules, rendered with exact truth."""

import cv2
import numpy as np
import pandas as pd

from .phantom_lobes import LobeShape, layout, reading_order
from .phantom_lung_scene import LungPhantom, LungScene
from .phantom_optics import blurred, jpeg, light_field, shot_noise, to_srgb
from .phantom_painting import (
    Canvas,
    blank_canvas,
    empty_rows,
    grown_lobe,
    paint_lobe,
)
from .phantom_ruler import Ruler, draw_ruler, lay_ruler
from .phantom_scenery import background_light, cast_shadow, draw_label, draw_pin, mirror
from .phantom_surface import Lights, lamps
from .phantom_visibility import Views, seen_nodules

CLIPPED = 0.98
"""Linear light at which a channel counts as clipped to white."""


def render_lungs(seed: int, *, scene: LungScene | None = None) -> LungPhantom:
    """Photograph of lung lobes with nodules, and the truth about every nodule.

    Parameters
    ----------
    seed : int
        Same seed and scene, same picture.
    scene : LungScene, optional
        What it shows.

    Returns
    -------
    LungPhantom
        Picture, label images, table.

    Raises
    ------
    ValueError
        If `scene.nodules` is a tuple of another length than `scene.lobes`.

    Examples
    --------
    >>> phantom = render_lungs(1, scene=LungScene(size_px=(200, 280), px_per_mm=15, nodules=3))
    >>> phantom.rgb.shape, int(phantom.lobes.max()), len(phantom.table)
    ((200, 280, 3), 1, 3)
    """
    scene = scene or LungScene()
    rng = np.random.default_rng(seed)
    counts = _counts(scene)
    ruler = lay_ruler(rng, scene.size_px, scene.px_per_mm) if scene.ruler else None
    shapes = _arranged(rng, scene, ruler)
    lights = lamps(rng)
    canvas = blank_canvas(scene.size_px)
    rows = [empty_rows()]
    for place, number in enumerate(_numbers(shapes)):
        lobe = grown_lobe(rng, scene, shapes[place:], counts[number - 1])
        rows.append(paint_lobe(rng, canvas, scene, lights, lobe=lobe, number=number))
    light, bare = _surrounded(rng, canvas, scene, lights, ruler)
    rgb, views = _photographed(rng, light, bare, scene)
    known = pd.concat([row for row in rows if len(row)] or rows).sort_values("key")
    nodules, table = seen_nodules(canvas.nodules, canvas.lobes, known, views)
    return LungPhantom(rgb, canvas.lobes, nodules, table, scene.px_per_mm)


def _counts(scene: LungScene) -> tuple[int, ...]:
    """Nodules of each lobe in reading order."""
    if isinstance(scene.nodules, int):
        return (scene.nodules,) * scene.lobes
    if len(scene.nodules) != scene.lobes:
        raise ValueError(
            f"The scene has {scene.lobes} lobes but nodule counts for {len(scene.nodules)}; "
            "give one count for all lobes or one for each."
        )
    return tuple(scene.nodules)


def _arranged(rng: np.random.Generator, scene: LungScene, ruler: Ruler | None) -> list[LobeShape]:
    """Lobes placed in the part of the frame that the ruler leaves free."""
    height, width = scene.size_px
    sides = {"top": 0.0, "left": 0.0, "bottom": float(height), "right": float(width)}
    if ruler is not None:
        inward = 1 if ruler.side in ("top", "left") else -1
        sides[ruler.side] += inward * ruler.reserved_px
    margin = 0.02 * min(height, width)
    frame = (
        sides["top"] + margin,
        sides["left"] + margin,
        sides["bottom"] - margin,
        sides["right"] - margin,
    )
    if scene.lobes == 0:
        return []
    lengths = rng.uniform(*scene.lobe_length_mm, scene.lobes) * scene.px_per_mm
    return layout(rng, lengths, frame, touching=scene.touching)


def _numbers(shapes: list[LobeShape]) -> list[int]:
    """Each lobe's number in reading order, in the order of painting."""
    if not shapes:
        return []
    centres = np.array([shape.outline.mean(axis=0)[::-1] for shape in shapes])
    extents = np.array([np.ptp(shape.outline[:, 1]) for shape in shapes])
    order = reading_order(centres, extents)
    numbers = np.empty(len(order), np.intp)
    numbers[order] = np.arange(1, len(order) + 1)
    return [int(number) for number in numbers]


def _surrounded(
    rng: np.random.Generator,
    canvas: Canvas,
    scene: LungScene,
    lights: Lights,
    ruler: Ruler | None,
) -> tuple[np.ndarray, np.ndarray]:
    """The lobes on their background with whatever lies about, and without nodules' colour."""
    scale = scene.px_per_mm
    flat = lights.ambient + float(lights.strengths @ lights.directions[:, 2])
    light = background_light(rng, scene.background, scene.size_px, scale) * np.float32(flat)
    if scene.label:
        draw_label(rng, light, *_label_place(rng, scene, canvas.alpha, ruler))
    if ruler is not None:
        draw_ruler(rng, light, ruler, scale)
    slant = (lights.strengths[:, None] * lights.directions[:, :2]).sum(axis=0)
    depth = rng.uniform(0.3, 1.2) * scale
    cast_shadow(light, canvas.alpha, slant, depth_px=depth, strength=0.8 * scene.shadow)
    mirror(light, canvas.light, canvas.alpha, depth_px=depth, strength=0.35 * scene.reflection)
    light *= 1 - canvas.alpha[..., None]
    bare = light + canvas.bare
    light = light + canvas.light
    for head, angle in _pins(rng, canvas.lobes, scene.pins):
        hidden = draw_pin(rng, light, head, angle=angle, px_per_mm=scale)
        canvas.nodules[hidden] = 0
        bare[hidden] = light[hidden]
    return light, bare


def _label_place(
    rng: np.random.Generator, scene: LungScene, alpha: np.ndarray, ruler: Ruler | None
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Corner and size of the label: the corner of the frame that shows least lung."""
    height, width = scene.size_px
    tall = int(rng.uniform(0.07, 0.13) * min(height, width))
    wide = int(tall * rng.uniform(2.0, 3.2))
    gap = int(0.03 * min(height, width))
    taken = {"top": gap, "left": gap, "bottom": gap, "right": gap}
    if ruler is not None:
        taken[ruler.side] += int(ruler.reserved_px)
    tops = (taken["top"], height - tall - taken["bottom"])
    lefts = (taken["left"], width - wide - taken["right"])
    corners = [(max(top, 0), max(left, 0)) for top in tops for left in lefts]
    cost = [alpha[top : top + tall, left : left + wide].mean() for top, left in corners]
    return corners[int(np.argmin(np.array(cost) + 1e-3 * rng.random(4)))], (tall, wide)


def _pins(
    rng: np.random.Generator, lobes: np.ndarray, pins: int
) -> list[tuple[tuple[float, float], float]]:
    """Heads (y, x) of pins at the lobes' edges, and the directions of their shafts, outwards."""
    if pins == 0:
        return []
    solid = (lobes > 0).astype(np.uint8)
    rows, columns = np.nonzero(cv2.morphologyEx(solid, cv2.MORPH_GRADIENT, np.ones((5, 5))))
    if len(rows) == 0:
        places = rng.uniform((0, 0), lobes.shape, (pins, 2))
        return [((float(y), float(x)), float(rng.uniform(0, 6.28))) for y, x in places]
    slope = cv2.GaussianBlur(solid.astype(np.float32), (0, 0), 6)
    fall_y, fall_x = -cv2.Sobel(slope, cv2.CV_32F, 0, 1), -cv2.Sobel(slope, cv2.CV_32F, 1, 0)
    chosen = []
    for index in rng.integers(len(rows), size=pins):
        at = (rows[index], columns[index])
        angle = np.arctan2(fall_y[at], fall_x[at]) + rng.normal(0, 0.6)
        chosen.append(((float(at[0]), float(at[1])), float(angle)))
    return chosen


def _photographed(
    rng: np.random.Generator, light: np.ndarray, bare: np.ndarray, scene: LungScene
) -> tuple[np.ndarray, Views]:
    """What the camera stores, and where it clips: uneven light, blur, noise, sRGB, JPEG."""
    gains = np.float32(scene.exposure) * np.array(scene.white_balance, np.float32)
    field = light_field(rng, scene.size_px, scene.uneven_light)[..., None] * gains
    light, bare = (blurred(np.minimum(part * field, 3.0), scene.blur_px) for part in (light, bare))
    clipped = np.asarray((light > CLIPPED).all(axis=2))
    views = Views(to_srgb(light), to_srgb(bare), clipped, 1 / scene.full_well)
    light = shot_noise(light, rng, scene.full_well)
    if scene.sharpening > 0:
        light = light + np.float32(scene.sharpening) * (light - blurred(light, 1.5))
    return jpeg(to_srgb(light), scene.jpeg_quality), views
