"""Lung lobes painted one over the other, with the labels and the truth of their nodules."""

from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd

from .phantom_hilum import hilum_bodies
from .phantom_lobes import Dome, LobeShape, dome, polygon_mask
from .phantom_lung_scene import LUNG_TYPES, LungScene
from .phantom_nodules import (
    NoduleBumps,
    Relief,
    diameters_mm,
    irregular_waves,
    place_nodules,
    raise_nodules,
)
from .phantom_optics import blurred
from .phantom_surface import (
    Lights,
    Wetness,
    add_patches,
    add_vessels,
    contrast_of,
    nodule_colours,
    paint_nodules,
    shade,
    surface_normals,
    tissue_albedo,
    tissue_colour,
)

KEYS_PER_LOBE = 1_000_000
"""Nodules are numbered apart in each lobe while the picture is painted."""

HILUM_CLEARANCE_MM = 1.1
"""Nodules keep this far from the hilum, whose fat would hide them."""


@dataclass
class Canvas:
    """The picture while it is being painted.

    Attributes
    ----------
    light : numpy.ndarray
        float32, (height, width, 3), light of the lobes times `alpha`.
    bare : numpy.ndarray
        float32, (height, width, 3), the same where nodules have their tissue's colour.
    alpha : numpy.ndarray
        float32, (height, width), how far lobes cover each pixel.
    lobes, nodules : numpy.ndarray
        int32, (height, width); nodules carry keys until the table is made.
    """

    light: np.ndarray
    bare: np.ndarray
    alpha: np.ndarray
    lobes: np.ndarray
    nodules: np.ndarray


@dataclass(frozen=True)
class Lobe:
    """A lobe and its nodules in a window of the frame."""

    window: tuple[slice, slice]
    shape: LobeShape
    surface: Dome
    bumps: NoduleBumps
    relief: Relief


def blank_canvas(size: tuple[int, int]) -> Canvas:
    """A canvas with nothing on it."""
    return Canvas(
        np.zeros((*size, 3), np.float32),
        np.zeros((*size, 3), np.float32),
        np.zeros(size, np.float32),
        np.zeros(size, np.int32),
        np.zeros(size, np.int32),
    )


def empty_rows() -> pd.DataFrame:
    """The truth about no nodules, with the key that the canvas uses."""
    columns = {name: pd.Series(dtype=kind) for name, kind in LUNG_TYPES.items()}
    return pd.DataFrame(columns | {"key": pd.Series(dtype="int64")})


def grown_lobe(
    rng: np.random.Generator, scene: LungScene, shapes: list[LobeShape], count: int
) -> Lobe:
    """A lobe with its nodules, in a window of its own.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    scene : LungScene
        What the photograph shows.
    shapes : list of LobeShape
        The lobe, then those that will be painted over it.
    count : int
        Nodules.

    Returns
    -------
    Lobe
        Surface and nodules.
    """
    window, low = _window(scene, shapes[0].outline)
    here = [shape.moved(-low) for shape in shapes]
    size = (window[0].stop - window[0].start, window[1].stop - window[1].start)
    mask = polygon_mask(here[0].outline, size)
    thickness = rng.uniform(0.22, 0.5) * float(np.sqrt(mask.sum()))
    surface = dome(mask, thickness, rng.uniform(0.33, 0.52))
    free = mask.copy()
    for other in here[1:]:
        free &= ~polygon_mask(other.outline, size)
    if scene.hilum:
        y, x = np.ogrid[: size[0], : size[1]]
        distance = np.hypot(x - here[0].hilum[0], y - here[0].hilum[1])
        free &= distance > HILUM_CLEARANCE_MM * scene.px_per_mm
    bumps = _bumps(rng, scene, free if free.any() else mask, count)
    relief = raise_nodules(bumps, mask, surface.height, surface.normal)
    if scene.flush:
        relief.label[~mask] = 0
    return Lobe(window, here[0], surface, bumps, relief)


def _window(scene: LungScene, outline: np.ndarray) -> tuple[tuple[slice, slice], np.ndarray]:
    """The part of the frame that a lobe and what stands out of it can touch, and its corner."""
    margin = (0.6 * scene.diameter_mm[1] + 2) * scene.px_per_mm
    low = np.maximum(np.floor(outline.min(axis=0) - margin), 0).astype(int)
    high = np.ceil(outline.max(axis=0) + margin).astype(int) + 1
    bottom, right = min(int(high[1]), scene.size_px[0]), min(int(high[0]), scene.size_px[1])
    return (slice(int(low[1]), bottom), slice(int(low[0]), right)), low.astype(float)


def _bumps(rng: np.random.Generator, scene: LungScene, free: np.ndarray, count: int) -> NoduleBumps:
    """Nodules of one lobe: sizes, places, bulges."""
    wanted = diameters_mm(
        rng,
        count,
        median_mm=scene.diameter_median_mm,
        log_sd=scene.diameter_log_sd,
        limits_mm=scene.diameter_mm,
    )
    centres, radii = place_nodules(
        rng,
        free,
        wanted / 2 * scene.px_per_mm,
        clustering=scene.clustering,
        rim_share=scene.rim_share,
    )
    # a full lobe has room for smaller ones only, and at last for none
    fits = radii >= 0.5 * scene.diameter_mm[0] * scene.px_per_mm
    centres, radii = centres[fits], radii[fits]
    relief = scene.relief * np.exp(rng.normal(0, 0.3, len(radii)))
    return NoduleBumps(
        centres[:, 0],
        centres[:, 1],
        radii,
        np.clip(relief, 0.05, 0.95) * radii,
        rng.uniform(0.6, 1.4, len(radii)),
        irregular_waves(rng, len(radii), scene.irregularity),
    )


def paint_lobe(
    rng: np.random.Generator,
    canvas: Canvas,
    scene: LungScene,
    lights: Lights,
    *,
    lobe: Lobe,
    number: int,
) -> pd.DataFrame:
    """Paint a lobe over what is on the canvas.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    canvas : Canvas
        Changed in place.
    scene : LungScene
        What the photograph shows.
    lights : Lights
        Lamps.
    lobe : Lobe
        The lobe.
    number : int
        Its label.

    Returns
    -------
    pandas.DataFrame
        A row a nodule, with its key in ``canvas.nodules``.
    """
    size, scale = lobe.surface.mask.shape, scene.px_per_mm
    tissue = tissue_colour(rng, scene.appearance)
    albedo = tissue_albedo(rng, size, tissue, px_per_mm=scale, texture=scene.texture)
    add_patches(rng, albedo, lobe.surface.mask, scene.brown_patches, scale)
    if scene.vessels > 0:
        add_vessels(rng, albedo, lobe.shape, px_per_mm=scale, strength=scene.vessels)
    plain = albedo.copy()
    weight, contrast = _coloured(rng, scene, lobe, albedo, tissue)
    normal = surface_normals(rng, lobe.surface, lobe.relief, weight, scale, meniscus=scene.meniscus)
    body = lobe.surface.mask | (lobe.relief.label > 0)
    hidden = np.zeros(size, bool)
    if scene.hilum:
        hilum = hilum_bodies(rng, lobe.shape, size, scale)
        hidden = hilum.mask
        albedo[hidden], normal[hidden] = hilum.albedo[hidden], hilum.normal[hidden]
        plain[hidden] = hilum.albedo[hidden]
    matt, shine = shade(rng, normal, lights, Wetness(scene.glare, scene.rim_light, scale))
    _lay_over(canvas, lobe, albedo * matt + shine, plain * matt + shine, body | hidden)
    _label(canvas, lobe, number, body=body, hidden=hidden)
    return _known(lobe, number, contrast)


def _coloured(
    rng: np.random.Generator,
    scene: LungScene,
    lobe: Lobe,
    albedo: np.ndarray,
    tissue: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Paint the nodules on the tissue, in place; where they are, and their contrasts."""
    count = len(lobe.bumps.y)
    paleness = np.clip(scene.contrast * np.exp(rng.normal(0, 0.12, count)), 0.02, 1)
    colours = nodule_colours(rng, scene.appearance, tissue, paleness, own_tint=scene.own_tint)
    dark = np.where(rng.random(count) < scene.dark_centres, rng.uniform(0.2, 0.6, count), 0)
    soft = np.clip(scene.softness * rng.uniform(0.5, 1.5, count), 0.02, 1)
    weight = paint_nodules(rng, albedo, lobe.relief, colours, softness=soft, dark_centre=dark)
    return weight, np.array([contrast_of(colour, tissue) for colour in colours])


def _lay_over(
    canvas: Canvas, lobe: Lobe, light: np.ndarray, bare: np.ndarray, cover: np.ndarray
) -> None:
    """Compose a lobe over the picture, with its contact shadow on lobes beneath."""
    solid = cover.astype(np.float32)
    alpha = blurred(solid, 0.6)[..., None]
    there = canvas.alpha[lobe.window]
    through = 1 - alpha
    if there.any():
        through = through * (1 - 0.45 * blurred(solid, 0.012 * max(cover.shape))[..., None])
    for layer, seen in ((canvas.light, light), (canvas.bare, bare)):
        layer[lobe.window] = layer[lobe.window] * through + seen * alpha
    canvas.alpha[lobe.window] = there * (1 - alpha[..., 0]) + alpha[..., 0]


def _label(
    canvas: Canvas, lobe: Lobe, number: int, *, body: np.ndarray, hidden: np.ndarray
) -> None:
    """Write a lobe and its nodules into the label images; what the hilum hides is no nodule."""
    cover = body | hidden
    lobes, nodules = canvas.lobes[lobe.window], canvas.nodules[lobe.window]
    lobes[cover] = 0
    lobes[lobe.surface.mask | (body & ~hidden)] = number
    nodules[cover] = 0
    seen = (lobe.relief.label > 0) & ~hidden
    nodules[seen] = number * KEYS_PER_LOBE + lobe.relief.label[seen]


def _known(lobe: Lobe, number: int, contrast: np.ndarray) -> pd.DataFrame:
    """What is known of a lobe's nodules before others cover them."""
    count = len(lobe.bumps.y)
    edge = cv2.distanceTransform(lobe.surface.mask.astype(np.uint8), cv2.DIST_L2, 5)
    row, column = np.rint(lobe.bumps.y).astype(int), np.rint(lobe.bumps.x).astype(int)
    inside_y, inside_x = np.minimum(row, edge.shape[0] - 1), np.minimum(column, edge.shape[1] - 1)
    return pd.DataFrame(
        {
            "lobe": np.full(count, number, np.int64),
            "y_px": lobe.bumps.y + lobe.window[0].start,
            "x_px": lobe.bumps.x + lobe.window[1].start,
            "radius_px": lobe.bumps.radius,
            "visible_fraction": np.zeros(count),
            "conspicuity": np.zeros(count),
            "countable": np.zeros(count, bool),
            "at_rim": edge[inside_y, inside_x] < lobe.bumps.radius,
            "contrast": contrast.astype(np.float64),
            "glare_fraction": np.zeros(count),
            "key": number * KEYS_PER_LOBE + np.arange(1, count + 1, dtype=np.int64),
        }
    )
